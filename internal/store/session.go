package store

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/process/tokenlock"
)

const (
	// SessionLife is how old a saved session may be: Discord does not keep one
	// for longer. A session ages from the last sign of life of the
	// process that had it.
	SessionLife = 5 * time.Minute
	// clockSkew is how far in the future a session may seem to have been saved.
	clockSkew = time.Minute
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

// sessionCheck is what was found out about a saved session.
type sessionCheck struct {
	Reason dropReason
	// Age is how long ago the session was last alive; 0 if that is not known.
	Age time.Duration
	// Detail says more, or nothing.
	Detail string
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

// String says it for the log.
func (v sessionCheck) String() string {
	text := sessionReasons[v.Reason]
	if v.Detail != "" {
		text += " (" + v.Detail + ")"
	}
	return text
}

// sessionRow is a session as it is saved.
type sessionRow struct {
	pair    gateway.ShardID // Count is at least 1
	session gateway.Session
	intents gateway.Intents
	version int
	token   string // the fingerprint
	saved   time.Time
	damaged bool // the checksum does not fit
}

// checksum of everything that is stored. SQLite does not notice a flipped bit in
// a value.
func (r sessionRow) checksum() uint32 {
	text := make([]byte, 0, 256)
	number := func(n int64) { text = append(strconv.AppendInt(text, n, 10), 0) }
	number(int64(r.pair.ID))
	number(int64(r.pair.Count))
	text = append(append(text, r.session.ID...), 0)
	text = append(append(text, r.session.ResumeURL...), 0)
	number(r.session.Seq)
	text = append(strconv.AppendUint(text, uint64(r.intents), 10), 0)
	number(int64(r.version))
	text = append(append(text, r.token...), 0)
	number(nanos(r.saved))
	return crc32.ChecksumIEEE(text[:len(text)-1])
}

// withCount is the pair with the count that Discord takes an unsharded bot to have.
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
	log.Info(check.String())
	return session
}

// SessionStore returns where the session of the shard is saved. It takes the
// place of an earlier one of the same shard, which is then ignored.
func (s sessions) SessionStore(shard gateway.ShardID) gateway.SessionStore {
	return s.store.newSessionStore(shard, s.intents)
}

// Resumable reports whether an earlier run left one of these shards a session
// that can be resumed with the intents.
func (s *Store) Resumable(shards []gateway.ShardID, intents gateway.Intents) bool {
	return slices.ContainsFunc(shards, func(shard gateway.ShardID) bool {
		_, check := s.checkSession(shard, intents)
		return check.Reason == notDropped
	})
}

// checkSession returns the session that an earlier run left for the shard, or the
// zero Session, and why. One to resume is younger than [SessionLife] and belongs
// to this token, these intents, this shard and this version of the gateway (G-053,
// G-054, G-055).
func (s *Store) checkSession(pair gateway.ShardID, intents gateway.Intents) (gateway.Session, sessionCheck) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return gateway.Session{}, sessionCheck{Reason: notRead, Detail: s.state.Reason}
	}
	pair = withCount(pair)
	var found *sessionRow
	for i := range s.saved {
		switch r := &s.saved[i]; {
		case r.pair == pair:
			found = r
		case r.pair.ID == pair.ID && found == nil:
			found = r // of another count
		}
	}
	if found == nil {
		return gateway.Session{}, sessionCheck{Reason: noneSaved}
	}
	v := found.check(pair, intents, s.opts.Fingerprint.String(), time.Now())
	if v.Reason != notDropped {
		return gateway.Session{}, v
	}
	return found.session, v
}

// Intents are those of the sessions that an earlier run left and that are still
// good to resume with them; 0 if there is none.
func (s *Store) Intents() gateway.Intents {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.saved {
		if r.check(r.pair, r.intents, s.opts.Fingerprint.String(), time.Now()).Reason == notDropped {
			return r.intents
		}
	}
	return 0
}

// Shards is the number of shards of the sessions that an earlier run left and
// that are still good to resume; 0 if there are none.
func (s *Store) Shards() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[int]int)
	best := 0
	for _, r := range s.saved {
		if r.check(r.pair, r.intents, s.opts.Fingerprint.String(), time.Now()).Reason != notDropped {
			continue
		}
		n := r.pair.Count
		if found[n]++; found[n] > found[best] || found[n] == found[best] && n > best {
			best = n
		}
	}
	return best
}

// check decides whether the session can be resumed.
func (r sessionRow) check(pair gateway.ShardID, intents gateway.Intents, token string, now time.Time) sessionCheck {
	v := sessionCheck{Age: now.Sub(r.saved)}
	switch {
	case r.damaged:
		return sessionCheck{Reason: damagedSession, Detail: "its checksum does not fit"}
	case !r.session.Resumable() || !strings.HasPrefix(r.session.ResumeURL, "ws"):
		return sessionCheck{Reason: damagedSession, Detail: "it is incomplete"}
	case r.token != token:
		v.Reason = otherToken
	case r.version != apiVersion:
		v.Reason, v.Detail = otherVersion, fmt.Sprintf("%d, this is %d", r.version, apiVersion)
	case r.pair != pair:
		v.Reason, v.Detail = otherShards, fmt.Sprintf("%v, this is %v", r.pair, pair)
	case r.intents != intents:
		v.Reason, v.Detail = otherIntents, fmt.Sprintf("%d, this is %d", r.intents, intents)
	case v.Age >= SessionLife:
		v.Reason, v.Detail = tooOld, "saved "+v.Age.Round(time.Second).String()+" ago"
	case v.Age < -clockSkew:
		v.Reason, v.Detail = tooOld, "saved in the future: the clock was set back, so nobody knows its age"
		v.Age = 0
	default:
		v.Age = max(0, v.Age)
		v.Detail = "last alive " + v.Age.Round(time.Millisecond).String() + " ago"
	}
	return v
}

// sessionStore is the [gateway.SessionStore] of one shard.
type sessionStore struct {
	store   *Store
	pair    gateway.ShardID
	intents gateway.Intents

	mu      sync.Mutex
	session gateway.Session
	known   bool // Keep was called: until then the session on disk stays
	changed bool
}

// newSessionStore returns what keeps the session of a shard that identifies with these
// intents. It replaces an earlier keeper of the same shard, which is then
// ignored. Its Keep stores the value and returns: the writer takes the newest to
// the disk (G-052).
func (s *Store) newSessionStore(pair gateway.ShardID, intents gateway.Intents) gateway.SessionStore {
	k := &sessionStore{store: s, pair: withCount(pair), intents: intents}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessionStores[k.pair] = k
	return k
}

// Save is on the path of every event. The three values of a session stay
// together, in memory under the lock and on the disk in one row (G-050). The
// beginning and the end of a session do not wait.
func (k *sessionStore) Save(session gateway.Session) {
	k.mu.Lock()
	urgent := session.ID != k.session.ID || !k.known
	k.session, k.known, k.changed = session, true, true
	k.mu.Unlock()
	k.store.signal(urgent)
}

// Rotate notes that the bot's token has been reset and another one is in use:
// what is saved from here on belongs to that, so that the next start, which has
// the new token, resumes. A token whose database has another name
// changes nothing: the next start would not look here.
func (s *Store) Rotate(to tokenlock.Fingerprint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to == s.opts.Fingerprint || to.Name() != s.opts.Fingerprint.Name() {
		return
	}
	s.opts.Fingerprint = to
	for _, k := range s.sessionStores {
		k.markChanged()
	}
	s.signal(true)
}

// take returns the newest value, and whether it has changed since the last take.
func (k *sessionStore) take() (row sessionRow, changed, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, k.changed = k.changed, false
	return sessionRow{pair: k.pair, session: k.session, intents: k.intents}, changed, k.known
}

// markChanged makes the next take return what the last one did, if nothing newer has
// come, and reports whether there is anything to take.
func (k *sessionStore) markChanged() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changed = k.known
	return k.known
}
