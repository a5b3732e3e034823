package sidecar

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"evergreen/internal/regular"
	"evergreen/internal/sidecar/backlog"
)

// An event that ends a bot would end it again at each start: connected to Discord
// directly, the bot would have lost it. It is set aside once it was the first one not
// confirmed in lossesUntilAside lines in a row, each lost within blameWithin of its
// delivery.
const (
	lossesUntilAside = 3
	blameWithin      = 10 * time.Second
)

// blame finds the event that may have ended a bot whose line was lost, and returns it if
// it is set aside now. The caller holds the lock.
func (s *Sidecar) blame(a *attachment, now time.Time) *backlog.Record {
	c := a.consumer
	first, ok := s.firstGiven(a)
	switch {
	case !ok || now.Sub(a.unconfirmedSince) > blameWithin:
		c.suspect, c.losses = 0, 0
		return nil
	case c.suspect != first.Position:
		c.suspect, c.losses = first.Position, 0
	}
	if c.losses++; c.losses < lossesUntilAside {
		return nil
	}
	c.suspect, c.losses = 0, 0
	s.remove(first.Position)
	s.counts.SetAside++
	c.counts.SetAside++
	return &first
}

// firstGiven returns the first event from the cursor of its consumer on that a line was
// given. The caller holds the lock.
func (s *Sidecar) firstGiven(a *attachment) (backlog.Record, bool) {
	c := a.consumer
	for at := c.cursor; at < a.position; at++ {
		if r, ok := s.backlog.At(at); ok && c.gets(r) && !a.session.skips(at) && !r.LiveOnly {
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
