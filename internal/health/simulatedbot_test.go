package health

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// simulatedBot is a bot on a simulated Discord.
type simulatedBot struct {
	*testing.T
	*simtest.World
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
	simtest.Run(t, simtest.Options{Sim: discordsim.Config{Seed: 1}, Guilds: 1}, func(w *simtest.World) {
		b := &simulatedBot{T: w.T, World: w}
		b.source.stats = func() gateway.Stats { return b.shard.Stats() }
		o := w.ShardOptions(gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent)
		o.Handler = gateway.HandlerFunc(func(context.Context, gateway.Event) {})
		o.Rand = func() float64 { return 0.5 }
		if change != nil {
			change(w.Sim, &o)
		}
		b.tracker = NewTracker(Options{Source: &b.source, Clock: o.Clock})
		o.Observer = b.tracker
		var err error
		if b.shard, err = gateway.New(o); err != nil {
			b.Fatal(err)
		}
		ran := make(chan error)
		go func() { ran <- b.shard.Run(context.Background()) }()
		defer func() {
			if err := b.shard.Stop(context.Background(), gateway.KeepSession); err != nil {
				b.Error(err)
			}
			<-ran
		}()
		b.wait(2 * time.Minute)
		if s := b.tracker.Snapshot(); s.Status != Online {
			b.Fatalf("before anything happens it is %s", s.Sentence())
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

// incident returns the first incident of a cause, which has to say something.
func (b *simulatedBot) incident(cause CauseID, says string) Incident {
	b.Helper()
	for _, i := range slices.Backward(b.tracker.Incidents(MemoryJournalSize)) {
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
