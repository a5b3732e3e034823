package bot

import (
	"log/slog"
	"sync"
	"time"
)

// changes makes one line of the log of many joins or leaves in a row, however many a
// server sends: the line of the change if it stays alone, else their number.
type changes struct {
	log       *slog.Logger
	one, many string // the lines

	mu      sync.Mutex
	count   int
	first   []any // the attributes of the first
	began   time.Time
	timer   *time.Timer
	stopped bool
}

const (
	// changesPause is for how long nothing else comes before the line is written.
	changesPause = time.Second
	// changesLimit is how long a line is held back at most.
	changesLimit = 10 * time.Second
)

// add counts a change with its attributes.
func (c *changes) add(attrs ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.count++; c.count == 1 {
		c.first, c.began = attrs, now
	}
	wait := min(changesPause, changesLimit-now.Sub(c.began))
	switch {
	case c.stopped:
		c.write()
	case c.timer == nil:
		c.timer = time.AfterFunc(wait, c.over)
	default:
		c.timer.Reset(wait)
	}
}

// over writes the line after a pause.
func (c *changes) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write()
}

// write writes the line, if there is one. The caller holds mu.
func (c *changes) write() {
	switch c.count {
	case 0:
		return
	case 1:
		c.log.Info(c.one, c.first...)
	default:
		c.log.Info(c.many, "guilds", c.count, "within", time.Since(c.began).Round(time.Second).String())
	}
	c.count, c.first = 0, nil
}

// stop writes the line at once, and further ones too.
func (c *changes) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.write()
}
