package sidecar

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"evergreen/gateway"
	"evergreen/internal/sidecar/backlog"
	"evergreen/internal/sidecar/world"
)

// consumer is who gets the events of one shard pair, each once. It outlives the lines and
// the processes of the bot.
type consumer struct {
	shard   [2]int
	intents gateway.Intents // of the last IDENTIFY
	library string
	version string // of the library; empty if it does not say
	// cursor is the position of the first event that is not confirmed.
	cursor int64
	// guildsAt is the position of which the guilds are told at least: those that came before
	// it were told with READY, and so was what had changed in them. A shard that takes the
	// place of none is told them as they are when its guilds are written.
	guildsAt int64
	// session is what a line may RESUME; nil before the first IDENTIFY of this run.
	session *session
	// lines are those of this consumer, the active one last. The others are on standby.
	lines []*attachment
	away  time.Time // when the last line ended; zero while there is one

	identifies []time.Time // of the last hour
	counts     ConsumerCounts
	given      int64 // the highest position that a line was given
	waiting    waiting
	// suspects are the events one of which may end the bot.
	suspects suspects
}

// session is what a line may RESUME.
type session struct {
	id       string
	consumer *consumer
	numbers  numbering
	// answered are the positions of the events that an earlier process of the bot had
	// answered before the first event was given: the session never gets them. nil: no event
	// was given yet.
	answered []int64
}

// skips reports whether the session does not get the event at a position, because the bot
// has answered it.
func (s *session) skips(position int64) bool {
	_, ok := slices.BinarySearch(s.answered, position)
	return ok
}

// rewind prepares a RESUME after a number and returns the position it goes on from. A bot
// that is ahead of what an earlier process has kept gets again what it may have read, but
// for what it has answered.
func (s *session) rewind(seq int64) (from int64, ok bool) {
	ahead := seq > s.numbers.last
	if from, ok = s.numbers.rewind(seq); ok && ahead {
		s.answered = nil
	}
	return from, ok
}

// forget drops what is known of positions below one.
func (s *session) forget(below int64) {
	s.numbers.forget(below)
	n, _ := slices.BinarySearch(s.answered, below)
	s.answered = s.answered[n:]
}

// newSession returns a session with an id that nobody can guess.
func newSession(c *consumer) *session {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // it never fails
	return &session{id: hex.EncodeToString(id), consumer: c}
}

// name returns the shard pair as in 0/1.
func (c *consumer) name() string { return pairName(c.shard) }

func pairName(shard [2]int) string { return fmt.Sprintf("%d/%d", shard[0], shard[1]) }

// has reports whether the consumer gets the events of a guild: by the formula of Discord
// (G-120), with events outside of guilds on shard 0.
func (c *consumer) has(guild uint64) bool {
	return int(guild>>22%uint64(c.shard[1])) == c.shard[0]
}

// gets reports whether the consumer gets an event.
func (c *consumer) gets(r backlog.Record) bool {
	if r.Position < c.guildsAt && world.Changes(r.Type) {
		return false
	}
	return !r.Removed && !eventKinds[r.Type].internal && c.has(r.Guild) && wants(c.intents, r.Type, r.Guild)
}

// active returns the line that gets the events; nil while there is none.
func (c *consumer) active() *attachment {
	if len(c.lines) == 0 {
		return nil
	}
	return c.lines[len(c.lines)-1]
}

// catchesUp reports whether the bot is there and reads, and has not had all that came before
// it was live.
func (c *consumer) catchesUp() bool {
	a := c.active()
	if a == nil || a.session == nil || a.session != c.session || !a.line.Progress().Stalled.IsZero() {
		return false
	}
	switch a.phase {
	case phaseSnapshot, phaseSettling, phaseReplay:
		return true
	case phaseLive:
		return c.cursor < a.liveFrom
	}
	return false
}

// maxStarts is how many starts of a bot are remembered.
const maxStarts = 1000

// noteStart follows an IDENTIFY.
func (c *consumer) noteStart(now time.Time) {
	old := func(at time.Time) bool { return now.Sub(at) > time.Hour }
	c.identifies = append(slices.DeleteFunc(c.identifies, old), now)
	c.identifies = c.identifies[max(0, len(c.identifies)-maxStarts):]
}

// noteGiven follows an event that a line is given.
func (c *consumer) noteGiven(position int64) {
	if position <= c.given {
		c.counts.Again++
	}
	c.given = max(c.given, position)
}

// consumerOf returns the consumer of a shard pair, and makes it. The first one of another
// number of shards begins where the slowest of those before has stopped, and the others of
// that number where the first has begun: so nothing is lost. The caller holds the lock.
func (s *Sidecar) consumerOf(shard [2]int, now time.Time) *consumer {
	count := shard[1]
	if s.count != count {
		start := s.backlog.Next()
		for _, before := range s.consumers {
			if before.shard[1] == s.count {
				start = min(start, before.cursor)
			}
		}
		s.count, s.countStart = count, start
	}
	if c := s.consumers[shard]; c != nil {
		c.cursor = max(c.cursor, s.countStart)
		return c
	}
	c := &consumer{shard: shard, cursor: max(s.countStart, s.backlog.Tail()), away: now, guildsAt: math.MaxInt64}
	for _, other := range s.consumers {
		if other.shard[1] != count { // its guilds were told as they were at the cursor
			c.guildsAt = 0
		}
	}
	s.consumers[shard] = c
	return c
}

// isComplete reports whether every shard of the present number has its consumer. The caller
// holds the lock.
func (s *Sidecar) isComplete() bool {
	there := 0
	for _, c := range s.consumers {
		if c.shard[1] == s.count {
			there++
		}
	}
	return there == s.count
}

// consumerLife is how long a consumer of another number of shards is kept after its last
// line has ended.
const consumerLife = 10 * time.Minute

// dropConsumers forgets the consumers of other numbers of shards once they have been away
// for ten minutes, while a bot with the present number is there. The caller holds the
// lock.
func (s *Sidecar) dropConsumers(now time.Time) {
	present := map[int]bool{}
	for _, c := range s.consumers {
		if len(c.lines) > 0 {
			present[c.shard[1]] = true
		}
	}
	for shard, c := range s.consumers {
		if len(present) > 0 && !present[shard[1]] && now.Sub(c.away) > consumerLife {
			delete(s.consumers, shard)
			if c.session != nil {
				delete(s.sessions, c.session.id)
			}
			s.touch()
		}
	}
}

// enter makes a line the active one of its consumer. The caller holds the lock.
func (a *attachment) enter(c *consumer) {
	a.consumer = c
	c.away = time.Time{}
	if i := slices.Index(c.lines, a); i >= 0 {
		c.lines = slices.Delete(c.lines, i, i+1)
	}
	c.lines = append(c.lines, a)
}
