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
	"evergreen/internal/app"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/process/logging"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
)

// state is what a run keeps on the disk: the lock on the token and the store.
type state struct {
	owner     *tokenlock.Lock
	store     *store.Store
	downtime  *health.Incident // the time since the previous run; nil if there was none
	log       *slog.Logger
	handovers sync.WaitGroup // waits for processes that want to take over
	rival     atomic.Pointer[health.Condition]
}

// openState locks the token of a bot with these options and opens the store. It fails
// when another process has the lock and when the database is that of a later version; no
// other trouble with the disk keeps the bot from starting.
func openState(ctx context.Context, o app.Options, takeOver, fresh bool) (*state, error) {
	c := o.Config
	s := &state{log: logging.Component(o.Logger, "State")}
	of := tokenlock.FingerprintOf(c.Token.Reveal())
	var err error
	s.owner, err = tokenlock.Acquire(ctx, c.StateDir, of, tokenlock.Options{
		TakeOver: takeOver, Listeners: listensAt(o), Version: version(), OnChange: s.lockChanged,
	})
	if err != nil {
		return nil, err
	}
	if trouble := s.owner.Err(); trouble != nil {
		s.log.Warn(lockLine(trouble), "error", trouble)
	}
	if from := s.owner.TakenFrom(); from != nil {
		s.log.Info("Token taken over", "from", from.String())
	}
	if why := s.owner.NoListeners(); why != nil {
		s.log.Warn("The process before has not handed over where it listens: a connection that is dialled now is refused", "why", why)
	}
	crash, err := store.SetCrashLog(c.StateDir, of)
	if err != nil {
		s.log.Warn("The crash log cannot be opened: the reason of a crash would be lost", "error", err)
	}
	s.store, err = store.Open(ctx, store.Options{Dir: c.StateDir, Fingerprint: of, Version: version(), PreviousCrash: crash, Fresh: fresh, Logger: s.log})
	if err != nil {
		s.owner.Release()
		return nil, err
	}
	previous := s.store.BeginRun()
	if previous.End != store.EndNone {
		s.log.Info("The previous run has ended", previous.Attrs()...)
	}
	s.downtime = s.store.Downtime(previous)
	return s, nil
}

// listensAt returns where a bot with these options listens.
func listensAt(o app.Options) (all []tokenlock.Address) {
	if o.API {
		all = append(all, tokenlock.Address{Name: "API_ADDR", Addr: o.Config.APIAddr})
	}
	if o.Proxy {
		all = append(all, tokenlock.Address{Name: "PROXY_ADDR", Addr: o.Config.ProxyAddr})
	}
	return all
}

// listen opens the address of a setting, or goes on with the listener that the process
// before has handed over.
func (s *state) listen(ctx context.Context, setting, addr string) (net.Listener, error) {
	return s.owner.Listen(ctx, tokenlock.Address{Name: setting, Addr: addr})
}

// serve has a bot with these options keep here what survives it.
func (s *state) serve(o *app.Options) {
	o.Instance, o.Listen, o.Listening = s.owner.ID(), s.listen, s.announce
	o.Sessions, o.Storage, o.Journal = s.store, s.store.Identifies(), s.store.Journal()
	o.History, o.Alerts, o.Limits = s.store.History(), s.store.Alerts(), s.store.Limits()
	o.PreviousDowntime, o.Conditions, o.TokenChanged = s.downtime, s.conditions, s.rotate
}

// lockLine is the log line of a lock that is not what it should be.
func lockLine(trouble error) string {
	if _, lost := errors.AsType[*tokenlock.LostError](trouble); lost {
		return "The token lock was deleted or replaced while the bot runs, and has been made anew"
	}
	if _, soft := errors.AsType[*tokenlock.SoftError](trouble); soft {
		return "The token lock is weak: a second copy of this bot is noticed on this machine only"
	}
	if _, alone := errors.AsType[*tokenlock.HandoverError](trouble); alone {
		return "The token lock is made, but --take-over cannot replace this process without a gap"
	}
	return "Token lock unavailable: a second copy of this bot would not be noticed"
}

// lockChanged is called when the lock was lost, or made later than at the start, and when
// another process has turned out to hold it.
func (s *state) lockChanged(trouble error) {
	s.rival.Store(nil)
	held, other := errors.AsType[*tokenlock.HeldError](trouble)
	switch {
	case other:
		s.rival.Store(&health.Condition{Cause: health.TwoInstances, Trouble: held.Holder.String() + " runs this bot too", Since: time.Now()})
		s.log.Error("Two processes run this bot: another one holds the token lock",
			"other", held.Holder.String(), "do", health.Lookup(health.TwoInstances).Do)
	case trouble != nil:
		s.log.Warn(lockLine(trouble), "error", trouble, "do", "Leave the state folder alone while the bot runs; if another copy was started meanwhile, stop it.")
	default:
		s.log.Info("Token lock made: a second copy of this bot is noticed")
	}
}

// rotate keeps what is saved under the new token.
func (s *state) rotate(token string) { s.store.Rotate(tokenlock.FingerprintOf(token)) }

// conditions are the conditions of the disk: nothing can be saved, and another
// process runs the bot.
func (s *state) conditions() []health.Condition {
	disk := s.store.State()
	list := []health.Condition{{Cause: health.DiskTrouble, Trouble: disk.Reason, Since: disk.Since}}
	if known := s.rival.Load(); known != nil {
		list = append(list, *known)
	}
	return list
}

// announce writes the API's address into the lock, where evergreen status finds it; nil
// means that there is none any more.
func (s *state) announce(api net.Addr) {
	addr := ""
	if api != nil {
		addr = api.String()
	}
	if err := s.owner.Announce(addr); err != nil {
		s.log.Warn("The API's address cannot be written into the lock; evergreen status does not find it", "error", err)
	}
}

// handOver starts to serve processes that want to take over. It calls stop when one
// asks; release then frees the token.
func (s *state) handOver(stop func()) {
	s.handovers.Go(func() {
		s.owner.Serve(func(to tokenlock.Holder) {
			s.log.Info("Handing the token over", "to", to.String())
			stop()
		})
	})
}

// closeTimeout is how long the last writes may take.
const closeTimeout = 5 * time.Second

// release saves how the run ended, closes the store and frees the token, in this
// order, so that a process that takes over finds everything.
func (s *state) release(ran error, mode gateway.StopMode) {
	how, said := store.EndSessionKept, ""
	switch {
	case ran != nil:
		how, said = store.EndFailed, withoutSteps(ran).Error()
	case mode == gateway.EndSession:
		how = store.EndSessionEnded
	}
	s.store.EndRun(how, said)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := s.store.Close(ctx); err != nil {
		s.log.Warn("Not everything could be saved", "error", err)
	}
	s.owner.Release()
	s.handovers.Wait()
}

// startFailure gives the error of a token that another process has its exit code.
func startFailure(err error) error {
	if _, ok := errors.AsType[*tokenlock.HeldError](err); !ok {
		return err
	}
	return &config.Failure{Code: config.ExitConfig, Err: fmt.Errorf("the bot cannot start: %w", err)}
}
