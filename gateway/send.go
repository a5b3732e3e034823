package gateway

import "time"

// send is the sending side of a live connection: it takes what the outbox
// holds, as fast as Discord's limits allow, until the connection ends. Its
// budget is the connection's own (G-076).
func (s *Shard) send(c *conn) {
	budget := newThrottle(c.interval)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		wait := budget.wait(now)
		if wait == 0 {
			var p *parcel
			var presence *Presence
			p, presence, wait = s.out.take(now)
			if p != nil || presence != nil {
				budget.note(now)
				if !s.deliver(c, p, presence) {
					return
				}
				continue
			}
		}
		wake := s.out.wake
		if wait == 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-wake:
		case <-timer.C:
		case <-c.dead:
			return
		}
	}
}

// deliver writes one payload; if that fails, the next connection gets it.
func (s *Shard) deliver(c *conn, p *parcel, presence *Presence) bool {
	var raw []byte
	if p != nil {
		raw = p.raw
	} else {
		raw, _ = encode(OpPresenceUpdate, presence) // checked by SetPresence and New
	}
	select {
	case <-c.dead:
		s.out.putBack(p, presence)
		return false
	default:
	}
	if err := c.send(raw); err != nil {
		s.out.putBack(p, presence)
		c.unwritable(err)
		return false
	}
	if p != nil {
		p.done <- nil
	} else {
		s.note(PresenceSent{Presence: *presence})
	}
	return true
}
