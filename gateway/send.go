package gateway

import "time"

// sendLoop is the sending side of a live connection: it takes what the outbox
// holds, as fast as Discord's limits allow, until the connection ends. Its
// budget is the connection's own (G-076).
func (s *Shard) sendLoop(c *conn) {
	budget := newSendLimiter(c.interval)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		wait := budget.delay(now)
		if wait == 0 {
			var p *queuedSend
			var presence *Presence
			p, presence, wait = s.sends.next(now)
			if p != nil || presence != nil {
				budget.record(now)
				if !s.writeQueued(c, p, presence) {
					return
				}
				continue
			}
		}
		wake := s.sends.wake
		if wait == 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-wake:
		case <-timer.C:
		case <-c.ended:
			return
		}
	}
}

// writeQueued writes one payload; if that fails, the next connection gets it.
func (s *Shard) writeQueued(c *conn, p *queuedSend, presence *Presence) bool {
	var raw []byte
	if p != nil {
		raw = p.raw
	} else {
		raw, _ = encode(OpPresenceUpdate, presence) // checked by SetPresence and New
	}
	select {
	case <-c.ended:
		s.sends.requeue(p, presence)
		return false
	default:
	}
	if err := c.write(raw); err != nil {
		s.sends.requeue(p, presence)
		c.onWriteError(err)
		return false
	}
	if p != nil {
		p.done <- nil
	} else {
		s.emit(PresenceSent{Presence: *presence})
	}
	return true
}
