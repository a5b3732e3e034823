package health

import (
	"slices"
	"strings"
	"time"

	"evergreen/gateway"
)

// shardStatus is a status with what belongs to it.
type shardStatus struct {
	status Status
	reason Message
	remedy Message
	since  time.Time
}

// snapshot copies what is known of the shard at now; with history also its round
// trips and changes of state.
func (s *shard) snapshot(now time.Time, history bool) ShardSnapshot {
	heard := latest(s.lastACK, s.onlineSince)
	fresh := !s.onlineSince.IsZero() && now.Sub(heard) <= s.maxACKAge()
	snap := ShardSnapshot{
		Shard: s.id, Username: s.username, Guilds: s.guilds,
		Ready:     gateway.Online(s.state) && s.open == nil,
		Connected: isAttached(s.state) && s.open == nil && fresh,
		State:     s.state.String(), StateSince: s.stateSince,
		SessionSince: s.session, Interval: s.interval, LastACK: s.lastACK,
		Counts: s.counts,
	}
	if history {
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
	case s.onlineSince.IsZero():
		snap.OfflineSince = s.created
	default:
		snap.OfflineSince = heard
	}
	v := s.currentStatus(now, fresh)
	snap.Status, snap.Reason, snap.Remedy, snap.Since = v.status, v.reason, v.remedy, v.since
	return snap
}

// isAttached reports whether a connection in this state is beyond doubt.
func isAttached(state gateway.State) bool {
	switch state.(type) {
	case gateway.Live, gateway.Moving:
		return true
	}
	return false
}

// maxACKAge is how old the last answer may be (G-159). Before the first heartbeat
// of a connection, READY or RESUMED counts as an answer.
func (s *shard) maxACKAge() time.Duration {
	if s.interval <= 0 {
		return usualInterval + ackDeadline
	}
	return s.interval + ackDeadline
}

// currentStatus is the status of this shard; fresh is whether its heartbeats are
// answered.
func (s *shard) currentStatus(now time.Time, fresh bool) shardStatus {
	switch state := s.state.(type) {
	case gateway.Parked:
		v := shardStatus{status: NeedsYou, since: s.stateSince, reason: describe(state.Reason), remedy: remedy(state.Reason)}
		if said := s.sanitize(detail(state.Reason)); said != "" {
			v.reason = NewMessage("join.said", v.reason, said)
		}
		return v
	case gateway.Draining:
		return shardStatus{status: Stopping, since: s.stateSince, reason: NewMessage("status.draining")}
	case gateway.Stopped:
		return shardStatus{status: Stopping, since: s.stateSince, reason: NewMessage("status.stopped")}
	}
	if s.open == nil && gateway.Online(s.state) {
		return s.onlineStatus(now, fresh)
	}
	if s.onlineSince.IsZero() {
		return s.startStatus(now)
	}
	return s.lossStatus(now)
}

// onlineStatus is the status of a shard whose session is attached: Online only
// when it is live and its heartbeats are answered.
func (s *shard) onlineStatus(now time.Time, fresh bool) shardStatus {
	heard := latest(s.lastACK, s.onlineSince)
	_, suspect := s.state.(gateway.Suspect)
	_, moving := s.state.(gateway.Moving)
	switch {
	case suspect:
		return shardStatus{
			status: Degraded, since: s.stateSince,
			reason: NewMessage("status.overdue"),
		}
	case !fresh:
		return shardStatus{
			status: Degraded, since: heard,
			reason: NewMessage("status.unanswered", now.Sub(heard)),
		}
	case moving:
		return shardStatus{status: Online, since: s.onlineSince, reason: NewMessage("status.moving")}
	}
	return shardStatus{status: Online, since: s.onlineSince, reason: NewMessage("status.connected")}
}

// startStatus is the status of a shard that has not been online yet.
func (s *shard) startStatus(now time.Time) shardStatus {
	v := shardStatus{status: Starting, since: s.created, reason: s.doing()}
	// What ended the previous run is not what keeps this one from its start.
	stuck := s.open != nil && (!s.open.BeganWithPreviousRun || s.open.Evidence.Attempts > 0)
	if stuck {
		v.reason = NewMessage("join.doing", s.open.Happened(), s.doing())
	}
	if now.Sub(s.created) >= PresenceTimeout {
		v.status = Offline
		v.reason = NewMessage("status.never", v.reason)
		if stuck {
			v.remedy = s.open.Remedy()
		}
	}
	return v
}

// lossStatus is the status of a shard that has lost its connection.
func (s *shard) lossStatus(now time.Time) shardStatus {
	if s.open == nil {
		return shardStatus{status: Reconnecting, since: s.stateSince, reason: s.doing()}
	}
	v := shardStatus{status: Reconnecting, since: s.open.Start, reason: NewMessage("join.doing", s.open.Happened(), s.doing())}
	if s.open.ShownOffline(now) > 0 {
		v.status, v.remedy = Offline, s.open.Remedy()
	}
	return v
}

// doing says what the shard is doing now.
func (s *shard) doing() Message {
	switch state := s.state.(type) {
	case gateway.Waiting:
		if s.identifyWait != "" {
			return NewMessage("doing.waiting-to-identify", s.identifyWait)
		}
		if state.Until.IsZero() {
			return NewMessage("doing.waiting-for-turn")
		}
		return NewMessage("doing.waiting-for-retry")
	case gateway.Identifying:
		if s.readyLate {
			return NewMessage("doing.ready-late")
		}
	}
	return NewMessage("doing." + strings.ReplaceAll(stateName(s.state), " ", "-"))
}
