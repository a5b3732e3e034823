package trial

import (
	"maps"
	"slices"
	"strings"
	"time"

	"evergreen/discordsim"
)

// score fills in what the simulated Discord knows.
func (c *cell) score(f *Figures, before discordsim.Verdict, began time.Time) {
	v, now := c.sim.Verdict(c.app), time.Now()
	f.Watched = now.Sub(c.mark)
	back, ok := c.recovered()
	switch {
	case c.scenario.From != Stays:
		f.Back, f.Green = ok, back.Sub(c.mark)
	case c.sim.Attached(c.app):
		f.Back, f.Green = true, v.LongestGap-before.LongestGap
	}
	if !f.Back {
		f.Green = f.Watched
	}
	f.Risk = v.Detached - before.Detached
	if c.scenario.Silent {
		f.Risk = max(f.Risk, f.Green)
	}
	f.Grey = v.Offline - before.Offline
	f.Answered = c.world.nextAnswer(c.mark)

	f.Asked, f.Lost, f.Unheard, f.Twice, f.Waiting = v.Asked, v.Lost, v.Unheard, v.Twice, v.Waiting
	f.Slowest = v.Slowest
	f.Identifies, f.Resumes, f.Dials = v.Identifies-before.Identifies, v.Resumes-before.Resumes, v.Dials-before.Dials
	for _, r := range c.sim.Requests(c.app) {
		if r.At.After(began) {
			f.Requests++
		}
	}
	broken := map[string]bool{}
	for _, violation := range v.Violations {
		if strings.HasPrefix(violation.What, "note:") {
			continue // advice, not a rule of Discord's
		}
		f.Violations++
		broken[violation.Statement+" "+violation.What] = true
	}
	f.Broken = slices.Sorted(maps.Keys(broken))
	f.Compression = c.compression()
}

// compression is what the bot asked for: over the whole connection, of each
// payload by itself, or none.
func (c *cell) compression() string {
	for _, conn := range c.sim.Connections(c.app) {
		if conn.Compress != "" {
			return conn.Compress
		}
		for _, frame := range conn.Frames {
			if frame.Client != nil && frame.Client.Compress {
				return "payload"
			}
		}
	}
	return "none"
}

// count fills in what the process has used.
func (c *cell) count(f *Figures) {
	f.CPU, f.RSS, f.Own, f.Peak = c.spent.CPU+c.latest.CPU, c.latest.RSS, c.latest.Own, max(c.spent.Peak, c.latest.Peak)
	if len(c.perEvent) > 0 {
		slices.Sort(c.perEvent)
		f.PerEvent = c.perEvent[len(c.perEvent)/2]
	}
}
