package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/process/logging"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
)

// state is what a run holds on the disk: the right to use the token, and what
// is to outlive the process.
type state struct {
	owner     *tokenlock.Lock
	store     *store.Store
	downtime  *health.Incident // the time since the previous run; nil if there was none
	log       *slog.Logger
	handovers sync.WaitGroup // listens for those who want to take over
	rival     atomic.Pointer[health.Condition]
}

// openState takes the token and opens the store. It fails when another process owns
// the token and when the database is that of a later version; nothing else about
// the disk keeps the bot from starting.
func openState(ctx context.Context, c config.Config, logger *slog.Logger, takeOver, fresh bool) (*state, error) {
	h := &state{log: logging.Component(logger, "State")}
	of := tokenlock.FingerprintOf(c.Token.Reveal())
	var err error
	if h.owner, err = tokenlock.Acquire(ctx, c.StateDir, of, tokenlock.Options{TakeOver: takeOver, Version: version(), OnChange: h.lockChanged}); err != nil {
		return nil, err
	}
	if trouble := h.owner.Err(); trouble != nil {
		h.log.Warn("The token is not held as firmly as it should be", "error", trouble)
	}
	if from := h.owner.TakenFrom(); from != nil {
		h.log.Info("Taken over from " + from.String())
	}
	words, err := store.SetCrashLog(c.StateDir, of)
	if err != nil {
		h.log.Warn("If the program crashed, it could not leave word of it", "error", err)
	}
	h.store, err = store.Open(ctx, store.Options{Dir: c.StateDir, Fingerprint: of, Version: version(), PreviousCrash: words, Fresh: fresh, Logger: h.log})
	if err != nil {
		h.owner.Release()
		return nil, err
	}
	previous := h.store.BeginRun()
	if previous.End != store.EndNone {
		h.log.Info(previous.String())
	}
	h.downtime = h.store.Gap(previous)
	return h, nil
}

// lockChanged is told of a lock that could be made only later, or that another process
// turned out to have.
func (h *state) lockChanged(trouble error) {
	h.rival.Store(nil)
	held, other := errors.AsType[*tokenlock.HeldError](trouble)
	switch {
	case other:
		h.rival.Store(&health.Condition{Cause: health.TwoInstances, Trouble: held.Holder.String() + " runs this bot too", Since: time.Now()})
		h.log.Error("Two processes run this bot: no lock could be made when this one started. "+health.Lookup(health.TwoInstances).Do, "other", held.Holder.String())
	case trouble != nil:
		h.log.Warn("The token is not held as firmly as it should be", "error", trouble)
	default:
		h.log.Info("The lock could be made now: a second process with the same token is noticed")
	}
}

// rotate lets what is saved follow a token that was reset.
func (h *state) rotate(token string) { h.store.Rotate(tokenlock.FingerprintOf(token)) }

// conditions returns that nothing can be saved, and that another process is known
// to run the bot.
func (h *state) conditions() []health.Condition {
	state := h.store.State()
	list := []health.Condition{{Cause: health.DiskTrouble, Trouble: state.Reason, Since: state.Since}}
	if known := h.rival.Load(); known != nil {
		list = append(list, *known)
	}
	return list
}

// announce tells others on this machine where to ask how the bot is.
func (h *state) announce(api net.Addr) {
	if err := h.owner.Announce(api.String()); err != nil {
		h.log.Warn("The lock cannot say where the HTTP API listens; evergreen status asks at API_ADDR", "error", err)
	}
}

// handOver lets another process take the token over: stop is called when one
// asks for it, and release lets go.
func (h *state) handOver(stop func()) {
	h.handovers.Go(func() {
		h.owner.Serve(func(to tokenlock.Holder) {
			h.log.Info("Handing over to " + to.String())
			stop()
		})
	})
}

// closeTimeout is how long the last writes may take.
const closeTimeout = 5 * time.Second

// release saves what is left, says how the run ended, and gives the token up:
// in this order, so that whoever takes over finds everything.
func (h *state) release(ran error, mode gateway.StopMode) {
	how, said := store.EndPaused, ""
	switch {
	case ran != nil:
		how, said = store.EndFailed, withoutSteps(ran).Error()
	case mode == gateway.EndSession:
		how = store.EndGoodbye
	}
	h.store.EndRun(how, said)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := h.store.Close(ctx); err != nil {
		h.log.Warn("Not everything could be saved", "error", err)
	}
	h.owner.Release()
	h.handovers.Wait()
}

// startFailure tells how to go on when another process owns the token.
func startFailure(err error) error {
	if _, ok := errors.AsType[*tokenlock.HeldError](err); !ok {
		return err
	}
	return &config.Failure{Code: config.ExitConfig, Err: fmt.Errorf("the bot cannot start: %w", err)}
}
