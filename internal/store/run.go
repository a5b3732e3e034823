package store

import (
	"fmt"
	"time"

	"evergreen/internal/health"
)

// End is how a run ended.
type End string

// The ends. The first three are said by the run itself, with [Store.End]; the
// others are found out by the next one.
const (
	// EndPaused: stopped so that the next start resumes.
	EndPaused End = "paused"
	// EndGoodbye: stopped for good; the session was ended.
	EndGoodbye End = "goodbye"
	// EndFailed: it ended by itself with an error.
	EndFailed End = "failed"

	// EndNone: there is no earlier run, or nothing is known of it.
	EndNone End = ""
	// EndKilled: it ended without a word: a crash or kill -9.
	EndKilled End = "killed"
	// EndOutOfMemory: the same, and the kernel has killed for memory since.
	EndOutOfMemory End = "out-of-memory"
	// EndRebooted: the machine was started anew; the run had not ended before.
	EndRebooted End = "rebooted"
)

// ends are the ends in words, and the cause that a gap after one has.
var ends = map[End]struct {
	words string
	cause health.CauseID
}{
	EndPaused:      {"was paused", health.PlannedStop},
	EndGoodbye:     {"was stopped with a goodbye", "deploy-goodbye"},
	EndFailed:      {"ended with an error", "process-gone"},
	EndKilled:      {"ended without a word: it crashed or was killed", "process-gone"},
	EndOutOfMemory: {"was killed by the kernel because memory ran out", "out-of-memory"},
	EndRebooted:    {"ended with the machine, which has been started anew", "process-gone"},
	EndNone:        {"is not known", health.Unknown},
}

// Run is the record of one run.
type Run struct {
	Started time.Time
	// Alive is the last sign of life, at most some seconds before the end.
	Alive time.Time
	// Ended is zero when the run did not say that it ended.
	Ended   time.Time
	PID     int
	Version string
}

// Previous is how the run before this one ended.
type Previous struct {
	Run
	End End
	// Starts is how many runs began in the hour before this one.
	Starts int
}

// Gone is when the run was last known to be there.
func (p Previous) Gone() time.Time { return p.end() }

// Cause is the row of the catalogue that explains the gap after that run.
func (p Previous) Cause() health.CauseID { return ends[p.End].cause }

// String says it for the log.
func (p Previous) String() string {
	if p.End == EndNone {
		return "An earlier run is not known"
	}
	text := fmt.Sprintf("The previous run (process %d", p.PID)
	if p.Version != "" {
		text += ", version " + p.Version
	}
	gone := p.Gone()
	return text + fmt.Sprintf(") %s, at %s, after %s", ends[p.End].words,
		gone.UTC().Format("2006-01-02 15:04:05 MST"), gone.Sub(p.Started).Round(time.Second))
}

// end is when the run was last known to be there.
func (r Run) end() time.Time {
	if !r.Ended.IsZero() {
		return r.Ended
	}
	return r.Alive
}

// runRow is a run as it is stored.
type runRow struct {
	Run
	how  End // what the run said itself
	boot string
	oom  oomCount
}

func (r runRow) id() int64 { return r.Started.UnixMicro() }

// Begin opens the record of this run and returns how the one before ended. The
// record stays open, with a sign of life every few seconds, until [Store.End]:
// so the next run knows whether there was one.
func (s *Store) Begin() Previous {
	now, kills := time.Now().Round(0), s.host.oom()
	s.mu.Lock()
	if s.run == nil {
		s.run = &runRow{Run: Run{Started: now, Alive: now, PID: s.host.pid, Version: s.opts.Version}, boot: s.host.boot, oom: kills}
		s.runNews = true
	}
	previous := s.previous(now, kills)
	s.mu.Unlock()
	s.signal(true)
	return previous
}

// End closes the record of this run; how is what it says of itself. The first
// word counts. [Store.Close] takes it to the disk.
func (s *Store) End(how End) {
	s.mu.Lock()
	if s.run != nil && s.run.how == EndNone {
		s.run.how, s.run.Ended = how, time.Now().Round(0)
		s.runNews = true
	}
	s.mu.Unlock()
	s.signal(true)
}

// previous judges the newest of the runs that were found. The caller holds mu.
func (s *Store) previous(now time.Time, kills oomCount) Previous {
	if len(s.runs) == 0 {
		return Previous{}
	}
	last := s.runs[0]
	p := Previous{Run: last.Run, End: last.how}
	if p.End == EndNone {
		p.End = last.fate(s.host.boot, kills)
	}
	for _, r := range s.runs {
		if now.Sub(r.Started) < time.Hour {
			p.Starts++
		}
	}
	return p
}

// fate finds out what became of a run that did not say so. The counters of a
// cgroup begin anew with it, those of the machine when it starts.
func (r runRow) fate(boot string, now oomCount) End {
	switch {
	case boot != "" && r.boot != "" && boot != r.boot:
		return EndRebooted
	case now.cgroup == r.oom.cgroup && r.oom.ofCgroup >= 0 && now.ofCgroup > r.oom.ofCgroup:
		return EndOutOfMemory
	case r.boot != "" && r.oom.ofHost >= 0 && now.ofHost > r.oom.ofHost:
		return EndOutOfMemory
	}
	return EndKilled
}
