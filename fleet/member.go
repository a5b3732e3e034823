package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"evergreen/gateway"
)

// Mode says what the fleet does with a shard.
type Mode string

// The standings.
const (
	Running  Mode = "running"
	Paused   Mode = "paused"    // stopped with its session kept; Resume goes on with it
	MovedOut Mode = "moved-out" // its session was handed to somebody else
)

// member is the place of one shard. A gateway.Shard runs once; each time the
// place is taken up again it holds a new one.
type member struct {
	fleet *Fleet
	pair  gateway.ShardID
	busy  turn // one operation at a time

	mu       sync.Mutex // guards what follows; held for moments only
	shard    *gateway.Shard
	keeper   gateway.SessionStore
	ran      chan struct{} // closed when Run of the shard has returned; nil before
	standing Mode
	past     gateway.Stats // of the shards that were here before
}

func (f *Fleet) newMember(pair gateway.ShardID, session gateway.Session) (*member, error) {
	m := &member{fleet: f, pair: pair, busy: make(turn, 1), standing: Running}
	return m, m.make(session)
}

// make puts a new shard into the place.
func (m *member) make(session gateway.Session) error {
	f := m.fleet
	o := f.opts.Shard
	o.Shard, o.Session, o.SessionStore = m.pair, session, f.opts.Sessions.SessionStore(m.pair)
	o.Dialer, o.IdentifyLimiter = f.gate, f.waitlist
	if o.Handler != nil {
		o.Handler = gateway.HandlerFunc(f.handle)
	}
	f.mu.Lock()
	o.Presence, o.Credentials = f.presence, f.creds
	f.mu.Unlock()
	if o.CredentialChecker != nil {
		o.CredentialChecker = inspector{f, o.CredentialChecker}
	}
	shard, err := gateway.New(o)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shard != nil {
		m.past = m.past.Plus(m.shard.Stats())
	}
	m.shard, m.keeper, m.ran = shard, o.SessionStore, nil
	return nil
}

// run starts the shard, if the fleet runs.
func (m *member) run() {
	f := m.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running || f.halt.Err() != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.standing != Running || m.ran != nil {
		return
	}
	shard, ran, life := m.shard, make(chan struct{}), f.life
	m.ran = ran
	f.work.Go(func() {
		defer close(ran)
		_ = shard.Run(life) // it returns only after a stop
	})
}

func (m *member) current() *gateway.Shard {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shard
}

func (m *member) stands() Mode {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.standing
}

func (m *member) stand(s Mode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.standing = s
}

func (m *member) stats() gateway.Stats {
	m.mu.Lock()
	shard, past := m.shard, m.past
	m.mu.Unlock()
	return past.Plus(shard.Stats())
}

// idle reports whether the shard has no session, and so nothing to deliver.
func (m *member) idle() bool {
	shard := m.current()
	return shard.Session().ID == "" && !gateway.Online(shard.State())
}

// leave stops the shard that is there, whatever else is going on.
func (m *member) leave(ctx context.Context, mode gateway.StopMode) error {
	if err := m.current().Stop(ctx, mode); err != nil {
		return fmt.Errorf("shard %s: %w", m.pair, err)
	}
	return nil
}

// hold runs an operation on the place while no other one does.
func (m *member) hold(ctx context.Context, operation func() error) error {
	if err := m.busy.take(ctx); err != nil {
		return err
	}
	defer m.busy.give()
	if m.fleet.halt.Err() != nil {
		return ErrStopped
	}
	return operation()
}

// pause stops the shard and keeps its session. The caller holds busy.
func (m *member) pause(ctx context.Context, mode gateway.StopMode, as Mode) error {
	before := m.stands()
	m.stand(as)
	if before != Running {
		return nil
	}
	return m.leave(ctx, mode)
}

// unpause puts a shard with the session into the place and runs it. The caller
// holds busy.
func (m *member) unpause(session gateway.Session) error {
	m.mu.Lock()
	ran := m.ran
	m.mu.Unlock()
	select {
	case <-ran:
	default:
		if ran != nil {
			return fmt.Errorf("shard %s: a handler has not returned since it was paused", m.pair)
		}
	}
	if err := m.make(session); err != nil {
		return err
	}
	m.stand(Running)
	m.run()
	return nil
}

// forget tells the keeper that the session is gone from here.
func (m *member) forget() {
	m.mu.Lock()
	keeper := m.keeper
	m.mu.Unlock()
	if keeper != nil {
		keeper.Save(gateway.Session{})
	}
}

// inspector is the inspector of the options, and somebody who remembers what it
// found.
type inspector struct {
	fleet *Fleet
	gateway.CredentialChecker
}

// CheckCredentials implements [gateway.CredentialChecker].
func (i inspector) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	next, err := i.CredentialChecker.CheckCredentials(ctx, cause, current)
	if err == nil {
		i.fleet.mu.Lock()
		i.fleet.creds = next
		i.fleet.mu.Unlock()
	}
	return next, err
}

// errMoved is the answer to a request for a shard that has moved out.
var errMoved = errors.New("the shard has moved out: it comes back with its session, or when this process starts anew")
