package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Channel takes messages to a person. Send must honour ctx and may be called
// again with the same message; its errors contain no secret. An error that
// trying again cannot mend is a [Refused].
type Channel interface {
	// Name names the channel in log lines.
	Name() string
	Send(context.Context, Message) error
}

// Refused is an answer that will not change when the same is sent again, such
// as HTTP 404 or a wrong password.
type Refused struct{ Err error }

// Error says what was refused.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Err }

// later is a failure after which the channel asks for a pause.
type later struct {
	err   error
	after time.Duration
}

func (l *later) Error() string { return l.err.Error() }
func (l *later) Unwrap() error { return l.err }

// The limits of a delivery.
const (
	sendTimeout  = 15 * time.Second
	firstRetry   = 2 * time.Second
	longestRetry = 5 * time.Minute
	longestWish  = time.Hour // a pause that a channel asks for
	tooOld       = 24 * time.Hour
	mostQueued   = 50
	lastChance   = 3 * time.Second
)

// outbox is the queue before one channel.
type outbox struct {
	channel Channel
	redact  func(string) string
	log     *slog.Logger
	rand    func() float64

	mu    sync.Mutex
	queue []*Message
	wake  chan struct{} // holds one token while there may be something new
}

func newOutbox(c Channel, o Options) *outbox {
	return &outbox{channel: c, redact: o.Redact, log: o.Log, rand: o.Rand, wake: make(chan struct{}, 1)}
}

// put queues a message. That something is over makes what is still queued about
// it worthless: the last message tells the whole of it.
func (b *outbox) put(m Message) {
	b.mu.Lock()
	if m.Kind == Resolved {
		b.queue = slices.DeleteFunc(b.queue, func(q *Message) bool { return q.Thread == m.Thread })
	}
	if len(b.queue) == mostQueued {
		oldest := max(0, slices.IndexFunc(b.queue, func(q *Message) bool { return q.Kind == Reminder }))
		b.queue = slices.Delete(b.queue, oldest, oldest+1)
	}
	b.queue = append(b.queue, &m)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// first returns the message whose turn it is, nil if there is none.
func (b *outbox) first() *Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return nil
	}
	return b.queue[0]
}

// drop takes a message out of the queue.
func (b *outbox) drop(m *Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = slices.DeleteFunc(b.queue, func(q *Message) bool { return q == m })
}

// run delivers until ctx ends.
func (b *outbox) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		m := b.first()
		if m == nil {
			select {
			case <-ctx.Done():
			case <-b.wake:
			}
			continue
		}
		err := b.try(ctx, m)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			failures = 0
			continue
		}
		failures++
		timer := time.NewTimer(b.pause(err, failures))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastChance)
	defer cancel()
	for m := b.first(); m != nil && last.Err() == nil; m = b.first() {
		_ = b.try(last, m)
		b.drop(m)
	}
}

// try sends a message once. It returns an error if the message is to be sent
// again.
func (b *outbox) try(ctx context.Context, m *Message) error {
	once, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := b.send(once, *m)
	if ctx.Err() != nil && err != nil {
		return err
	}
	_, refused := errors.AsType[*Refused](err)
	switch {
	case err == nil:
		b.drop(m)
		return nil
	case refused:
		b.drop(m)
		b.log.Error("An alert was refused by its channel and is not sent again; check the channel's settings",
			"channel", b.channel.Name(), "alert", string(m.Kind), "error", b.redact(err.Error()))
		return nil
	case time.Since(m.At) > tooOld:
		b.drop(m)
		b.log.Error("An alert could not be delivered for a day and is given up",
			"channel", b.channel.Name(), "alert", string(m.Kind), "error", b.redact(err.Error()))
		return nil
	}
	b.log.Warn("An alert could not be delivered and is sent again",
		"channel", b.channel.Name(), "alert", string(m.Kind), "error", b.redact(err.Error()))
	return err
}

// send is the channel's Send, whose panics cost one message and not the program.
func (b *outbox) send(ctx context.Context, m Message) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Refused{fmt.Errorf("the channel panicked: %v", r)}
		}
	}()
	return b.channel.Send(ctx, m)
}

// pause is how long to wait after a failure: twice as long after each, with
// jitter, and as long as the channel asks for.
func (b *outbox) pause(err error, failures int) time.Duration {
	wait := firstRetry
	for n := 1; n < failures && wait < longestRetry; n++ {
		wait *= 2
	}
	wait = min(wait, longestRetry)
	wait = wait/2 + time.Duration(b.rand()*float64(wait)/2)
	if asked, ok := errors.AsType[*later](err); ok {
		wait = max(wait, min(asked.after, longestWish))
	}
	return wait
}
