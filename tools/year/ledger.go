package main

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"evergreen/discordsim"
)

// ledger holds what Discord has sent against what the bot behind the proxy got: each
// event once and in the order of its guild. Its methods may be called at the same time.
type ledger struct {
	seed maphash.Seed

	mu       sync.Mutex
	begun    bool                   // the bot has been READY
	session  string                 // the newest at Discord; empty: it has ended
	listed   map[discordsim.ID]bool // guilds of a new session that have not come yet
	pending  map[discordsim.ID][]*sentEvent
	history  map[discordsim.ID][]*sentEvent // delivered, oldest first
	ends     []lineEnd
	fault    string                 // the first thing that must not be
	excused  map[discordsim.ID]bool // commands that the bot cannot have answered
	repeated map[discordsim.ID]bool // commands that the bot got again
	unproven []*sentEvent           // commands whose answers are not counted yet
	told     []discordsim.ID        // interactions that the bot never got

	counts ledgerCounts
	lost   []string // the last few
}

// ledgerCounts are the sums of a ledger.
type ledgerCounts struct {
	Sent, Delivered, Again int
	// Lost are events that Evergreen had and the bot never got. Uncertain are those of
	// which it is not known whether Evergreen had them; no bot may miss them for long, but
	// nobody can say that they were lost.
	Lost, Uncertain int
	// Doubtful are events that a bot had just got when it ended: whether it has handled
	// them, nobody knows.
	Doubtful int
	// Own are events that Evergreen has made: what is different after a new session.
	Own int
	// SkippedInteractions are those that a bot never got: Evergreen has answered them.
	SkippedInteractions int
}

// sentEvent is an event of Discord.
type sentEvent struct {
	guild       discordsim.ID
	kind        string
	sum         uint64
	id          discordsim.ID // of a message or an interaction
	session     string
	seq         int64
	uncertain   bool // it may not have reached Evergreen, or is of no use later
	command     bool
	sent        time.Time
	delivered   time.Time
	doubtful    bool
	interaction bool
}

// mayBeSkipped reports whether it may be that the bot never gets it: the proxy answers
// interactions that it cannot give to the bot in time.
func (e *sentEvent) mayBeSkipped() bool { return e.uncertain || e.interaction }

// lineEnd is a time in which what a bot had got may not have been confirmed.
type lineEnd struct{ from, to time.Time }

// Bounds of what is remembered.
const (
	keptHistory = 500
	keptEnds    = 500
)

// doubtfulTime is how long before the end of a bot it may have got an event that comes
// again.
const doubtfulTime = time.Second

func newLedger() *ledger {
	return &ledger{
		seed: maphash.MakeSeed(), listed: map[discordsim.ID]bool{}, pending: map[discordsim.ID][]*sentEvent{}, history: map[discordsim.ID][]*sentEvent{},
		excused: map[discordsim.ID]bool{}, repeated: map[discordsim.ID]bool{},
	}
}

// longestWait is how old an event is at the most when a bot gets it: PROXY_BACKLOG_AGE, and
// what a bot that hangs or reads slowly takes for it.
const longestWait = time.Hour + 20*time.Minute

// liveOnly are events that a bot that is away does not get.
var liveOnly = map[string]bool{"TYPING_START": true, "PRESENCE_UPDATE": true, "VOICE_SERVER_UPDATE": true, "RATE_LIMITED": true}

// ownKinds are events that Evergreen makes after a new session of Discord's.
var ownKinds = map[string]bool{"GUILD_CREATE": true, "GUILD_DELETE": true, "CHANNEL_DELETE": true}

// eventBody is what the year reads of the d of an event.
type eventBody struct {
	ID      discordsim.ID `json:"id"`
	Guild   discordsim.ID `json:"guild_id"`
	Channel discordsim.ID `json:"channel_id"`
	Content string        `json:"content"`
	Token   string        `json:"token"`
	Author  struct {
		ID  discordsim.ID `json:"id"`
		Bot bool          `json:"bot"`
	} `json:"author"`
	Unavailable bool `json:"unavailable"`
	Channels    []struct {
		ID discordsim.ID `json:"id"`
	} `json:"channels"`
	Guilds []struct {
		ID discordsim.ID `json:"id"`
	} `json:"guilds"`
	User struct {
		ID discordsim.ID `json:"id"`
	} `json:"user"`
}

// readEvent reads the d of an event.
func readEvent(kind string, d []byte) (b eventBody) {
	_ = json.Unmarshal(d, &b)
	if isGuild(kind) {
		b.Guild = b.ID
	}
	return b
}

func isGuild(kind string) bool {
	return kind == "GUILD_CREATE" || kind == "GUILD_UPDATE" || kind == "GUILD_DELETE"
}

// sum tells events of one type apart. A guild is told in other words by the proxy.
func (l *ledger) sum(kind string, d []byte) uint64 {
	if kind == "GUILD_CREATE" {
		return 0
	}
	return maphash.Bytes(l.seed, d)
}

// send adds an event of Discord.
func (l *ledger) send(d discordsim.Dispatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := readEvent(d.Type, d.Data)
	if d.Type == "READY" {
		for _, g := range b.Guilds {
			l.listed[g.ID] = true
		}
		before := l.session
		l.session = d.Session
		l.eachPending(func(e *sentEvent) { e.uncertain = e.uncertain || e.session == before })
		return
	}
	sum := l.sum(d.Type, d.Data)
	pending := l.pending[b.Guild]
	if i := slices.IndexFunc(pending, func(e *sentEvent) bool {
		return e.session != d.Session && e.kind == d.Type && e.sum == sum && e.sent.Equal(time.Now())
	}); i >= 0 {
		// Two sessions get it: one is left, and Discord does not know that yet.
		if e := pending[i]; d.Session == l.session {
			e.session, e.seq, e.uncertain = d.Session, d.Seq, liveOnly[d.Type]
		}
		return
	}
	if d.Type == "GUILD_CREATE" && l.listed[b.Guild] {
		// The proxy tells a bot that has the guild of an outage first.
		delete(l.listed, b.Guild)
		outage := fmt.Appendf(nil, `{"id":"%d","unavailable":true}`, b.Guild)
		pending = append(pending, &sentEvent{guild: b.Guild, kind: "GUILD_DELETE", sum: l.sum("GUILD_DELETE", outage), uncertain: true, sent: time.Now()})
	}
	l.counts.Sent++
	l.pending[b.Guild] = append(pending, &sentEvent{
		guild: b.Guild, kind: d.Type, sum: sum, id: b.ID, session: d.Session, seq: d.Seq, sent: time.Now(), uncertain: liveOnly[d.Type] || d.Session != l.session,
		command: isCommand(d.Type, b), interaction: d.Type == "INTERACTION_CREATE",
	})
}

func (l *ledger) eachPending(do func(*sentEvent)) {
	for _, list := range l.pending {
		for _, one := range list {
			do(one)
		}
	}
}

// endSession takes in that a session at Discord is over: what its client has confirmed, it
// has got.
func (l *ledger) endSession(e discordsim.SessionEnd) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == e.Session {
		l.session = ""
	}
	l.eachPending(func(one *sentEvent) {
		if one.session == e.Session {
			one.uncertain = liveOnly[one.kind] || one.seq > e.Confirmed
		}
	})
}

// begin takes in that a bot is READY. What came before the first was for nobody.
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun {
		return
	}
	l.begun = true
	l.eachPending(func(e *sentEvent) { e.uncertain = true })
}

// end takes in that what a bot has got since a time may come again.
func (l *ledger) end(from, to time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = append(l.ends, lineEnd{from, to})
	l.ends = l.ends[max(0, len(l.ends)-keptEnds):]
	for _, list := range l.history {
		for i := len(list) - 1; i >= 0 && !list[i].delivered.Before(from); i-- {
			if !list[i].doubtful {
				list[i].doubtful = true
				l.counts.Doubtful++
			}
		}
	}
}

// mayComeAgain reports whether an event may come again that a bot had got at a time.
func (l *ledger) mayComeAgain(at time.Time) bool {
	return slices.ContainsFunc(l.ends, func(e lineEnd) bool { return !at.Before(e.from) && !at.After(e.to) })
}

// deliver takes in that a bot got an event, and reports whether it had got it before.
func (l *ledger) deliver(kind string, d []byte, b eventBody, now time.Time) (again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.sum(kind, d)
	same := func(e *sentEvent) bool { return e.kind == kind && e.sum == sum && now.Sub(e.sent) < longestWait }
	list := l.pending[b.Guild]
	at := slices.IndexFunc(list, same)
	for i := max(at, 0); i < len(list) && at >= 0; i++ { // of those that may be meant, the last
		if same(list[i]) {
			at = i
		}
		if !list[i].mayBeSkipped() {
			break
		}
	}
	skips := at > 0 && slices.ContainsFunc(list[:at], func(e *sentEvent) bool { return !e.mayBeSkipped() })
	if at < 0 || skips {
		history := l.history[b.Guild]
		if had := lastIndex(history, same); had >= 0 && (at < 0 && !ownKinds[kind] || l.mayComeAgain(history[had].delivered)) {
			first := history[had]
			if !l.mayComeAgain(first.delivered) {
				l.failf("%s %d of guild %d came again, and was got %s ago, long before any end of a bot", kind, b.ID, b.Guild, now.Sub(first.delivered))
			}
			l.counts.Again++
			l.repeated[b.ID] = true
			return true
		}
	}
	if at < 0 {
		if l.counts.Own++; !ownKinds[kind] {
			l.failf("%s %d of guild %d came, and Discord has not sent it", kind, b.ID, b.Guild)
		}
		return false
	}
	for _, e := range list[:at] {
		l.skip(e)
	}
	got := list[at]
	if l.pending[b.Guild] = slices.Delete(list, 0, at+1); at+1 == len(list) {
		delete(l.pending, b.Guild)
	}
	got.delivered = now
	l.counts.Delivered++
	history := append(l.history[b.Guild], got)
	l.history[b.Guild] = history[max(0, len(history)-keptHistory):]
	if got.command {
		l.unproven = append(l.unproven, got)
	}
	return false
}

func lastIndex(list []*sentEvent, match func(*sentEvent) bool) int {
	for i := len(list) - 1; i >= 0; i-- {
		if match(list[i]) {
			return i
		}
	}
	return -1
}

// skip counts an event that the bot never got. The caller holds the lock.
func (l *ledger) skip(e *sentEvent) {
	switch {
	case e.uncertain:
		if !liveOnly[e.kind] {
			l.counts.Uncertain++
		}
	case e.interaction:
		l.told = append(l.told, e.id)
		l.counts.SkippedInteractions++
	default:
		l.counts.Lost++
		l.lost = append(l.lost[max(0, len(l.lost)-4):], fmt.Sprintf("%s %d of guild %d, sent %s ago", e.kind, e.id, e.guild, time.Since(e.sent).Round(time.Second)))
	}
}

// settle gives up what is pending although nothing waits for the bot any more. It returns
// the counts, and the interactions that the bot never got.
func (l *ledger) settle() (c ledgerCounts, told []discordsim.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for guild, list := range l.pending {
		for _, e := range list {
			l.skip(e)
		}
		delete(l.pending, guild)
	}
	told = l.told
	l.told = nil
	return l.counts, told
}

// youngest returns when the youngest event was sent that is pending; zero: none is.
func (l *ledger) youngest() (sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range l.pending {
		if last := list[len(list)-1]; last.sent.After(sent) {
			sent = last.sent
		}
	}
	return sent
}

// lastLost names the last events that were lost.
func (l *ledger) lastLost() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lost)
}

// commandsBefore takes out the commands that a bot had got before a time.
func (l *ledger) commandsBefore(t time.Time) (ids []discordsim.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.unproven) > 0 && l.unproven[0].delivered.Before(t) {
		ids = append(ids, l.unproven[0].id)
		l.unproven = l.unproven[1:]
	}
	return ids
}

// excuse notes that a command cannot have been answered.
func (l *ledger) excuse(id discordsim.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.excused[id] = true
}

func (l *ledger) isExcused(id discordsim.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.excused[id]
}

func (l *ledger) isRepeated(id discordsim.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.repeated[id]
}

// failf notes the first thing that must not be. The caller holds the lock.
func (l *ledger) failf(format string, args ...any) {
	if l.fault == "" {
		l.fault = fmt.Sprintf(format, args...)
	}
}

// failure returns the first thing that must not be; empty: all is well.
func (l *ledger) failure() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

// fail notes something that must not be.
func (l *ledger) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failf(format, args...)
}
