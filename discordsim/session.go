package discordsim

import (
	"strconv"
	"time"
)

// session is what an IDENTIFY creates and a RESUME finds again. It outlives
// its connections by SessionConfig.Lifetime.
type session struct {
	id        string
	bot       *bot
	slot      *slot
	intents   int64
	shard     pair
	threshold int
	zip       bool // IDENTIFY asked for payload compression
	presence  presence
	updates   []time.Time // presence updates of the last window

	seq    int64
	buffer []dispatch // kept for a replay, oldest first (S-041)
	bytes  int
	gone   int64 // highest number no longer kept
	handed int64 // highest number the client has confirmed
	owed   int64 // events nobody was there to receive so far

	conn       *conn // nil while detached
	attachedAt time.Time
	detachedAt time.Time
	stayed     time.Duration // how long its former connections lasted
	expiry     *alarm
	mover      *alarm // the next periodic op 7
	burst      *alarm // the next guild after READY
	swap       *dispatch
	swapped    *alarm // the end of the wait for something to overtake it
	over       bool
}

// dispatch is one event as it was sequenced.
type dispatch struct {
	seq  int64
	typ  string
	raw  []byte // the whole payload
	lost bool   // a fault says that it never arrives
}

// endCause says who ended a session.
type endCause int

const (
	endedByServer  endCause = iota
	endedByClient           // close 1000 or 1001, or a RESUME that kills it
	endedByNeglect          // nobody resumed it in time, or its heartbeats stopped
)

// newSession starts a session on a connection.
func (b *bot) newSession(c *conn, id identify) *session {
	s := b.sim
	sl := b.slotOf(id.shard)
	sess := &session{
		id: strconv.FormatUint(sl.dice.Uint64(), 16) + strconv.FormatUint(sl.dice.Uint64(), 16), bot: b, slot: sl,
		intents: id.intents, shard: id.shard, threshold: id.threshold, zip: id.compress, presence: id.presence,
	}
	b.sessions = append(b.sessions, sess)
	s.sessions[sess.id] = sess
	if id.intents&intentPresences != 0 {
		s.watchers++
	}
	sess.attach(c)
	return sess
}

// attach gives the session a connection.
func (sess *session) attach(c *conn) {
	sess.expiry.stop()
	sess.conn, c.session = c, sess
	c.log.Session = sess.id
	c.zip = sess.zip && c.pack.plain()
	sess.attachedAt = time.Now()
	c.granted = sess.attachedAt
	sess.bot.came(sess, sess.attachedAt)
	sess.periodic()
}

// attached is how long the session has had a connection so far.
func (sess *session) attached(now time.Time) time.Duration {
	if sess.conn == nil {
		return sess.stayed
	}
	return sess.stayed + now.Sub(sess.attachedAt)
}

// leave takes the connection away from the session, for good or for a while.
func (sess *session) leave() {
	if sess.conn == nil {
		return
	}
	sess.mover.stop()
	sess.swapped.stop()
	sess.conn.session = nil
	sess.conn, sess.swap = nil, nil
	sess.detachedAt = time.Now()
	sess.stayed += sess.detachedAt.Sub(sess.attachedAt)
	sess.bot.went(sess, sess.detachedAt)
}

// detach takes the connection away; the session now lives on borrowed time
// (S-043, S-045).
func (sess *session) detach() {
	if sess.over || sess.conn == nil {
		return
	}
	sess.leave()
	s := sess.bot.sim
	if s.cfg.Session.Lifetime >= 0 {
		sess.expiry.stop()
		sess.expiry = s.after(s.cfg.Session.Lifetime, func() { sess.end(endedByNeglect) })
	}
}

// end deletes the session (S-043, S-044). A connection it has stays open
// without one.
func (sess *session) end(cause endCause) {
	if sess.over {
		return
	}
	b, s := sess.bot, sess.bot.sim
	b.bereave(sess, cause)
	sess.over = true
	sess.leave()
	sess.expiry.stop()
	sess.burst.stop()
	delete(s.sessions, sess.id)
	s.bury(sess.id)
	for i, other := range b.sessions {
		if other == sess {
			b.sessions = append(b.sessions[:i], b.sessions[i+1:]...)
			break
		}
	}
	if sess.intents&intentPresences != 0 {
		s.watchers--
	}
	b.tally.eventsLost += sess.owed
	sess.buffer = nil
	b.look()
}

// expel is end for a session whose connection has to go too, if it is not the
// one that speaks.
func (sess *session) expel(cause endCause, speaker *conn) {
	old := sess.conn
	sess.end(cause)
	if old != nil && old != speaker {
		old.cut()
	}
}

// deathRemembered is how long the id of a session that ended is known at least.
const deathRemembered = time.Hour

// bury remembers the id of a session that ended, so that a client which still
// asks for it is not accused of having made it up.
func (s *Sim) bury(id string) {
	now := time.Now()
	s.dead[id] = now
	s.buried = append(s.buried, id)
	for len(s.buried) > maxRemembered && now.Sub(s.dead[s.buried[0]]) > deathRemembered {
		delete(s.dead, s.buried[0])
		s.buried = s.buried[1:]
	}
}

// routed reports whether events of a guild, or of none, go to this shard
// (S-066).
func (p pair) routed(g *Guild) bool {
	if g == nil {
		return p.id == 0
	}
	return int((uint64(g.ID)>>22)%uint64(p.count)) == p.id
}

// place is where faults may strike the session.
func (sess *session) place() place {
	at := place{app: sess.bot.app, shard: sess.shard.id, dice: sess.slot.dice}
	if sess.conn != nil {
		at.conn = sess.conn.id
	}
	return at
}

// dispatch sequences an event and sends it if somebody listens (S-040 to S-042).
// It gives the number, or 0 when a fault keeps the event from the client for
// good.
func (sess *session) dispatch(typ string, data []byte) int64 {
	if sess.over {
		return 0
	}
	s, b := sess.bot.sim, sess.bot
	sess.seq++
	d := dispatch{seq: sess.seq, typ: typ, raw: payload(typ, sess.seq, data)}
	b.tally.dispatched++
	if typ == "READY" {
		sess.conn.say(d) // and no replay brings it back (S-055)
		return d.seq
	}
	at := sess.place()
	d.lost = s.strikes("lost", at) != nil
	sess.keep(d)
	switch {
	case d.lost:
		b.tally.eventsLost++
		return 0
	case sess.conn == nil:
		sess.owed++
		return d.seq
	case sess.conn.link.deaf():
		sess.owed++
	}
	switch {
	case sess.swap != nil:
		sess.conn.say(d)
		sess.release()
	case s.strikes("reorder", at) != nil:
		sess.swap = &d
		sess.swapped = s.after(overtakeWithin, sess.release)
	default:
		sess.conn.say(d)
		if sess.conn != nil && s.strikes("duplicate", at) != nil {
			b.tally.redelivered++
			b.tally.eventsTwice++
			sess.conn.say(d)
		}
	}
	return d.seq
}

// overtakeWithin is how long an event is held so that the next one overtakes it.
const overtakeWithin = time.Second

// release sends a dispatch that was held to be overtaken.
func (sess *session) release() {
	sess.swapped.stop()
	if held := sess.swap; held != nil && sess.conn != nil {
		sess.swap = nil
		sess.conn.say(*held)
	}
}

// payload composes an op 0 in the order of keys Discord uses.
func payload(typ string, seq int64, data []byte) []byte {
	raw := make([]byte, 0, len(data)+len(typ)+48)
	raw = append(raw, `{"t":"`...)
	raw = append(raw, typ...)
	raw = append(raw, `","s":`...)
	raw = strconv.AppendInt(raw, seq, 10)
	raw = append(raw, `,"op":0,"d":`...)
	raw = append(raw, data...)
	return append(raw, '}')
}

// keep puts a dispatch into the replay buffer, which is bounded twice.
func (sess *session) keep(d dispatch) {
	cfg := &sess.bot.sim.cfg
	sess.buffer = append(sess.buffer, d)
	sess.bytes += len(d.raw)
	drop := 0
	for drop < len(sess.buffer) && ((cfg.Session.ReplayEvents > 0 && len(sess.buffer)-drop > cfg.Session.ReplayEvents) ||
		(cfg.Session.ReplayBytes > 0 && sess.bytes > cfg.Session.ReplayBytes)) {
		sess.gone = sess.buffer[drop].seq
		sess.bytes -= len(sess.buffer[drop].raw)
		sess.buffer[drop].raw = nil
		drop++
	}
	sess.buffer = sess.buffer[drop:]
}

// confirm notes that the client has told a sequence number it received.
func (sess *session) confirm(seq int64) { sess.handed = max(sess.handed, min(seq, sess.seq)) }

// replay attaches the session to a connection and sends what lies above seq,
// and then RESUMED (S-046, S-047, S-052).
func (sess *session) replay(c *conn, seq int64) {
	s, t := sess.bot.sim, &sess.bot.tally
	if old := sess.conn; old != nil {
		sess.leave()
		old.cut()
	}
	sess.attach(c)
	sess.owed = 0
	for _, d := range sess.buffer {
		if d.seq <= seq || d.lost {
			continue
		}
		t.redelivered++
		if d.seq <= sess.handed {
			t.eventsTwice++
		}
		c.say(d)
	}
	sess.confirm(seq)
	sess.seq++
	data := `{"_trace":["[\"gateway-prd-sim\",{\"micros\":0.0}]"]}`
	if s.cfg.Identify.PlainReady {
		data = `{}`
	}
	c.say(dispatch{seq: sess.seq, typ: "RESUMED", raw: payload("RESUMED", sess.seq, []byte(data))})
	t.resumed++
}

// periodic plans the next op 7 of a long life (S-060).
func (sess *session) periodic() {
	s := sess.bot.sim
	if s.cfg.Session.ReconnectMax <= 0 {
		return
	}
	sess.mover.stop()
	sess.mover = s.after(spanOf(sess.slot.dice, s.cfg.Session.ReconnectMin, s.cfg.Session.ReconnectMax), func() { sess.conn.reconnect() })
}
