package discordsim

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Sim is one simulated Discord: a world of users, guilds and apps, the gateway
// and the REST API in front of it, and the account of what clients did.
//
// One mutex guards all of it. What ends in Locked wants it held; so does
// everything below the public methods that does not say otherwise. Nothing
// waits for a client, for the network or for time while it holds the mutex.
type Sim struct {
	cfg  Config
	mu   sync.Mutex
	rng  *rand.Rand
	rest *rest

	apps     map[ID]*App
	tokens   map[string]*App
	users    map[ID]User
	guilds   map[ID]*Guild
	channels map[ID]*Channel
	messages map[ID]*Message
	history  map[ID][]*Message // by channel, oldest first
	answers  map[ID][]*Message // by the message or interaction answered
	inGuild  map[ID][]*App     // by guild: the apps in it
	bots     map[ID]*bot       // by app: its gateway side
	lastMS   uint64
	lastID   uint64

	sessions map[string]*session
	dead     map[string]death // sessions that ended, by id
	conns    map[int64]*conn
	lastConn int64
	// watchers of presences: sessions with GUILD_PRESENCES. Without any, no
	// PRESENCE_UPDATE is made.
	watchers int

	net    *network
	faults map[string][]*Active // in force, by name
	struck []*Active            // all that began, oldest first
	record record

	alarms map[*alarm]struct{}
	work   sync.WaitGroup // every goroutine and every pending alarm
	closed bool
	done   chan struct{} // closed by Close
}

// New starts a simulated Discord that is reachable in memory. Close ends it.
func New(cfg Config) *Sim {
	cfg = cfg.withDefaults()
	s := &Sim{
		cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x9E3779B97F4A7C15)),
		apps: map[ID]*App{}, tokens: map[string]*App{}, users: map[ID]User{}, guilds: map[ID]*Guild{},
		channels: map[ID]*Channel{}, messages: map[ID]*Message{}, history: map[ID][]*Message{},
		answers: map[ID][]*Message{}, inGuild: map[ID][]*App{}, bots: map[ID]*bot{},
		sessions: map[string]*session{}, dead: map[string]death{}, conns: map[int64]*conn{},
		faults: map[string][]*Active{}, alarms: map[*alarm]struct{}{}, done: make(chan struct{}),
	}
	s.rest = newREST(s, cfg.REST)
	s.net = newNetwork(s)
	return s
}

// Close ends all connections and faults and waits until nothing of the
// simulator runs any more. The verdict and the logs stay readable.
func (s *Sim) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.done)
	for a := range s.alarms {
		a.stop()
	}
	for _, c := range s.conns {
		c.leave()
	}
	s.mu.Unlock()
	s.net.close()
	s.work.Wait()
}

// alarm is something to be done later, with the lock held, unless the
// simulator closes first.
type alarm struct {
	sim   *Sim
	timer *time.Timer
	do    func()
	over  bool
}

// after does something in d of time. The alarm can be stopped with the lock
// held; then it certainly does not go off.
func (s *Sim) after(d time.Duration, do func()) *alarm {
	a := &alarm{sim: s, do: do}
	if s.closed {
		a.over = true
		return a
	}
	s.alarms[a] = struct{}{}
	s.work.Add(1)
	a.timer = time.AfterFunc(max(0, d), a.ring)
	return a
}

func (a *alarm) ring() {
	defer a.sim.work.Done()
	a.sim.mu.Lock()
	defer a.sim.mu.Unlock()
	if a.over {
		return
	}
	a.over = true
	delete(a.sim.alarms, a)
	a.do()
}

// stop cancels the alarm; nil and gone-off alarms are fine.
func (a *alarm) stop() {
	if a == nil || a.over {
		return
	}
	a.over = true
	delete(a.sim.alarms, a)
	if a.timer.Stop() {
		a.sim.work.Done()
	}
}

// reset puts the alarm off until d from now and reports whether it could: one
// that is over needs to be made anew.
func (a *alarm) reset(d time.Duration) bool {
	if a == nil || a.over || !a.timer.Stop() {
		return false
	}
	a.timer.Reset(max(0, d))
	return true
}

// spawn runs a goroutine that Close waits for.
func (s *Sim) spawn(run func()) {
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		run()
	}()
}

// random is a number in [0,1) out of the seed.
func (s *Sim) random() float64 { return s.rng.Float64() }

// chance is true with probability p.
func (s *Sim) chance(p float64) bool { return p >= 1 || s.rng.Float64() < p }

// span is a random time in [low, high].
func (s *Sim) span(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(s.rng.Float64()*float64(high-low))
}

// linkDelay is the most a message takes one way.
func (s *Sim) linkDelay() time.Duration { return s.net.delay() }

// discordEpoch is the first moment of 2015, from which snowflakes count.
var discordEpoch = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// newID makes the next snowflake; ids always rise. Before 2015, where virtual
// time may begin, they count from the year 2000.
func (s *Sim) newID() ID {
	ms := time.Since(discordEpoch).Milliseconds()
	if ms < 0 {
		ms += int64(15 * 365.25 * 24 * 3600 * 1000)
	}
	if now := uint64(max(0, ms)); now > s.lastMS {
		s.lastMS, s.lastID = now, 0
	}
	if s.lastID++; s.lastID >= 1<<22 {
		s.lastMS, s.lastID = s.lastMS+1, 0
	}
	return ID(s.lastMS<<22 | s.lastID)
}

// newGuildID makes a snowflake in a millisecond of its own, so that guilds made
// together do not all fall to one shard.
func (s *Sim) newGuildID() ID {
	id := s.newID()
	s.lastMS, s.lastID = s.lastMS+1, 0
	return id
}
