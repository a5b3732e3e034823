package fleet

import (
	"fmt"
	"time"

	"evergreen/gateway"
)

// Progress is how far a start has come, or how the shards are now.
type Progress struct {
	// Total is how many shards the fleet runs: paused ones and those that have
	// moved out are not in it.
	Total int
	// Online shards get events. Resuming ones are on their way back to their
	// session, Identifying ones to a new one; Queued ones wait for a grant to
	// identify; Parked ones wait for a person; Failing ones wait after a failed
	// attempt. Together they are Total.
	Online, Resuming, Identifying, Queued, Parked, Failing int
	// Paused and MovedOut shards are not in Total.
	Paused, MovedOut int
	// Remaining estimates how long it is until the last of the queue may identify; 0
	// when none waits.
	Remaining time.Duration
}

// Done reports whether every shard is online.
func (p Progress) Done() bool { return p.Total > 0 && p.Online == p.Total }

// String says it for a person.
func (p Progress) String() string {
	text := fmt.Sprintf("%d of %d shards online", p.Online, p.Total)
	for _, part := range []struct {
		n    int
		what string
	}{
		{p.Resuming, "resuming"}, {p.Identifying, "identifying"}, {p.Queued, "queued"}, {p.Failing, "failing"}, {p.Parked, "parked"},
		{p.Paused, "paused"}, {p.MovedOut, "moved out"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	if p.Remaining > 0 {
		text += fmt.Sprintf(", about %s to go", p.Remaining.Round(time.Second))
	}
	return text
}

// ShardStatus is how one shard is.
type ShardStatus struct {
	Shard   gateway.ShardID // which shard it is
	Mode    Mode            // what the fleet does with it
	State   gateway.State   // what it does itself
	Queued  bool            // it waits for a grant to identify
	Resumes bool            // it has a session to resume
	Latency time.Duration   // round trip of the last answered heartbeat; 0: none since it was last resumed
	LastACK time.Time       // when Discord last answered a heartbeat; zero: not since it was last resumed
	Stats   gateway.Stats   // counts since the fleet made it, over every pause and restart
}

// Snapshot is how the fleet is at one moment.
type Snapshot struct {
	// Assignment is which shards the fleet runs; zero until that is decided.
	Assignment Assignment
	// Shards has one row a shard, in order of their IDs. During a change of their
	// number it is the old set's.
	Shards []ShardStatus
	// Progress sums Shards up.
	Progress Progress
	// Reshard is how far a change of the number of shards has come; nil when
	// there is none.
	Reshard *ReshardProgress
	// FailedReshard is the last change of the number of shards, if that has failed after
	// it had begun; nil when there was none, or another one has begun since.
	FailedReshard *FailedReshard
}

// FailedReshard is a change of the number of shards that has failed.
type FailedReshard struct {
	// To is the number of shards that was wanted.
	To int
	// At is when it failed.
	At time.Time
	// Err says why, and how many shards the bot has.
	Err error
}

// ReshardProgress is how far a change of the number of shards has come.
type ReshardProgress struct {
	// From is the old number of shards, To the new one.
	From, To int
	// Progress is that of the new set.
	Progress Progress
	// Waits says to a person what the change waits for, such as "the new shard 3/8 to be
	// complete".
	Waits string
}

// Snapshot returns how every shard is.
func (f *Fleet) Snapshot() Snapshot {
	f.mu.Lock()
	s, next := f.set, f.nextSet
	f.mu.Unlock()
	if s == nil {
		return Snapshot{}
	}
	waiting, remaining := f.waitlist.queued(time.Now())
	snap := Snapshot{Assignment: s.assignment, FailedReshard: f.failed.Load()}
	snap.Shards, snap.Progress = s.progress(waiting, remaining)
	if next != nil {
		r := &ReshardProgress{From: s.assignment.Count, To: next.assignment.Count}
		_, r.Progress = next.progress(waiting, remaining)
		if m := f.migration.Load(); m != nil {
			r.Waits = m.waitingFor()
		}
		snap.Reshard = r
	}
	return snap
}

// Progress returns how far the start has come.
func (f *Fleet) Progress() Progress { return f.Snapshot().Progress }

func (s *shardSet) progress(waiting map[gateway.ShardID]bool, remaining time.Duration) ([]ShardStatus, Progress) {
	all := make([]ShardStatus, 0, len(s.order))
	var p Progress
	for _, m := range s.order {
		shard := m.current()
		status := ShardStatus{
			Shard: m.shardID, Mode: m.currentMode(), State: shard.State(), Queued: waiting[m.shardID],
			Resumes: shard.Session().Resumable(), Latency: shard.Latency(), LastACK: shard.LastACK(), Stats: m.stats(),
		}
		p.count(status)
		all = append(all, status)
	}
	if p.Queued > 0 {
		p.Remaining = remaining
	}
	return all, p
}

// count puts one shard where it belongs.
func (p *Progress) count(s ShardStatus) {
	switch s.Mode {
	case Paused:
		p.Paused++
		return
	case MovedOut:
		p.MovedOut++
		return
	}
	p.Total++
	switch state := s.State.(type) {
	case gateway.Parked:
		p.Parked++
	case gateway.Resuming:
		p.Resuming++
	case gateway.Identifying:
		p.Identifying++
	case gateway.Connecting:
		if state.Resuming {
			p.Resuming++
		} else {
			p.Identifying++
		}
	default:
		waiting, _ := s.State.(gateway.Waiting)
		switch {
		case gateway.Online(s.State):
			p.Online++
		case s.Queued:
			p.Queued++
		case waiting.Failures > 0:
			p.Failing++
		case s.Resumes:
			p.Resuming++
		default:
			p.Queued++
		}
	}
}
