package health

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"evergreen/gateway"
)

// From the first moment on the tracker has an answer.
func TestBeforeAnythingHappens(t *testing.T) {
	s := newFakeShard(t, Options{})
	snap := s.expectStatus(Starting, "no shard has reported yet")
	if snap.Ready || snap.Connected || !snap.OfflineSince.Equal(evening) || !snap.Since.Equal(evening) || snap.Last != nil {
		t.Errorf("got %+v", snap)
	}
	s.dial(false, gateway.Reason{Kind: gateway.ReasonStart})
	s.expectStatus(Starting, "connecting to identify")
	s.move(gateway.Identifying{}, gateway.Reason{})
	s.expectStatus(Starting, "waiting for READY")
	s.after(2 * time.Minute)
	s.expectStatus(Offline, "not online since the start: waiting for READY")
}

// Online is said only while the shard is live and the last answer is no older
// than an interval and the deadline, to the second; READY counts as an answer
// until the first heartbeat.
//
// Statements: G-159.
func TestOnlineNeedsFreshAnswers(t *testing.T) {
	s := newFakeShard(t, Options{})
	s.dial(false, gateway.Reason{Kind: gateway.ReasonStart})
	s.identify()
	if snap := s.expectStatus(Online, "connected, and Discord answers"); !snap.Connected || !snap.Ready || !snap.OfflineSince.IsZero() {
		t.Errorf("right after READY: %+v", snap)
	}
	s.after(interval + ackDeadline + time.Second)
	s.expectStatus(Degraded, "no heartbeat has been answered for 1 min 42 s")

	s.beat()
	answered := s.now
	s.after(interval + ackDeadline)
	if snap := s.expectStatus(Online, "connected, and Discord answers"); !snap.Connected {
		t.Error("not connected at the last moment")
	}
	s.after(time.Millisecond)
	snap := s.expectStatus(Degraded, "no heartbeat has been answered for 1 min 41 s")
	if snap.Connected || !snap.Ready || !snap.OfflineSince.Equal(answered) || !snap.Since.Equal(answered) {
		t.Errorf("a moment later: %+v", snap)
	}
	for _, state := range []gateway.State{
		gateway.Suspect{}, gateway.Waiting{}, gateway.Connecting{}, gateway.Identifying{}, gateway.Resuming{},
		gateway.Parked{}, gateway.Draining{}, gateway.Stopped{}, gateway.Idle{},
	} {
		s := newFakeShard(t, Options{}).start()
		s.move(state, gateway.Reason{Kind: gateway.ReasonReset})
		if snap := s.snapshot(); snap.Connected || snap.Status == Online {
			t.Errorf("%s counts as connected: %s", state, snap.Sentence())
		}
	}
}

// Every change of state, every identify, resume, op 7 and op 9, what was
// replayed and how long heartbeats took can be looked up with its time.
//
// Statements: G-158, G-031.
func TestEverythingIsRecorded(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(2)
	s.lose(gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000, Text: "Unknown error"})
	s.dial(true, gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000})
	s.resume(5)
	snap := s.snapshot()
	shard := snap.Shards[0]
	var states []string
	for _, c := range shard.Changes {
		states = append(states, c.To)
		if c.At.Before(evening) || c.At.After(s.now) {
			t.Errorf("%+v has no good time", c)
		}
	}
	if got := strings.Join(states, ", "); got != "waiting, connecting to identify, identifying, live, connecting to resume, resuming, live" {
		t.Errorf("states: %s", got)
	}
	if c := shard.Changes[4]; c.Cause != "closed 4000" || c.From != "live" {
		t.Errorf("got %+v", c)
	}
	if c := snap.Counts; c.Identifies != 1 || c.Resumes != 1 || c.Resumed != 1 || c.Replayed != 5 || c.Heartbeats != 3 || c.ACKs != 3 || c.Sessions != 1 {
		t.Errorf("counts %+v", c)
	}
	if l := snap.Latency; l.Last != 45*time.Millisecond || l.Samples != 3 || l.At.IsZero() || l.P99 != l.Last {
		t.Errorf("latency %+v", l)
	}
	if e := s.newest().Evidence; e.Code != 4000 || e.By != ByDiscord || e.Said != "Unknown error" {
		t.Errorf("evidence %+v", e)
	}
	if shard.Interval != interval || shard.State != "live" || shard.LastACK.IsZero() || snap.Username != "ResearchBot" || snap.Guilds != 3 {
		t.Errorf("got %+v", shard)
	}
	s.observe(gateway.Ready{Username: "Re\u200bsearch\x1b[2J\n\u202eBot", Guilds: 3})
	if got := s.tracker.Snapshot().Username; got != "Research [2J Bot" {
		t.Errorf("the name is %q", got)
	}
}

// Given handlers that do not keep up or panic again and again, then the bot is
// connected but not working; one panic is one bad event.
func TestConnectedButNotWorking(t *testing.T) {
	var stats gateway.Stats
	source := &fakeSource{stats: func() gateway.Stats { return stats }}
	s := newFakeShard(t, Options{Source: source}).start()
	source.activity = Activity{Last: s.now, Guilds: 17, Asked: 3, Answered: 2, Failed: 1}
	if snap := s.expectStatus(Online, "connected, and Discord answers"); !snap.Work.OK || snap.Guilds != 17 || snap.Work.Activity != source.activity {
		t.Errorf("got %+v", snap.Work)
	}

	stats.QueuedAge = 3 * time.Minute
	snap := s.expectStatus(Degraded, "connected, but not working: the oldest event has been waiting for its handler for 3 min")
	if snap.Work.Cause != SlowHandlers || !snap.Connected || snap.Remedy == (Message{}) {
		t.Errorf("got %+v", snap)
	}
	stats.QueuedAge = 0

	s.observe(gateway.QueueFull{Bytes: 64 << 20})
	s.expectStatus(Degraded, "connected, but not working: the event queue is full; further events wait at Discord until the handlers catch up")
	s.observe(gateway.QueueDrained{})
	s.expectStatus(Online, "connected, and Discord answers")

	for range 2 {
		s.observe(gateway.HandlerPanicked{Type: "MESSAGE_CREATE", Value: "nil map"})
	}
	s.expectStatus(Online, "connected, and Discord answers")
	s.observe(gateway.HandlerPanicked{Type: "MESSAGE_CREATE", Value: "nil map"})
	snap = s.expectStatus(Degraded, "connected, but not working: handlers panicked 3 times in the last 10 min, last over MESSAGE_CREATE")
	if snap.Work.Cause != GreenButUseless || snap.Work.LastPanic.Value != "nil map" {
		t.Errorf("got %+v", snap.Work)
	}
	for range 15 {
		s.beats(1)
	}
	s.expectStatus(Online, "connected, and Discord answers")
}

// Several shards are one bot: the worst of them speaks, and the others are
// counted.
func TestSeveralShards(t *testing.T) {
	first := newFakeShard(t, Options{})
	first.tracker.Expect(3, 3)
	first.id = gateway.ShardID{ID: 0, Count: 3}
	first.start()
	first.expectStatus(Starting, "1 of 3 shards are online")
	second := first.another(gateway.ShardID{ID: 1, Count: 3})
	third := first.another(gateway.ShardID{ID: 2, Count: 3})
	// The three share a clock: what passes for one passes for all.
	follow := func(from, to *fakeShard) { to.now, first.now = from.now, from.now }
	second.start()
	follow(second, third)
	third.start()
	follow(third, third)
	snap := first.expectStatus(Online, "all 3 shards are connected")
	if !snap.Ready || !snap.Connected || snap.Guilds != 9 || len(snap.Shards) != 3 || !snap.OfflineSince.IsZero() || snap.SessionSince.IsZero() {
		t.Errorf("got %+v", snap)
	}

	third.lose(silent)
	third.move(gateway.Connecting{Resuming: true}, silent)
	snap = first.expectStatus(Degraded, "2 of 3 shards are online; shard "+third.id.String()+": the connection was half-open (nothing arrived for 25 s); connecting to resume")
	if snap.Ready || snap.Connected || snap.OfflineSince.IsZero() {
		t.Errorf("got %+v", snap)
	}
	if i := first.newest(); !strings.Contains(i.Sentence(first.now, time.UTC), "shard "+third.id.String()) {
		t.Errorf("got %s", i.Sentence(first.now, time.UTC))
	}
	stop := gateway.Reason{Kind: gateway.ReasonStop}
	third.move(gateway.Stopped{}, stop)
	first.expectStatus(Degraded, "2 of 3 shards are online; shard "+third.id.String()+": stopped as asked")
	fatal := gateway.Reason{Kind: gateway.ReasonFatal, Code: 4011}
	third.move(gateway.Parked{Reason: fatal}, fatal)
	if snap := first.snapshot(); snap.Status != NeedsYou || !strings.Contains(snap.Reason.String(), "2 of 3 shards are online") {
		t.Errorf("got %s", snap.Sentence())
	}
}

// Text from elsewhere is kept without secrets and on one line, also where it is
// cut off.
func TestForeignTextIsMadeSafe(t *testing.T) {
	const token = "a-very-secret-token"
	s := newFakeShard(t, Options{Redact: func(text string) string { return strings.ReplaceAll(text, token, "[redacted]") }}).start()
	long := strings.Repeat("x", maxText-10) + token
	s.lose(gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000, Text: "a\nb " + token})
	s.failDial(gateway.Reason{Kind: gateway.ReasonDial, Err: errors.New(long)}, 1, 0)
	s.move(gateway.Waiting{For: "x " + token}, gateway.Reason{Kind: gateway.ReasonDial, Err: errors.New(long)})
	s.observe(gateway.IdentifyDelayed{Until: s.now.Add(time.Hour), Why: long})
	s.observe(gateway.HandlerPanicked{Type: "X", Value: long})
	snap := s.snapshot()
	for _, text := range []string{
		snap.Reason.String(), snap.Last.Evidence.Said, snap.Last.Evidence.DialSaid, snap.Last.Summary(), snap.Work.LastPanic.Value,
		snap.Shards[0].Changes[len(snap.Shards[0].Changes)-1].Cause, snap.Last.Actions[len(snap.Last.Actions)-1].What.String(),
	} {
		if strings.Contains(text, token[:8]) || strings.Contains(text, "\n") || text == "" {
			t.Errorf("kept: %q", text)
		}
	}
}

// A snapshot is a copy: nothing that happens later, or that its owner does to
// it, changes anything.
func TestSnapshotsAreCopies(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.lose(silent)
	before := s.snapshot()
	actions := len(before.Last.Actions)
	s.failDial(refused, 1, time.Second)
	if len(before.Last.Actions) != actions || before.Last.Evidence.Attempts != 0 {
		t.Errorf("it changed: %+v", before.Last)
	}
	before.Last.Cause = "mine"
	before.Shards[0].Changes[0].To = "mine"
	if after := s.snapshot(); after.Last.Cause == "mine" || after.Shards[0].Changes[0].To == "mine" || after.Last.Evidence.Attempts != 1 {
		t.Errorf("got %+v", after.Last)
	}
}

// Whatever comes in whatever order, the books balance: nothing panics, at most
// one incident of a shard is open, every incident has a length that is made of
// green and grey, and Online means connected.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := newFakeShard(t, Options{})
		states := []gateway.State{
			gateway.Idle{}, gateway.Waiting{For: "x"}, gateway.Connecting{}, gateway.Identifying{}, gateway.Resuming{}, gateway.Live{}, gateway.Live{},
			gateway.Suspect{}, gateway.Moving{}, gateway.Parked{}, gateway.Draining{}, gateway.Stopped{},
		}
		causes := []gateway.Reason{{}, silent, refused, {Kind: gateway.ReasonClosed, Code: 4000}, {Kind: gateway.ReasonStop}, {Kind: gateway.ReasonReconnect}, {Kind: "new"}}
		cause := func() gateway.Reason { return causes[r.IntN(len(causes))] }
		for range 200 {
			s.after(time.Duration(r.Int64N(int64(time.Minute))))
			what := []gateway.ShardEvent{
				gateway.ConnectFailed{Reason: cause()}, gateway.HelloReceived{Interval: interval}, gateway.HeartbeatSent{Probe: true},
				gateway.HeartbeatACK{Latency: time.Second}, gateway.SuspicionRaised{}, gateway.SuspicionCleared{}, gateway.IdentifySent{}, gateway.ResumeSent{},
				gateway.Ready{}, gateway.Resumed{Replayed: 2}, gateway.SlowReady{}, gateway.ReconnectRequested{}, gateway.SessionInvalidated{},
				gateway.SessionLost{Reason: cause()}, gateway.SequenceGap{From: 1, To: 2}, gateway.QueueFull{}, gateway.QueueDrained{}, gateway.HostSlept{For: time.Minute},
				gateway.AttemptsExhausted{Failures: 10}, gateway.IdentifyDelayed{Until: s.now.Add(time.Hour)}, gateway.HandlerPanicked{},
				gateway.Disconnected{Reason: cause(), LastByte: s.now.Add(-time.Duration(r.Int64N(int64(time.Hour)))), Lasted: time.Duration(r.Int64N(int64(time.Hour)))},
				gateway.PayloadSkipped{}, gateway.PresenceSent{}, nil,
			}
			if n := r.IntN(2 * len(what)); n < len(what) {
				s.observe(what[n])
			} else {
				s.move(states[r.IntN(len(states))], cause())
			}
			snap := s.snapshot()
			standing, less := s.tracker.Summary(), snap
			less.Latency, less.Shards = Latency{}, slices.Clone(snap.Shards)
			for i := range less.Shards {
				less.Shards[i].Latency, less.Shards[i].Samples, less.Shards[i].Changes = Latency{}, nil, nil
			}
			if !reflect.DeepEqual(standing, less) {
				t.Fatalf("seed %d: it stands so\n%+v, want\n%+v", seed, standing, less)
			}
			if snap.Status == Online != (snap.Connected && snap.Work.OK) {
				t.Fatalf("seed %d: %s, but connected is %t", seed, snap.Sentence(), snap.Connected)
			}
			if snap.Reason == (Message{}) || strings.Contains(snap.Sentence(), "%!") || snap.Connected == !snap.OfflineSince.IsZero() {
				t.Fatalf("seed %d: %+v", seed, snap)
			}
			open := 0
			for _, i := range s.tracker.Incidents(MemoryJournalSize) {
				if i.Outcome == OutcomeOpen && !i.Connected {
					open++
				}
				if !i.Connected && i.ShownOffline(s.now)+i.AtRisk(s.now) != i.Duration(s.now) || i.ShownOffline(s.now) < 0 || i.AtRisk(s.now) < 0 || i.Start.After(i.Detected) ||
					!i.End.IsZero() && i.End.Before(i.Start) || i.Sentence(s.now, time.UTC) == "" {
					t.Fatalf("seed %d: %+v", seed, i)
				}
			}
			if open > 1 {
				t.Fatalf("seed %d: %d incidents are open", seed, open)
			}
		}
	}
}

// Shards report and people ask at the same time.
func TestConcurrentUse(t *testing.T) {
	tracker := NewTracker(Options{})
	var work sync.WaitGroup
	for id := range 4 {
		work.Go(func() {
			pair := gateway.ShardID{ID: id, Count: 4}
			for n := range 200 {
				at := evening.Add(time.Duration(n) * time.Second)
				for _, what := range []gateway.ShardEvent{
					gateway.Transition{From: gateway.Resuming{}, To: gateway.Live{}}, gateway.Resumed{Replayed: n}, gateway.HeartbeatACK{Latency: time.Second},
					gateway.Disconnected{Reason: silent, LastByte: at}, gateway.Transition{From: gateway.Live{}, To: gateway.Connecting{}, Reason: silent},
				} {
					tracker.Observe(gateway.Observation{Shard: pair, At: at, Event: what})
				}
			}
		})
		work.Go(func() {
			for range 100 {
				_ = tracker.Snapshot().Sentence()
				_ = tracker.Incidents(10)
			}
		})
	}
	work.Wait()
	if n := tracker.Snapshot().Counts.Disconnects; n != 800 {
		t.Errorf("%d disconnects were seen", n)
	}
}

// Text from elsewhere is one printable line of bounded length, cut between letters.
func TestPlain(t *testing.T) {
	if got := plain(" a\n\tb\x00c\x1b[31m\u202ed  "); got != "a b c [31md" {
		t.Errorf("got %q", got)
	}
	hide := func(s string) string { return strings.ReplaceAll(s, "secret", "***") }
	if got := sanitize("a se\u200bc\u00adret\n", hide); got != "a ***" {
		t.Errorf("a secret with invisible characters in it became %q", got)
	}
	for n := range 8 {
		got := plain(strings.Repeat("x", n) + strings.Repeat("ö€", 200))
		if len(got) > maxText+3 || !utf8.ValidString(got) || !strings.HasSuffix(got, "...") {
			t.Errorf("%d: %q", n, got)
		}
	}
}

// Behind the proxy the first thing that is waited for is a bot, and what to do is said.
func TestTheFirstBotIsWaitedFor(t *testing.T) {
	source := &fakeSource{activity: Activity{AwaitsBot: true}}
	s := newFakeShard(t, Options{Source: source})
	if snap := s.expectStatus(Starting, "waiting for the first bot to connect: it says which intents it needs"); !strings.Contains(snap.Remedy.String(), "evergreen proxy setup") {
		t.Errorf("what to do: %s", snap.Remedy)
	}
	source.activity = Activity{}
	s.expectStatus(Starting, "no shard has reported yet")
}
