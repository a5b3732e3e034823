package health

import (
	"context"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

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
		b.Post("take your time")
		b.Post("and I wait")
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
			b.Post("hello?")
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

// Which condition the reason says is known also where what is wrong is a number alone,
// which may stand in any sentence.
func TestTheReasonSaysOneConditionOnly(t *testing.T) {
	source := &fakeSource{conditions: []Condition{
		{Cause: BotAway, Trouble: "14", Since: evening}, {Cause: BotCrashLoop, Trouble: "1", Since: evening},
	}}
	s := newFakeShard(t, Options{Source: source}).start()
	snap := s.snapshot()
	if snap.Status != Degraded || !snap.IsReason(snap.Conditions[0]) || snap.IsReason(snap.Conditions[1]) {
		t.Errorf("%s: %+v", snap.Sentence(), snap.Conditions)
	}
}

// Given a bot that is away while more and more events wait for it, then the incident tells at
// its end how many they were.
func TestIncidentTellsWhatWaitedAtItsEnd(t *testing.T) {
	var source fakeSource
	s := newFakeShard(t, Options{Source: &source}).start()
	for _, waiting := range []string{"3", "25", "214"} {
		source.conditions = []Condition{{Cause: BotAway, Trouble: waiting, Since: evening}}
		s.after(20 * time.Second)
		s.snapshot()
	}
	source.conditions = nil
	for range 4 {
		s.after(30 * time.Second)
		s.snapshot()
	}
	if i := s.tracker.Incidents(1)[0]; !strings.Contains(i.Summary(), "events that wait for it: 214. Mended") {
		t.Errorf("got %s", i.Summary())
	}
}
