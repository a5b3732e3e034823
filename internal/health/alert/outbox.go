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

// Channel sends messages to a person. Send must return when ctx ends. It is called
// again with the same message after an error, unless that is a [Refused]. Its
// errors contain no secret.
type Channel interface {
	// Name names the channel in log lines.
	Name() string
	Send(context.Context, Notification) error
}

// Refused is an answer that will not change when the same is sent again, such
// as HTTP 404 or a wrong password.
type Refused struct{ Err error }

// Error says what was refused.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Err }

// retryLater is a failure after which the channel asks for a pause.
type retryLater struct {
	err   error
	after time.Duration
}

func (l *retryLater) Error() string { return l.err.Error() }
func (l *retryLater) Unwrap() error { return l.err }

// The limits of a delivery.
const (
	sendTimeout   = 15 * time.Second
	minRetryDelay = 2 * time.Second
	maxRetryDelay = 5 * time.Minute
	maxRetryAfter = time.Hour // a pause that a channel asks for
	maxAge        = 24 * time.Hour
	maxQueued     = 50
	finalTimeout  = 3 * time.Second
)

// outbox is the queue of one channel.
type outbox struct {
	channel Channel
	redact  func(string) string
	log     *slog.Logger
	rand    func() float64

	mu    sync.Mutex
	queue []*Notification
	wake  chan struct{} // holds one value while the queue may have grown
}

func newOutbox(c Channel, o Options) *outbox {
	return &outbox{channel: c, redact: o.Redact, log: o.Log, rand: o.Rand, wake: make(chan struct{}, 1)}
}

// add queues a message. A Resolved replaces the queued messages of its thread: it
// tells all that matters. A full queue loses its oldest reminder, or else its
// oldest message.
func (b *outbox) add(m Notification) {
	b.mu.Lock()
	if m.Kind == Resolved {
		b.queue = slices.DeleteFunc(b.queue, func(q *Notification) bool { return q.Thread == m.Thread })
	}
	if len(b.queue) == maxQueued {
		oldest := max(0, slices.IndexFunc(b.queue, func(q *Notification) bool { return q.Kind == Reminder }))
		b.queue = slices.Delete(b.queue, oldest, oldest+1)
	}
	b.queue = append(b.queue, &m)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// next returns the oldest message, nil if there is none.
func (b *outbox) next() *Notification {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return nil
	}
	return b.queue[0]
}

// remove takes a message out of the queue.
func (b *outbox) remove(m *Notification) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = slices.DeleteFunc(b.queue, func(q *Notification) bool { return q == m })
}

// run delivers until ctx ends; then each queued message gets one last try.
func (b *outbox) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		m := b.next()
		if m == nil {
			select {
			case <-ctx.Done():
			case <-b.wake:
			}
			continue
		}
		err := b.deliver(ctx, m)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			failures = 0
			continue
		}
		failures++
		timer := time.NewTimer(b.retryDelay(err, failures))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalTimeout)
	defer cancel()
	for m := b.next(); m != nil && last.Err() == nil; m = b.next() {
		_ = b.deliver(last, m)
		b.remove(m)
	}
}

// deliver sends a message once. After an error the message stays in the queue.
func (b *outbox) deliver(ctx context.Context, m *Notification) error {
	once, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := b.send(once, *m)
	if ctx.Err() != nil && err != nil {
		return err
	}
	_, refused := errors.AsType[*Refused](err)
	switch {
	case err == nil:
		b.remove(m)
		return nil
	case refused:
		b.remove(m)
		b.log.Error("An alert was refused by its channel and is not sent again",
			"channel", b.channel.Name(), "alert", string(m.Kind), "error", b.redact(err.Error()), "do", "Check the channel's settings.")
		return nil
	case time.Since(m.At) > maxAge:
		b.remove(m)
		b.log.Error("An alert could not be delivered for a day and is given up",
			"channel", b.channel.Name(), "alert", string(m.Kind), "error", b.redact(err.Error()))
		return nil
	}
	b.log.Warn("An alert could not be delivered and is sent again",
		"channel", b.channel.Name(), "alert", string(m.Kind), "error", b.redact(err.Error()))
	return err
}

// send calls the channel's Send. A panic of it costs one message.
func (b *outbox) send(ctx context.Context, m Notification) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Refused{fmt.Errorf("the channel panicked: %v", r)}
		}
	}()
	return b.channel.Send(ctx, m)
}

// retryDelay is how long to wait after a failure: twice as long after each, with
// jitter, and at least as long as the channel asks for.
func (b *outbox) retryDelay(err error, failures int) time.Duration {
	wait := minRetryDelay
	for n := 1; n < failures && wait < maxRetryDelay; n++ {
		wait *= 2
	}
	wait = min(wait, maxRetryDelay)
	wait = wait/2 + time.Duration(b.rand()*float64(wait)/2)
	if asked, ok := errors.AsType[*retryLater](err); ok {
		wait = max(wait, min(asked.after, maxRetryAfter))
	}
	return wait
}
