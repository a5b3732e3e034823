package health

import (
	"slices"
	"time"

	"evergreen/gateway"
)

// verdict is a status with what belongs to it.
type verdict struct {
	status Status
	reason Message
	remedy Message
	since  time.Time
}

// snapshot copies what is known of the shard at now; its past only if the whole
// is wanted.
func (s *shard) snapshot(now time.Time, deadline time.Duration, whole bool) ShardSnapshot {
	heard := latest(s.lastACK, s.restored)
	fresh := !s.restored.IsZero() && now.Sub(heard) <= s.patience(deadline)
	snap := ShardSnapshot{
		Pair: s.pair, Username: s.username, Guilds: s.guilds,
		Ready:     gateway.Online(s.state) && s.open == nil,
		Connected: attached(s.state) && s.open == nil && fresh,
		State:     s.state.String(), StateSince: s.stateSince,
		SessionSince: s.session, Interval: s.interval, LastACK: s.lastACK,
		Counts: s.counts,
	}
	if whole {
		snap.Samples, snap.Changes = s.latency.list(), slices.Clone(s.changes)
		snap.Latency = s.latency.sum()
	}
	if s.open != nil {
		open := s.open.clone()
		snap.Open = &open
	}
	switch {
	case snap.Connected:
	case s.open != nil:
		snap.OfflineSince = s.open.Start
	case s.restored.IsZero():
		snap.OfflineSince = s.begun
	default:
		snap.OfflineSince = heard
	}
	v := s.verdict(now, fresh)
	snap.Status, snap.Reason, snap.Remedy, snap.Since = v.status, v.reason, v.remedy, v.since
	return snap
}

// attached reports whether a connection in this state is beyond doubt.
func attached(state gateway.State) bool {
	switch state.(type) {
	case gateway.Live, gateway.Moving:
		return true
	}
	return false
}

// patience is how old the last answer may be (G-159). Before the first
// heartbeat of a connection, READY or RESUMED counts as an answer.
func (s *shard) patience(deadline time.Duration) time.Duration {
	if s.interval <= 0 {
		return usualInterval + deadline
	}
	return s.interval + deadline
}

// verdict answers the question of a person for this shard.
func (s *shard) verdict(now time.Time, fresh bool) verdict {
	switch state := s.state.(type) {
	case gateway.Parked:
		v := verdict{status: NeedsYou, since: s.stateSince, reason: describe(state.Reason), remedy: remedy(state.Reason)}
		if said := s.foreign(detail(state.Reason)); said != "" {
			v.reason = Say("join.said", v.reason, said)
		}
		return v
	case gateway.Draining:
		return verdict{status: Stopping, since: s.stateSince, reason: Say("status.draining")}
	case gateway.Stopped:
		return verdict{status: Stopping, since: s.stateSince, reason: Say("status.stopped")}
	}
	if s.open == nil && gateway.Online(s.state) {
		return s.onlineVerdict(now, fresh)
	}
	if s.restored.IsZero() {
		return s.startVerdict(now)
	}
	return s.lossVerdict(now)
}

// onlineVerdict is for a shard that is attached: Online only when it is live
// and its heartbeats are answered (G-159).
func (s *shard) onlineVerdict(now time.Time, fresh bool) verdict {
	heard := latest(s.lastACK, s.restored)
	_, suspect := s.state.(gateway.Suspect)
	_, moving := s.state.(gateway.Moving)
	switch {
	case suspect:
		return verdict{
			status: Degraded, since: s.stateSince,
			reason: Say("status.overdue"),
		}
	case !fresh:
		return verdict{
			status: Degraded, since: heard,
			reason: Say("status.unanswered", now.Sub(heard)),
		}
	case moving:
		return verdict{status: Online, since: s.restored, reason: Say("status.moving")}
	}
	return verdict{status: Online, since: s.restored, reason: Say("status.connected")}
}

// startVerdict is for a shard that has not been online yet.
func (s *shard) startVerdict(now time.Time) verdict {
	v := verdict{status: Starting, since: s.begun, reason: s.doing()}
	// What ended the previous run is not what keeps this one from its start.
	stuck := s.open != nil && (!s.open.Gap || s.open.Evidence.Attempts > 0)
	if stuck {
		v.reason = Say("join.doing", s.open.Happened(), s.doing())
	}
	if now.Sub(s.begun) >= DotLife {
		v.status = Offline
		v.reason = Say("status.never", v.reason)
		if stuck {
			v.remedy = Lookup(s.open.Cause).Remedy()
		}
	}
	return v
}

// lossVerdict is for a shard that has lost its connection.
func (s *shard) lossVerdict(now time.Time) verdict {
	if s.open == nil {
		return verdict{status: Reconnecting, since: s.stateSince, reason: s.doing()}
	}
	v := verdict{status: Reconnecting, since: s.open.Start, reason: Say("join.doing", s.open.Happened(), s.doing())}
	if s.open.Grey(now) > 0 {
		v.status, v.remedy = Offline, Lookup(s.open.Cause).Remedy()
	}
	return v
}

// doing says what the shard is at.
func (s *shard) doing() Message {
	switch state := s.state.(type) {
	case gateway.Waiting:
		if s.waitWhy != "" {
			return Say("doing.waiting-to-identify", s.waitWhy)
		}
		return Say("doing.waiting", s.foreign(state.For))
	case gateway.Identifying:
		if s.slowReady {
			return Say("doing.ready-late")
		}
		return Say("doing.identifying")
	case gateway.Resuming:
		return Say("doing.resuming")
	case gateway.Idle:
		return Say("doing.idle")
	case gateway.Connecting:
		if state.Resuming {
			return Say("doing.connecting-to-resume")
		}
		return Say("doing.connecting-to-identify")
	}
	return Say("doing." + name(s.state))
}
