package sidecar

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"evergreen/internal/regular"
	"evergreen/internal/sidecar/backlog"
)

// An event that ends a bot would end it again at each start: connected to Discord
// directly, the bot would have lost it. It is set aside once it was given and not confirmed
// in lossesUntilAside lines in a row, each lost within blameWithin, and no other event was.
const (
	lossesUntilAside = 3
	blameWithin      = 10 * time.Second
)

// suspects are the events that were given and not confirmed in each of the last lines that
// were lost. Zero: the last line was not lost so.
type suspects struct {
	from, to int64 // positions, to excluded
	losses   int   // how many lines that were
}

// and returns the suspects after another loss.
func (s suspects) and(from, to int64) suspects {
	both := suspects{max(s.from, from), min(s.to, to), s.losses + 1}
	if s.losses == 0 || both.from >= both.to {
		return suspects{from, to, 1}
	}
	return both
}

// oneByOne reports whether a line must have confirmed what it was given before it gets the
// event at a position, so that the next loss tells which one it was.
func (s suspects) oneByOne(position int64) bool {
	return s.losses >= lossesUntilAside-1 && position < s.to
}

// mayTry reports whether a line may be given an event that may end the bot: what it was given
// before is confirmed, and so is what the other shards of the bot were, because an end of the
// bot is the loss of all their lines. A shard that does not confirm holds up the others for
// blameWithin. The caller holds the lock.
func (s *Sidecar) mayTry(a *attachment, now time.Time) bool {
	if !a.isCertain(now) {
		return false
	}
	if s.trial != a && s.trial != nil && s.lines[s.trial] && now.Sub(s.trialSince) < blameWithin && !s.trial.isCertain(now) {
		return false
	}
	s.trial, s.trialSince = a, now
	return true
}

// isCertain reports whether the client has surely had all that the line was given. The caller
// holds the lock.
func (a *attachment) isCertain(now time.Time) bool {
	return a.line.ConfirmedBefore(now.Add(-doubtful)) >= a.session.numbers.last
}

// blame finds the event that may have ended a bot whose line was lost, and returns it if
// it is set aside now. The caller holds the lock.
func (s *Sidecar) blame(a *attachment, now time.Time) *backlog.Record {
	c := a.consumer
	first, ok := s.firstGiven(a, c.cursor, a.position)
	if !ok || now.Sub(a.unconfirmedSince) > blameWithin {
		c.suspects = suspects{}
		return nil
	}
	c.suspects = c.suspects.and(first.Position, a.position)
	if c.suspects.losses < lossesUntilAside {
		return nil
	}
	first, ok = s.firstGiven(a, c.suspects.from, c.suspects.to)
	if _, more := s.firstGiven(a, first.Position+1, c.suspects.to); !ok || more {
		return nil
	}
	c.suspects = suspects{}
	s.remove(first.Position)
	s.counts.SetAside++
	c.counts.SetAside++
	return &first
}

// firstGiven returns the first event between two positions that a line was given. The caller
// holds the lock.
func (s *Sidecar) firstGiven(a *attachment, from, to int64) (backlog.Record, bool) {
	for at := from; at < to; at++ {
		if r, ok := s.backlog.At(at); ok && a.consumer.gets(r) && !a.session.skips(at) && !r.LiveOnly {
			return r, true
		}
	}
	return backlog.Record{}, false
}

// keepSetAside tells of an event that was set aside, and keeps it in a file for the
// operator: its content may be private, so the log has only its type and id.
func (s *Sidecar) keepSetAside(r backlog.Record) {
	file := ""
	if s.opts.Dir != "" {
		file = filepath.Join(s.opts.Dir, fmt.Sprintf("set-aside-%d.json", r.Position))
		if r.Place != 0 {
			r.Data, _ = s.readMoved(context.Background(), r.Place)
		}
		content, err := json.Marshal(map[string]any{"t": r.Type, "received": r.Received, "d": json.RawMessage(r.Data)})
		if err == nil {
			err = regular.Write(file, content, os.FileMode(0o600))
		}
		if err != nil {
			s.log.Warn("An event that was set aside cannot be kept", "error", err)
			file = ""
		}
	}
	s.log.Error("An event has ended the bot three times in a row and is not delivered again", "type", r.Type, "id", r.ID, "guild", r.Guild,
		"file", file, "do", "Look in the bot's own log for its last error before each end.")
}
