package health

import (
	"cmp"
	"time"
)

// End is how a run of this program ended.
type End string

const (
	// EndUnknown: the run recorded no end. It was killed, or the host went down
	// with it.
	EndUnknown End = ""
	// EndSessionKept: shut down properly, with the session kept for the next run.
	EndSessionKept End = "paused" // as it is stored
	// EndSessionEnded: shut down properly, with the session ended; the bot was shown
	// offline at once.
	EndSessionEnded End = "stopped"
	// EndCrashed: the program ended itself over something unexpected.
	EndCrashed End = "crashed"
	// EndFailed: the program shut down properly, but with an error.
	EndFailed End = "failed"
)

// PreviousRun is what is known of the run before this one.
type PreviousRun struct {
	Started time.Time
	// LastAlive is the last sign of life, or the end itself if that is known.
	LastAlive time.Time
	End       End
	// Said is what the run recorded about its end, such as the text of a panic,
	// without secrets.
	Said string
	// Boot identifies the boot of the host during which the run took place; empty
	// if that cannot be told here.
	Boot string
	// OOM is whether the kernel has killed for memory since the run began.
	OOM bool
	// FailuresInARow is how many runs in a row had ended badly by then, this one
	// included, each started within [RestartPace] of the end of the one before.
	FailuresInARow int
	Version        string
}

// ThisRun is what is known of this run as it begins.
type ThisRun struct {
	Started time.Time
	Boot    string
	Version string
	// Slept is for how much of the time since the previous run's last sign of
	// life the host was suspended; zero if that is not known.
	Slept time.Duration
	// Recent are incidents of earlier runs, the newest first, in which downtimes of
	// the same kind may be found.
	Recent []Incident
}

// A host that puts idle programs to sleep is recognised by stops of idleDowntime
// and more that repeat and are not followed by a new version.
const (
	idleDowntime = 5 * time.Minute
	idleRepeats  = 2
)

// A supervisor that gave up is recognised by gaveUpFailures bad ends, each
// followed by a start within RestartPace (supervisors slow down, but hardly any
// waits for longer), and by none for gaveUpDowntime after the last.
const (
	RestartPace    = 2 * time.Minute
	gaveUpFailures = 3
	gaveUpDowntime = 5 * time.Minute
)

// endedForRestart is how soon after the session was ended a start shows that a
// restart was meant, which should have kept the session.
const endedForRestart = 5 * time.Minute

// Downtime makes an incident of the time between two runs. It is still open: a
// [Tracker] that is given it in its [Options] ends it when the bot is back. ok is
// false when there was no previous run, or no time in between.
func Downtime(previous PreviousRun, now ThisRun) (downtime Incident, ok bool) {
	last, started := previous.LastAlive.Round(0), now.Started.Round(0)
	if last.IsZero() || !last.Before(started) {
		return Incident{}, false
	}
	i := Incident{Start: last, Detected: started, BeganWithPreviousRun: true}
	i.Cause, i.What = explainDowntime(previous, now, started.Sub(last))
	i.ID = incidentID(i.Start, i.Shard)
	i.Evidence.Said = plain(previous.Said)
	i.Evidence.Slept = now.Slept
	if previous.End == EndSessionEnded || wasShownOffline(now.Recent, last) {
		i.SessionLost = last
	}
	i.Actions = addAction(nil, started, NewMessage("action.started", started.Sub(last)))
	return i, true
}

// wasShownOffline reports whether the bot was shown offline when the previous run
// ended, by an incident that ended with it.
func wasShownOffline(recent []Incident, end time.Time) bool {
	for _, i := range recent {
		if i.Outcome == OutcomeEnded && !i.End.Before(end) && i.ShownOffline(end) > 0 {
			return true
		}
	}
	return false
}

// explainDowntime returns what was behind the time between two runs. What the run
// recorded of its end comes first, then what the host shows.
func explainDowntime(previous PreviousRun, now ThisRun, took time.Duration) (CauseID, Message) {
	rebooted := previous.Boot != "" && now.Boot != "" && previous.Boot != now.Boot
	switch {
	case previous.End == EndSessionEnded && took < endedForRestart:
		return DeployGoodbye, NewMessage("downtime.goodbye", took)
	case previous.End == EndSessionEnded:
		return PlannedStop, NewMessage("downtime.stopped")
	case previous.End == EndSessionKept && rebooted:
		return HostRebooted, NewMessage("downtime.shut-down")
	case previous.End == EndSessionKept && isIdleHost(previous, now, took):
		return HostIdles, NewMessage("downtime.idle", took)
	case previous.End == EndSessionKept && previous.Version != now.Version:
		return PlannedStop, NewMessage("downtime.new-version", cmp.Or(plain(now.Version), "unknown"))
	case previous.End == EndSessionKept:
		return PlannedStop, NewMessage("downtime.paused")
	case previous.FailuresInARow >= gaveUpFailures && took >= gaveUpDowntime && !rebooted:
		return SupervisorGaveUp, NewMessage("downtime.gave-up", int64(previous.FailuresInARow), took)
	case previous.OOM:
		return OutOfMemory, NewMessage("downtime.out-of-memory")
	case previous.End == EndCrashed:
		return ProgramCrashed, NewMessage("downtime.crashed")
	case previous.End == EndFailed:
		return ProgramCrashed, NewMessage("downtime.failed")
	case rebooted:
		return HostRebooted, NewMessage("downtime.rebooted")
	case now.Slept > took/2:
		return HostSlept, NewMessage("downtime.slept", now.Slept)
	}
	return ProcessGone, NewMessage("downtime.gone")
}

// isIdleHost reports whether a stop looks like those of a host that puts idle
// programs to sleep.
func isIdleHost(previous PreviousRun, now ThisRun, took time.Duration) bool {
	if took < idleDowntime || previous.Version != now.Version {
		return false
	}
	alike := make(map[time.Time]bool) // by start: each shard has an incident of its own
	for _, i := range now.Recent {
		if i.BeganWithPreviousRun && !i.End.IsZero() && (i.Cause == PlannedStop || i.Cause == HostIdles) && i.Detected.Sub(i.Start) >= idleDowntime {
			alike[i.Start.UTC()] = true
		}
	}
	return len(alike) >= idleRepeats
}

// continueDowntime makes the time since the previous run the shard's first
// incident.
func (s *shard) continueDowntime(downtime *Incident) {
	if downtime == nil || !downtime.Start.Before(s.created) {
		return
	}
	i := downtime.clone()
	i.Shard, i.ID = s.id, incidentID(downtime.Start, s.id)
	i.What, i.Evidence.Said = i.What.replace(s.redact), s.redact(i.Evidence.Said)
	s.open = &i
	s.queueIncident(&i)
}
