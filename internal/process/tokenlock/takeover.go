package tokenlock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	// lockPoll is the time between two tries of the lock while the holder stops. The
	// holder sends a message when it is free; a holder that dies sends none.
	lockPoll = 20 * time.Millisecond
	// unreachableTimeout is how long the lock of a holder that cannot be asked is
	// tried: it may be about to end.
	unreachableTimeout = 500 * time.Millisecond
)

// takeOver asks the holder for its listeners and the lock, and waits until it has the
// lock.
func (l *Lock) takeOver(ctx context.Context, path string, holder Holder) (claim, error) {
	self, patience := l.self, l.opts.TakeOverTimeout
	released := make(chan struct{})
	conn, refusal := l.requestHandover(ctx, holder, min(patience, replyTimeout))
	if conn != nil {
		go func() {
			defer close(released)
			_, _ = readMessage(conn, patience) // whatever it says, the lock decides
		}()
		defer func() { _ = conn.Close(); <-released }()
		refusal = fmt.Errorf("it has not done so within %s", patience)
	} else {
		patience = min(patience, unreachableTimeout)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, refusal)
	defer cancel()
	ticks := time.NewTicker(lockPoll)
	defer ticks.Stop()
	heard := released
	for {
		c, err := openLock(path, self)
		taken, ok := errors.AsType[*takenError](err)
		if !ok {
			return c, err
		}
		// Another process may have been faster.
		now := readHolder(path)
		if taken.by != nil {
			now = *taken.by
		}
		if holder.PID != 0 && now.PID != 0 && !now.same(holder) {
			return claim{}, &HeldError{Holder: now, Path: path, Asked: "it handed over, but to somebody else"}
		}
		select {
		case <-heard:
			heard = nil
		case <-ticks.C:
		case <-ctx.Done():
			if why := context.Cause(ctx); why == refusal {
				return claim{}, &HeldError{Holder: holder, Path: path, Asked: why.Error()}
			}
			return claim{}, ctx.Err()
		}
	}
}

// requestHandover asks the holder to hand over, takes its listeners, and returns the
// connection once it has agreed, or why it has not.
func (l *Lock) requestHandover(ctx context.Context, holder Holder, within time.Duration) (conn net.Conn, refusal error) {
	if len(l.opts.Listeners) > 0 {
		l.noListeners = errNotAgreed // so far
	}
	if holder.Socket == "" {
		return nil, errors.New("it does not listen to such requests")
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", holder.Socket)
	if err != nil {
		return nil, fmt.Errorf("it cannot be reached (%w)", err)
	}
	err = conn.SetDeadline(time.Now().Add(within))
	if err == nil {
		err = l.converse(conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("it does not answer (%w)", err)
	}
	return conn, nil
}

// converse asks the holder at the other end of a connection to hand over, and takes its
// listeners.
func (l *Lock) converse(conn net.Conn) error {
	wants := l.opts.Listeners
	if !canSendListeners && len(wants) > 0 {
		wants, l.noListeners = nil, errNotSupported
	}
	if err := writeMessage(conn, message{Say: sayTakeOver, From: &l.self, Wants: wants}); err != nil {
		return err
	}
	answer, came, err := receiveListeners(conn)
	if err == nil && answer.Say != sayPausing {
		err = errors.New("it answered something else")
	}
	if err != nil || len(wants) == 0 {
		for _, listener := range came {
			_ = listener.Close()
		}
		return err
	}
	l.received, l.noListeners = receive(answer, wants, came)
	if answer.Listeners == nil {
		return nil // it waits for no answer
	}
	return writeMessage(conn, message{Say: sayReceived})
}
