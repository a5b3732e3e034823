package alert

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
)

// changing is a value that a story changes while it is watched.
type changing[T any] struct {
	mu  sync.Mutex
	now T
}

func (c *changing[T]) get() T  { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *changing[T]) set(v T) { c.mu.Lock(); defer c.mu.Unlock(); c.now = v }

// source is a [health.Source] that a story changes.
type source struct {
	stats      changing[gateway.Stats]
	conditions changing[[]health.Condition]
}

func (s *source) Stats() gateway.Stats           { return s.stats.get() }
func (s *source) Activity() health.Activity      { return health.Activity{} }
func (s *source) Conditions() []health.Condition { return slices.Clone(s.conditions.get()) }

// Given a disk that fills up, when nothing could be saved for five minutes, then
// that is told once, with what to do; and once that it is over.
func TestDiskTroubleIsTold(t *testing.T) {
	saving := &source{}
	run(t, Options{}, health.Options{Source: saving}, func(s *scene) {
		s.up()
		s.lasts(time.Minute)
		saving.conditions.set([]health.Condition{{Cause: health.DiskTrouble, Trouble: "another program has locked the database", Since: time.Now()}})
		s.lasts(2 * time.Minute)
		saving.conditions.set(nil)
		s.lasts(10 * time.Minute)
		s.arrived("")

		saving.conditions.set([]health.Condition{{Cause: health.DiskTrouble, Trouble: "the disk is full", Since: time.Now()}})
		s.lasts(4 * time.Minute)
		s.arrived("")
		s.lasts(10 * time.Minute)
		s.arrived("notice")
		if m := s.inbox.last(t); m.Title != "Nothing of The bot can be saved" || m.Cause != health.DiskTrouble || m.Remedy == "" ||
			!strings.HasPrefix(m.Text, "The disk is full. The bot stays online") {
			t.Errorf("got %+v", m)
		}
		saving.conditions.set(nil)
		s.lasts(10 * time.Minute)
		s.arrived("notice notice")
		if m := s.inbox.last(t); !strings.Contains(m.Title, "saved again") || m.Remedy != "" {
			t.Errorf("got %+v", m)
		}
	})
}

// Given a program that starts elsewhere with the same token, and memory that runs
// short, then each is told once, with what to do, and once that it is over.
func TestWhatIsWrongAroundTheBotIsTold(t *testing.T) {
	around := &source{}
	run(t, Options{}, health.Options{Source: around}, func(s *scene) {
		s.up()
		s.lasts(time.Minute)
		rival := health.Condition{Cause: health.TwoInstances, Trouble: "process 4711 runs this bot too", Since: time.Now()}
		around.conditions.set([]health.Condition{rival})
		s.lasts(2 * time.Minute)
		s.arrived("notice")
		if m := s.inbox.last(t); m.Title != "Another program uses the token of The bot" || m.Cause != health.TwoInstances ||
			!strings.HasPrefix(m.Text, "Process 4711 runs this bot too. Both answer") || !strings.Contains(m.Remedy, "Stop the other") {
			t.Errorf("got %+v", m)
		}
		memory := health.Condition{Cause: health.MemoryShort, Trouble: "85 MiB of 100 MiB", Since: time.Now()}
		around.conditions.set([]health.Condition{rival, memory})
		s.lasts(10 * time.Minute)
		s.arrived("notice notice")
		if m := s.inbox.last(t); m.Title != "Memory runs short for The bot" || m.Cause != health.MemoryShort || m.Remedy == "" {
			t.Errorf("got %+v", m)
		}
		around.conditions.set([]health.Condition{memory})
		s.lasts(time.Minute)
		around.conditions.set(nil)
		s.lasts(time.Minute)
		s.arrived("notice notice notice notice")
		if m := s.inbox.last(t); m.Title != "The bot has enough memory again" || m.Remedy != "" {
			t.Errorf("got %+v", m)
		}
	})
}

// Given a bot of which people know that it does not work, when it goes offline
// too, then that is told after a minute like any other absence.
func TestOfflineIsGraverThanNotWorking(t *testing.T) {
	work := &source{}
	run(t, Options{}, health.Options{Source: work}, func(s *scene) {
		s.up()
		s.lasts(time.Minute)
		work.stats.set(gateway.Stats{QueuedAge: 3 * time.Minute})
		s.lasts(8 * time.Minute)
		s.arrived("not-working")
		s.down(silent)
		s.lasts(50 * time.Second)
		s.arrived("not-working")
		s.lasts(20 * time.Second)
		s.arrived("not-working offline")
		work.stats.set(gateway.Stats{})
		s.up()
		s.lasts(2 * time.Minute)
		s.arrived("not-working offline resolved")
	})
}

// memoryStorage is a [Storage] in memory.
type memoryStorage struct{ changing[*Active] }

func (c *memoryStorage) SaveActive(s *Active) { c.set(s) }
func (c *memoryStorage) LoadActive() *Active  { return c.get() }

// Given an alert that an earlier run left standing, when the bot is back, then
// it is taken back with the thread and the time of its beginning, and nothing is
// left standing; while the bot is away, it is not raised anew.
func TestStandingAlertIsTakenBack(t *testing.T) {
	kept := &memoryStorage{}
	kept.set(&Active{Kind: Offline, Thread: "evergreen-1", Sent: true})
	run(t, Options{Storage: kept, RemindEvery: -1}, health.Options{}, func(s *scene) {
		s.note(gateway.Transition{From: gateway.Idle{}, To: gateway.Connecting{Resuming: true}, Reason: gateway.Reason{Kind: gateway.ReasonStart}})
		s.lasts(10 * time.Minute)
		s.arrived("")
		s.up()
		s.lasts(2 * time.Minute)
		s.arrived("resolved")
		if m := s.inbox.last(t); m.Thread != "evergreen-1" || kept.LoadActive() != nil {
			t.Errorf("got %+v, left standing %+v", m, kept.LoadActive())
		}
		s.down(silent)
		s.lasts(2 * time.Minute)
		s.arrived("resolved offline")
		if left := kept.LoadActive(); left == nil || left.Kind != Offline || !left.Sent || left.Thread != s.inbox.last(t).Thread {
			t.Errorf("left standing %+v", left)
		}
	})
}

// Given a bot behind evergreen proxy that is away, then the message says so in a whole
// sentence: its trouble is a number alone.
func TestABotThatIsAwayIsTold(t *testing.T) {
	around := &source{}
	run(t, Options{}, health.Options{Source: around}, func(s *scene) {
		s.up()
		s.lasts(time.Minute)
		around.conditions.set([]health.Condition{{Cause: health.BotAway, Trouble: "214", Since: time.Now()}})
		s.lasts(10 * time.Minute)
		s.arrived("notice")
		if m := s.inbox.last(t); m.Title != "No bot is attached for The bot" ||
			!strings.HasPrefix(m.Text, "No bot is attached to Evergreen; events that wait for it: 214. The dot is green, and nobody answers.") {
			t.Errorf("got %+v", m)
		}
		around.conditions.set(nil)
		s.lasts(10 * time.Minute)
		s.arrived("notice notice")
	})
}
