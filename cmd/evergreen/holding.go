package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/internal/config"
	"evergreen/internal/logging"
	"evergreen/internal/owner"
	"evergreen/internal/store"
)

// holding is what a run holds on the disk: the right to use the token, and what
// is to outlive the process. It is the app's [app.Sessions].
type holding struct {
	owner *owner.Owner
	store *store.Store
	fresh bool // sessions of earlier runs are not resumed
	log   *slog.Logger
	asked sync.WaitGroup // listens for those who want to take over
}

// hold takes the token and opens the store. It fails when another process owns
// the token and when the database is that of a later version; nothing else about
// the disk keeps the bot from starting.
func hold(ctx context.Context, c config.Config, logger *slog.Logger, takeOver, fresh bool) (*holding, error) {
	h := &holding{fresh: fresh, log: logging.Component(logger, "State")}
	of := owner.Of(c.Token.Reveal())
	var err error
	if h.owner, err = owner.Acquire(ctx, c.StateDir, of, owner.Options{TakeOver: takeOver, Version: version()}); err != nil {
		return nil, err
	}
	if trouble := h.owner.Trouble(); trouble != nil {
		h.log.Warn("The token is not held as firmly as it should be", "error", trouble)
	}
	if from := h.owner.From(); from != nil {
		h.log.Info("Taken over from " + from.String())
	}
	h.store, err = store.Open(ctx, store.Options{Dir: c.StateDir, Fingerprint: of, Version: version(), Logger: h.log})
	if err != nil {
		h.owner.Release()
		return nil, err
	}
	if previous := h.store.Begin(); previous.End != store.EndNone {
		h.log.Info(previous.String())
	}
	return h, nil
}

// Session is the session of an earlier run that is to be resumed.
func (h *holding) Session(intents gateway.Intents) gateway.Session {
	if h.fresh {
		return gateway.Session{}
	}
	session, verdict := h.store.Session(gateway.Pair{}, intents)
	h.log.Info(verdict.String())
	return session
}

// Keeper keeps the session of this run.
func (h *holding) Keeper(intents gateway.Intents) gateway.Keeper {
	return h.store.Keeper(gateway.Pair{}, intents)
}

// handOver lets another process take the token over: stop is called when one
// asks for it, and release lets go.
func (h *holding) handOver(stop func()) {
	h.asked.Go(func() {
		h.owner.Serve(func(to owner.Holder) {
			h.log.Info("Handing over to " + to.String())
			stop()
		})
	})
}

// closeTime is how long the last writes may take.
const closeTime = 5 * time.Second

// release saves what is left, says how the run ended, and gives the token up:
// in this order, so that whoever takes over finds everything.
func (h *holding) release(ran error, mode gateway.StopMode) {
	how := store.EndPaused
	switch {
	case ran != nil:
		how = store.EndFailed
	case mode == gateway.Goodbye:
		how = store.EndGoodbye
	}
	h.store.End(how)
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := h.store.Close(ctx); err != nil {
		h.log.Warn("Not everything could be saved", "error", err)
	}
	h.owner.Release()
	h.asked.Wait()
}

// heldElsewhere tells how to go on when another process owns the token.
func heldElsewhere(err error) error {
	var held *owner.HeldError
	if !errors.As(err, &held) {
		return err
	}
	return &config.Failure{Code: config.ExitConfig, Err: fmt.Errorf("the bot cannot start: %w", err)}
}
