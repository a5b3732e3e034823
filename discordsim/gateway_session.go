package discordsim

import (
	"cmp"
	"strconv"
	"time"
)

// session is what an IDENTIFY creates and a RESUME finds again. It outlives
// its connections by SessionConfig.Lifetime.
type session struct {
	id              string
	bot             *bot
	shardState      *botShard
	intents         int64
	shard           shardID
	threshold       int
	compressPayload bool // IDENTIFY asked for payload compression
	presence        presence
	presenceUpdates []time.Time // presence updates of the last window

	seq         int64
	buffer      []dispatch // kept for a replay, oldest first (S-041)
	bufferBytes int
	dropped     int64 // highest number no longer kept
	confirmed   int64 // highest number the client has confirmed
	undelivered int64 // events sequenced without a client to receive them

	conn           *conn // nil while detached
	attachedAt     time.Time
	detachedAt     time.Time
	connectedFor   time.Duration // how long its former connections lasted
	expiry         *simTimer
	reconnectTimer *simTimer // the next periodic op 7
	guildTimer     *simTimer // the next guild after READY
	held           *dispatch
	heldTimer      *simTimer // the end of the wait for something to overtake it
	ended          bool
}

// dispatch is one event as it was sequenced.
type dispatch struct {
	seq  int64
	typ  string
	raw  []byte // the whole payload
	lost bool   // a fault says that it never arrives
}

// sessionEnd says who ended a session.
type sessionEnd int

const (
	endedByServer  sessionEnd = iota
	endedByClient             // close 1000 or 1001, or a RESUME that kills it
	endedByTimeout            // not resumed in time, or its heartbeats stopped
)

// newSession starts a session on a connection.
func (b *bot) newSession(c *conn, id identifyRequest) *session {
	s := b.sim
	shard := b.shardOf(id.shard)
	sess := &session{
		id: strconv.FormatUint(shard.rng.Uint64(), 16) + strconv.FormatUint(shard.rng.Uint64(), 16), bot: b, shardState: shard,
		intents: id.intents, shard: id.shard, threshold: id.threshold, compressPayload: id.compress, presence: id.presence,
	}
	b.sessions = append(b.sessions, sess)
	s.sessions[sess.id] = sess
	if id.intents&intentPresences != 0 {
		s.presenceWatchers++
	}
	sess.attach(c)
	return sess
}

// attach gives the session a connection.
func (sess *session) attach(c *conn) {
	sess.expiry.stop()
	sess.conn, c.session = c, sess
	c.log.Session = sess.id
	c.compressPayload = sess.compressPayload && c.compressor.isOff()
	sess.attachedAt = time.Now()
	c.sessionAt = sess.attachedAt
	sess.bot.sessionAttached(sess, sess.attachedAt)
	sess.scheduleReconnect()
}

// connected is how long the session has had a connection so far.
func (sess *session) connected(now time.Time) time.Duration {
	if sess.conn == nil {
		return sess.connectedFor
	}
	return sess.connectedFor + now.Sub(sess.attachedAt)
}

// dropConn takes the connection away from the session, for good or for a while.
func (sess *session) dropConn() {
	if sess.conn == nil {
		return
	}
	sess.reconnectTimer.stop()
	sess.heldTimer.stop()
	sess.conn.session = nil
	sess.conn, sess.held = nil, nil
	sess.detachedAt = time.Now()
	sess.connectedFor += sess.detachedAt.Sub(sess.attachedAt)
	sess.bot.sessionDetached(sess, sess.detachedAt)
}

// detach takes the connection away and starts the session's expiry (S-043).
func (sess *session) detach() {
	if sess.ended || sess.conn == nil {
		return
	}
	sess.dropConn()
	s := sess.bot.sim
	if s.cfg.Session.Lifetime >= 0 {
		sess.expiry.stop()
		sess.expiry = s.after(s.cfg.Session.Lifetime, func() { sess.end(endedByTimeout) })
	}
}

// end deletes the session. A connection it has stays open
// without one.
func (sess *session) end(cause sessionEnd) {
	if sess.ended {
		return
	}
	b, s := sess.bot, sess.bot.sim
	b.excuseUndelivered(sess, cause)
	sess.ended = true
	sess.dropConn()
	sess.expiry.stop()
	sess.guildTimer.stop()
	sess.leaveVoice()
	delete(s.sessions, sess.id)
	s.rememberEnded(sess.id)
	for i, other := range b.sessions {
		if other == sess {
			b.sessions = append(b.sessions[:i], b.sessions[i+1:]...)
			break
		}
	}
	if sess.intents&intentPresences != 0 {
		s.presenceWatchers--
	}
	b.counts.EventsLost += sess.undelivered
	if s.cfg.SessionEnded != nil {
		s.cfg.SessionEnded(SessionEnd{App: b.app.ID, Session: sess.id, Confirmed: sess.confirmed})
	}
	sess.buffer = nil
	b.updateVisible()
}

// endAndCut ends the session and cuts its connection, unless that is speaker.
func (sess *session) endAndCut(cause sessionEnd, speaker *conn) {
	old := sess.conn
	sess.end(cause)
	if old != nil && old != speaker {
		old.cut()
	}
}

// deathRemembered is how long the id of a session that ended is known at least.
const deathRemembered = time.Hour

// rememberEnded remembers the id of a session that ended, so that a later RESUME of
// it does not count as made up.
func (s *Sim) rememberEnded(id string) {
	now := time.Now()
	s.ended[id] = now
	s.endedOrder = append(s.endedOrder, id)
	for len(s.endedOrder) > maxRemembered && now.Sub(s.ended[s.endedOrder[0]]) > deathRemembered {
		delete(s.ended, s.endedOrder[0])
		s.endedOrder = s.endedOrder[1:]
	}
}

// routed reports whether events of a guild, or of none, go to this shard
// (S-066).
func (p shardID) routed(g *Guild) bool {
	if g == nil {
		return p.id == 0
	}
	return int((uint64(g.ID)>>22)%uint64(p.count)) == p.id
}

// target is what faults look for when they may strike the session.
func (sess *session) target() target {
	at := target{app: sess.bot.app, shard: sess.shard.id, rng: sess.shardState.rng}
	if sess.conn != nil {
		at.conn = sess.conn.id
	}
	return at
}

// dispatch sequences an event and sends it if the session has a connection (S-040
// to S-042). It returns the number, or 0 when a fault loses the event for good.
func (sess *session) dispatch(typ string, data []byte) int64 {
	if sess.ended {
		return 0
	}
	s, b := sess.bot.sim, sess.bot
	sess.seq++
	d := dispatch{seq: sess.seq, typ: typ}
	if odd := sess.renumbered(typ); odd != nil {
		d.seq, d.raw = sess.seq, payloadWith(typ, odd.Text, data)
	} else {
		d.raw = payload(typ, sess.seq, data)
	}
	b.counts.Dispatched++
	if s.cfg.Dispatched != nil {
		s.cfg.Dispatched(Dispatch{App: b.app.ID, Session: sess.id, Seq: d.seq, Type: typ, Data: data})
	}
	if typ == "READY" {
		sess.conn.sendDispatch(d) // and no replay brings it back
		return d.seq
	}
	at := sess.target()
	d.lost = s.strike("lost", at) != nil
	sess.buffered(d)
	switch {
	case d.lost:
		b.counts.EventsLost++
		return 0
	case sess.conn == nil:
		sess.undelivered++
		return d.seq
	case sess.conn.link.ClientUnreachable():
		sess.undelivered++
	}
	switch {
	case sess.held != nil:
		sess.conn.sendDispatch(d)
		sess.releaseHeld()
	case s.strike("reorder", at) != nil:
		sess.held = &d
		sess.heldTimer = s.after(overtakeWithin, sess.releaseHeld)
	default:
		sess.conn.sendDispatch(d)
		if sess.conn != nil && s.strike("duplicate", at) != nil {
			b.counts.Redelivered++
			b.counts.EventsTwice++
			sess.conn.sendDispatch(d)
		}
	}
	return d.seq
}

// overtakeWithin is how long an event is held so that the next one overtakes it.
const overtakeWithin = time.Second

// releaseHeld sends a dispatch that was held to be overtaken.
func (sess *session) releaseHeld() {
	sess.heldTimer.stop()
	if held := sess.held; held != nil && sess.conn != nil {
		sess.held = nil
		sess.conn.sendDispatch(*held)
	}
}

// renumberings are the faults that number a dispatch oddly, and their default Text.
var renumberings = map[string]struct{ fault, otherwise string }{
	"READY":   {"ready-seq", "0"},
	"RESUMED": {"resumed-seq", "1"},
}

// renumbered lets the numbers of the session go on from where a fault says; nil when
// none does. The events with the numbers before are not kept for a replay.
func (sess *session) renumbered(typ string) *Fault {
	row, known := renumberings[typ]
	if !known {
		return nil
	}
	odd := sess.bot.sim.strike(row.fault, sess.target())
	if odd == nil {
		return nil
	}
	f := odd.Fault
	f.Text = cmp.Or(f.Text, row.otherwise)
	sess.seq, _ = strconv.ParseInt(f.Text, 10, 64)
	sess.seq = max(0, sess.seq)
	sess.buffer, sess.bufferBytes, sess.dropped, sess.confirmed = nil, 0, 0, 0
	return &f
}

// payloadWith composes an op 0 whose s is what the text says, or that has none.
func payloadWith(typ, seq string, data []byte) []byte {
	if seq != "none" {
		seq = `,"s":` + seq
	} else {
		seq = ""
	}
	return []byte(`{"t":"` + typ + `"` + seq + `,"op":0,"d":` + string(data) + `}`)
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

// buffered puts a dispatch into the replay buffer, bounded in events and bytes.
func (sess *session) buffered(d dispatch) {
	cfg := &sess.bot.sim.cfg
	sess.buffer = append(sess.buffer, d)
	sess.bufferBytes += len(d.raw)
	drop := 0
	for drop < len(sess.buffer) && ((cfg.Session.ReplayEvents > 0 && len(sess.buffer)-drop > cfg.Session.ReplayEvents) ||
		(cfg.Session.ReplayBytes > 0 && sess.bufferBytes > cfg.Session.ReplayBytes)) {
		sess.dropped = sess.buffer[drop].seq
		sess.bufferBytes -= len(sess.buffer[drop].raw)
		sess.buffer[drop].raw = nil
		drop++
	}
	sess.buffer = sess.buffer[drop:]
}

// confirm notes that the client has told a sequence number it received.
func (sess *session) confirm(seq int64) { sess.confirmed = max(sess.confirmed, min(seq, sess.seq)) }

// replay attaches the session to a connection and sends what lies above seq,
// and then RESUMED.
func (sess *session) replay(c *conn, seq int64) {
	s, t := sess.bot.sim, &sess.bot.counts
	if old := sess.conn; old != nil {
		sess.dropConn()
		old.cut()
	}
	sess.attach(c)
	sess.undelivered = 0
	for _, d := range sess.buffer {
		if d.seq <= seq || d.lost {
			continue
		}
		t.Redelivered++
		if d.seq <= sess.confirmed {
			t.EventsTwice++
		}
		c.sendDispatch(d)
	}
	sess.confirm(seq)
	sess.seq++
	data := `{"_trace":["[\"gateway-prd-sim\",{\"micros\":0.0}]"]}`
	if s.cfg.Identify.PlainReady {
		data = `{}`
	}
	sess.renumbered("RESUMED")
	c.sendDispatch(dispatch{seq: sess.seq, typ: "RESUMED", raw: payload("RESUMED", sess.seq, []byte(data))})
	t.Resumed++
}

// scheduleReconnect schedules the next periodic op 7 (S-060).
func (sess *session) scheduleReconnect() {
	s := sess.bot.sim
	if s.cfg.Session.ReconnectMax <= 0 {
		return
	}
	sess.reconnectTimer.stop()
	sess.reconnectTimer = s.after(between(sess.shardState.rng, s.cfg.Session.ReconnectMin, s.cfg.Session.ReconnectMax), func() { sess.conn.reconnect() })
}
