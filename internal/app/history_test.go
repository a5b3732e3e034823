package app

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/simtest"
	"evergreen/internal/store"
)

// stateFolder is a state folder in which runs follow each other.
type stateFolder struct {
	*harness
	dir   string
	store *store.Store
}

// newStateFolder is a state folder in memory where there is such a thing.
func newStateFolder(s *harness) *stateFolder {
	dir, err := os.MkdirTemp("/dev/shm", "evergreen-")
	if err != nil {
		dir = s.T.TempDir()
	} else {
		s.T.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	return &stateFolder{harness: s, dir: dir}
}

// kept are options with all that the folder keeps, as the program has them.
func (f *stateFolder) kept(o Options) Options {
	f.T.Helper()
	var err error
	f.store, err = store.Open(context.Background(), store.Options{Dir: f.dir, Fingerprint: tokenlock.FingerprintOf(f.App.Token), Version: o.Version, NoHost: true})
	if err != nil {
		f.T.Fatal(err)
	}
	gap := f.store.Downtime(f.store.BeginRun())
	o.Sessions, o.Storage, o.Journal = f.store, f.store.Identifies(), f.store.Journal()
	o.History, o.Alerts, o.Limits, o.PreviousDowntime = f.store.History(), f.store.Alerts(), f.store.Limits(), gap
	o.Conditions = func() []health.Condition {
		state := f.store.State()
		return []health.Condition{{Cause: health.DiskTrouble, Trouble: state.Reason, Since: state.Since}}
	}
	return o
}

// shut is the end of the process: how is what it says of it, nothing after a
// crash.
func (f *stateFolder) shut(how store.End) {
	f.T.Helper()
	if how != store.EndNone {
		f.store.EndRun(how, "")
	}
	if err := f.store.Close(context.Background()); err != nil {
		f.T.Error(err)
	}
}

// mailbox is where alerts arrive.
type mailbox struct {
	mu  sync.Mutex
	got []string // the kinds of messages
}

func (m *mailbox) Name() string { return "mailbox" }
func (m *mailbox) Send(_ context.Context, message alert.Notification) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, string(message.Kind))
	return nil
}

func (m *mailbox) kinds() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.got, " ")
}

// Given a bot that is stopped and started again two seconds later, when its past
// is asked for, then the bars know both runs and the gap between them, one
// incident tells of the gap and that the session was resumed, and the numbers of
// the first run are still there.
func TestPastSurvivesTheRestart(t *testing.T) {
	run(t, nil, func(s *harness) {
		f := newStateFolder(s)
		first := s.start(f.kept(s.options())).online()
		time.Sleep(20 * time.Minute)
		first.stop(gateway.KeepSession)
		f.shut(store.EndSessionKept)
		time.Sleep(2 * time.Second)

		second := s.start(f.kept(s.options())).online()
		time.Sleep(10 * time.Minute)
		if snap := second.Tracker().Snapshot(); snap.Username != "ResearchBot" || snap.Guilds != 1 {
			t.Errorf("after the RESUME it is %q in %d guilds", snap.Username, snap.Guilds)
		}
		u := second.services.history.Uptime(history.All, time.Hour)
		if u.Online < 29*time.Minute || u.Offline < 2*time.Second || u.Offline > 4*time.Second {
			t.Errorf("the bars: %+v", u.Totals)
		}
		if points := second.services.history.Latency(time.Hour); len(points) == 0 || time.Since(points[0].At) < 25*time.Minute {
			t.Errorf("the round trips of the first run are gone: %+v", points)
		}
		list := second.Tracker().Incidents(10)
		if len(list) != 1 || list[0].Cause != health.PlannedStop || list[0].Outcome != health.OutcomeResumed || list[0].Duration(time.Now()) < 2*time.Second {
			t.Errorf("the incidents: %+v", list)
		}
		second.stop(gateway.EndSession)
		f.shut(store.EndSessionEnded)
		s.NoViolations()
	})
}

// Given a bot that is killed in the middle of an outage, when the next run comes
// back half an hour later, then the incident of the first run ended with it, and
// the gap is one of its own in which the dot was grey from its beginning.
func TestOutageEndsWithItsRun(t *testing.T) {
	run(t, nil, func(s *harness) {
		f := newStateFolder(s)
		first := s.start(f.kept(s.options())).online()
		time.Sleep(time.Minute)
		for _, fault := range []discordsim.Fault{{Name: "refuse", For: 10 * time.Minute}, {Name: "cut"}} {
			if _, err := s.Sim.Inject(fault); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		f.shut(store.EndNone)
		first.stop(gateway.KeepSession)
		time.Sleep(30 * time.Minute)

		second := s.start(f.kept(s.options())).online()
		list := second.Tracker().Incidents(10)
		if len(list) != 2 || list[1].Cause != health.NetworkDown || list[1].Outcome != health.OutcomeEnded || list[1].Duration(time.Now()) > 6*time.Minute {
			t.Fatalf("the incidents: %+v", list)
		}
		gap := list[0]
		if gap.Cause != health.ProcessGone || gap.Outcome != health.OutcomeNewSession || gap.ShownOffline(time.Now()) != gap.Duration(time.Now()) || gap.Duration(time.Now()) < 30*time.Minute {
			t.Errorf("the gap: %s, grey for %s", gap.Sentence(time.Now(), time.UTC), gap.ShownOffline(time.Now()))
		}
		second.stop(gateway.EndSession)
		f.shut(store.EndSessionEnded)
	})
}

// Given an alert that was raised before the program was started again, when the
// bot is back for a minute, then people are told that it is over, once.
func TestAlertIsTakenBackAfterTheRestart(t *testing.T) {
	run(t, nil, func(s *harness) {
		f, told := newStateFolder(s), &mailbox{}
		options := func() Options {
			o := f.kept(s.options())
			o.Channels = []alert.Channel{told}
			return o
		}
		first := s.start(options()).online()
		time.Sleep(time.Minute)
		for _, fault := range []discordsim.Fault{{Name: "refuse", For: 10 * time.Minute}, {Name: "cut"}} {
			if _, err := s.Sim.Inject(fault); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		first.stop(gateway.KeepSession)
		f.shut(store.EndSessionKept)
		if got := told.kinds(); got != "offline" {
			t.Fatalf("told so far: %q", got)
		}
		time.Sleep(10 * time.Minute)

		second := s.start(options()).online()
		time.Sleep(5 * time.Minute)
		if got := told.kinds(); got != "offline resolved" {
			t.Errorf("told in all: %q", got)
		}
		second.stop(gateway.KeepSession)
		f.shut(store.EndSessionKept)
		third := s.start(options()).online()
		time.Sleep(5 * time.Minute)
		if got := told.kinds(); got != "offline resolved" {
			t.Errorf("told after one more restart: %q", got)
		}
		third.stop(gateway.EndSession)
		f.shut(store.EndSessionEnded)
	})
}

// Given a bot that runs without an optional intent whose switch is off, when it
// is started again while REST does not answer, then it resumes at once with the
// intents of its session, and does not wait for the questions before a start.
//
// Statements: G-053.
func TestReducedIntentsResumeAtOnce(t *testing.T) {
	run(t, new(uint64), func(s *harness) {
		f := newStateFolder(s)
		options := func() Options {
			o := f.kept(s.options())
			o.Config.OptionalIntents = gateway.IntentGuildMembers | gateway.IntentMessageContent
			return o
		}
		first := s.start(options()).online()
		time.Sleep(time.Minute)
		first.stop(gateway.KeepSession)
		f.shut(store.EndSessionKept)
		if _, err := s.Sim.Inject(discordsim.Fault{Name: "rest-timeout", For: 20 * time.Second}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		second := s.start(options()).online()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("back after %s", took)
		}
		time.Sleep(2 * time.Minute)
		second.stop(gateway.EndSession)
		f.shut(store.EndSessionEnded)
		if v := s.Sim.Verdict(s.App); v.Identifies != 1 || v.Resumed != 1 || v.RefusedIntents != 0 {
			t.Errorf("%d IDENTIFYs, %d resumed, %d refused", v.Identifies, v.Resumed, v.RefusedIntents)
		}
	})
}

// Given a bot whose every start crashes the program soon after READY, and a
// supervisor that starts it again two seconds later, when that goes on for a day,
// then there are never more than twenty IDENTIFYs in an hour, and the log says
// when the next one is allowed.
//
// Statements: G-040, G-153.
func TestCrashLoopOfADay(t *testing.T) {
	run(t, nil, func(s *harness) {
		f := newStateFolder(s)
		said := 0
		for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(2 * time.Second) {
			o := f.kept(s.options())
			o.Sessions = nil // what crashes the program has spoilt the session too
			s.log = &simtest.Log{}
			o.Logger = s.options().Logger
			r := s.start(o)
			for wait := time.Duration(0); !r.Tracker().Snapshot().Connected; wait += 10 * time.Second {
				if wait > 3*time.Hour {
					t.Fatalf("no IDENTIFY for three hours:\n%s", s.log)
				}
				time.Sleep(10 * time.Second)
			}
			if s.log.Has(`"Waiting to identify"`) && s.log.Has(" until=") {
				said++
			}
			f.shut(store.EndNone) // from here on nothing is kept: the process is gone
			r.stop(gateway.KeepSession)
		}
		var sent []time.Time
		for _, c := range s.Sim.Connections(s.App) {
			for _, frame := range c.Frames {
				if !frame.Sent && frame.Op == 2 {
					sent = append(sent, frame.At)
				}
			}
		}
		most := 0
		for n, at := range sent {
			within := 0
			for _, earlier := range sent[:n+1] {
				if at.Sub(earlier) < time.Hour {
					within++
				}
			}
			most = max(most, within)
		}
		t.Logf("%d IDENTIFYs in a day, %d in the worst hour; the log said %d times when the next is allowed", len(sent), most, said)
		if most > 20 || len(sent) < 24 || said == 0 {
			t.Errorf("%d IDENTIFYs in a day, %d in the worst hour, %d times the log said when the next is allowed:\n%s", len(sent), most, said, s.log)
		}
	})
}
