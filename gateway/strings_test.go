package gateway_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

// Every state has a word, and says whether events flow in it.
// Statements: G-159.
func TestStatesHaveWords(t *testing.T) {
	for _, c := range []struct {
		state  gateway.State
		word   string
		online bool
	}{
		{gateway.Idle{}, "idle", false},
		{gateway.Waiting{For: "the budget"}, "waiting for the budget", false},
		{gateway.Connecting{}, "connecting to identify", false},
		{gateway.Connecting{Resuming: true}, "connecting to resume", false},
		{gateway.Identifying{}, "identifying", false},
		{gateway.Resuming{}, "resuming", false},
		{gateway.Live{}, "live", true},
		{gateway.Suspect{}, "suspect", true},
		{gateway.Moving{}, "moving", true},
		{gateway.Parked{}, "parked", false},
		{gateway.Draining{}, "draining", true},
		{gateway.Stopped{}, "stopped", false},
	} {
		if c.state.String() != c.word || gateway.Online(c.state) != c.online {
			t.Errorf("%q is online: %t; want %q, %t", c.state, gateway.Online(c.state), c.word, c.online)
		}
	}
}

// A cause says what happened, with its number or its time, and why.
func TestCausesHaveWords(t *testing.T) {
	refused := &gateway.ConnectError{Kind: gateway.ReasonDial, Err: io.ErrUnexpectedEOF}
	if !errors.Is(refused, io.ErrUnexpectedEOF) || refused.Error() != "dial: unexpected EOF" {
		t.Errorf("a failed dial says %q and hides its cause", refused)
	}
	for cause, want := range map[string]string{
		gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000, Text: "why not"}.String():       "closed 4000: why not",
		gateway.Reason{Kind: gateway.ReasonSilent, Elapsed: 24500 * time.Millisecond}.String(): "silent after 24.5s",
		gateway.Reason{Kind: gateway.ReasonReset, Err: io.ErrUnexpectedEOF}.String():           "reset: unexpected EOF",
		gateway.Reason{Kind: gateway.ReasonStop}.String():                                      "stop",
		(&gateway.CloseError{Code: 4009, Reason: "Session timed out"}).Error():                 "closed 4009: Session timed out",
		gateway.Intents(0).String():                                    "none",
		(gateway.IntentGuilds | gateway.IntentMessageContent).String(): "GUILDS|MESSAGE_CONTENT",
		(gateway.IntentGuilds | gateway.Intents(1)<<60).String():       "GUILDS|unknown bits",
	} {
		if cause != want {
			t.Errorf("%q, want %q", cause, want)
		}
	}
}

// A heartbeat says in a word why it was sent.
func TestHeartbeatsHaveWords(t *testing.T) {
	for beat, want := range map[gateway.HeartbeatSent]string{{}: "timed", {Requested: true}: "requested", {Probe: true}: "probe"} {
		if got := beat.Kind(); got != want {
			t.Errorf("%+v is %q, want %q", beat, got, want)
		}
	}
}

// Only 1000 and 1001 from the client end a session.
// Statements: G-088, G-089.
func TestClientCodesThatEndASession(t *testing.T) {
	for code, keeps := range map[gateway.CloseCode]bool{1000: false, 1001: false, 4900: true, 4000: true, 3000: true} {
		if code.Resumable() != keeps {
			t.Errorf("after %d the session lives: %t, want %t", code, code.Resumable(), keeps)
		}
	}
}

// The counts of two shards add up, every one of them; the age is the older one's.
func TestCountsAddUp(t *testing.T) {
	var a, b gateway.Stats
	va, vb := reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem()
	for i := range va.NumField() {
		va.Field(i).SetInt(int64(i + 1))
		vb.Field(i).SetInt(int64(100 * (i + 1)))
	}
	sum := reflect.ValueOf(a.Plus(b))
	for i := range sum.NumField() {
		want := int64(101 * (i + 1))
		if sum.Type().Field(i).Name == "QueuedAge" {
			want = int64(100 * (i + 1))
		}
		if got := sum.Field(i).Int(); got != want {
			t.Errorf("%s: %d, want %d", sum.Type().Field(i).Name, got, want)
		}
	}
}

// Text that Discord would refuse in a presence is refused here, where it can still
// be told which.
// Statements: G-102.
func TestPresenceIsChecked(t *testing.T) {
	activity := func(a gateway.Activity) gateway.Presence {
		return gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{a}}
	}
	long := strings.Repeat("ü", 129)
	for says, p := range map[string]gateway.Presence{
		"presence status \"green\"":       {Status: "green"},
		"activity name has 0 characters":  activity(gateway.Activity{}),
		"activity name has 129":           activity(gateway.Activity{Name: long}),
		"activity state has 129":          activity(gateway.Activity{Name: "x", State: long}),
		"activity URL has 513 characters": activity(gateway.Activity{Name: "x", URL: strings.Repeat("x", 513)}),
		"activity type -1: want 0 to 5":   activity(gateway.Activity{Name: "x", Type: -1}),
		"activity type 6: want 0 to 5":    activity(gateway.Activity{Name: "x", Type: 6}),
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	for _, a := range []gateway.Activity{
		{Name: long[:256], State: long[:256]}, // 128 characters of two bytes
		{Name: "x", Type: gateway.ActivityPlaying, URL: strings.Repeat("ü", 512)},
		{Name: "x", Type: gateway.ActivityCompeting},
	} {
		if err := activity(a).Validate(); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// Given a handler that takes an event over and gives it on to another one, then
// the event counts as handled when the other has returned; where that one takes it
// over too, when it says so, and the kept number stays below until then.
// Statements: G-052.
func TestEventIsPassedOn(t *testing.T) {
	gateway.Event{}.Hold()() // an event of no queue is finished already
	gotIt := false
	gateway.Event{Type: "X"}.Pass(t.Context(), gateway.HandlerFunc(func(_ context.Context, e gateway.Event) { gotIt = e.Type == "X" }))
	if !gotIt {
		t.Error("an event of no queue is not passed on")
	}
	var passed []gateway.Event
	var done []func()
	run(t, config{handle: func(_ context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			e.Hold()
			passed = append(passed, e)
		}
	}}, func(h *harness) {
		h.startLive()
		before := h.shard.Session().Seq
		h.Post("one")
		h.Post("two")
		h.Advance(time.Second)
		if len(passed) != 2 || h.shard.Session().Seq != before {
			t.Fatalf("%d events were taken over; the kept number went from %d to %d", len(passed), before, h.shard.Session().Seq)
		}
		passed[0].Pass(t.Context(), gateway.HandlerFunc(func(context.Context, gateway.Event) {}))
		if seq := h.shard.Session().Seq; seq != passed[0].Seq {
			t.Errorf("the first has been handled and the kept number is %d, want %d", seq, passed[0].Seq)
		}
		passed[1].Pass(t.Context(), gateway.HandlerFunc(func(_ context.Context, e gateway.Event) { done = append(done, e.Hold()) }))
		if seq := h.shard.Session().Seq; seq != passed[0].Seq {
			t.Errorf("the second is being handled and the kept number is %d", seq)
		}
		done[0]()
		if seq := h.shard.Session().Seq; seq < passed[1].Seq {
			t.Errorf("both have been handled and the kept number is %d, want at least %d", seq, passed[1].Seq)
		}
	})
}
