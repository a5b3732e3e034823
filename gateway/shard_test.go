package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"
)

// Given events that wait for their handler, then the age of the oldest is told, and none
// once all are handled.
func TestAgeOfTheQueue(t *testing.T) {
	open := make(chan struct{})
	handle := func(_ context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			<-open
		}
	}
	run(t, config{handle: handle}, func(h *harness) {
		open = make(chan struct{})
		h.startLive()
		h.Advance(time.Second)
		idle := h.shard.Stats()
		h.Post("one")
		h.Advance(3 * time.Second)
		h.Post("two")
		h.Advance(time.Second)
		busy := h.shard.Stats()
		close(open)
		h.Advance(0)
		after := h.shard.Stats()
		if idle.QueuedAge != 0 || busy.QueuedAge != 4*time.Second || busy.QueuedBytes == 0 || after.QueuedAge != 0 || after.QueuedBytes != 0 {
			t.Errorf("before %s, meanwhile %s and %d bytes, after %s and %d bytes", idle.QueuedAge, busy.QueuedAge, busy.QueuedBytes, after.QueuedAge, after.QueuedBytes)
		}
	})
}

// Given an observer that is too slow, then what it misses is counted.
func TestSlowObserverMissesWhatIsCounted(t *testing.T) {
	var server scriptedServer
	open := make(chan struct{})
	seen := int64(0)
	run(t, config{options: func(o *gateway.Options) {
		open = make(chan struct{})
		o.Dialer, o.Observer = &server, gateway.ObserverFunc(func(gateway.Observation) { <-open; seen++ })
	}}, func(h *harness) {
		live := server.startLive(h)
		for range 30 {
			for range 100 {
				live.send(`{"op":77}`)
			}
			h.Advance(0)
		}
		missed := h.shard.Stats().Unobserved
		if missed < 1900 || missed > 2100 {
			t.Errorf("%d of more than 3000 observations were dropped", missed)
		}
		close(open)
		h.Advance(0)
		if seen+missed < 3000 || seen+missed > 3020 {
			t.Errorf("%d observations came and %d did not", seen, missed)
		}
	})
}

// Given a queue that was full, then what was left with Discord is fetched as soon as the
// queue is half empty, and not before, and the observer is told.
// Statements: G-029.
func TestQueueIsDrainedWhenHalfEmpty(t *testing.T) {
	const size = 160 + len(`{"id":"2"}`)
	var server scriptedServer
	next := make(chan struct{})
	set := config{
		options: func(o *gateway.Options) {
			o.Dialer, o.QueueBytes = &server, int64(4*size)
			o.Events = []string{"MESSAGE_CREATE"}
		},
		handle: func(context.Context, gateway.Event) { <-next },
	}
	run(t, set, func(h *harness) {
		next = make(chan struct{})
		live := server.startLive(h)
		for seq := range int64(6) { // one is handled, four wait, one is left with Discord
			live.send(event("MESSAGE_CREATE", 2+seq))
			h.Advance(0)
		}
		for waiting := 4; waiting >= 2; waiting-- {
			h.Advance(10 * time.Second)
			if got := h.shard.Stats().QueuedBytes; got != int64(waiting*size) || h.shard.HasOverflow() != (waiting > 2) {
				t.Errorf("%d bytes wait, overflow: %t; want %d", got, h.shard.HasOverflow(), waiting*size)
			}
			if told := len(observed[gateway.QueueDrained](h)); told != 0 && waiting > 2 || told != 1 && waiting == 2 {
				t.Errorf("with %d waiting it was told %d times that the queue is drained", waiting, told)
			}
			next <- struct{}{}
		}
		h.wantReason(gateway.ReasonOverflow)
		close(next)
	})
}

// Given other credentials before the shard runs, then its first IDENTIFY carries them.
func TestReconfigureBeforeRun(t *testing.T) {
	run(t, config{options: func(o *gateway.Options) { o.Token = "an old one" }}, func(h *harness) {
		if err := h.shard.Reconfigure(gateway.Credentials{Token: h.App.Token, Intents: intents}); err != nil {
			t.Fatal(err)
		}
		h.startLive()
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given other credentials while the shard is live, then its next IDENTIFY carries them.
// Statements: G-098.
func TestReconfigureOfALiveShard(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		if err := h.shard.Reconfigure(gateway.Credentials{Token: h.App.Token, Intents: gateway.IntentGuilds}); err != nil {
			t.Fatal(err)
		}
		h.Advance(10 * time.Second)
		h.Inject(discordsim.Fault{Name: "op9-false"})
		h.Until(20*time.Second, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		if sent := observed[gateway.IdentifySent](h); sent[1].Intents != gateway.IntentGuilds {
			t.Errorf("the second IDENTIFY asks for %s", sent[1].Intents)
		}
	})
}

// Given a server that says READY twice on one connection, then the shard keeps to the send
// limits all the same.
// Statements: G-099.
func TestSecondReadyDoublesNoBudget(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) { o.Dialer = &server }}, func(h *harness) {
		live := server.startLive(h)
		live.send(scriptedReady)
		h.Advance(time.Second)
		for range 300 {
			go func() { _ = h.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, h.voiceState()) }()
		}
		h.Advance(30 * time.Second)
		if n := len(live.payloads(gateway.OpVoiceStateUpdate)); n < 90 || n > 120 {
			t.Errorf("%d payloads left in half a minute", n)
		}
	})
}

// Given a new session soon after a RESUME, then its presence is sent at once: what held
// back the one of the session before does not concern it.
// Statements: G-101.
func TestPresenceOfANewSessionIsNotHeldBack(t *testing.T) {
	run(t, config{options: func(o *gateway.Options) { o.Rand = func() float64 { return 0 } }}, func(h *harness) {
		h.startLive()
		h.Advance(30 * time.Second)
		if err := h.shard.SetPresence(gateway.Presence{Status: gateway.StatusIdle}); err != nil {
			t.Fatal(err)
		}
		h.Advance(0)
		h.Inject(discordsim.Fault{Name: "cut"})
		h.untilResumed(time.Second)
		h.Inject(discordsim.Fault{Name: "op9-false"})
		h.Until(4*time.Second, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		sent := len(observed[gateway.PresenceSent](h))
		h.Advance(10 * time.Second)
		if late := len(observed[gateway.PresenceSent](h)) - sent; late != 0 {
			t.Errorf("%d presences were sent later than READY", late)
		}
	})
}

// Given a presence that fits into a payload, but not into an IDENTIFY beside the token,
// then IDENTIFY leaves it out, and it is sent after READY.
// Statements: G-035.
func TestPresenceThatIdentifyHasNoRoomFor(t *testing.T) {
	large := gateway.Presence{Status: gateway.StatusOnline}
	for range 15 {
		large.Activities = append(large.Activities, gateway.Activity{Name: strings.Repeat("a", 100), State: strings.Repeat("b", 118)})
	}
	for range 10 {
		large.Activities = append(large.Activities, gateway.Activity{Name: "c"})
	}
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) { o.Dialer = &server }}, func(h *harness) {
		if err := h.shard.SetPresence(large); err != nil {
			t.Fatal(err)
		}
		live := server.startLive(h)
		h.Advance(time.Second)
		if n := len(live.payloads(2)); n != 1 || strings.Contains(live.payloads(2)[0], "presence") {
			t.Errorf("%d IDENTIFYs were sent", n)
		}
		if n := len(live.payloads(3)); n != 1 {
			t.Errorf("%d presences were sent", n)
		}
		large.Activities = append(large.Activities, large.Activities...)
		if err := h.shard.SetPresence(large); err == nil {
			t.Error("a presence that no payload can carry was taken")
		}
	})
}

// Given a queue that was full, when nothing else wakes the shard, then it goes on when a
// handler has left the queue half empty.
// Statements: G-029.
func TestHandlerWakesTheShardAfterAnOverflow(t *testing.T) {
	var server scriptedServer
	next := make(chan struct{})
	set := config{
		options: func(o *gateway.Options) {
			o.Dialer, o.QueueBytes, o.Rand = &server, 700, lastSlowly
			o.Timing.ClockCheck, o.Timing.SilenceProbe = time.Hour, gateway.Never
			o.Events = []string{"MESSAGE_CREATE"}
		},
		handle: func(context.Context, gateway.Event) { <-next },
	}
	run(t, set, func(h *harness) {
		next = make(chan struct{})
		live := server.startLive(h)
		for seq := range int64(6) {
			live.send(event("MESSAGE_CREATE", 2+seq))
			h.Advance(0)
		}
		for range 3 {
			next <- struct{}{}
			h.Advance(0)
		}
		if n := len(observed[gateway.QueueDrained](h)); n != 1 {
			t.Errorf("it was told %d times that the queue is drained", n)
		}
		close(next)
	})
}

// Given a session of an earlier process, when it is resumed a second time, then what that
// process may have sent counts no more.
// Statements: G-101.
func TestInheritedPresencesCountOnce(t *testing.T) {
	var server scriptedServer
	run(t, config{options: func(o *gateway.Options) {
		o.Dialer, o.Session = &server, gateway.Session{ID: "a", ResumeURL: "ws://resume.discord.sim", Seq: 1}
	}}, func(h *harness) {
		h.start()
		h.Advance(time.Second)
		server.conn(h, 0).send(scriptedResumed)
		h.Advance(time.Minute)
		server.conn(h, 0).send(`{"op":7,"d":null}`)
		h.Advance(time.Second)
		live := server.conn(h, 1)
		live.send(scriptedResumed)
		for _, status := range []gateway.Status{gateway.StatusIdle, gateway.StatusDND} {
			h.Advance(6 * time.Second)
			if err := h.shard.SetPresence(gateway.Presence{Status: status}); err != nil {
				t.Fatal(err)
			}
		}
		h.Advance(0)
		if n := len(live.payloads(3)); n != 3 {
			t.Errorf("%d presences were sent, want that of the RESUME and two", n)
		}
	})
}

// Given a CredentialChecker whose token no IDENTIFY can carry, then the grant is given back
// unspent, and the failure says why.
// Statements: G-103.
func TestCheckersTokenThatIsTooLong(t *testing.T) {
	limiter := &expiringLimiter{IdentifyLimiter: identify.New(identify.Options{})}
	run(t, config{options: func(o *gateway.Options) {
		o.IdentifyLimiter = limiter
		o.CredentialChecker = checkerFunc(func(_ context.Context, _ gateway.Reason, c gateway.Credentials) (gateway.Credentials, error) {
			c.Token = strings.Repeat("x", 5000)
			return c, nil
		})
	}}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "always-close", Code: 4014})
		h.start()
		h.Until(2*time.Minute, "an IDENTIFY has failed", func() bool { return len(h.reasons()) == 2 })
		end := observed[gateway.Disconnected](h)[1].Reason
		if end.Kind != gateway.ReasonWrite || !errors.Is(end.Err, gateway.ErrTooLarge) {
			t.Errorf("the connection ended by %+v", end)
		}
		if _, released := limiter.counts(); len(released) != 2 || released[1] != identify.OutcomeUnsent {
			t.Errorf("the grants were released as %v", released)
		}
		h.WantIdentifies(1)
	})
}
