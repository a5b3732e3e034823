package alert

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/health"
	"evergreen/internal/text"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inbox is a channel that a person reads.
type inbox struct {
	mu    sync.Mutex
	got   []Notification
	fails func(Notification) error
	tries int
}

func (i *inbox) Name() string { return "inbox" }

func (i *inbox) Send(_ context.Context, m Notification) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tries++
	if i.fails != nil {
		if err := i.fails(m); err != nil {
			return err
		}
	}
	i.got = append(i.got, m)
	return nil
}

// becomes changes how the channel fares.
func (i *inbox) becomes(fails func(Notification) error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fails = fails
}

// tried is how often something was to be sent.
func (i *inbox) tried() int {
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tries
}

// kinds are the kinds of what has arrived, in order.
func (i *inbox) kinds() string {
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []string
	for _, m := range i.got {
		all = append(all, string(m.Kind))
	}
	return strings.Join(all, " ")
}

// last is the newest message.
func (i *inbox) last(t *testing.T) Notification {
	t.Helper()
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.got) == 0 {
		t.Fatal("nothing has arrived")
	}
	return i.got[len(i.got)-1]
}

// scene is a bot whose health the story tells, with a notifier that watches it.
type scene struct {
	t       *testing.T
	tracker *health.Tracker
	inbox   *inbox
	log     *bytes.Buffer
	n       *Notifier
	end     func()
}

// run begins a story in virtual time.
func run(t *testing.T, o Options, h health.Options, tell func(s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, inbox: &inbox{}, log: &bytes.Buffer{}}
		s.tracker = health.NewTracker(h)
		o.Snapshot, o.Log, o.Rand = s.tracker.Snapshot, slog.New(slog.NewTextHandler(s.log, nil)), func() float64 { return 1 }
		o.Channels = append(o.Channels, s.inbox)
		s.n = New(o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.n.Run(ctx) }()
		s.end = sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		defer s.end()
		tell(s)
	})
}

func (s *scene) note(what ...gateway.ShardEvent) {
	for _, w := range what {
		s.tracker.Observe(gateway.Observation{At: time.Now(), Event: w})
	}
}

func (s *scene) up() {
	s.note(gateway.Transition{From: gateway.Resuming{}, To: gateway.Live{}}, gateway.Resumed{Replayed: 3})
}

var silent = gateway.Reason{Kind: gateway.ReasonSilent, Elapsed: 25 * time.Second}

func (s *scene) down(c gateway.Reason) {
	s.note(gateway.Disconnected{Reason: c, LastByte: time.Now(), LastACK: time.Now(), Session: true},
		gateway.Transition{From: gateway.Live{}, To: gateway.Connecting{Resuming: true}, Reason: c})
}

// lasts lets time pass, with answers to heartbeats while the bot is connected.
func (s *scene) lasts(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(20*time.Second, time.Until(end)))
		if snap := s.tracker.Snapshot(); snap.Ready {
			s.note(gateway.HeartbeatACK{Latency: 45 * time.Millisecond})
		}
	}
	time.Sleep(time.Second / 2) // past the look of the last second
}

func (s *scene) arrived(want string) {
	s.t.Helper()
	if got := s.inbox.kinds(); got != want {
		s.t.Errorf("%s in, %q has arrived, want %q", time.Now().UTC().Format("15:04:05"), got, want)
	}
}

// Given a bot that goes away, when it has been away for a minute, then one
// alert says so with the incident's sentence and where the runbook explains it;
// an hour later comes a reminder, and when it has been back for a minute, the end.
func TestAwayForAMinute(t *testing.T) {
	run(t, Options{}, health.Options{}, func(s *scene) {
		s.up()
		s.lasts(time.Minute)
		s.down(silent)
		s.lasts(58 * time.Second)
		s.arrived("")
		s.lasts(2 * time.Second)
		s.arrived("offline")
		m := s.inbox.last(t)
		if m.Title != "The bot is offline" || m.Cause != health.HalfOpen || m.Link != "docs/runbook.md#half-open" || m.Incident == "" || m.For < time.Minute {
			t.Errorf("got %+v", m)
		}
		if want := "the connection was half-open (nothing arrived for 25 s). Not back yet. Times are in UTC."; !strings.HasSuffix(m.Text, want) || !strings.HasPrefix(m.Text, "Since 00:0") {
			t.Errorf("text is %q", m.Text)
		}
		if body := m.Body(); !strings.Contains(body, "More about it: docs/runbook.md#half-open") {
			t.Errorf("body is %q", body)
		}
		s.lasts(59 * time.Minute)
		s.arrived("offline")
		s.lasts(2 * time.Minute)
		s.arrived("offline reminder")
		s.up()
		s.lasts(50 * time.Second)
		s.arrived("offline reminder")
		s.lasts(15 * time.Second)
		s.arrived("offline reminder resolved")
		end := s.inbox.last(t)
		if !strings.Contains(end.Text, "Resumed, 3 events replayed, none lost.") || end.Thread != m.Thread || end.Remedy != "" || end.For < time.Hour {
			t.Errorf("got %+v", end)
		}
		s.lasts(2 * time.Hour)
		s.arrived("offline reminder resolved")
	})
}

// Given ordinary reconnects, however often they come, then no message is sent.
func TestReconnectsAreNotTold(t *testing.T) {
	run(t, Options{}, health.Options{}, func(s *scene) {
		s.up()
		for range 30 {
			s.lasts(5 * time.Minute)
			s.down(silent)
			s.lasts(20 * time.Second)
			s.up()
		}
		s.lasts(5 * time.Minute)
		s.arrived("")
	})
}

// Given a bot that comes and goes within the minute, over and over, then that is
// one alert, however often it goes, until it stays.
func TestFlapping(t *testing.T) {
	run(t, Options{}, health.Options{}, func(s *scene) {
		s.up()
		s.lasts(2 * time.Minute)
		for range 40 {
			s.down(silent)
			s.lasts(20 * time.Second)
			s.up()
			s.lasts(20 * time.Second)
		}
		s.arrived("offline")
		s.lasts(2 * time.Minute)
		s.arrived("offline resolved")
	})
}

// Given a token that is refused while the bot is away, then that only a human
// can help is told at once, with the remedy, beside the alert that is there.
func TestNeedsYouAtOnce(t *testing.T) {
	for _, raised := range []bool{false, true} {
		run(t, Options{RemindEvery: -1}, health.Options{}, func(s *scene) {
			s.up()
			want := "needs-you"
			if raised {
				s.down(silent)
				s.lasts(2 * time.Minute)
				want = "offline needs-you"
			}
			refused := gateway.Reason{Kind: gateway.ReasonFatal, Code: 4004}
			s.note(gateway.Transition{From: gateway.Identifying{}, To: gateway.Parked{Reason: refused}, Reason: refused})
			s.lasts(2 * time.Second)
			s.arrived(want)
			m := s.inbox.last(t)
			if m.Title != "The bot needs you" || m.Remedy == "" || m.Cause != health.TokenRefused || !strings.Contains(m.Body(), "What to do: ") {
				t.Errorf("got %+v", m)
			}
			s.lasts(2 * time.Hour)
			s.arrived(want)
			s.up()
			s.lasts(2 * time.Minute)
			s.arrived(want + " resolved")
		})
	}
}

// Given a bot that is connected while its events wait for hours, then it is
// told after five minutes, as something else than being offline.
func TestGreenButUseless(t *testing.T) {
	work := &source{}
	run(t, Options{}, health.Options{Source: work}, func(s *scene) {
		s.up()
		s.lasts(time.Minute)
		work.stats.set(gateway.Stats{QueuedAge: 3 * time.Minute})
		s.lasts(4 * time.Minute)
		s.arrived("")
		s.lasts(2 * time.Minute)
		s.arrived("not-working")
		if m := s.inbox.last(t); m.Cause != health.SlowHandlers || !strings.Contains(m.Text, "not working") || m.Incident != "" {
			t.Errorf("got %+v", m)
		}
		work.stats.set(gateway.Stats{})
		s.lasts(2 * time.Minute)
		s.arrived("not-working resolved")
		if m := s.inbox.last(t); !strings.HasPrefix(m.Text, "It is well again since 00:0") {
			t.Errorf("got %+v", m)
		}
	})
}

// Given that Discord reports trouble, when the bot is away for that, then no
// alert is sent; one that was sent already is followed by one message that it is
// Discord, and by no reminders; and when Discord is well and the bot is still
// away a minute later, that is told.
func TestDiscordNotYou(t *testing.T) {
	trouble := statuspage.Status{At: time.Now(), Description: "Partial System Outage", API: statuspage.Operational, Gateway: "partial_outage"}
	run(t, Options{}, health.Options{}, func(s *scene) {
		s.up()
		s.tracker.SetDiscordStatus(trouble)
		s.down(gateway.Reason{Kind: gateway.ReasonNoHello})
		s.lasts(3 * time.Hour)
		s.arrived("")
		s.tracker.SetDiscordStatus(statuspage.Status{})
		s.lasts(50 * time.Second)
		s.arrived("")
		s.lasts(20 * time.Second)
		s.arrived("offline")
		s.tracker.SetDiscordStatus(trouble)
		s.lasts(5 * time.Hour)
		s.arrived("offline not-you")
		if m := s.inbox.last(t); m.Cause != health.DiscordOutage || m.Title != "The bot is offline because of Discord, not you" ||
			!strings.HasPrefix(m.Text, "Discord, not you: Partial System Outage; Gateway: partial outage.") {
			t.Errorf("got %+v", m)
		}
		s.up()
		s.lasts(2 * time.Minute)
		s.arrived("offline not-you resolved")
	})
}

// Given a program that was gone for ten minutes, when the bot is back, then that
// is reported once, since it could not be meanwhile; a planned stop is not.
func TestDowntimeIsReported(t *testing.T) {
	for end, want := range map[health.End]string{health.EndUnknown: "notice", health.EndSessionKept: ""} {
		started := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when virtual time begins
		gap, ok := health.Downtime(health.PreviousRun{LastAlive: started.Add(-10 * time.Minute), End: end}, health.ThisRun{Started: started})
		if !ok {
			t.Fatal("there is no gap")
		}
		run(t, Options{}, health.Options{PreviousDowntime: &gap}, func(s *scene) {
			time.Sleep(time.Second)
			s.note(gateway.Transition{From: gateway.Idle{}, To: gateway.Connecting{Resuming: true}})
			s.lasts(5 * time.Second)
			s.up()
			s.lasts(10 * time.Minute)
			s.arrived(want)
			if want == "" {
				return
			}
			if m := s.inbox.last(t); m.Title != "The bot was away" || m.Cause != health.ProcessGone || m.Remedy == "" || !strings.Contains(m.Text, "23:50:00") {
				t.Errorf("got %+v", m)
			}
		})
	}
}

// Given a host that slept through the night, when it wakes, then the night is
// not an alert of something going on, but told as over.
func TestSleepIsToldAfterwards(t *testing.T) {
	n := New(Options{Snapshot: func() health.Snapshot { return health.Snapshot{} }})
	box := &inbox{}
	n.boxes = []*outbox{newOutbox(box, n.opts)}
	evening := time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
	well := health.Snapshot{At: evening, Ready: true, Connected: true, Work: health.Work{OK: true}}
	n.check(well)
	morning := evening.Add(8 * time.Hour)
	n.check(health.Snapshot{At: morning, Status: health.Reconnecting, OfflineSince: evening})
	n.check(health.Snapshot{At: morning.Add(5 * time.Second), Status: health.Reconnecting, OfflineSince: evening})
	well.At = morning.Add(10 * time.Second)
	well.Last = &health.Incident{ID: "x", Cause: health.HostSlept, What: health.Text("the host was asleep"), Start: evening, End: well.At, Evidence: health.Evidence{Slept: 8 * time.Hour}}
	n.check(well)
	n.check(well)
	if got := n.boxes[0].queue; len(got) != 1 || got[0].Kind != Notice || got[0].Cause != health.HostSlept {
		t.Errorf("got %+v", got)
	}
}

// Given a bot that is offline and of which people have been told, when the clock is set by
// hours, then no reminder comes early or late, and it is told how long it was away.
func TestSetClockIsNoLongerAbsence(t *testing.T) {
	for _, by := range []time.Duration{3 * time.Hour, -3 * time.Hour} {
		n := New(Options{RemindEvery: time.Hour, Snapshot: func() health.Snapshot { return health.Snapshot{} }})
		n.boxes = []*outbox{newOutbox(&inbox{}, n.opts)}
		now := time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
		set := time.Duration(0)
		since := now
		for range 90 * 60 {
			now = now.Add(time.Second)
			s := health.Snapshot{At: now.Add(set), Status: health.Offline, OfflineSince: since.Add(set), ClockSet: set, Work: health.Work{OK: true}}
			n.check(s)
			if now.Sub(since) == 30*time.Minute {
				set = by
			}
		}
		queue := n.boxes[0].queue
		if len(queue) != 2 || queue[0].Kind != Offline || queue[1].Kind != Reminder || queue[1].For > 90*time.Minute || queue[1].For < time.Hour {
			for _, m := range queue {
				t.Errorf("set by %s: %s at %s after %s", by, m.Kind, m.At, m.For)
			}
		}
	}
}

// Given more trouble than anybody wants to read about, then what is too much is
// held back and counted, and the end of what was told is told in any case.
func TestRateCap(t *testing.T) {
	run(t, Options{MaxPerHour: 2, RemindEvery: time.Minute}, health.Options{}, func(s *scene) {
		s.up()
		s.down(silent)
		s.lasts(30 * time.Minute)
		s.arrived("offline reminder")
		s.up()
		s.lasts(2 * time.Minute)
		s.arrived("offline reminder resolved")
		if m := s.inbox.last(t); m.Held < 20 || !strings.Contains(m.Body(), "messages before this one were held back") {
			t.Errorf("%d were held back: %s", m.Held, m.Body())
		}
		s.down(silent)
		s.lasts(2 * time.Minute)
		s.up()
		s.lasts(2 * time.Minute)
		s.arrived("offline reminder resolved")
		s.n.Notify("Session starts run low", "Half of them are spent", health.IdentifyBudget)
		s.lasts(time.Hour)
		s.n.Notify("Session starts run low", "Half of them are spent", health.IdentifyBudget)
		s.arrived("offline reminder resolved notice")
		if m := s.inbox.last(t); m.Title != "Session starts run low" || m.Link != "docs/runbook.md#identify-budget" || m.Held == 0 || m.Remedy == "" {
			t.Errorf("got %+v", m)
		}
	})
	if body := (Notification{Text: "x", Held: 1}).Body(); !strings.Contains(body, "One message before") {
		t.Errorf("body is %q", body)
	}
}

// Given a bot that is asked to stop, then no message is sent.
func TestStopIsNotTold(t *testing.T) {
	run(t, Options{}, health.Options{}, func(s *scene) {
		s.up()
		s.lasts(time.Minute)
		s.note(gateway.Transition{From: gateway.Live{}, To: gateway.Stopped{}, Reason: gateway.Reason{Kind: gateway.ReasonStop}})
		s.lasts(time.Hour)
		s.arrived("")
	})
}

// What a bot with a name, and without an open incident, is called and said of.
func TestWordsWithoutAnIncident(t *testing.T) {
	w := writer{runbook: "https://bot.example/runbook", zone: time.FixedZone("ICT", 7*3600), redact: func(s string) string { return strings.ReplaceAll(s, "hidden", "[redacted]") }}
	at := time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
	m := w.write(Offline, health.Snapshot{At: at, Username: "ResearchBot", Reason: health.Text("no heartbeat has been answered, hidden")}, at.Add(-time.Minute))
	if m.Title != "ResearchBot is offline" || m.Text != "No heartbeat has been answered, [redacted]." || m.Link != "" || m.For != time.Minute {
		t.Errorf("got %+v", m)
	}
	m = w.write(Offline, health.Snapshot{At: at, Last: &health.Incident{ID: "x", Start: at.Add(-time.Minute), What: health.Text("it was cut"), Cause: health.ConnectionCut}}, at)
	if m.Text != "Since 04:59:00 (1 min so far): it was cut. Not back yet. Times are in ICT." || m.Link != "https://bot.example/runbook#connection-cut" {
		t.Errorf("got %+v", m)
	}
	if m = w.write(Resolved, health.Snapshot{At: at}, at); m.Text != "It is well again since 05:00:00 (ICT)." || text.Capitalize("") != "" {
		t.Errorf("got %+v", m)
	}
}
