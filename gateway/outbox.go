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

// outbox holds what the bot wants to send. It belongs to the shard: what waits
// in it survives reconnects and new sessions alike (G-105).
type outbox struct {
	limit int

	mu       sync.Mutex
	items    []*parcel
	presence *Presence // to be sent; a newer one replaces it
	closed   map[string]time.Time
	sentPres []time.Time
	wake     chan struct{}
	over     bool
}

// parcel is one payload on its way out.
type parcel struct {
	op   Opcode
	key  string // what RATE_LIMITED may close it for
	raw  []byte
	done chan error // one slot
	gone bool       // the sender gave up waiting
}

func newOutbox(limit int) *outbox {
	return &outbox{limit: limit, closed: make(map[string]time.Time), wake: make(chan struct{}, 1)}
}

func (o *outbox) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// setPresence makes p the presence to send next.
func (o *outbox) setPresence(p Presence) {
	o.mu.Lock()
	o.presence = &p
	o.mu.Unlock()
	o.nudge()
}

// send queues a payload and waits until it was written or ctx ends. A payload
// given up on is not sent later.
func (o *outbox) send(ctx context.Context, op Opcode, d any) error {
	raw, err := encode(op, d)
	if err != nil {
		return err
	}
	p := &parcel{op: op, key: limitKey(op, raw), raw: raw, done: make(chan error, 1)}
	o.mu.Lock()
	switch {
	case o.over:
		o.mu.Unlock()
		return ErrStopped
	case len(o.items) >= o.limit:
		o.mu.Unlock()
		return fmt.Errorf("%s: %w", op, ErrQueueFull)
	}
	o.items = append(o.items, p)
	o.mu.Unlock()
	o.nudge()
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
	}
	o.mu.Lock()
	p.gone = true
	o.mu.Unlock()
	o.nudge()
	select {
	case err := <-p.done:
		return err
	default:
		return ctx.Err()
	}
}

// limitKey names what a RATE_LIMITED dispatch closes: an opcode for a guild.
func limitKey(op Opcode, raw []byte) string {
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

// rateLimited obeys a RATE_LIMITED dispatch: the opcode waits for that guild
// only (G-108).
func (o *outbox) rateLimited(d []byte, now time.Time) {
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
	o.closed[fmt.Sprint(limited.Opcode, "/", text(limited.Meta.GuildID))] = now.Add(wait)
	o.mu.Unlock()
	o.nudge()
}

// take removes what may leave now, presence first; wait is how long until
// something might, zero for "when nudged". settled is told by whoever wrote it.
func (o *outbox) take(now time.Time) (p *parcel, presence *Presence, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	sooner := func(d time.Duration) {
		if wait == 0 || d < wait {
			wait = d
		}
	}
	if o.presence != nil {
		for len(o.sentPres) > 0 && now.Sub(o.sentPres[0]) >= presenceWindow {
			o.sentPres = o.sentPres[1:]
		}
		if len(o.sentPres) < presenceLimit {
			presence, o.presence = o.presence, nil
			o.sentPres = append(o.sentPres, now)
			return nil, presence, 0
		}
		sooner(presenceWindow - now.Sub(o.sentPres[0]))
	}
	for key, until := range o.closed {
		if !now.Before(until) {
			delete(o.closed, key)
		}
	}
	for i := 0; i < len(o.items); i++ {
		item := o.items[i]
		if item.gone {
			o.items = append(o.items[:i], o.items[i+1:]...)
			i--
			continue
		}
		if until, shut := o.closed[item.key]; shut && item.key != "" {
			sooner(until.Sub(now))
			continue
		}
		o.items = append(o.items[:i], o.items[i+1:]...)
		return item, nil, 0
	}
	return nil, nil, wait
}

// putBack returns a payload whose write failed: the next connection sends it
// first.
func (o *outbox) putBack(p *parcel, presence *Presence) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p != nil {
		if o.over {
			p.done <- ErrStopped
			return
		}
		o.items = append([]*parcel{p}, o.items...)
	}
	if presence != nil && o.presence == nil {
		o.presence = presence
	}
}

// close fails everything that waits.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	for _, p := range o.items {
		p.done <- ErrStopped
	}
	o.items = nil
}

// throttle is the send budget of one connection: a sliding window
// that leaves room for every heartbeat (G-099).
type throttle struct {
	budget int
	sent   []time.Time
}

func newThrottle(interval time.Duration) *throttle {
	// Identify or resume and a little slack beside the heartbeats.
	return &throttle{budget: max(1, min(110, sendLimit-3-beatBudget(interval)))}
}

// wait returns how long the next payload must wait.
func (t *throttle) wait(now time.Time) time.Duration {
	for len(t.sent) > 0 && now.Sub(t.sent[0]) >= sendWindow {
		t.sent = t.sent[1:]
	}
	if len(t.sent) < t.budget {
		return 0
	}
	return sendWindow - now.Sub(t.sent[0])
}

func (t *throttle) note(now time.Time) { t.sent = append(t.sent, now) }
