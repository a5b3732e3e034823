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
	// memoryEvery is how often memory is looked at.
	memoryEvery = 10 * time.Second
	// shortAt is the share of the limit from which on memory counts as short, and
	// enoughAt the share below which it is enough again.
	shortAt, enoughAt = 0.85, 0.80
)

// memory watches how much is left below the limit of the control group. Without
// a limit it is silent: a machine that uses its memory well is no news.
type memory struct {
	machine host.Machine
	log     *slog.Logger

	mu    sync.Mutex
	short health.Short
}

// run looks until ctx ends.
func (m *memory) run(ctx context.Context) {
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	for {
		m.look()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look compares what is in use with the limit and says what has changed.
func (m *memory) look() {
	now := m.machine.Memory()
	if now.Limit <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.short.Trouble != ""
	switch share := now.Share(); {
	case share >= shortAt:
		m.short.Trouble = now.String()
		if !was {
			m.short.Since = time.Now()
			m.log.Warn("Memory runs short: " + now.String() + ". At the limit the kernel kills the bot without a word; give the container or host more")
		}
	case was && share < enoughAt:
		m.short = health.Short{}
		m.log.Info("There is enough memory again: " + now.String())
	case was:
		m.short.Trouble = now.String()
	}
}

// Short is how it looked last.
func (m *memory) Short() health.Short {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.short
}
