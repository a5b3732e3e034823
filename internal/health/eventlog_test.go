package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/text"
)

// testLog is a log that a test can read.
type testLog struct {
	mu    sync.Mutex
	lines []string
}

func (p *testLog) Enabled(context.Context, slog.Level) bool { return true }
func (p *testLog) WithAttrs([]slog.Attr) slog.Handler       { return p }
func (p *testLog) WithGroup(string) slog.Handler            { return p }

func (p *testLog) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, text)
	return nil
}

// read returns the lines since the last call, from info upwards unless all are
// wanted.
func (p *testLog) read(all bool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for _, l := range p.lines {
		if all || !strings.HasPrefix(l, "DEBUG") {
			lines = append(lines, l)
		}
	}
	p.lines = nil
	return strings.Join(lines, "\n")
}

// expects compares what was logged since the last look.
func (p *testLog) expects(t *testing.T, want ...string) {
	t.Helper()
	if got := p.read(false); got != strings.Join(want, "\n") {
		t.Errorf("the log says\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func newLoggedShard(t *testing.T) (*fakeShard, *testLog) {
	t.Helper()
	p := &testLog{}
	return newFakeShard(t, Options{}, NewEventLog(slog.New(p), nil)), p
}

// A day in the life of a bot reads as a story: start, heartbeats only at debug,
// a half-open link, a routine move, a stop.
func TestEventLogTellsADay(t *testing.T) {
	s, p := newLoggedShard(t)
	s.start()
	p.expects(t, "INFO Asking for a new session (IDENTIFY)",
		"INFO Online with a new session user=ResearchBot guilds=3 took=800 ms")

	s.beats(2)
	if got := p.read(true); got != strings.TrimSuffix(strings.Repeat("DEBUG Heartbeat sent kind=timed\nDEBUG Heartbeat answered latency=45 ms\n", 2), "\n") {
		t.Errorf("heartbeats: %s", got)
	}

	s.after(6 * time.Second)
	s.receive()
	s.after(20 * time.Second)
	s.observe(gateway.SuspicionRaised{Silent: 20 * time.Second})
	s.move(gateway.Suspect{}, gateway.Reason{Kind: gateway.ReasonSilent})
	s.after(5 * time.Second)
	s.lose(silent)
	s.move(gateway.Connecting{Resuming: true}, silent)
	s.after(100 * time.Millisecond)
	s.move(gateway.Resuming{}, gateway.Reason{})
	s.observe(gateway.ResumeSent{Seq: 100})
	s.after(100 * time.Millisecond)
	gap := s.now.Sub(s.heard)
	s.live()
	s.observe(gateway.Resumed{Replayed: 12, Gap: gap})
	p.expects(t, "WARN No answer from Discord; preparing a spare connection silent=20 s",
		"WARN Connection lost reason=the connection was half-open (nothing arrived for 25 s) lasted=1 min 55 s silent=25 s",
		"INFO Resumed away=25.2 s replayed=12 missing=0")

	s.beats(3)
	s.observe(gateway.ReconnectRequested{})
	s.move(gateway.Moving{}, gateway.Reason{Kind: gateway.ReasonReconnect})
	s.lose(gateway.Reason{Kind: gateway.ReasonReconnect})
	s.resume(0)
	p.expects(t, "INFO Discord asked for a reconnect (routine)",
		"INFO Moving to another connection, as Discord asked",
		"INFO Resumed away=100 ms replayed=0 missing=0")

	stop := gateway.Reason{Kind: gateway.ReasonStop}
	s.move(gateway.Draining{}, stop)
	s.lose(stop)
	s.move(gateway.Stopped{}, stop)
	p.expects(t, "INFO Stopping; finishing what was begun", "INFO Connection closed as asked", "INFO Stopped")
}

// What only a human can mend is an error that says what to do, once.
func TestEventLogTellsTheRemedy(t *testing.T) {
	s, p := newLoggedShard(t)
	s.start()
	p.read(false)
	s.lose(gateway.Reason{Kind: gateway.ReasonClosed, Code: 4014, Text: "Disallowed intent(s)."})
	fatal := gateway.Reason{Kind: gateway.ReasonFatal, Code: 4014, Text: gateway.CloseDisallowedIntents.Meaning()}
	s.move(gateway.Parked{Reason: fatal}, fatal)
	s.after(time.Hour)
	s.move(gateway.Waiting{For: "its turn to identify"}, fatal)
	p.expects(t,
		"WARN Connection lost reason=a privileged intent is switched off for this application (close code 4014): Disallowed intent(s). lasted=1 s",
		"ERROR Offline until a person helps reason=a privileged intent is switched off for this application (close code 4014) "+
			"do=Switch it on at https://discord.com/developers/applications (your application, Bot, Privileged Gateway Intents).",
		"INFO The credentials look good again; connecting")
}

// A session that is lost is told with its reason, and the return with the time
// it took.
func TestEventLogTellsALostSession(t *testing.T) {
	s, p := newLoggedShard(t)
	s.start()
	p.read(false)
	heard := s.now
	s.after(time.Minute)
	s.observe(gateway.HostSlept{For: time.Minute})
	s.lose(gateway.Reason{Kind: gateway.ReasonSlept, Elapsed: time.Minute})
	s.dial(true, gateway.Reason{Kind: gateway.ReasonSlept})
	s.observe(gateway.SessionInvalidated{Resumable: true})
	s.observe(gateway.SessionInvalidated{})
	s.observe(gateway.SessionLost{Reason: gateway.Reason{Kind: gateway.ReasonInvalidSession}})
	s.observe(gateway.IdentifyDelayed{Until: s.now.Add(5 * time.Second), Why: "one IDENTIFY in 5 s"})
	s.observe(gateway.IdentifyDelayed{Until: s.now.Add(time.Hour), Why: "the budget is being saved"})
	s.observe(gateway.IdentifyDelayed{})
	s.identify()
	p.expects(t, "WARN The host slept for=1 min",
		"WARN Connection lost reason=the host was asleep (for 1 min) lasted=1 min 1 s silent=1 min",
		"INFO Discord refused for now (op 9); the session may still be resumed",
		"WARN Discord refused the session (op 9)",
		"WARN The session is given up and a new one follows; events until then are not delivered reason=Discord invalidated the session",
		"INFO Waiting to identify for=5 s why=one IDENTIFY in 5 s",
		"WARN Waiting to identify for=1 h until=23:01:02 UTC why=the budget is being saved",
		"INFO Waiting to identify",
		"INFO Asking for a new session (IDENTIFY)",
		fmt.Sprintf("INFO Online again with a new session; events in between were not delivered away=%s user=ResearchBot guilds=3 took=800 ms", text.Duration(s.now.Sub(heard))))
}

// A night without a network is told a few times, not thousands; when it is
// over, trouble is told from the first time on again.
func TestEventLogDoesNotRepeatItself(t *testing.T) {
	s, p := newLoggedShard(t)
	s.start()
	p.read(false)
	s.lose(silent)
	for n := range 3000 {
		s.failDial(refused, n+1, 4*time.Second)
	}
	lines := strings.Split(p.read(false), "\n")
	if len(lines) != 1+11 { // 1, 2, 5, 10, ... 2000
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	if want := "WARN No connection reason=Discord's gateway could not be reached over the network: " +
		"dial tcp 162.159.135.234:443: connection refused times_in_a_row=2000 next_attempt_in=4 s"; lines[len(lines)-1] != want {
		t.Errorf("the last line is\n%s\nwant\n%s", lines[len(lines)-1], want)
	}
	dns := gateway.Reason{Kind: gateway.ReasonDNS}
	s.failDial(dns, 3001, 0)
	p.expects(t, "WARN No connection reason=the name of Discord's gateway did not resolve next_attempt_in=0 ms")
	s.observe(gateway.AttemptsExhausted{Failures: 10})
	p.expects(t, "WARN Many attempts in a row have failed; the bot goes on trying attempts=10")

	s.dial(true, dns)
	s.resume(0)
	s.beats(1)
	p.read(false)
	for range 3 {
		s.failDial(dns, 1, 0)
	}
	if got := p.read(false); strings.Count(got, "\n") != 1 || strings.Contains(strings.Split(got, "\n")[0], "times_in_a_row") {
		t.Errorf("the log says %s", got)
	}
}

// Given READY, then a drop, over and over, then only some of the drops are told.
func TestEventLogCountsDrops(t *testing.T) {
	s, p := newLoggedShard(t)
	s.start()
	p.read(false)
	closed := gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000}
	drops := 0
	for range 20 {
		s.lose(closed)
		drops += strings.Count(p.read(false), "Connection lost")
		s.resume(0)
	}
	if drops != 5 { // 1, 2, 5, 10, 20
		t.Errorf("%d of 20 are told", drops)
	}
}

// Lost events, payloads, queues and panics are each told at their level.
func TestEventLogTellsOfEvents(t *testing.T) {
	s, p := newLoggedShard(t)
	s.observe(gateway.Resumed{Replayed: 2})
	s.observe(gateway.SequenceGap{From: 7, To: 7})
	s.observe(gateway.SequenceGap{From: 9, To: 10})
	s.observe(gateway.Resumed{Replayed: 5, Gap: time.Second})
	for range 4 {
		s.observe(gateway.PayloadSkipped{Why: "not\nJSON", Op: 0, Type: "X", Bytes: 9})
	}
	s.observe(gateway.QueueFull{Bytes: 64 << 20})
	s.observe(gateway.QueueDrained{})
	s.lose(gateway.Reason{Kind: gateway.ReasonOverflow})
	s.observe(gateway.HandlerPanicked{Type: "MESSAGE_CREATE", Value: "a\nb", Stack: "s"})
	s.observe(gateway.SlowReady{Waited: 15 * time.Second})
	s.observe(gateway.SuspicionCleared{After: 2 * time.Second})
	s.observe(gateway.SessionLost{Reason: gateway.Reason{Kind: gateway.ReasonStop}})
	p.expects(t,
		"INFO Resumed the session of an earlier run replayed=2 missing=0",
		"WARN Events never arrived events=1 from=7 to=7",
		"WARN Events never arrived events=2 from=9 to=10",
		"INFO Resumed away=1 s replayed=5 missing=3",
		"WARN A payload could not be used and was skipped why=not JSON so_far=1 op=0 type=X bytes=9",
		"WARN A payload could not be used and was skipped why=not JSON so_far=2 op=0 type=X bytes=9",
		"WARN The handlers do not keep up and the queue is full; further events wait at Discord bytes=67108864",
		"INFO The handlers have caught up; fetching the events that wait at Discord",
		"INFO Reconnecting for the events that wait at Discord",
		"ERROR A handler panicked, which costs that event only event=MESSAGE_CREATE panic=a b stack=s",
		"WARN READY has not come although heartbeats are answered: trouble at Discord; waiting on waited=15 s",
		"INFO Discord answered after all; the connection stays after=2 s",
		"INFO The session is ended, the dot turns grey")
}

// Of several shards, each line names its own.
func TestEventLogNamesTheShard(t *testing.T) {
	s, p := newLoggedShard(t)
	s.id = gateway.ShardID{ID: 3, Count: 16}
	s.observe(gateway.ReconnectRequested{})
	p.expects(t, "INFO Discord asked for a reconnect (routine) shard="+s.id.String())
}

// Of several shards, only the last one that says goodbye turns the dot grey: after
// a change of their number the old ones leave while the new ones are online.
func TestEventLogOfAGoodbyeAmongMany(t *testing.T) {
	s, p := newLoggedShard(t)
	goodbye := gateway.SessionLost{Reason: gateway.Reason{Kind: gateway.ReasonStop}}
	old, fresh := gateway.ShardID{ID: 0, Count: 1}, gateway.ShardID{ID: 1, Count: 2}
	for _, s.id = range []gateway.ShardID{old, fresh} {
		s.observe(gateway.Ready{})
	}
	p.read(true)
	s.id = old
	s.observe(goodbye)
	p.expects(t, "INFO The session is ended; the bot stays online on other shards")
	s.id = fresh
	s.observe(goodbye)
	p.expects(t, "INFO The session is ended, the dot turns grey shard="+fresh.String())
}

// Whatever is observed is one line at most, and never none for a loss.
func TestEventLogWritesOneLine(t *testing.T) {
	s, p := newLoggedShard(t)
	nasty := errors.New("a\nb\r\x1b[2Kc")
	for _, kind := range kinds {
		c := gateway.Reason{Kind: kind, Err: nasty}
		for _, what := range []gateway.ShardEvent{
			gateway.Disconnected{Reason: c}, gateway.ConnectFailed{Reason: c}, gateway.SessionLost{Reason: c},
			gateway.Transition{From: gateway.Live{}, To: gateway.Parked{Reason: c}, Reason: c},
			gateway.Transition{From: gateway.Live{}, To: gateway.Connecting{}, Reason: c}, gateway.Transition{},
		} {
			s.observe(what)
			got := p.read(true)
			if got == "" || strings.ContainsAny(got, "\n\r\x1b") {
				t.Errorf("%T over %s: %q", what, kind, got)
			}
		}
	}
	s.observe(nil)
	if got := p.read(true); got != "" {
		t.Errorf("nothing happened: %q", got)
	}
}

// fromInfo is a testLog without lines at debug.
type fromInfo struct{ *testLog }

func (fromInfo) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Given a log from info upwards, then it says what one of everything says without
// its debug lines, although those are not even put into words; and a heartbeat
// costs no memory.
func TestEventLogSavesItsBreath(t *testing.T) {
	loud, quiet := &testLog{}, &testLog{}
	both := Observers{NewEventLog(slog.New(loud), nil), NewEventLog(slog.New(fromInfo{quiet}), nil)}
	beat := func(o gateway.Observer) {
		o.Observe(gateway.Observation{At: evening, Event: gateway.HeartbeatSent{}})
		o.Observe(gateway.Observation{At: evening, Event: gateway.HeartbeatACK{Latency: 45 * time.Millisecond}})
	}
	for range 3 {
		for _, what := range []gateway.ShardEvent{
			gateway.HelloReceived{Interval: time.Minute}, gateway.IdentifySent{}, gateway.Ready{Username: "bot", Guilds: 2}, gateway.PresenceSent{},
			gateway.ConnectFailed{Reason: silent}, gateway.ConnectFailed{Reason: silent}, gateway.ConnectFailed{Reason: silent},
			gateway.Disconnected{Reason: silent, LastByte: evening}, gateway.ResumeSent{Seq: 7}, gateway.Resumed{Gap: time.Second},
		} {
			both.Observe(gateway.Observation{At: evening, Event: what})
		}
		beat(both) // and the trouble begins to count anew
	}
	all := loud.read(true)
	if want := strings.Count(all, "DEBUG Heartbeat"); want != 6 {
		t.Errorf("%d heartbeats were told at debug:\n%s", want, all)
	}
	var wanted []string
	for line := range strings.Lines(all) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "DEBUG") {
			wanted = append(wanted, line)
		}
	}
	quiet.expects(t, wanted...)
	n := NewEventLog(slog.New(fromInfo{quiet}), nil)
	ack := gateway.Observation{At: evening, Event: gateway.HeartbeatACK{Latency: 45 * time.Millisecond}}
	n.Observe(ack)
	if each := testing.AllocsPerRun(100, func() { n.Observe(ack) }); each != 0 {
		t.Errorf("a heartbeat nobody reads of costs %v allocations", each)
	}
}
