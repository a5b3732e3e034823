package health

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"
)

// simulatedBot is a bot on a simulated Discord.
type simulatedBot struct {
	*testing.T
	sim     *discordsim.Sim
	app     *discordsim.App
	channel discordsim.ID
	user    discordsim.User
	tracker *Tracker
	shard   *gateway.Shard
	source  fakeSource
}

// fakeSource is a [Source] that tells what its fields say.
type fakeSource struct {
	stats      func() gateway.Stats
	activity   Activity
	conditions []Condition
}

func (f *fakeSource) Stats() gateway.Stats {
	if f.stats == nil {
		return gateway.Stats{}
	}
	return f.stats()
}
func (f *fakeSource) Activity() Activity      { return f.activity }
func (f *fakeSource) Conditions() []Condition { return slices.Clone(f.conditions) }

// runSimulatedBot runs a bot for a story in virtual time; change may replace its
// parts.
func runSimulatedBot(t *testing.T, change func(*discordsim.Sim, *gateway.Options), story func(*simulatedBot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{Seed: 1})
		defer sim.Close()
		guild := sim.AddGuild("house")
		b := &simulatedBot{T: t, sim: sim, app: sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}}), channel: guild.Channels[0].ID, user: sim.AddUser("ada")}
		sim.AddMembers(guild, b.user)
		b.source.stats = func() gateway.Stats { return b.shard.Stats() }
		b.tracker = NewTracker(Options{Source: &b.source})
		o := gateway.Options{
			Credentials: gateway.Credentials{Token: b.app.Token, Intents: gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent},
			URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:      gateway.WebSocketDialer{DialContext: sim.DialContext},
			Handler:     gateway.HandlerFunc(func(context.Context, gateway.Event) {}),
			Observer:    b.tracker, Rand: func() float64 { return 0.5 },
		}
		if change != nil {
			change(sim, &o)
		}
		var err error
		if b.shard, err = gateway.New(o); err != nil {
			t.Fatal(err)
		}
		ran := make(chan error)
		go func() { ran <- b.shard.Run(context.Background()) }()
		defer func() {
			if err := b.shard.Stop(context.Background(), gateway.KeepSession); err != nil {
				t.Error(err)
			}
			<-ran
		}()
		b.wait(2 * time.Minute)
		if s := b.tracker.Snapshot(); s.Status != Online {
			t.Fatalf("before anything happens it is %s", s.Sentence())
		}
		story(b)
	})
}

// wait lets time pass, with a snapshot every second.
func (b *simulatedBot) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		synctest.Wait()
		b.tracker.Snapshot()
	}
}

func (b *simulatedBot) inject(faults ...string) {
	b.Helper()
	for _, name := range faults {
		if _, err := b.sim.Inject(discordsim.Fault{Name: name}); err != nil {
			b.Fatal(err)
		}
	}
}

// incident is the incident of a cause, which has to say something.
func (b *simulatedBot) incident(cause CauseID, says string) Incident {
	b.Helper()
	for _, i := range b.tracker.Incidents(MemoryJournalSize) {
		if i.Cause == cause {
			if got := i.Sentence(time.Now(), time.UTC); !strings.Contains(got, says) {
				b.Errorf("it says\n%s\nwant in it\n%s", got, says)
			}
			return i
		}
	}
	b.Fatalf("no incident has the cause %s: %+v", cause, b.tracker.Incidents(MemoryJournalSize))
	return Incident{}
}

// expect checks the status and its reason.
func (b *simulatedBot) expect(status Status, says string) {
	b.Helper()
	if s := b.tracker.Snapshot(); s.Status != status || !strings.Contains(s.Reason.String(), says) {
		b.Errorf("it is %s, want %s: ...%s", s.Sentence(), status, says)
	}
}

// Given a host that sleeps for three minutes with the bot on it, then the
// incident says so, and that the session was resumed.
//
// Statements: G-032.
func TestSleepOfTheHostIsTold(t *testing.T) {
	var ahead atomic.Int64
	runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) {
		o.WallClock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}, func(b *simulatedBot) {
		ahead.Store(int64(3 * time.Minute))
		b.wait(time.Minute)
		if i := b.incident(HostSlept, "the host was asleep (for 3 min). Resumed, nothing was missed."); i.Evidence.Slept != 3*time.Minute || i.Outcome != OutcomeResumed {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a host with IPv6 addresses and no route for them, when the connection is
// lost, then the incident names that, and not Discord.
func TestBrokenIPv6IsTold(t *testing.T) {
	var broken atomic.Bool
	runSimulatedBot(t, func(sim *discordsim.Sim, o *gateway.Options) {
		o.Dialer = gateway.WebSocketDialer{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if broken.Load() {
				return nil, &net.OpError{
					Op: "dial", Net: "tcp6", Addr: &net.TCPAddr{IP: net.ParseIP("2606:4700::1"), Port: 443},
					Err: os.NewSyscallError("connect", syscall.ENETUNREACH),
				}
			}
			return sim.DialContext(ctx, network, addr)
		}}
	}, func(b *simulatedBot) {
		broken.Store(true)
		b.inject("cut")
		b.wait(20 * time.Second)
		broken.Store(false)
		b.wait(time.Minute)
		if i := b.incident(IPv6NoRoute, "the connection was cut without a close frame, then "); i.Outcome != OutcomeResumed || i.Evidence.Attempts == 0 {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a bot whose sessions are ended again and again, when the account saves
// its session starts, then the incident says what is waited for.
//
// Statements: G-042.
func TestSavedBudgetIsTold(t *testing.T) {
	runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) {
		o.IdentifyLimiter = identify.New(identify.Options{Hourly: 3, Rand: func() float64 { return 0.5 }})
	}, func(b *simulatedBot) {
		for range 4 {
			b.inject("op9-false")
			b.wait(3 * time.Minute)
		}
		b.expect(Offline, "3 session starts were spent within an hour")
		b.wait(time.Hour)
		if i := b.incident(IdentifyBudget, "the right to start a session has to be waited for"); i.Outcome != OutcomeNewSession {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a handler that blocks for five minutes, then the bot is degraded as soon
// as events have waited for two, one incident tells of it in which the dot was
// never in question, and it is over once the events are handled.
func TestSlowHandlersAreTold(t *testing.T) {
	runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) {
		o.Handler = gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			if e.Type == "MESSAGE_CREATE" {
				time.Sleep(5 * time.Minute)
			}
		})
	}, func(b *simulatedBot) {
		b.sim.Say(b.channel, b.user.ID, "take your time")
		b.sim.Say(b.channel, b.user.ID, "and I wait")
		b.wait(4 * time.Minute)
		b.expect(Degraded, "connected, but not working: the oldest event has been waiting for its handler for ")
		if i := b.incident(SlowHandlers, "Not mended yet; the bot stays online."); !i.Connected || i.ShownOffline(time.Now()) != 0 || i.AtRisk(time.Now()) != 0 {
			b.Errorf("got %+v", i)
		}
		b.wait(10 * time.Minute)
		b.expect(Online, "Discord answers")
		if i := b.incident(SlowHandlers, "Mended; the bot was online all the while."); i.Outcome != OutcomeMended || i.Duration(time.Now()) > 9*time.Minute {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a handler that panics over every message, when three have come, then the
// bot is green but useless, and an incident says so until it has been well for
// ten minutes.
func TestUselessIsTold(t *testing.T) {
	runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) {
		o.Handler = gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			if e.Type == "MESSAGE_CREATE" {
				panic("no such thing")
			}
		})
	}, func(b *simulatedBot) {
		for range 3 {
			b.sim.Say(b.channel, b.user.ID, "hello?")
		}
		b.wait(time.Minute)
		b.expect(Degraded, "handlers panicked 3 times")
		b.wait(15 * time.Minute)
		if i := b.incident(GreenButUseless, "last over MESSAGE_CREATE"); !i.Connected || i.Outcome != OutcomeMended {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a disk that fills up for a while, then the bot is degraded from the first
// moment on, an incident tells from when to when and that the bot was online all
// the while, and a disk that is busy for a moment is no incident.
func TestDiskTroubleIsTold(t *testing.T) {
	runSimulatedBot(t, nil, func(b *simulatedBot) {
		b.source.conditions = []Condition{{Cause: DiskTrouble, Trouble: "another program has locked the database", Since: time.Now()}}
		b.expect(Degraded, "connected and working, but nothing is saved: another program has locked the database; a restart now")
		b.wait(5 * time.Second)
		b.source.conditions = nil
		b.wait(2 * time.Minute)
		if list := b.tracker.Incidents(10); len(list) != 0 {
			b.Errorf("a moment was told: %+v", list)
		}

		began := time.Now()
		b.source.conditions = []Condition{{Cause: DiskTrouble, Trouble: "the disk is full (no space left on device)", Since: began}}
		b.wait(10 * time.Minute)
		if s := b.tracker.Snapshot(); s.Remedy == (Message{}) || !s.Since.Equal(began) || !s.Work.OK {
			b.Errorf("got %+v", s)
		}
		b.source.conditions = nil
		b.expect(Online, "connected")
		b.wait(2 * time.Minute)
		i := b.incident(DiskTrouble, "nothing can be saved: the disk is full (no space left on device). Mended; the bot was online all the while.")
		if !i.Start.Equal(began) || i.Duration(time.Now()).Round(2*time.Second) != 10*time.Minute || i.Outcome != OutcomeMended {
			b.Errorf("got %+v", i)
		}
	})
}

// Given trouble that comes and goes every few seconds, then it is one incident.
func TestFlickeringTroubleIsOneIncident(t *testing.T) {
	var source fakeSource
	s := newFakeShard(t, Options{Source: &source}).start()
	for n := range 100 {
		source.conditions = nil
		if n%20 < 15 {
			source.conditions = []Condition{{Cause: DiskTrouble, Trouble: "the disk reports errors", Since: evening}}
		}
		s.after(2 * time.Second)
		s.snapshot()
	}
	source.conditions = nil
	for range 5 {
		s.after(20 * time.Second)
		s.snapshot()
	}
	if list := s.tracker.Incidents(10); len(list) != 1 || list[0].Outcome != OutcomeMended {
		t.Errorf("got %+v", list)
	}
}
