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

// The modes of a shard.
const (
	Running  Mode = "running"
	Paused   Mode = "paused"    // stopped with its session kept; [Fleet.Resume] goes on with it
	MovedOut Mode = "moved-out" // its session belongs to another process
)

// errMovedOut is the answer to a request for a shard that has moved out.
var errMovedOut = errors.New("the shard has moved out: it comes back with its session, or when this process starts anew")

// member is one shard of a set. A gateway.Shard runs once, so each time the member
// is resumed it gets a new one.
type member struct {
	fleet     *Fleet
	shardID   gateway.ShardID
	room      room
	operating ctxMutex // held by the one operation on the member

	mu      sync.Mutex // guards what follows; held for moments only
	shard   *gateway.Shard
	saved   *savedSession
	ran     chan struct{} // closed when Run of the shard has returned; nil before
	mode    Mode
	earlier gateway.Stats // of the shards before this one
	// presence and credentials are what the shard was last given.
	presence    *gateway.Presence
	credentials gateway.Credentials
}

// room is what each shard of a set may take of the memory.
type room struct{ readLimit, queueBytes int64 }

// roomOf returns the room of each of so many shards.
func (f *Fleet) roomOf(shards int) room {
	if f.opts.Room == nil {
		return room{f.opts.Shard.ReadLimit, f.opts.Shard.QueueBytes}
	}
	readLimit, queueBytes := f.opts.Room(shards)
	return room{readLimit, queueBytes}
}

func (f *Fleet) newMember(shard gateway.ShardID, session gateway.Session, room room, save saveMode) (*member, error) {
	m := &member{fleet: f, shardID: shard, room: room, operating: make(ctxMutex, 1), mode: Running}
	return m, m.newShard(session, save)
}

// newShard gives the member a new shard.
func (m *member) newShard(session gateway.Session, save saveMode) error {
	f := m.fleet
	o := f.opts.Shard
	saved := &savedSession{store: f.opts.Sessions.SessionStore(m.shardID), mode: save}
	o.Shard, o.Session, o.SessionStore = m.shardID, session, saved
	o.Dialer, o.IdentifyLimiter = f.dialLimiter, f.waitlist
	o.ReadLimit, o.QueueBytes = m.room.readLimit, m.room.queueBytes
	if o.Handler != nil {
		o.Handler = gateway.HandlerFunc(f.handle)
	}
	f.mu.Lock()
	o.Presence, o.Credentials = f.presence, f.credentials
	f.mu.Unlock()
	if o.CredentialChecker != nil {
		o.CredentialChecker = credentialChecker{f, o.CredentialChecker}
	}
	shard, err := gateway.New(o)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shard != nil {
		m.earlier = m.earlier.Plus(m.shard.Stats())
		m.earlier.QueuedBytes, m.earlier.QueuedAge = 0, 0 // what it left comes again
	}
	m.shard, m.saved, m.ran = shard, saved, nil
	m.presence, m.credentials = o.Presence, o.Credentials
	return nil
}

// run starts the shard, if the fleet runs.
func (m *member) run() {
	f := m.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running || f.life.Stopping() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mode != Running || m.ran != nil {
		return
	}
	shard, ran, ctx := m.shard, make(chan struct{}), f.runCtx
	m.ran = ran
	f.work.Go(func() {
		defer close(ran)
		_ = shard.Run(ctx) // it returns only after a stop
	})
}

func (m *member) current() *gateway.Shard {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shard
}

func (m *member) currentMode() Mode {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mode
}

func (m *member) setMode(mode Mode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mode = mode
}

func (m *member) stats() gateway.Stats {
	m.mu.Lock()
	shard, earlier := m.shard, m.earlier
	m.mu.Unlock()
	return earlier.Plus(shard.Stats())
}

// hasNoSession reports whether the shard has no session, and so nothing to deliver.
func (m *member) hasNoSession() bool {
	shard := m.current()
	return shard.Session().ID == "" && !gateway.Online(shard.State())
}

// stop stops the present shard, also while an operation runs. Without an error the shard's
// Run has returned.
func (m *member) stop(ctx context.Context, mode gateway.StopMode) error {
	m.mu.Lock()
	shard, ran := m.shard, m.ran
	m.mu.Unlock()
	if err := shard.Stop(ctx, mode); err != nil {
		return fmt.Errorf("shard %s: %w", m.shardID, err)
	}
	if ran != nil {
		<-ran // Run has nothing left to do but to return
	}
	return nil
}

// operate runs an operation on the member while no other one does.
func (m *member) operate(ctx context.Context, operation func() error) error {
	if err := m.operating.lock(ctx); err != nil {
		return err
	}
	defer m.operating.unlock()
	if m.fleet.life.Stopping() {
		return ErrStopped
	}
	return operation()
}

// pause stops the shard as the mode says and keeps its session. The caller holds
// operating.
func (m *member) pause(ctx context.Context, mode gateway.StopMode, as Mode) error {
	before := m.currentMode()
	m.setMode(as)
	if before != Running {
		return nil
	}
	return m.stop(ctx, mode)
}

// resume gives the member a shard with the session and runs it. The caller holds
// operating.
func (m *member) resume(session gateway.Session) error {
	m.mu.Lock()
	ran := m.ran
	m.mu.Unlock()
	select {
	case <-ran:
	default:
		if ran != nil {
			return fmt.Errorf("shard %s: a handler has not returned since it was paused", m.shardID)
		}
	}
	if err := m.newShard(session, sessionsNow); err != nil {
		return err
	}
	m.fleet.mu.Lock()
	m.fleet.updateMembersLocked(m)
	m.fleet.mu.Unlock()
	m.setMode(Running)
	m.run()
	return nil
}

func (m *member) savedSession() *savedSession {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved
}

// credentialChecker is the checker of the options. It keeps the credentials that were
// accepted for shards that are made later.
type credentialChecker struct {
	fleet *Fleet
	gateway.CredentialChecker
}

// CheckCredentials implements [gateway.CredentialChecker].
func (c credentialChecker) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	next, err := c.CredentialChecker.CheckCredentials(ctx, cause, current)
	if err == nil {
		c.fleet.mu.Lock()
		c.fleet.credentials = next
		c.fleet.mu.Unlock()
	}
	return next, err
}
