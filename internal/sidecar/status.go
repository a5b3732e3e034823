package sidecar

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"evergreen/internal/health"
)

// Counts are totals since the start.
type Counts struct {
	// Delivered are events that were written to a line, Lost those that fell out of the
	// backlog before, and Told the interactions that were answered for a bot.
	Delivered, Lost, Told int64
	// SetAside are events that ended a bot three times in a row.
	SetAside int64
	// WrongTokens are connections and requests with another token.
	WrongTokens int64
}

// Status is how the bots are.
type Status struct {
	Consumers []ConsumerStatus
	Lines     int
	Backlog   int64 // bytes
	Counts    Counts
}

// ConsumerStatus is how the bot of one shard pair is.
type ConsumerStatus struct {
	Shard   [2]int
	Library string
	// Attended: a bot is there, and reads.
	Attended bool
	// Away is since when no bot has been there; zero while one is.
	Away time.Time
	// Stalled is since when the bot that is there has not read; zero while it does.
	Stalled time.Time
	// Standby are the further lines.
	Standby int
	// Waiting are events that no bot has confirmed, with their bytes.
	Waiting      int
	WaitingBytes int64
	// Restarts is how often the bot has identified in the last five minutes, FirstRestart
	// when it did so first.
	Restarts     int
	FirstRestart time.Time
}

// crashLoop is how many IDENTIFYs within crashLoopTime make a crash loop.
const (
	crashLoop     = 5
	crashLoopTime = 5 * time.Minute
)

// Status returns how the bots are.
func (s *Sidecar) Status() Status {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Lines: len(s.lines), Backlog: s.backlog.Bytes(), Counts: s.counts}
	for _, c := range s.consumers {
		one := ConsumerStatus{Shard: c.shard, Library: c.library, Away: c.away}
		one.Restarts, one.FirstRestart = c.restarts(now.Add(-crashLoopTime))
		one.Waiting, one.WaitingBytes = s.waiting(c)
		if a := c.active(); a != nil {
			one.Standby = len(c.lines) - 1
			one.Stalled = a.line.Progress().Stalled
			one.Attended = one.Stalled.IsZero()
		}
		st.Consumers = append(st.Consumers, one)
	}
	slices.SortFunc(st.Consumers, func(a, b ConsumerStatus) int {
		return cmp.Or(cmp.Compare(a.Shard[1], b.Shard[1]), cmp.Compare(a.Shard[0], b.Shard[0]))
	})
	return st
}

// waiting counts what a consumer has not confirmed. The caller holds the lock.
func (s *Sidecar) waiting(c *consumer) (count int, bytes int64) {
	for at := max(c.cursor, s.backlog.Tail()); ; at++ {
		r, ok := s.backlog.At(at)
		if !ok {
			return count, bytes
		}
		if c.gets(r) && !r.LiveOnly {
			count++
			bytes += int64(len(r.Data))
		}
	}
}

// lossShown is how long lost events are shown.
const lossShown = 10 * time.Minute

// hangsAfter is how long a bot may read nothing before it counts as one that hangs, and
// awayAfter how long it may be gone before it counts as away.
const (
	hangsAfter = 10 * time.Second
	awayAfter  = 10 * time.Second
)

// Conditions returns what is wrong with the bots: the dot is green, and nobody answers.
func (s *Sidecar) Conditions() []health.Condition {
	now := time.Now()
	var list []health.Condition
	for _, c := range s.Status().Consumers {
		name := ""
		if c.Shard[1] > 1 {
			name = fmt.Sprintf(" (%d/%d)", c.Shard[0], c.Shard[1])
		}
		switch {
		case c.Restarts >= crashLoop:
			list = append(list, health.Condition{Cause: health.BotCrashLoop, Trouble: fmt.Sprintf("%d%s", c.Restarts, name), Since: c.FirstRestart})
		case !c.Away.IsZero() && now.Sub(c.Away) >= awayAfter:
			list = append(list, health.Condition{Cause: health.BotAway, Trouble: fmt.Sprintf("%d%s", c.Waiting, name), Since: c.Away})
		case !c.Stalled.IsZero() && now.Sub(c.Stalled) >= hangsAfter:
			list = append(list, health.Condition{Cause: health.BotHangs, Trouble: fmt.Sprintf("%d%s", c.Waiting, name), Since: c.Stalled})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recent.Count > 0 && now.Sub(s.lostAt) <= lossShown {
		list = append(list, health.Condition{Cause: health.EventsLost, Trouble: strconv.Itoa(s.recent.Count), Since: s.lostAt})
	}
	return list
}
