package store

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergreen/clock"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/process/tokenlock"
)

const (
	// SessionLife is how old a saved session may be: Discord keeps none for longer. A
	// session ages from the last sign of life of its process.
	SessionLife = 5 * time.Minute
	// apiVersion is the version of the gateway that sessions belong to.
	apiVersion = 10
)

// dropReason says why a saved session is not resumed.
type dropReason string

// The reasons. notDropped means that it is resumed.
const (
	notDropped     dropReason = ""
	noneSaved      dropReason = "none-saved"
	tooOld         dropReason = "too-old"
	otherToken     dropReason = "other-token"
	otherIntents   dropReason = "other-intents"
	otherShards    dropReason = "other-shards"
	otherVersion   dropReason = "other-version"
	damagedSession dropReason = "damaged"
	notRead        dropReason = "not-read"
)

// sessionCheck is whether a saved session can be resumed, and why not.
type sessionCheck struct {
	reason dropReason
	// age is how long ago the session was last alive; 0 if that is not known.
	age time.Duration
	// detail says more, or nothing.
	detail string
}

// sessionReasons are the reasons in words.
var sessionReasons = map[dropReason]string{
	notDropped:     "Resuming the saved session",
	noneSaved:      "There is no saved session to resume",
	tooOld:         "The saved session is dropped: it is too old for Discord to still have it",
	otherToken:     "The saved session is dropped: it belongs to another token",
	otherIntents:   "The saved session is dropped: it was begun with other intents",
	otherShards:    "The saved session is dropped: it belongs to another shard",
	otherVersion:   "The saved session is dropped: it belongs to another version of Discord's gateway",
	damagedSession: "The saved session is dropped: it is damaged",
	notRead:        "A saved session could not be looked for",
}

// sessionRow is a session as it is saved.
type sessionRow struct {
	shard   gateway.ShardID // Count is at least 1
	session gateway.Session
	intents gateway.Intents
	version int
	token   string // the fingerprint
	saved   time.Time
	damaged bool // the checksum does not fit
}

// checksum covers all values of the row. SQLite does not notice a flipped bit in a
// value.
func (r sessionRow) checksum() uint32 {
	text := make([]byte, 0, 256)
	number := func(n int64) { text = append(strconv.AppendInt(text, n, 10), 0) }
	number(int64(r.shard.ID))
	number(int64(r.shard.Count))
	text = append(append(text, r.session.ID...), 0)
	text = append(append(text, r.session.ResumeURL...), 0)
	number(r.session.Seq)
	text = append(strconv.AppendUint(text, uint64(r.intents), 10), 0)
	number(int64(r.version))
	text = append(append(text, r.token...), 0)
	number(nanos(r.saved))
	return crc32.ChecksumIEEE(text[:len(text)-1])
}

// withCount returns the shard with a count of at least 1, as Discord counts an
// unsharded bot.
func withCount(p gateway.ShardID) gateway.ShardID {
	p.Count = max(1, p.Count)
	return p
}

// sessions is the [fleet.Sessions] of shards with the same intents.
type sessions struct {
	store   *Store
	intents gateway.Intents
}

// Sessions returns the sessions of shards that identify with these intents: what
// an earlier run left to resume, and where the sessions of this one are saved. It
// never waits for the disk: what there is to resume is what [Open] found.
func (s *Store) Sessions(intents gateway.Intents) fleet.Sessions { return sessions{s, intents} }

// Session returns the session to resume, or the zero Session, and logs why.
func (s sessions) Session(shard gateway.ShardID) gateway.Session {
	log := s.store.log
	if s.store.opts.Fresh {
		s.store.freshOnce.Do(func() { log.Info("A saved session is not looked for, as --fresh says") })
		return gateway.Session{}
	}
	if shard.Count > 1 {
		log = log.With("shard", shard.String())
	}
	session, check := s.store.checkSession(shard, s.intents)
	if check.detail != "" {
		log = log.With("detail", check.detail)
	}
	log.Info(sessionReasons[check.reason])
	return session
}

// SessionStore returns where the session of the shard is saved. It takes the
// place of an earlier one of the same shard, which is then ignored.
func (s sessions) SessionStore(shard gateway.ShardID) gateway.SessionStore {
	k := &sessionStore{store: s.store, shard: withCount(shard), intents: s.intents}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.sessionStores[k.shard] = k
	return k
}

// Resumable reports whether an earlier run left one of these shards a session
// that can be resumed with the intents.
func (s *Store) Resumable(shards []gateway.ShardID, intents gateway.Intents) bool {
	return slices.ContainsFunc(shards, func(shard gateway.ShardID) bool {
		_, check := s.checkSession(shard, intents)
		return check.reason == notDropped
	})
}

// checkSession returns the session that an earlier run left for the shard, or the
// zero Session, and why. One to resume is younger than [SessionLife] and belongs
// to this token, these intents, this shard and this version of the gateway (G-053,
// G-054, G-055).
func (s *Store) checkSession(shard gateway.ShardID, intents gateway.Intents) (gateway.Session, sessionCheck) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return gateway.Session{}, sessionCheck{reason: notRead, detail: s.state.Reason}
	}
	shard = withCount(shard)
	var found *sessionRow
	for i := range s.saved {
		switch r := &s.saved[i]; {
		case r.shard == shard:
			found = r
		case r.shard.ID == shard.ID && found == nil:
			found = r // of another count
		}
	}
	if found == nil {
		return gateway.Session{}, sessionCheck{reason: noneSaved}
	}
	c := found.check(shard, intents, s.opts.Fingerprint.String(), time.Now())
	if c.reason != notDropped {
		return gateway.Session{}, c
	}
	return found.session, c
}

// Intents returns the intents of the sessions that can be resumed; 0 if there are
// none.
func (s *Store) Intents() gateway.Intents {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.saved {
		if r.check(r.shard, r.intents, s.opts.Fingerprint.String(), time.Now()).reason == notDropped {
			return r.intents
		}
	}
	return 0
}

// Shards returns the number of shards of the bot whose sessions can be resumed; 0 if
// there are none.
func (s *Store) Shards() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[int]int)
	best := 0
	for _, r := range s.saved {
		if r.check(r.shard, r.intents, s.opts.Fingerprint.String(), time.Now()).reason != notDropped {
			continue
		}
		n := r.shard.Count
		if found[n]++; found[n] > found[best] || found[n] == found[best] && n > best {
			best = n
		}
	}
	return best
}

// check decides whether the session can be resumed.
func (r sessionRow) check(shard gateway.ShardID, intents gateway.Intents, token string, now time.Time) sessionCheck {
	c := sessionCheck{age: now.Sub(r.saved)}
	switch {
	case r.damaged:
		return sessionCheck{reason: damagedSession, detail: "its checksum does not fit"}
	case !r.session.Resumable() || !strings.HasPrefix(r.session.ResumeURL, "ws"):
		return sessionCheck{reason: damagedSession, detail: "it is incomplete"}
	case r.token != token:
		c.reason = otherToken
	case r.version != apiVersion:
		c.reason, c.detail = otherVersion, fmt.Sprintf("%d, this is %d", r.version, apiVersion)
	case r.shard != shard:
		c.reason, c.detail = otherShards, fmt.Sprintf("%v, this is %v", r.shard, shard)
	case r.intents != intents:
		c.reason, c.detail = otherIntents, fmt.Sprintf("%d, this is %d", r.intents, intents)
	case c.age >= SessionLife:
		c.reason, c.detail = tooOld, "saved "+c.age.Round(time.Second).String()+" ago"
	case c.age < -clock.Tolerance:
		// To ask Discord costs nothing.
		c.age, c.detail = 0, "saved in the future: the clock was set back, so its age is not known"
	default:
		c.age = max(0, c.age)
		c.detail = "last alive " + c.age.Round(time.Millisecond).String() + " ago"
	}
	return c
}

// sessionStore is the [gateway.SessionStore] of one shard.
type sessionStore struct {
	store   *Store
	shard   gateway.ShardID
	intents gateway.Intents

	mu      sync.Mutex
	session gateway.Session
	known   bool // Save was called; until then the session on the disk stays
	changed bool
}

// Save stores the session in memory and returns; the writer writes the newest one
// (G-052). It is called for every event. The three values of a session stay together,
// in memory under the lock and on the disk in one row (G-050). The start and the end
// of a session are written at once.
func (k *sessionStore) Save(session gateway.Session) {
	k.mu.Lock()
	urgent := session.ID != k.session.ID || !k.known
	k.session, k.known, k.changed = session, true, true
	k.mu.Unlock()
	k.store.signal(urgent)
}

// Rotate makes the saved sessions belong to a new token of the same bot. So the next
// start, which has the new token, resumes them. A token of another bot changes nothing:
// its database has another name.
func (s *Store) Rotate(to tokenlock.Fingerprint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to == s.opts.Fingerprint || to.Name() != s.opts.Fingerprint.Name() {
		return
	}
	s.opts.Fingerprint = to
	s.signal(true) // and every session with it, as with each wait for the disk
}

// changedRow returns the newest value, and whether it has changed since the last
// call.
func (k *sessionStore) changedRow() (row sessionRow, changed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, k.changed = k.changed, false
	return sessionRow{shard: k.shard, session: k.session, intents: k.intents}, changed
}

// markChanged marks the value as changed, if there is one.
func (k *sessionStore) markChanged() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changed = k.known
}
