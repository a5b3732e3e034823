package health

import (
	"testing"
	"time"

	"evergreen/gateway"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// evening is when the stories begin.
var evening = time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)

const interval = 41250 * time.Millisecond

// story feeds observations in the order in which a shard makes them, on a clock
// of its own.
type fakeShard struct {
	t       *testing.T
	now     time.Time
	id      gateway.ShardID
	state   gateway.State
	since   time.Time // the last READY or RESUMED
	heard   time.Time
	acked   time.Time
	tracker *Tracker
	to      Observers
}

// tell begins a story for a tracker; o.Now is the story's clock.
func newFakeShard(t *testing.T, o Options, also ...gateway.Observer) *fakeShard {
	t.Helper()
	s := &fakeShard{t: t, now: evening, state: gateway.Idle{}}
	o.Now = func() time.Time { return s.now }
	s.tracker = NewTracker(o)
	s.to = append(Observers{s.tracker}, also...)
	return s
}

// beside is the story of another shard with the same tracker and clock.
func (s *fakeShard) beside(id gateway.ShardID) *fakeShard {
	other := *s
	other.id, other.state = id, gateway.Idle{}
	return &other
}

func (s *fakeShard) note(what gateway.ShardEvent) {
	s.to.Observe(gateway.Observation{Shard: s.id, At: s.now, Event: what})
}

func (s *fakeShard) after(d time.Duration) *fakeShard {
	s.now = s.now.Add(d)
	return s
}

func (s *fakeShard) move(to gateway.State, c gateway.Reason) {
	from := s.state
	s.state = to
	s.note(gateway.Transition{From: from, To: to, Reason: c})
}

// hear notes that something came from Discord.
func (s *fakeShard) hear() { s.heard = s.now }

// beat is one heartbeat and its answer.
func (s *fakeShard) beat() {
	s.note(gateway.HeartbeatSent{})
	s.after(45 * time.Millisecond)
	s.hear()
	s.acked = s.now
	s.note(gateway.HeartbeatACK{Latency: 45 * time.Millisecond})
}

// beats lets time pass on a healthy connection.
func (s *fakeShard) beats(n int) {
	for range n {
		s.after(interval - 45*time.Millisecond)
		s.beat()
	}
}

func (s *fakeShard) hello() {
	s.hear()
	s.note(gateway.HelloReceived{URL: "wss://gateway.example", Interval: interval, Took: 200 * time.Millisecond})
}

// dial is an attempt that reaches HELLO.
func (s *fakeShard) dial(resuming bool, why gateway.Reason) {
	if !resuming {
		s.move(gateway.Waiting{For: "its turn to identify"}, why)
	}
	s.move(gateway.Connecting{URL: "wss://gateway.example", Resuming: resuming}, why)
	s.after(200 * time.Millisecond)
	s.hello()
}

// identify is IDENTIFY and READY on an open connection.
func (s *fakeShard) identify() {
	s.move(gateway.Identifying{}, gateway.Reason{})
	s.note(gateway.IdentifySent{})
	s.after(800 * time.Millisecond)
	s.live()
	s.note(gateway.Ready{Username: "ResearchBot", Guilds: 3, Took: 800 * time.Millisecond})
}

// resume is RESUME and RESUMED on an open connection.
func (s *fakeShard) resume(replayed int) {
	last := s.heard
	s.move(gateway.Resuming{From: 100}, gateway.Reason{})
	s.note(gateway.ResumeSent{Seq: 100})
	s.after(100 * time.Millisecond)
	s.live()
	s.note(gateway.Resumed{Replayed: replayed, Took: 100 * time.Millisecond, Gap: s.now.Sub(last)})
}

func (s *fakeShard) live() {
	s.hear()
	s.since, s.acked = s.now, time.Time{}
	s.move(gateway.Live{}, gateway.Reason{})
}

// start is a start that goes well, with a first heartbeat.
func (s *fakeShard) start() *fakeShard {
	s.dial(false, gateway.Reason{Kind: gateway.ReasonStart})
	s.identify()
	s.after(time.Second)
	s.beat()
	return s
}

// lose is the end of a live connection.
func (s *fakeShard) lose(c gateway.Reason) {
	s.note(gateway.Disconnected{Reason: c, LastByte: s.heard, LastACK: s.acked, Session: true, Lasted: s.now.Sub(s.since)})
}

// fails is an attempt that does not reach HELLO.
func (s *fakeShard) fails(c gateway.Reason, failures int, next time.Duration) {
	s.note(gateway.ConnectFailed{URL: "wss://gateway.example", Reason: c, Failures: failures, Next: next})
}

func (s *fakeShard) snapshot() Snapshot { return s.tracker.Snapshot() }

// newest is the newest incident in the journal.
func (s *fakeShard) newest() Incident {
	s.t.Helper()
	list := s.tracker.Incidents(1)
	if len(list) == 0 {
		s.t.Fatal("there is no incident")
	}
	return list[0]
}

// says checks the newest incident's sentence.
func (s *fakeShard) says(want string) {
	s.t.Helper()
	if got := s.newest().Sentence(s.now, time.UTC); got != want {
		s.t.Errorf("the incident reads\n%s\nwant\n%s", got, want)
	}
}

// is checks the answer for a person.
func (s *fakeShard) is(status Status, reason string) Snapshot {
	s.t.Helper()
	snap := s.snapshot()
	if snap.Status != status || snap.Reason.String() != reason {
		s.t.Errorf("at %s it is\n%s\nwant\n%s: %s", s.now.Format("15:04:05"), snap.Sentence(), status, reason)
	}
	return snap
}
