package sidecar

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Bounds of what a line may have been sent without a confirmation. A client that answers
// no pings confirms with its heartbeats only, every 41 s.
const (
	windowCount       = 1000
	windowBytes       = 1 << 20
	windowBytesNoPong = 16 << 20
)

// errOverrun: the events that a line needs next have fallen out of the backlog.
var errOverrun = errors.New("the bot was slower than its events are kept")

// outgoing is an event that has its number.
type outgoing struct {
	event string
	seq   int64
	data  []byte
	place int64 // not 0: the data has to be loaded first, and there is no number yet
}

// feedNew gives a bot that has identified READY, its guilds, time to become ready, and
// then what has happened since.
func (a *attachment) feedNew(ctx context.Context, waits bool) error {
	if err := a.awaitUpstream(ctx); err != nil {
		return err
	}
	if err := a.awaitOlder(ctx); err != nil {
		return err
	}
	guilds, err := a.feedSnapshot(ctx)
	if err != nil {
		return err
	}
	s := settling{fixed: a.sidecar.opts.Settle, waits: waits && guilds > 0, began: time.Now(), lastGuild: time.Now()}
	if err := a.settle(ctx, s); err != nil {
		return err
	}
	return a.feed(ctx)
}

// awaitUpstream waits until there are guilds to tell a bot of. A refusal of Discord's is
// passed on: the line is closed with its code.
func (a *attachment) awaitUpstream(ctx context.Context) error {
	s := a.sidecar
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.mu.Lock()
		left, refused := s.serveIn(time.Now()), cmp.Or(a.refused, s.refused)
		s.mu.Unlock()
		switch {
		case left <= 0:
			return nil
		case refused != 0:
			a.line.Close(int(refused), refused.Meaning())
			return nil
		}
		timer.Reset(left)
		if err := a.wait(ctx, timer.C); err != nil {
			return err
		}
	}
}

// olderWait bounds the wait for an older line. Libraries answer a ping within 0.1 s unless
// they are stuck.
const olderWait = time.Second

// awaitOlder waits until the older line of the consumer, which a newer process of the bot
// takes the place of, has confirmed what it was given: else both would handle it.
func (a *attachment) awaitOlder(ctx context.Context) error {
	s := a.sidecar
	timer := time.NewTimer(olderWait)
	defer timer.Stop()
	for end := time.Now().Add(olderWait); ; {
		s.mu.Lock()
		if older := a.older; older != nil {
			p := older.line.Progress()
			if p.Confirmed >= older.session.numbers.last || !p.Stalled.IsZero() || !time.Now().Before(end) {
				older.bequeath()
				a.older = nil
			}
		}
		done := a.older == nil
		s.mu.Unlock()
		if done {
			return nil
		}
		if err := a.wait(ctx, timer.C); err != nil {
			return err
		}
	}
}

// bequeath moves the cursor of the consumer to what this line has confirmed, which is not
// the active one any more. The caller holds the lock.
func (a *attachment) bequeath() {
	a.consumer.cursor = max(a.consumer.cursor, a.cursor(a.line.Progress().Confirmed))
	a.sidecar.touch()
}

// wait returns when the line is woken, the client has confirmed something or the timer
// ends; or with the error of ctx.
func (a *attachment) wait(ctx context.Context, timer <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-a.woken:
	case <-a.line.Changed():
	case <-timer:
	}
	a.sidecar.mu.Lock()
	defer a.sidecar.mu.Unlock()
	a.confirm(a.line.Progress().Confirmed)
	return nil
}

// settle waits until the library is ready with its guilds. Members that it asks for come
// meanwhile.
func (a *attachment) settle(ctx context.Context, state settling) error {
	s := a.sidecar
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.mu.Lock()
		a.setPhase(phaseSettling)
		// A request for members that came before the confirmation may still be handled.
		state.confirmed = a.line.Progress().Confirmed >= a.session.numbers.snapshot && !a.line.Handling()
		state.asked = a.asked
		left := state.left(time.Now(), s.oldestInteraction(a.consumer))
		directive, ok := a.nextDirective()
		if !ok && left <= 0 {
			a.setPhase(phaseLive)
			a.liveFrom = s.backlog.Next()
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		if ok {
			if err := a.line.Dispatch(ctx, directive.event, directive.seq, directive.data); err != nil {
				return err
			}
			state.lastGuild = time.Now()
			continue
		}
		timer.Reset(left)
		if err := a.wait(ctx, timer.C); err != nil {
			return err
		}
	}
}

// feed gives a line every event from its position on, as long as it is the active one.
func (a *attachment) feed(ctx context.Context) error {
	s := a.sidecar
	for {
		s.mu.Lock()
		a.confirm(a.line.Progress().Confirmed)
		next, ok, err := a.next()
		var again <-chan time.Time
		if a.consumer.suspects.oneByOne(a.position) {
			again = time.After(doubtful)
		}
		s.mu.Unlock()
		switch {
		case errors.Is(err, errOverrun):
			s.log.Warn("A bot starts anew: it was slower than its events are kept", "from", a.line.RemoteAddr())
			return a.line.InvalidateSession(ctx, false)
		case next.place != 0:
			err = a.load(ctx, next)
		case ok:
			err = a.line.Dispatch(ctx, next.event, next.seq, next.data)
		default:
			err = a.wait(ctx, again)
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next event of the line with its number; false: there is none yet, or
// the client must first confirm what it has. The caller holds the lock.
func (a *attachment) next() (outgoing, bool, error) {
	s, c := a.sidecar, a.consumer
	if c.active() != a || c.session != a.session {
		a.setPhase(phaseStandby)
		if newer := c.active(); newer != nil && newer.older == a {
			newer.notify()
		}
		return outgoing{}, false, nil
	}
	p := a.line.Progress()
	if p.UnconfirmedCount >= windowCount/2 || p.UnconfirmedBytes >= windowBytes/2 {
		a.line.Ping() // else a burst would wait for the end of the window
	}
	if p.UnconfirmedCount >= windowCount || p.UnconfirmedBytes >= windowBytesNoPong || p.Pongs && p.UnconfirmedBytes >= windowBytes {
		return outgoing{}, false, nil
	}
	if directive, ok := a.nextDirective(); ok {
		return directive, true, nil
	}
	if a.position < s.backlog.Tail() {
		return outgoing{}, false, errOverrun
	}
	if a.session.answered == nil {
		a.session.answered = s.answeredFrom(a.position)
		s.touch()
		if n := len(a.session.answered); n > 0 {
			s.log.Info("What the bot has answered does not come to its new process", "shard", c.name(), "events", n)
		}
	}
	for {
		if a.resumed > 0 && a.position >= a.resumed {
			a.resumed = 0
			a.setPhase(phaseLive)
			return a.number("RESUMED", []byte(`{"_trace":["evergreen"]}`)), true, nil
		}
		r, ok := s.backlog.At(a.position)
		if !ok {
			a.confirm(a.line.Progress().Confirmed) // all that is left was for others
			return outgoing{}, false, nil
		}
		if c.suspects.oneByOne(a.position) && !s.mayTry(a, time.Now()) {
			a.line.Ping()
			return outgoing{}, false, nil
		}
		if !c.gets(r) || a.session.skips(r.Position) || r.LiveOnly && r.Position < a.liveFrom {
			a.position++
			continue
		}
		if r.Place != 0 {
			if a.loaded.place != r.Place {
				return outgoing{event: r.Type, place: r.Place}, false, nil
			}
			if r.Data, a.loaded = a.loaded.data, (loadedEvent{}); r.Data == nil {
				a.position++
				s.lose(c, r)
				continue
			}
		}
		a.position++
		c.noteGiven(r.Position)
		return a.number(r.Type, r.Data), true, nil
	}
}

// nextDirective returns the next of the members that the line has asked for. The caller
// holds the lock.
func (a *attachment) nextDirective() (outgoing, bool) {
	if len(a.direct) == 0 {
		return outgoing{}, false
	}
	first := a.direct[0]
	a.direct, a.directBytes = a.direct[1:], a.directBytes-len(first.data)
	return a.number(first.event, first.data), true
}

// number gives an event its number. The caller holds the lock.
func (a *attachment) number(event string, data []byte) outgoing {
	if a.line.Progress().Confirmed >= a.session.numbers.last {
		a.unconfirmedSince = time.Now()
	}
	a.sidecar.counts.Delivered++
	a.consumer.counts.Delivered++
	a.sidecar.touch()
	return outgoing{event: event, seq: a.session.numbers.give(a.position), data: data}
}

// cursor returns where the confirmation of a number leads: behind what was given under it,
// and if it was the last one, behind everything that was skipped since. 0: the number is
// not known. The caller holds the lock.
func (a *attachment) cursor(seq int64) int64 {
	cursor, ok := a.session.numbers.cursor(seq)
	if ok && seq == a.session.numbers.last {
		return max(cursor, a.position)
	}
	return cursor
}

// confirm moves the cursor of the line's consumer to where the confirmation of a number
// leads. The caller holds the lock.
func (a *attachment) confirm(seq int64) {
	c := a.consumer
	if c == nil || c.active() != a || a.session == nil || c.session != a.session {
		return
	}
	if cursor := a.cursor(seq); cursor > c.cursor {
		a.unconfirmedSince = time.Now()
		c.cursor = cursor
		if seq == a.session.numbers.last { // a RESUME from it must not need what is behind it
			a.session.numbers.advance(cursor)
		}
		a.sidecar.advance(time.Now())
		a.sidecar.touch()
	}
}
