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

// takeOver asks the holder for the lock and waits until it has it.
func takeOver(ctx context.Context, path string, holder, self Holder, patience time.Duration) (claim, error) {
	released := make(chan struct{})
	conn, refusal := requestHandover(ctx, holder, self, min(patience, replyTimeout))
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

// requestHandover asks the holder to hand over and returns the connection once it has
// agreed, or why it has not.
func requestHandover(ctx context.Context, holder, self Holder, within time.Duration) (conn net.Conn, refusal error) {
	if holder.Socket == "" {
		return nil, errors.New("it does not listen to such requests")
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", holder.Socket)
	if err != nil {
		return nil, fmt.Errorf("it cannot be reached (%w)", err)
	}
	err = writeMessage(conn, message{Say: sayTakeOver, From: &self})
	if err == nil {
		var w message
		if w, err = readMessage(conn, within); err == nil && w.Say != sayPausing {
			err = errors.New("it answered something else")
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("it does not answer (%w)", err)
	}
	return conn, nil
}
