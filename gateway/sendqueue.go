package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"evergreen/internal/bounds"
)

// Discord takes 120 payloads from one connection in any 60 s (G-099) and 5 presences
// in any 20 s (G-101), counted as they arrive. A network or a busy machine that holds
// one up moves it closer to those that follow, so both windows are 2 s longer here.
const (
	sendLimit      = 120
	sendWindow     = time.Minute + 2*time.Second
	presenceLimit  = 5
	presenceWindow = 22 * time.Second
	// presenceSpacing is the time between the last presence of a session and the one that
	// follows its RESUME. A process that crashes again and again resumes the session of the
	// one before, and Discord counts the presences of all of them. With this spacing they
	// stay within the limit however long each lives.
	presenceSpacing = 5 * time.Second
)

// sendQueue holds what the bot wants to send. It belongs to the shard, so that what
// waits in it survives reconnects and new sessions (G-105). The sendLoop of the live
// connection empties it.
type sendQueue struct {
	limit int

	mu               sync.Mutex
	items            []*queuedSend
	presence         *Presence // to be sent; a newer one replaces it
	rateLimitedUntil map[string]time.Time
	presencesSent    []time.Time
	presenceHeld     time.Time // until then no presence is sent
	wake             chan struct{}
	closed           bool
}

// queuedSend is one payload on its way out.
type queuedSend struct {
	op        Opcode
	key       string // see rateLimitKey
	raw       []byte
	done      chan error // one slot
	abandoned bool       // the sender gave up waiting
}

func newSendQueue(limit int) *sendQueue {
	return &sendQueue{limit: limit, rateLimitedUntil: make(map[string]time.Time), wake: make(chan struct{}, 1)}
}

// notify wakes the sendLoop.
func (q *sendQueue) notify() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// setPresence makes p the presence to send next.
func (q *sendQueue) setPresence(p Presence) {
	q.mu.Lock()
	q.presence = &p
	q.mu.Unlock()
	q.notify()
}

// onReady follows a new session, whose presence may be sent at once.
func (q *sendQueue) onReady() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.presenceHeld = time.Time{}
}

// onResumed follows a RESUME. The session has kept its presence, so sending it again can
// wait for presenceSpacing. What the process that had an inherited session before has
// sent is not known: it counts as much as leaves room for this one presence.
func (q *sendQueue) onResumed(now time.Time, inherited bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	last := time.Time{}
	if inherited {
		for range presenceLimit - 1 {
			q.presencesSent = append(q.presencesSent, now)
		}
	}
	if n := len(q.presencesSent); n > 0 {
		last = q.presencesSent[n-1]
	}
	q.presenceHeld = last.Add(presenceSpacing)
}

// send queues a payload and waits until it was written or ctx ends. Its write does not
// begin after ctx has ended.
func (q *sendQueue) send(ctx context.Context, op Opcode, d any) error {
	raw, err := encode(op, d)
	if err != nil {
		return err
	}
	p := &queuedSend{op: op, key: rateLimitKey(op, guildOf(raw)), raw: raw, done: make(chan error, 1)}
	q.mu.Lock()
	switch {
	case q.closed:
		q.mu.Unlock()
		return ErrStopped
	case len(q.items) >= q.limit:
		q.mu.Unlock()
		return fmt.Errorf("%s: %w", op, ErrQueueFull)
	}
	q.items = append(q.items, p)
	q.mu.Unlock()
	q.notify()
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
	}
	q.mu.Lock()
	p.abandoned = true
	q.items = slices.DeleteFunc(q.items, func(other *queuedSend) bool { return other == p })
	q.mu.Unlock()
	select {
	case err := <-p.done:
		return err
	default:
		return ctx.Err()
	}
}

// rateLimitKey names what a RATE_LIMITED dispatch holds back: an opcode for a guild.
func rateLimitKey(op Opcode, guildID json.RawMessage) string {
	return fmt.Sprint(int(op), "/", text(guildID))
}

// guildOf returns the guild_id that a payload names.
func guildOf(raw []byte) json.RawMessage {
	var p struct {
		D struct {
			GuildID json.RawMessage `json:"guild_id"`
		} `json:"d"`
	}
	_ = json.Unmarshal(raw, &p)
	return p.D.GuildID
}

// onRateLimited holds an opcode back for the guild of a RATE_LIMITED dispatch, and
// for no other (G-108). A mistyped field counts as missing.
func (q *sendQueue) onRateLimited(d []byte, now time.Time) {
	var limited struct {
		Opcode     Opcode  `json:"opcode"`
		RetryAfter float64 `json:"retry_after"`
		Meta       struct {
			GuildID json.RawMessage `json:"guild_id"`
		} `json:"meta"`
	}
	_ = json.Unmarshal(d, &limited)
	wait := time.Duration(min(max(limited.RetryAfter, 0), bounds.RateLimited) * float64(time.Second))
	q.mu.Lock()
	q.rateLimitedUntil[rateLimitKey(limited.Opcode, limited.Meta.GuildID)] = now.Add(wait)
	q.mu.Unlock()
}

// next removes and returns what may leave now, the presence first. Where nothing may,
// wait is how long until something might, and zero when only notify can tell.
func (q *sendQueue) next(now time.Time) (p *queuedSend, presence *Presence, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	sooner := func(d time.Duration) {
		if wait == 0 || d < wait {
			wait = d
		}
	}
	if q.presence != nil {
		for len(q.presencesSent) > 0 && now.Sub(q.presencesSent[0]) >= presenceWindow {
			q.presencesSent = q.presencesSent[1:]
		}
		held := q.presenceHeld.Sub(now)
		switch {
		case held > 0:
			sooner(held)
		case len(q.presencesSent) < presenceLimit:
			presence, q.presence = q.presence, nil
			q.presencesSent = append(q.presencesSent, now)
			return nil, presence, 0
		default:
			sooner(presenceWindow - now.Sub(q.presencesSent[0]))
		}
	}
	for key, until := range q.rateLimitedUntil {
		if !now.Before(until) {
			delete(q.rateLimitedUntil, key)
		}
	}
	for i, item := range q.items {
		if until, shut := q.rateLimitedUntil[item.key]; shut {
			sooner(until.Sub(now))
			continue
		}
		q.items = slices.Delete(q.items, i, i+1)
		return item, nil, 0
	}
	return nil, nil, wait
}

// requeue returns a payload whose write failed: the next connection sends it first, unless
// its sender gave up waiting.
func (q *sendQueue) requeue(p *queuedSend, presence *Presence) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case p == nil || p.abandoned:
	case q.closed:
		p.done <- ErrStopped
	default:
		q.items = slices.Insert(q.items, 0, p)
	}
	if q.presence == nil {
		q.presence = presence
	}
}

// close fails everything that waits.
func (q *sendQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, p := range q.items {
		p.done <- ErrStopped
	}
	q.items = nil
}

// sendLimiter is the send budget of one connection: a sliding window that leaves
// room for every heartbeat.
type sendLimiter struct {
	budget int
	sent   []time.Time
}

func newSendLimiter(interval time.Duration) *sendLimiter {
	// IDENTIFY or RESUME and a little slack beside the heartbeats.
	return &sendLimiter{budget: sendLimit - 3 - heartbeatBudget(interval)}
}

// delay returns how long the next payload must wait.
func (l *sendLimiter) delay(now time.Time) time.Duration {
	for len(l.sent) > 0 && now.Sub(l.sent[0]) >= sendWindow {
		l.sent = l.sent[1:]
	}
	if len(l.sent) < l.budget {
		return 0
	}
	return sendWindow - now.Sub(l.sent[0])
}

func (l *sendLimiter) record(now time.Time) { l.sent = append(l.sent, now) }

// sendLoop writes what the send queue holds to a live connection, as fast as
// Discord's limits allow, until the connection ends. Its budget is the connection's.
func (s *Shard) sendLoop(c *conn) {
	limiter := newSendLimiter(c.interval)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		wait := limiter.delay(now)
		if wait == 0 {
			var p *queuedSend
			var presence *Presence
			p, presence, wait = s.sends.next(now)
			if p != nil || presence != nil {
				limiter.record(now)
				if !s.writeQueued(c, p, presence) {
					return
				}
				continue
			}
		}
		if wait == 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-s.sends.wake:
		case <-timer.C:
		case <-c.ended:
			return
		}
	}
}

// writeQueued writes one payload. If that fails it returns false, and the next
// connection gets the payload.
func (s *Shard) writeQueued(c *conn, p *queuedSend, presence *Presence) bool {
	var raw []byte
	if p != nil {
		raw = p.raw
	} else {
		raw, _ = encode(opPresenceUpdate, presence) // checked by SetPresence and New
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
