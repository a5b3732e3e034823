package store

import (
	"fmt"
	"strings"
	"time"

	"evergreen/clock"
	"evergreen/internal/health"
	"evergreen/internal/text"
)

// End is how a run ended.
type End string

// The ends. The first three are recorded by the run itself, with [Store.EndRun]; the
// others are inferred by the next one.
const (
	// EndSessionKept: stopped so that the next start resumes.
	EndSessionKept End = "paused" // as it is stored
	// EndSessionEnded: stopped for good; the session was ended.
	EndSessionEnded End = "goodbye" // as it is stored
	// EndFailed: it ended by itself with an error.
	EndFailed End = "failed"

	// EndNone: there is no earlier run, or nothing is known of it.
	EndNone End = ""
	// EndCrashed: the Go runtime ended it, over a panic or a fatal error.
	EndCrashed End = "crashed"
	// EndKilled: it ended without a word, as after kill -9.
	EndKilled End = "killed"
	// EndOutOfMemory: the same, and the kernel has killed for memory since.
	EndOutOfMemory End = "out-of-memory"
	// EndRebooted: the machine was started anew; the run had not ended before.
	EndRebooted End = "rebooted"
)

// ends are the ends in words and as health knows them.
var ends = map[End]struct {
	words string
	end   health.End
}{
	EndSessionKept:  {"was stopped and kept its session", health.EndSessionKept},
	EndSessionEnded: {"was stopped and ended its session", health.EndSessionEnded},
	EndFailed:       {"ended with an error", health.EndFailed},
	EndCrashed:      {"crashed", health.EndCrashed},
	EndKilled:       {"ended without a word: it crashed or was killed", health.EndUnknown},
	EndOutOfMemory:  {"was killed by the kernel because memory ran out", health.EndUnknown},
	EndRebooted:     {"ended with the machine, which has been started anew", health.EndUnknown},
	EndNone:         {"is not known", health.EndUnknown},
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

// PreviousRun is the run before this one and how it ended.
type PreviousRun struct {
	Run
	End End
	// Said is its error or the first line of its crash; empty without one.
	Said string
	// Boot names the start of the machine that the run fell into. Slept is for how long
	// the machine was suspended since its last sign of life; empty and 0 if that is not
	// known.
	Boot  string
	Slept time.Duration
	// Starts is how many runs began in the hour before this one. Row is how many up to
	// the last one ended badly and were started again soon.
	Starts, BadRow int
}

// LastAlive is when the run was last known to be there.
func (p PreviousRun) LastAlive() time.Time { return p.end() }

// Health is the run as [health.Downtime] wants to know it.
func (p PreviousRun) Health() health.PreviousRun {
	return health.PreviousRun{
		Started: p.Started, LastAlive: p.LastAlive(), End: ends[p.End].end, Said: p.Said, Boot: p.Boot,
		OOM: p.End == EndOutOfMemory, FailuresInARow: p.BadRow, Version: p.Version,
	}
}

// Downtime is the time between the previous run and this one as an incident that goes
// on; nil if there was no previous run, or if [Store.BeginRun] has not come first.
func (s *Store) Downtime(p PreviousRun) *health.Incident {
	s.mu.Lock()
	var run runRow
	if s.run != nil {
		run = *s.run
	}
	s.mu.Unlock()
	downtime, ok := health.Downtime(p.Health(), health.ThisRun{
		Started: run.Started, Boot: run.boot, Version: run.Version, Slept: p.Slept, Recent: s.Journal().Recent(health.MemoryJournalSize),
	})
	if !ok {
		return nil
	}
	return &downtime
}

// String describes the run in a sentence.
func (p PreviousRun) String() string {
	if p.End == EndNone {
		return "An earlier run is not known"
	}
	text := fmt.Sprintf("The previous run (process %d", p.PID)
	if p.Version != "" {
		text += ", version " + p.Version
	}
	gone := p.LastAlive()
	return text + fmt.Sprintf(") %s, at %s, after %s", ends[p.End].words, gone.UTC().Format(lastAliveLayout), p.lasted())
}

// Attrs describes the run for the log.
func (p PreviousRun) Attrs() []any {
	attrs := []any{"how", "it " + ends[p.End].words, "at", p.LastAlive().UTC().Format(lastAliveLayout), "after", p.lasted().String(), "process", p.PID}
	if p.Version != "" {
		attrs = append(attrs, "version", p.Version)
	}
	return attrs
}

const lastAliveLayout = "2006-01-02 15:04:05 MST"

func (p PreviousRun) lasted() time.Duration { return p.LastAlive().Sub(p.Started).Round(time.Second) }

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
	// said is what it had to say about its end. slept is for how long the machine had
	// been suspended since its boot by the last sign of life; negative if that is not
	// known.
	said  string
	slept time.Duration
	// uptime is how long the machine had been up by then; negative if that is not known.
	uptime time.Duration
	// ordinal is the number of the run: a clock that was set back does not change the
	// order.
	ordinal int64
	// id is when it began, in microseconds, by the clock of that moment.
	id int64
}

// BeginRun begins the record of this run and returns the run before. The record gets a
// sign of life every AliveInterval until [Store.EndRun].
func (s *Store) BeginRun() PreviousRun {
	now, kills, slept := time.Now().Round(0), s.host.oom(), s.host.slept()
	s.mu.Lock()
	if s.run == nil {
		s.run = &runRow{Run: Run{Started: now, Alive: now, PID: s.host.pid, Version: s.opts.Version}, boot: s.host.boot, oom: kills, slept: slept, uptime: s.host.uptime(), ordinal: s.nextOrdinal(), id: now.UnixMicro()}
	}
	previous := s.previous(now, kills, slept)
	s.mu.Unlock()
	s.signal(true)
	return previous
}

// nextOrdinal is the number of the run after those that were read. The caller holds mu.
func (s *Store) nextOrdinal() int64 {
	if len(s.runs) == 0 {
		return 1
	}
	return s.runs[0].ordinal + 1
}

// correctClock moves what the last run has left, if the clock was set since: then the
// machine has been up for longer, or less long, than the clock says. Another boot of it
// tells nothing. The caller holds mu.
func (s *Store) correctClock(c *contents) {
	if len(s.runs) == 0 {
		return
	}
	last, up := &s.runs[0], s.host.uptime()
	if up < 0 || last.uptime < 0 || last.boot == "" || last.boot != s.host.boot {
		return
	}
	by := time.Now().Round(0).Sub(last.Alive) - (up - last.uptime)
	if by.Abs() <= clock.Tolerance {
		return
	}
	direction := "forward"
	if by < 0 {
		direction = "back"
	}
	s.log.Warn("The clock of this machine was set since the previous run; its times are moved", "by", text.Duration(by.Abs())+" "+direction)
	began := last.Started
	for _, t := range []*time.Time{&last.Started, &last.Alive, &last.Ended} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	for n := range c.history {
		if r := &c.history[n]; !r.At.Before(began) {
			r.At = r.At.Add(by)
		}
	}
	s.samplesMoved = &movedSamples{from: began, last: c.lastHistory, by: by}
	for n, i := range c.incidents {
		if !i.Detected.Before(began) {
			c.incidents[n] = i.Moved(by)
			s.changedIncidents[i.ID] = c.incidents[n]
		}
	}
	for n := range s.saved {
		s.saved[n].saved = s.saved[n].saved.Add(by)
	}
	for n := range c.entries {
		c.entries[n].At = c.entries[n].At.Add(by)
	}
}

// moveRun moves the beginning of this run by what the clock has been set by since. The
// caller holds mu.
func (s *Store) moveRun() {
	_, set := s.clock.Now()
	s.run.Started, s.clockSet = s.run.Started.Add(set-s.clockSet), set
}

// maxSaid bounds PreviousRun.Said, in bytes.
const maxSaid = 1000

// EndRun ends the record of this run: how it ended and, without secrets, why. The first
// call counts. [Store.Close] writes it.
func (s *Store) EndRun(how End, said string) {
	s.mu.Lock()
	if s.run != nil && s.run.how == EndNone {
		s.run.how, s.run.Ended = how, time.Now().Round(0)
		s.run.said = strings.ToValidUTF8(said[:min(len(said), maxSaid)], "")
	}
	s.mu.Unlock()
	s.signal(true)
}

// previous returns the newest of the runs that were read. The caller holds mu.
func (s *Store) previous(now time.Time, kills oomCount, slept time.Duration) PreviousRun {
	if len(s.runs) == 0 {
		return PreviousRun{}
	}
	last := s.runs[0]
	p := PreviousRun{Run: last.Run, End: last.how, Said: last.said, Boot: last.boot}
	if p.End == EndNone {
		p.End = last.inferEnd(s.host.boot, kills)
		if p.End == EndKilled && s.opts.PreviousCrash != "" {
			p.End, p.Said = EndCrashed, s.opts.PreviousCrash
		}
	}
	if last.boot == s.host.boot && last.slept >= 0 {
		p.Slept = max(0, slept-last.slept) // slept is negative if it is not known
	}
	for _, r := range s.runs {
		if age := now.Sub(r.Started); age >= 0 && age < time.Hour {
			p.Starts++
		}
	}
	p.BadRow = badRow(s.runs)
	return p
}

// badRow counts how many runs in a row, from the newest back, ended badly and began
// soon after the end of the one before.
func badRow(runs []runRow) (n int) {
	for n < len(runs) && runs[n].how != EndSessionKept && runs[n].how != EndSessionEnded {
		if n > 0 && runs[n-1].Started.Sub(runs[n].end()) > health.RestartPace {
			break
		}
		n++
	}
	return n
}

// inferEnd returns how a run ended that did not record it. The counters of a cgroup
// begin at zero with it, those of the machine with its start.
func (r runRow) inferEnd(boot string, now oomCount) End {
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

// oomKills returns the kills for memory, read at most once per AliveInterval because
// reading costs more than a write. Only the writer calls it.
func (s *Store) oomKills(now time.Time) oomCount {
	if since := now.Sub(s.killsRead); since < 0 || since >= s.opts.AliveInterval {
		s.kills, s.killsRead = s.host.oom(), now
	}
	return s.kills
}
