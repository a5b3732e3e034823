package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// sendLimit is how many payloads Discord takes from one connection in any
// window of 60 s (G-099).
const sendLimit = 120

// sendWindow is that window as it is kept here. Discord counts payloads as they
// arrive: a first one that the network or a busy machine holds up moves closer to
// those that follow a minute later.
const sendWindow = time.Minute + 2*time.Second

// presenceLimit updates are taken in any 20 s (G-101), as they arrive: a network
// that holds one up moves it closer to those that follow, so the window is a
// little longer here.
const (
	presenceLimit  = 5
	presenceWindow = 22 * time.Second
)

// sendQueue holds what the bot wants to send. It belongs to the shard: what waits
// in it survives reconnects and new sessions alike (G-105).
type sendQueue struct {
	limit int

	mu               sync.Mutex
	items            []*queuedSend
	presence         *Presence // to be sent; a newer one replaces it
	rateLimitedUntil map[string]time.Time
	presencesSent    []time.Time
	wake             chan struct{}
	closed           bool
}

// queuedSend is one payload on its way out.
type queuedSend struct {
	op        Opcode
	key       string // what RATE_LIMITED may close it for
	raw       []byte
	done      chan error // one slot
	abandoned bool       // the sender gave up waiting
}

func newSendQueue(limit int) *sendQueue {
	return &sendQueue{limit: limit, rateLimitedUntil: make(map[string]time.Time), wake: make(chan struct{}, 1)}
}

func (o *sendQueue) notify() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// setPresence makes p the presence to send next.
func (o *sendQueue) setPresence(p Presence) {
	o.mu.Lock()
	o.presence = &p
	o.mu.Unlock()
	o.notify()
}

// send queues a payload and waits until it was written or ctx ends. A payload
// given up on is not sent later.
func (o *sendQueue) send(ctx context.Context, op Opcode, d any) error {
	raw, err := encode(op, d)
	if err != nil {
		return err
	}
	p := &queuedSend{op: op, key: rateLimitKey(op, raw), raw: raw, done: make(chan error, 1)}
	o.mu.Lock()
	switch {
	case o.closed:
		o.mu.Unlock()
		return ErrStopped
	case len(o.items) >= o.limit:
		o.mu.Unlock()
		return fmt.Errorf("%s: %w", op, ErrQueueFull)
	}
	o.items = append(o.items, p)
	o.mu.Unlock()
	o.notify()
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
	}
	o.mu.Lock()
	p.abandoned = true
	o.mu.Unlock()
	o.notify()
	select {
	case err := <-p.done:
		return err
	default:
		return ctx.Err()
	}
}

// rateLimitKey names what a RATE_LIMITED dispatch closes: an opcode for a guild.
func rateLimitKey(op Opcode, raw []byte) string {
	if op != OpRequestGuildMembers {
		return ""
	}
	var p struct {
		D struct {
			GuildID json.RawMessage `json:"guild_id"`
		} `json:"d"`
	}
	_ = json.Unmarshal(raw, &p)
	return fmt.Sprint(int(op), "/", text(p.D.GuildID))
}

// onRateLimited obeys a RATE_LIMITED dispatch: the opcode waits for that guild
// only (G-108).
func (o *sendQueue) onRateLimited(d []byte, now time.Time) {
	var limited struct {
		Opcode     int     `json:"opcode"`
		RetryAfter float64 `json:"retry_after"`
		Meta       struct {
			GuildID json.RawMessage `json:"guild_id"`
		} `json:"meta"`
	}
	if json.Unmarshal(d, &limited) != nil || !(limited.RetryAfter > 0) {
		return
	}
	wait := min(time.Duration(limited.RetryAfter*float64(time.Second)), time.Hour)
	o.mu.Lock()
	o.rateLimitedUntil[fmt.Sprint(limited.Opcode, "/", text(limited.Meta.GuildID))] = now.Add(wait)
	o.mu.Unlock()
	o.notify()
}

// next removes what may leave now, presence first; wait is how long until
// something might, zero for "when nudged". settled is told by whoever wrote it.
func (o *sendQueue) next(now time.Time) (p *queuedSend, presence *Presence, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sooner := func(d time.Duration) {
		if wait == 0 || d < wait {
			wait = d
		}
	}
	if o.presence != nil {
		for len(o.presencesSent) > 0 && now.Sub(o.presencesSent[0]) >= presenceWindow {
			o.presencesSent = o.presencesSent[1:]
		}
		if len(o.presencesSent) < presenceLimit {
			presence, o.presence = o.presence, nil
			o.presencesSent = append(o.presencesSent, now)
			return nil, presence, 0
		}
		sooner(presenceWindow - now.Sub(o.presencesSent[0]))
	}
	for key, until := range o.rateLimitedUntil {
		if !now.Before(until) {
			delete(o.rateLimitedUntil, key)
		}
	}
	for i := 0; i < len(o.items); i++ {
		item := o.items[i]
		if item.abandoned {
			o.items = append(o.items[:i], o.items[i+1:]...)
			i--
			continue
		}
		if until, shut := o.rateLimitedUntil[item.key]; shut && item.key != "" {
			sooner(until.Sub(now))
			continue
		}
		o.items = append(o.items[:i], o.items[i+1:]...)
		return item, nil, 0
	}
	return nil, nil, wait
}

// requeue returns a payload whose write failed: the next connection sends it
// first.
func (o *sendQueue) requeue(p *queuedSend, presence *Presence) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p != nil {
		if o.closed {
			p.done <- ErrStopped
			return
		}
		o.items = append([]*queuedSend{p}, o.items...)
	}
	if presence != nil && o.presence == nil {
		o.presence = presence
	}
}

// close fails everything that waits.
func (o *sendQueue) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for _, p := range o.items {
		p.done <- ErrStopped
	}
	o.items = nil
}

// sendLimiter is the send budget of one connection: a sliding window
// that leaves room for every heartbeat (G-099).
type sendLimiter struct {
	budget int
	sent   []time.Time
}

func newSendLimiter(interval time.Duration) *sendLimiter {
	// Identify or resume and a little slack beside the heartbeats.
	return &sendLimiter{budget: max(1, min(110, sendLimit-3-heartbeatBudget(interval)))}
}

// delay returns how long the next payload must wait.
func (t *sendLimiter) delay(now time.Time) time.Duration {
	for len(t.sent) > 0 && now.Sub(t.sent[0]) >= sendWindow {
		t.sent = t.sent[1:]
	}
	if len(t.sent) < t.budget {
		return 0
	}
	return sendWindow - now.Sub(t.sent[0])
}

func (t *sendLimiter) record(now time.Time) { t.sent = append(t.sent, now) }
