package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/host"
)

const (
	// memoryInterval is the time between two checks.
	memoryInterval = 10 * time.Second
	// shortAt is the share of the limit from which on memory counts as short, and
	// enoughAt the share below which it is enough again.
	shortAt, enoughAt = 0.85, 0.80
)

// memoryMonitor compares the memory in use with the limit of the control group. Without
// a limit there is nothing to warn of.
type memoryMonitor struct {
	machine host.Machine
	log     *slog.Logger

	// group is set once the figure of the whole control group has been read. Only run
	// touches it.
	group bool

	mu    sync.Mutex
	short health.Condition
}

// run checks until ctx ends.
func (m *memoryMonitor) run(ctx context.Context) {
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	for {
		m.check()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// check compares the memory in use with the limit and logs a change. A figure that
// cannot be read changes nothing.
func (m *memoryMonitor) check() {
	now := m.machine.Memory()
	_, _, known := now.Bound()
	if now.Limit <= 0 || !known {
		return
	}
	if now.Used > 0 {
		m.group = true
	} else if m.group {
		return // what is known is this process alone, which is less
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.short.Trouble != ""
	switch share := now.Share(); {
	case share >= shortAt:
		m.short.Cause, m.short.Trouble = health.MemoryShort, now.String()
		if !was {
			m.short.Since = time.Now()
			m.log.Warn("Memory runs short", "memory", now.String(),
				"do", "Give the container or host more: at the limit the kernel kills the bot without a word.")
		}
	case was && share < enoughAt:
		m.short = health.Condition{}
		m.log.Info("There is enough memory again", "memory", now.String())
	case was:
		m.short.Trouble = now.String()
	}
}

// condition returns the condition that memory runs short; empty while it does not.
func (m *memoryMonitor) condition() health.Condition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.short
}
