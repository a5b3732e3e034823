package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

// Given RESUMEs that are cut off one after another, then the incident says so,
// and says it once.
func TestResumesAreDropped(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(1)
	cut := gateway.Reason{Kind: gateway.ReasonReset}
	s.lose(cut)
	for range 2 {
		s.dial(true, cut)
		s.move(gateway.Resuming{From: 100}, gateway.Reason{})
		s.observe(gateway.ResumeSent{Seq: 100})
		s.after(time.Second)
		s.observe(gateway.Disconnected{Reason: cut, LastByte: s.now, Session: true})
	}
	if i := s.newest(); i.Cause != ResumeDropped || i.Then.String() != "each RESUME was dropped" {
		t.Errorf("got %+v", i)
	}
	s.dial(true, cut)
	s.resume(4)
	if i := s.newest(); i.Outcome != OutcomeResumed || i.Replayed != 4 {
		t.Errorf("got %+v", i)
	}
}

// Given a connection that is closed soon after coming back again and again,
// then the third time is called a loop; after an hour of peace the same end is
// just itself.
func TestReadyThenDrop(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	closed := gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000}
	drop := func() {
		s.after(10 * time.Second)
		s.lose(closed)
		s.dial(true, closed)
		s.resume(0)
	}
	var causes []string
	for range 4 {
		drop()
		causes = append(causes, string(s.newest().Cause))
	}
	if got := strings.Join(causes, " "); got != "discord-closed discord-closed reconnect-loop reconnect-loop" {
		t.Errorf("causes: %s", got)
	}
	if i := s.newest(); i.Then.String() != "the 4th time in a row, each soon after coming back" {
		t.Errorf("got %+v", i)
	}
	s.beats(100)
	drop()
	if i := s.newest(); i.Cause != DiscordClosed {
		t.Errorf("after an hour: %+v", i)
	}
}

// Given the same end three times before the bot is back, then that is a loop
// too.
func TestSameEndOverAndOver(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	closed := gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000}
	s.lose(closed)
	for range 2 {
		s.dial(true, closed)
		s.observe(gateway.Disconnected{Reason: closed, LastByte: s.now, Session: true})
	}
	if i := s.newest(); i.Cause != ReconnectLoop || i.What.String() != "Discord had an unknown error (close code 4000)" {
		t.Errorf("got %+v", i)
	}
}

// Given READY that does not come while heartbeats are answered, then Discord is
// to blame, and the bot says that it waits.
func TestReadyIsSlow(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(1)
	s.lose(gateway.Reason{Kind: gateway.ReasonClosed, Code: 1001})
	s.dial(false, gateway.Reason{Kind: gateway.ReasonClosed, Code: 1001})
	s.move(gateway.Identifying{}, gateway.Reason{})
	s.observe(gateway.IdentifySent{})
	s.after(15 * time.Second)
	s.observe(gateway.SlowReady{Waited: 15 * time.Second})
	snap := s.expectStatus(Reconnecting, "the Discord host is going away (close code 1001), then READY was slow to come; Discord takes its time with READY, but answers heartbeats")
	if snap.Last.Cause != DiscordOutage {
		t.Errorf("got %+v", snap.Last)
	}
	s.after(time.Minute)
	s.live()
	s.observe(gateway.Ready{Guilds: 3})
	if i := s.newest(); i.Outcome != OutcomeNewSession || i.Cause != DiscordOutage {
		t.Errorf("got %+v", i)
	}
	s.expectStatus(Online, "connected, and Discord answers")
}

// Given the right to identify that has to be waited for, then a long wait is an
// incident with its reason, a short one is nothing but its turn.
func TestIdentifyBudget(t *testing.T) {
	s := newFakeShard(t, Options{})
	s.move(gateway.Waiting{For: "its turn to identify"}, gateway.Reason{Kind: gateway.ReasonStart})
	s.observe(gateway.IdentifyDelayed{Until: s.now.Add(5 * time.Second), Why: "one IDENTIFY in 5 s"})
	if snap := s.expectStatus(Starting, "waiting to identify: one IDENTIFY in 5 s"); snap.Last != nil {
		t.Errorf("got %+v", snap.Last)
	}
	s.observe(gateway.IdentifyDelayed{Until: s.now.Add(2 * time.Hour), Why: "the day's budget is\nused up"})
	snap := s.expectStatus(Starting, "the right to start a session has to be waited for; waiting to identify: the day's budget is used up")
	if snap.Last == nil || snap.Last.Cause != IdentifyBudget || !snap.Last.AtStart {
		t.Errorf("got %+v", snap.Last)
	}
	s.after(2 * time.Hour)
	s.expectStatus(Offline, "not online since the start: the right to start a session has to be waited for; waiting to identify: the day's budget is used up")
	s.dial(false, gateway.Reason{})
	s.identify()
	if i := s.newest(); i.Outcome != OutcomeNewSession || i.ShownOffline(s.now) != i.Duration(s.now) || !strings.HasSuffix(i.Summary(), "Then online with a new session.") {
		t.Errorf("got %+v: %s", i, i.Summary())
	}
	if s.snapshot().Counts.Reconnects != 0 {
		t.Error("a start counts as a reconnect")
	}
}

// Given a session taken over from an earlier run, when it is resumed at the
// start, then there is no incident, and the session's age is known from then on.
func TestFirstResume(t *testing.T) {
	s := newFakeShard(t, Options{})
	s.dial(true, gateway.Reason{Kind: gateway.ReasonStart})
	s.resume(7)
	snap := s.expectStatus(Online, "connected, and Discord answers")
	if snap.Last != nil || !snap.SessionSince.Equal(s.now) || snap.Counts.Replayed != 7 {
		t.Errorf("got %+v", snap)
	}
}

// Given events that never arrive during a replay, then the incident counts them.
func TestEventsAreMissing(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.lose(gateway.Reason{Kind: gateway.ReasonReset})
	s.dial(true, gateway.Reason{Kind: gateway.ReasonReset})
	s.observe(gateway.SequenceGap{From: 101, To: 103})
	s.resume(9)
	if i := s.newest(); i.Lost != 3 || i.Routine() || !strings.HasSuffix(i.Summary(), "Resumed, 9 events replayed, 3 lost.") {
		t.Errorf("got %+v: %s", i, i.Summary())
	}
}

// Given a stop, then a lost connection is no incident, and one that is open ends.
func TestStop(t *testing.T) {
	stop := gateway.Reason{Kind: gateway.ReasonStop}
	s := newFakeShard(t, Options{}).start()
	s.move(gateway.Draining{}, stop)
	s.expectStatus(Stopping, "finishing what was begun before the stop")
	s.lose(stop)
	s.move(gateway.Stopped{}, stop)
	if snap := s.expectStatus(Stopping, "stopped as asked"); snap.Last != nil || snap.Connected {
		t.Errorf("got %+v", snap)
	}

	s = newFakeShard(t, Options{}).start()
	s.lose(silent)
	s.move(gateway.Connecting{Resuming: true}, silent)
	s.after(time.Second)
	s.move(gateway.Stopped{}, stop)
	if i := s.newest(); i.Outcome != OutcomeEnded || i.End.IsZero() || !strings.HasSuffix(i.Summary(), "Stopped before it was back.") {
		t.Errorf("got %+v", i)
	}
}

// Given observations that were dropped because the observer was slow, then the
// tracker finds its way back: no incident stays open for good.
func TestDroppedObservations(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.lose(silent)
	s.move(gateway.Connecting{Resuming: true}, silent)
	s.after(time.Second)
	s.move(gateway.Live{}, gateway.Reason{}) // RESUMED itself was dropped
	if i := s.newest(); i.Outcome != OutcomeUnobserved || i.End.IsZero() {
		t.Errorf("got %+v", i)
	}
	s.expectStatus(Online, "connected, and Discord answers")

	s = newFakeShard(t, Options{}).start()
	s.lose(silent)
	s.move(gateway.Connecting{Resuming: true}, silent)
	s.after(time.Minute)
	s.state = gateway.Live{} // all of the return and the next end were dropped
	s.move(gateway.Connecting{Resuming: true}, gateway.Reason{Kind: gateway.ReasonReset})
	list := s.tracker.Incidents(10)
	if len(list) != 2 || list[1].Outcome != OutcomeUnobserved || list[0].Cause != ConnectionCut || list[0].Outcome != OutcomeOpen {
		t.Errorf("got %+v", list)
	}
}

// The end of an old connection that arrives after the new one is live is no
// loss.
func TestEndOfAReplacedConnection(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(3)
	began := s.since
	s.move(gateway.Moving{}, gateway.Reason{Kind: gateway.ReasonReconnect})
	s.live()
	s.observe(gateway.Resumed{})
	s.after(50 * time.Millisecond)
	s.observe(gateway.Disconnected{Reason: gateway.Reason{Kind: gateway.ReasonReconnect}, LastByte: s.now, Session: true, Lasted: s.now.Sub(began)})
	if snap := s.expectStatus(Online, "connected, and Discord answers"); snap.Last != nil {
		t.Errorf("got %+v", snap.Last)
	}
}

// What was done is bounded, and the same thing twice in a row is one action.
func TestActionsAreBounded(t *testing.T) {
	var list []Action
	for n := range 3 * maxActions {
		list = addAction(list, evening.Add(time.Duration(n)*time.Second), Text(fmt.Sprint("step ", n/2)))
	}
	if len(list) != maxActions || list[0].String() != "step 0 (2 times)" || list[maxActions-1].What != Text("step 74") || !list[0].Until.Equal(evening.Add(time.Second)) {
		t.Errorf("%d actions, from %s to %s", len(list), list[0], list[len(list)-1])
	}
}
