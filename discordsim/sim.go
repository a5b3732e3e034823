package discordsim

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Sim is one simulated Discord: users, guilds and apps, the gateway and the REST
// API in front of them, and the record of what clients did. All its methods may be
// called at the same time; end it with [Sim.Close].
//
// One mutex guards all of it. Unexported methods are called with the mutex held; only
// those that say so take it. Nothing waits for a client, for the network or for time
// while it holds the mutex.
type Sim struct {
	cfg  Config
	mu   sync.Mutex
	rng  *rand.Rand
	rest *restAPI

	apps         map[ID]*App
	tokens       map[string]*App
	formerTokens map[string]*bot // by token: whose it was before a reset
	closedDMs    map[ID]bool     // people who take no direct messages of bots
	users        map[ID]User
	guilds       map[ID]*Guild
	channels     map[ID]*Channel
	messages     map[ID]*Message
	history      map[ID][]*Message // by channel, oldest first
	answers      map[ID][]*Message // by the message or interaction answered
	inGuild      map[ID][]*App     // by guild: the apps in it
	bots         map[ID]*bot       // by app: its gateway side
	lastMS       uint64
	lastID       uint64

	sessions   map[string]*session
	ended      map[string]time.Time // when sessions ended, by id
	endedOrder []string             // their ids, oldest first
	conns      map[int64]*conn
	lastConn   int64
	// presenceWatchers counts the sessions with GUILD_PRESENCES. Without any, no
	// PRESENCE_UPDATE is made.
	presenceWatchers int
	present          map[ID]personPresence // people who are not offline

	net          *network
	faults       map[string][]*Active // in force, by name
	injected     []*Active            // all that began, oldest first
	faultWindows map[ID]*faultWindows // when something was wrong, by the app it was aimed at; 0: all
	log          eventLog

	schedule schedule
	work     sync.WaitGroup // every goroutine, and the clock while it is armed
	watches  []*Watch
	closed   bool
	done     chan struct{} // closed by Close
}

// New starts a simulated Discord that is reachable in memory. End it with
// [Sim.Close].
func New(cfg Config) *Sim {
	cfg = cfg.withDefaults()
	s := &Sim{
		cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x9E3779B97F4A7C15)),
		apps: map[ID]*App{}, tokens: map[string]*App{}, formerTokens: map[string]*bot{}, closedDMs: map[ID]bool{}, users: map[ID]User{}, guilds: map[ID]*Guild{},
		channels: map[ID]*Channel{}, messages: map[ID]*Message{}, history: map[ID][]*Message{},
		answers: map[ID][]*Message{}, inGuild: map[ID][]*App{}, bots: map[ID]*bot{}, present: map[ID]personPresence{},
		sessions: map[string]*session{}, ended: map[string]time.Time{}, conns: map[int64]*conn{},
		faults: map[string][]*Active{}, faultWindows: map[ID]*faultWindows{}, log: newEventLog(), done: make(chan struct{}),
	}
	s.rest = newRESTAPI(s, cfg.REST)
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
	s.endWatches()
	s.stopClock()
	for _, c := range s.conns {
		c.stop()
	}
	s.mu.Unlock()
	s.net.close()
	s.work.Wait()
}

// Done is closed by [Sim.Close], before it has ended anything.
func (s *Sim) Done() <-chan struct{} { return s.done }

// Config is the configuration given to [New], with the defaults filled in.
func (s *Sim) Config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// chance is true with probability p.
func (s *Sim) chance(p float64) bool { return p >= 1 || s.rng.Float64() < p }

// between draws a time in [low, high].
func (s *Sim) between(low, high time.Duration) time.Duration { return between(s.rng, low, high) }

func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(rng.Float64()*float64(high-low))
}

// newRand makes the random numbers of one shard or one connection, so that what
// happens to it does not depend on what others do at the same moment.
func (s *Sim) newRand(whose, which uint64) *rand.Rand {
	return rand.New(rand.NewPCG(s.cfg.Seed^whose*0x9E3779B97F4A7C15, which*0xD1342543DE82EF95+1))
}

// discordEpoch is the first moment of 2015, from which snowflakes count.
var discordEpoch = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// newID makes the next snowflake; ids always rise. Before 2015, where virtual
// time may begin, they count from the year 2000.
func (s *Sim) newID() ID {
	ms := time.Since(discordEpoch).Milliseconds()
	if ms < 0 {
		const days = 5479 // of the years 2000 to 2014
		ms += days * 24 * 3600 * 1000
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
