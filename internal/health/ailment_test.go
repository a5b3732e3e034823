package health

import (
	"context"
	"errors"
	"net"
	"os"
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

// lodging is a bot on a simulated Discord whose surroundings a story can spoil.
type lodging struct {
	*testing.T
	sim     *discordsim.Sim
	app     *discordsim.App
	room    discordsim.ID
	guest   discordsim.User
	tracker *Tracker
	shard   *gateway.Shard
}

// lodge runs a bot for a story in virtual time; change may put other parts in the
// place of the usual ones.
func lodge(t *testing.T, h Options, change func(*discordsim.Sim, *gateway.Options), story func(*lodging)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{Seed: 1})
		defer sim.Close()
		guild := sim.AddGuild("house")
		l := &lodging{T: t, sim: sim, app: sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}}), room: guild.Channels[0].ID, guest: sim.AddUser("ada")}
		sim.AddMembers(guild, l.guest)
		h.Stats = func() gateway.Stats { return l.shard.Stats() }
		l.tracker = NewTracker(h)
		o := gateway.Options{
			Credentials: gateway.Credentials{Token: l.app.Token, Intents: gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent},
			URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer:      gateway.WebSocketDialer{DialContext: sim.DialContext},
			Handler:     gateway.HandlerFunc(func(context.Context, gateway.Event) {}),
			Observer:    l.tracker, Rand: func() float64 { return 0.5 },
		}
		if change != nil {
			change(sim, &o)
		}
		var err error
		if l.shard, err = gateway.New(o); err != nil {
			t.Fatal(err)
		}
		ran := make(chan error)
		go func() { ran <- l.shard.Run(context.Background()) }()
		defer func() {
			if err := l.shard.Stop(context.Background(), gateway.KeepSession); err != nil {
				t.Error(err)
			}
			<-ran
		}()
		l.passes(2 * time.Minute)
		if s := l.tracker.Snapshot(); s.Status != Online {
			t.Fatalf("before anything happens it is %s", s.Sentence())
		}
		story(l)
	})
}

// passes lets time pass, with a look at the bot every second.
func (l *lodging) passes(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		synctest.Wait()
		l.tracker.Snapshot()
	}
}

func (l *lodging) strike(faults ...string) {
	l.Helper()
	for _, name := range faults {
		if _, err := l.sim.Inject(discordsim.Fault{Name: name}); err != nil {
			l.Fatal(err)
		}
	}
}

// told is the incident of a cause, which has to say something.
func (l *lodging) told(cause CauseID, says string) Incident {
	l.Helper()
	for _, i := range l.tracker.Incidents(Remembered) {
		if i.Cause == cause {
			if got := i.Sentence(time.Now(), time.UTC); !strings.Contains(got, says) {
				l.Errorf("it says\n%s\nwant in it\n%s", got, says)
			}
			return i
		}
	}
	l.Fatalf("no incident has the cause %s: %+v", cause, l.tracker.Incidents(Remembered))
	return Incident{}
}

// is checks the answer for a person.
func (l *lodging) is(status Status, says string) {
	l.Helper()
	if s := l.tracker.Snapshot(); s.Status != status || !strings.Contains(s.Reason.String(), says) {
		l.Errorf("it is %s, want %s: ...%s", s.Sentence(), status, says)
	}
}

// Given a host that sleeps for three minutes with the bot on it, then the
// incident says so, and that the session was resumed.
//
// Statements: G-032.
func TestSleepOfTheHostIsTold(t *testing.T) {
	var ahead atomic.Int64
	lodge(t, Options{}, func(_ *discordsim.Sim, o *gateway.Options) {
		o.WallClock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}, func(l *lodging) {
		ahead.Store(int64(3 * time.Minute))
		l.passes(time.Minute)
		if i := l.told(HostSlept, "the host was asleep (for 3 min). Resumed, nothing was missed."); i.Evidence.Slept != 3*time.Minute || i.Outcome != OutcomeResumed {
			l.Errorf("got %+v", i)
		}
	})
}

// Given a host with IPv6 addresses and no route for them, when the connection is
// lost, then the incident names that, and not Discord.
func TestBrokenIPv6IsTold(t *testing.T) {
	var broken atomic.Bool
	lodge(t, Options{}, func(sim *discordsim.Sim, o *gateway.Options) {
		o.Dialer = gateway.WebSocketDialer{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if broken.Load() {
				return nil, &net.OpError{
					Op: "dial", Net: "tcp6", Addr: &net.TCPAddr{IP: net.ParseIP("2606:4700::1"), Port: 443},
					Err: os.NewSyscallError("connect", syscall.ENETUNREACH),
				}
			}
			return sim.DialContext(ctx, network, addr)
		}}
	}, func(l *lodging) {
		broken.Store(true)
		l.strike("cut")
		l.passes(20 * time.Second)
		broken.Store(false)
		l.passes(time.Minute)
		if i := l.told(IPv6NoRoute, "the connection was cut without a close frame, then "); i.Outcome != OutcomeResumed || i.Evidence.Attempts == 0 {
			l.Errorf("got %+v", i)
		}
	})
}

// Given a bot whose sessions are ended again and again, when the account saves
// its session starts, then the incident says what is waited for.
//
// Statements: G-042.
func TestSavedBudgetIsTold(t *testing.T) {
	lodge(t, Options{}, func(_ *discordsim.Sim, o *gateway.Options) {
		o.IdentifyLimiter = identify.New(identify.Options{Hourly: 3, Rand: func() float64 { return 0.5 }})
	}, func(l *lodging) {
		for range 4 {
			l.strike("op9-false")
			l.passes(3 * time.Minute)
		}
		l.is(Offline, "3 session starts were spent within an hour")
		l.passes(time.Hour)
		if i := l.told(IdentifyBudget, "the right to start a session has to be waited for"); i.Outcome != OutcomeNewSession {
			l.Errorf("got %+v", i)
		}
	})
}

// Given a handler that blocks for five minutes, then the bot is degraded as soon
// as events have waited for two, one incident tells of it in which the dot was
// never in question, and it is over once the events are handled.
func TestSlowHandlersAreTold(t *testing.T) {
	lodge(t, Options{}, func(_ *discordsim.Sim, o *gateway.Options) {
		o.Handler = gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			if e.Type == "MESSAGE_CREATE" {
				time.Sleep(5 * time.Minute)
			}
		})
	}, func(l *lodging) {
		l.sim.Say(l.room, l.guest.ID, "take your time")
		l.sim.Say(l.room, l.guest.ID, "and I wait")
		l.passes(4 * time.Minute)
		l.is(Degraded, "connected, but not working: the oldest event has been waiting for its handler for ")
		if i := l.told(SlowHandlers, "Not mended yet; the bot stays online."); !i.Connected || i.Grey(time.Now()) != 0 || i.AtRisk(time.Now()) != 0 {
			l.Errorf("got %+v", i)
		}
		l.passes(10 * time.Minute)
		l.is(Online, "Discord answers")
		if i := l.told(SlowHandlers, "Mended; the bot was online all the while."); i.Outcome != OutcomeMended || i.Duration(time.Now()) > 9*time.Minute {
			l.Errorf("got %+v", i)
		}
	})
}

// Given a handler that panics over every message, when three have come, then the
// bot is green but useless, and an incident says so until it has been well for
// ten minutes.
func TestUselessIsTold(t *testing.T) {
	lodge(t, Options{}, func(_ *discordsim.Sim, o *gateway.Options) {
		o.Handler = gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			if e.Type == "MESSAGE_CREATE" {
				panic("no such thing")
			}
		})
	}, func(l *lodging) {
		for range 3 {
			l.sim.Say(l.room, l.guest.ID, "hello?")
		}
		l.passes(time.Minute)
		l.is(Degraded, "handlers panicked 3 times")
		l.passes(15 * time.Minute)
		if i := l.told(GreenButUseless, "last over MESSAGE_CREATE"); !i.Connected || i.Outcome != OutcomeMended {
			l.Errorf("got %+v", i)
		}
	})
}

// Given a disk that fills up for a while, then the bot is degraded from the first
// moment on, an incident tells from when to when and that the bot was online all
// the while, and a disk that is busy for a moment is no incident.
func TestDiskTroubleIsTold(t *testing.T) {
	var saving atomic.Pointer[Saving]
	saving.Store(&Saving{})
	lodge(t, Options{Saving: func() Saving { return *saving.Load() }}, nil, func(l *lodging) {
		saving.Store(&Saving{Trouble: "another program has locked the database", Since: time.Now()})
		l.is(Degraded, "connected and working, but nothing is saved: another program has locked the database; a restart now")
		l.passes(5 * time.Second)
		saving.Store(&Saving{})
		l.passes(2 * time.Minute)
		if list := l.tracker.Incidents(10); len(list) != 0 {
			l.Errorf("a moment was told: %+v", list)
		}

		began := time.Now()
		saving.Store(&Saving{Trouble: "the disk is full (no space left on device)", Since: began})
		l.passes(10 * time.Minute)
		if s := l.tracker.Snapshot(); s.Remedy == (Message{}) || !s.Since.Equal(began) || !s.Work.OK {
			l.Errorf("got %+v", s)
		}
		saving.Store(&Saving{})
		l.is(Online, "connected")
		l.passes(2 * time.Minute)
		i := l.told(DiskTrouble, "nothing can be saved: the disk is full (no space left on device). Mended; the bot was online all the while.")
		if !i.Start.Equal(began) || i.Duration(time.Now()).Round(2*time.Second) != 10*time.Minute || i.Outcome != OutcomeMended {
			l.Errorf("got %+v", i)
		}
	})
}

// Given trouble that comes and goes every few seconds, then it is one incident.
func TestFlickeringTroubleIsOneIncident(t *testing.T) {
	trouble := false
	s := tell(t, Options{Saving: func() Saving {
		if trouble {
			return Saving{Trouble: errors.New("the disk reports errors").Error(), Since: evening}
		}
		return Saving{}
	}}).start()
	for n := range 100 {
		trouble = n%20 < 15
		s.after(2 * time.Second)
		s.snapshot()
	}
	trouble = false
	for range 5 {
		s.after(20 * time.Second)
		s.snapshot()
	}
	if list := s.tracker.Incidents(10); len(list) != 1 || list[0].Outcome != OutcomeMended {
		t.Errorf("got %+v", list)
	}
}
