package health

import (
	"testing"
	"time"

	"evergreen/gateway"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// evening is when the tests begin.
var evening = time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)

const interval = 41250 * time.Millisecond

// fakeShard makes the observations of a shard in their order, on a clock of its own.
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

// newFakeShard returns a shard with a tracker whose clock is the shard's.
func newFakeShard(t *testing.T, o Options, also ...gateway.Observer) *fakeShard {
	t.Helper()
	s := &fakeShard{t: t, now: evening, state: gateway.Idle{}}
	o.Now = func() time.Time { return s.now }
	s.tracker = NewTracker(o)
	s.to = append(Observers{s.tracker}, also...)
	return s
}

// another returns another shard with the same tracker and the same time.
func (s *fakeShard) another(id gateway.ShardID) *fakeShard {
	other := *s
	other.id, other.state = id, gateway.Idle{}
	return &other
}

func (s *fakeShard) observe(what gateway.ShardEvent) {
	s.to.Observe(gateway.Observation{Shard: s.id, At: s.now, Event: what})
}

func (s *fakeShard) after(d time.Duration) *fakeShard {
	s.now = s.now.Add(d)
	return s
}

func (s *fakeShard) move(to gateway.State, c gateway.Reason) {
	from := s.state
	s.state = to
	s.observe(gateway.Transition{From: from, To: to, Reason: c})
}

// receive notes that something came from Discord.
func (s *fakeShard) receive() { s.heard = s.now }

// beat is one heartbeat and its answer.
func (s *fakeShard) beat() {
	s.observe(gateway.HeartbeatSent{})
	s.after(45 * time.Millisecond)
	s.receive()
	s.acked = s.now
	s.observe(gateway.HeartbeatACK{Latency: 45 * time.Millisecond})
}

// beats lets time pass on a healthy connection.
func (s *fakeShard) beats(n int) {
	for range n {
		s.after(interval - 45*time.Millisecond)
		s.beat()
	}
}

func (s *fakeShard) hello() {
	s.receive()
	s.observe(gateway.HelloReceived{URL: "wss://gateway.example", Interval: interval, Took: 200 * time.Millisecond})
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
	s.observe(gateway.IdentifySent{})
	s.after(800 * time.Millisecond)
	s.live()
	s.observe(gateway.Ready{Username: "ResearchBot", Guilds: 3, Took: 800 * time.Millisecond})
}

// resume is RESUME and RESUMED on an open connection.
func (s *fakeShard) resume(replayed int) {
	last := s.heard
	s.move(gateway.Resuming{From: 100}, gateway.Reason{})
	s.observe(gateway.ResumeSent{Seq: 100})
	s.after(100 * time.Millisecond)
	s.live()
	s.observe(gateway.Resumed{Replayed: replayed, Took: 100 * time.Millisecond, Gap: s.now.Sub(last)})
}

func (s *fakeShard) live() {
	s.receive()
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
	s.observe(gateway.Disconnected{Reason: c, LastByte: s.heard, LastACK: s.acked, Session: true, Lasted: s.now.Sub(s.since)})
}

// failDial is an attempt that does not reach HELLO.
func (s *fakeShard) failDial(c gateway.Reason, failures int, next time.Duration) {
	s.observe(gateway.ConnectFailed{URL: "wss://gateway.example", Reason: c, Failures: failures, Next: next})
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

// expectSentence checks the newest incident's sentence.
func (s *fakeShard) expectSentence(want string) {
	s.t.Helper()
	if got := s.newest().Sentence(s.now, time.UTC); got != want {
		s.t.Errorf("the incident reads\n%s\nwant\n%s", got, want)
	}
}

// expectStatus checks the status and its reason.
func (s *fakeShard) expectStatus(status Status, reason string) Snapshot {
	s.t.Helper()
	snap := s.snapshot()
	if snap.Status != status || snap.Reason.String() != reason {
		s.t.Errorf("at %s it is\n%s\nwant\n%s: %s", s.now.Format("15:04:05"), snap.Sentence(), status, reason)
	}
	return snap
}
