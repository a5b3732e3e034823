package health

import (
	"cmp"
	"time"
)

// End is how a run of this program ended.
type End string

// The ends.
const (
	// EndUnknown: the run left no word of its end. It was killed, or the host
	// went down with it.
	EndUnknown End = ""
	// EndPaused: stopped in order, with the session kept for the next run.
	EndPaused End = "paused"
	// EndStopped: stopped in order, with a goodbye; the dot turned grey at once.
	EndStopped End = "stopped"
	// EndCrashed: the program ended itself over something it had not expected.
	EndCrashed End = "crashed"
	// EndFailed: the program ended in order, but with an error.
	EndFailed End = "failed"
)

// PreviousRun is what is known of the run before this one.
type PreviousRun struct {
	Started time.Time
	// LastAlive is the last sign of life, or the end itself if that is known.
	LastAlive time.Time
	End       End
	// Said is what the run had to say about its end, such as the text of a
	// panic; without secrets, empty if it said nothing.
	Said string
	// Boot names the time between two boots of the host that the run fell into;
	// empty if that cannot be told here.
	Boot string
	// OOM is whether the kernel has killed for memory since the run began.
	OOM bool
	// Row is how many runs in a row had ended badly by then, this one included,
	// each of them started again soon after the one before; see [RestartPace].
	Row int
	// Version is that of the program.
	Version string
}

// ThisRun is what is known of this run as it begins.
type ThisRun struct {
	Started time.Time
	Boot    string
	Version string
	// Slept is for how much of the time since the previous run's last sign of
	// life the host was suspended; zero if that is not known.
	Slept time.Duration
	// Recent are incidents of earlier runs, the newest first, in which gaps of
	// the same kind may be found.
	Recent []Incident
}

// The signs of a host that puts idle programs to sleep: pauses that nobody
// used for a new version, of some length, which repeat.
const (
	idleGap     = 5 * time.Minute
	idleRepeats = 2
)

// The signs of a supervisor that starts the program again and again and then
// stops trying. [RestartPace] is within what time after the end of a run it
// starts the next one: they slow down, but hardly any waits for longer.
const (
	RestartPace = 2 * time.Minute
	gaveUpRow   = 3
	gaveUpGap   = 5 * time.Minute
)

// goodbyeRestart is how soon after a goodbye a start shows that a restart was
// meant, for which a pause would have been the better way.
const goodbyeRestart = 5 * time.Minute

// Gap makes an incident of the time between two runs, in which nothing was
// there to keep the bot online. It is still open: hand it to a [Tracker], which
// ends it when the bot is back and adds what was replayed and lost. ok is false
// when there was no previous run, or no time in between.
func Gap(previous PreviousRun, now ThisRun) (gap Incident, ok bool) {
	last, started := wall(previous.LastAlive), wall(now.Started)
	if last.IsZero() || !last.Before(started) {
		return Incident{}, false
	}
	i := Incident{Start: last, Detected: started, Gap: true}
	i.Cause, i.What = explainGap(previous, now, started.Sub(last))
	i.ID = incidentID(i.Start, i.Pair)
	i.Evidence.Said = plain(previous.Said)
	i.Evidence.Slept = now.Slept
	if previous.End == EndStopped || greyBefore(now.Recent, last) {
		i.SessionLost = last
	}
	i.Actions = addAction(nil, started, Say("action.started", started.Sub(last)))
	return i, true
}

// greyBefore reports whether the dot was grey when the previous run ended, as an
// incident that ended with it tells.
func greyBefore(recent []Incident, end time.Time) bool {
	for _, i := range recent {
		if i.Outcome == OutcomeEnded && !i.End.Before(end) && i.Grey(end) > 0 {
			return true
		}
	}
	return false
}

// explainGap says what was behind the time between two runs. What the run
// itself said of its end comes first, then what the host says.
func explainGap(previous PreviousRun, now ThisRun, took time.Duration) (CauseID, Message) {
	rebooted := previous.Boot != "" && now.Boot != "" && previous.Boot != now.Boot
	switch {
	case previous.End == EndStopped && took < goodbyeRestart:
		return DeployGoodbye, Say("gap.goodbye", took)
	case previous.End == EndStopped:
		return PlannedStop, Say("gap.stopped")
	case previous.End == EndPaused && rebooted:
		return HostRebooted, Say("gap.shut-down")
	case previous.End == EndPaused && idles(previous, now, took):
		return HostIdles, Say("gap.idle", took)
	case previous.End == EndPaused && previous.Version != now.Version:
		return PlannedStop, Say("gap.new-version", cmp.Or(plain(now.Version), "unknown"))
	case previous.End == EndPaused:
		return PlannedStop, Say("gap.paused")
	case previous.Row >= gaveUpRow && took >= gaveUpGap && !rebooted:
		return SupervisorGaveUp, Say("gap.gave-up", int64(previous.Row), took)
	case previous.OOM:
		return OutOfMemory, Say("gap.out-of-memory")
	case previous.End == EndCrashed:
		return ProgramCrashed, Say("gap.crashed")
	case previous.End == EndFailed:
		return ProgramCrashed, Say("gap.failed")
	case rebooted:
		return HostRebooted, Say("gap.rebooted")
	case now.Slept > took/2:
		return HostSlept, Say("gap.slept", now.Slept)
	}
	return ProcessGone, Say("gap.gone")
}

// idles reports whether a pause looks like one of those that a host makes which
// puts idle programs to sleep.
func idles(previous PreviousRun, now ThisRun, took time.Duration) bool {
	if took < idleGap || previous.Version != now.Version {
		return false
	}
	alike := make(map[time.Time]bool) // by start: every shard has a gap of its own
	for _, i := range now.Recent {
		if i.Gap && !i.End.IsZero() && (i.Cause == PlannedStop || i.Cause == HostIdles) && i.Detected.Sub(i.Start) >= idleGap {
			alike[i.Start.UTC()] = true
		}
	}
	return len(alike) >= idleRepeats
}

// follow makes the time since the previous run the first incident of a shard.
func (s *shard) follow(gap *Incident) {
	if gap == nil || !gap.Start.Before(s.begun) {
		return
	}
	i := gap.clone()
	i.Pair, i.ID = s.pair, incidentID(gap.Start, s.pair)
	i.What, i.Evidence.Said = i.What.replace(s.redact), s.redact(i.Evidence.Said)
	s.open = &i
	s.report(&i)
}
