package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Given a server that gives READY another number than Discord does, or none, then no
// event after it is lost or comes twice, and the session is resumed where it stands.
// Statements: G-048, G-065.
func TestNumbersBeginWhereTheServerBegins(t *testing.T) {
	for _, ready := range []string{"0", "null", "none", "-7", "1", "1000000007", "1e308", `"1"`} {
		t.Run(ready, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.Inject(discordsim.Fault{Name: "ready-seq", Text: ready})
				h.startLive()
				for i := range 3 {
					h.Post(fmt.Sprint("message ", i))
				}
				h.Advance(time.Second)
				h.Inject(discordsim.Fault{Name: "cut"})
				h.Post("message while away")
				h.untilResumed(10 * time.Second)
				h.Post("message at last")
				h.Advance(time.Second)
				if got := len(h.eventsOf("MESSAGE_CREATE")); got != 5 {
					t.Errorf("%d of 5 messages were handled", got)
				}
				h.WantIdentifies(1)
			})
		})
	}
}

// Given a server that counts anew after RESUMED, then the events behind it are handled,
// and the next RESUME names a number of the new count.
func TestNumbersThatBeginAnewAfterResumed(t *testing.T) {
	for _, long := range []int{3, 200} {
		run(t, config{}, func(h *harness) {
			h.startLive()
			for range long {
				h.Post("before")
			}
			h.Advance(time.Second)
			h.Inject(discordsim.Fault{Name: "resumed-seq"})
			for round := range 2 {
				h.Inject(discordsim.Fault{Name: "cut"})
				h.untilResumed(10 * time.Second)
				for range 5 {
					h.Post("after")
				}
				h.Advance(time.Second)
				if got, want := len(h.eventsOf("MESSAGE_CREATE")), long+5*(round+1); got != want {
					t.Errorf("after %d messages and RESUMED %d: %d of %d messages were handled", long, round+1, got, want)
				}
			}
			if seq := h.shard.Session().Seq; seq != 6 {
				t.Errorf("the session is kept with number %d, want 6", seq)
			}
			h.WantIdentifies(1)
		})
	}
}

// Given a single event with a number that makes no sense, then it is handled, and the
// ones after it are too.
func TestOneOddNumberMakesNobodyDeaf(t *testing.T) {
	for _, odd := range []string{"999999999999", "-1", "1e308", "2.5", `"7"`, "99999999999999999999999"} {
		run(t, config{}, func(h *harness) {
			h.startLive()
			for range 100 {
				h.Post("before")
			}
			h.Advance(time.Second)
			h.injectRaw(`{"t":"MESSAGE_CREATE","s":` + odd + `,"op":0,"d":{"id":"1"}}`)
			h.Post("after")
			h.Advance(time.Second)
			if got := len(h.eventsOf("MESSAGE_CREATE")); got != 102 {
				t.Errorf("number %s: %d of 102 messages were handled", odd, got)
			}
			h.Inject(discordsim.Fault{Name: "cut"})
			h.untilResumed(10 * time.Second)
			h.WantIdentifies(1)
			h.NoViolations()
		})
	}
}

// Given a HELLO whose interval makes no sense, then the bot comes online, heartbeats go
// out as often as Discord usually wants them, and the observer learns what was asked.
func TestOddHeartbeatIntervals(t *testing.T) {
	for _, odd := range []string{"1", "0", "-1", "499", "1e308", "1e9", "null", `"soon"`, "[]", "0.0001"} {
		run(t, config{options: withoutProbe}, func(h *harness) {
			h.Inject(discordsim.Fault{Name: "hello-interval", Text: odd})
			h.startLive()
			h.Advance(10 * time.Minute)
			if got := h.shard.Stats().Heartbeats; got < 13 || got > 16 {
				t.Errorf("interval %s: %d heartbeats in ten minutes", odd, got)
			}
			hello := observed[gateway.HelloReceived](h)[0]
			if hello.Odd != odd || hello.Interval != interval {
				t.Errorf("interval %s: the observer was told of %q and %s", odd, hello.Odd, hello.Interval)
			}
			h.NoViolations()
		})
	}
}
