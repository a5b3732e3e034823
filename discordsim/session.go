package discordsim

import (
	"strconv"
	"time"
)

// session is what an IDENTIFY creates and a RESUME finds again. It outlives
// its connections by Config.SessionLifetime.
type session struct {
	id        string
	bot       *bot
	intents   int64
	shardID   int
	shards    int
	sharded   bool // IDENTIFY carried a shard pair
	threshold int

	seq      int64
	buffer   []dispatch // kept for a replay, oldest first (S-041)
	bytes    int
	gone     int64 // highest number no longer kept
	handed   int64 // highest number the client has confirmed
	conn     *conn // nil while detached
	live     bool  // READY or RESUMED has been sent on conn
	started  bool  // READY has been sent
	presence presence
	updates  []time.Time // presence updates of the last window
	expiry   *alarm
	mover    *alarm // the next periodic op 7
	swap     *dispatch
	over     bool
}

// dispatch is one event as it was sequenced.
type dispatch struct {
	seq  int64
	typ  string
	raw  []byte // the whole payload
	lost bool   // a fault says that it never arrives
}

// death is how a session ended.
type death struct {
	at    time.Time
	cause endCause
}

// endCause says who ended a session.
type endCause int

const (
	endedByServer endCause = iota
	endedByClient          // close 1000 or 1001, or a RESUME that kills it
	endedByAge             // nobody resumed it in time
)

// newSession starts a session on a connection.
func (b *bot) newSession(c *conn, id identify) *session {
	s := b.sim
	sess := &session{
		id: s.newSessionID(), bot: b, intents: id.intents, shardID: id.shard[0], shards: id.shard[1], sharded: id.sharded,
		threshold: id.threshold, presence: id.presence, conn: c,
	}
	c.session = sess
	b.sessions = append(b.sessions, sess)
	s.sessions[sess.id] = sess
	if id.intents&intentPresences != 0 {
		s.watchers++
	}
	return sess
}

// newSessionID makes something that looks like a session id.
func (s *Sim) newSessionID() string {
	return strconv.FormatUint(s.rng.Uint64(), 16) + strconv.FormatUint(s.rng.Uint64(), 16)
}

// routed reports whether events of a guild, or of none, go to this session
// (S-066).
func (sess *session) routed(g *Guild) bool {
	if g == nil {
		return sess.shardID == 0
	}
	return int((uint64(g.ID)>>22)%uint64(sess.shards)) == sess.shardID
}

// dispatch sequences an event and sends it if somebody listens (S-040 to S-042).
func (sess *session) dispatch(typ string, data []byte) int64 {
	if sess.over {
		return 0
	}
	sess.seq++
	d := dispatch{seq: sess.seq, typ: typ, raw: payload(typ, sess.seq, data)}
	s := sess.bot.sim
	at := place{app: sess.bot.app, shard: sess.shardID}
	if typ != "READY" && s.strikes("lost", at) != nil {
		d.lost = true
	}
	sess.keep(d)
	sess.bot.tally.dispatched++
	if sess.conn == nil || !sess.live || d.lost {
		return d.seq
	}
	switch {
	case sess.swap != nil:
		held := *sess.swap
		sess.swap = nil
		sess.conn.say(d)
		sess.conn.say(held)
	case typ != "READY" && s.strikes("reorder", at) != nil:
		sess.swap = &d
		s.after(time.Second, func() { sess.release() })
	default:
		sess.conn.say(d)
		if typ != "READY" && s.strikes("duplicate", at) != nil {
			sess.bot.tally.redelivered++
			sess.conn.say(d)
		}
	}
	return d.seq
}

// release sends a dispatch that was held to be overtaken and was not.
func (sess *session) release() {
	if sess.swap == nil {
		return
	}
	held := *sess.swap
	sess.swap = nil
	if sess.conn != nil && sess.live {
		sess.conn.say(held)
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
	for drop < len(sess.buffer) && ((cfg.ReplayEvents > 0 && len(sess.buffer)-drop > cfg.ReplayEvents) ||
		(cfg.ReplayBytes > 0 && sess.bytes > cfg.ReplayBytes)) {
		sess.gone = sess.buffer[drop].seq
		sess.bytes -= len(sess.buffer[drop].raw)
		sess.buffer[drop].raw = nil
		drop++
	}
	sess.buffer = sess.buffer[drop:]
}

// confirm notes that the client has told a sequence number it received.
func (sess *session) confirm(seq int64) { sess.handed = max(sess.handed, min(seq, sess.seq)) }

// detach takes the connection away; the session now lives on borrowed time
// (S-043, S-045).
func (sess *session) detach() {
	if sess.over || sess.conn == nil {
		return
	}
	s := sess.bot.sim
	sess.conn.session = nil
	sess.conn, sess.live, sess.swap = nil, false, nil
	sess.mover.stop()
	sess.bot.attachment()
	if s.cfg.SessionLifetime >= 0 {
		sess.expiry.stop()
		sess.expiry = s.after(s.cfg.SessionLifetime, func() { sess.end(endedByAge) })
	}
}

// end deletes the session (S-043, S-044).
func (sess *session) end(cause endCause) {
	if sess.over {
		return
	}
	sess.over = true
	b, s := sess.bot, sess.bot.sim
	sess.expiry.stop()
	sess.mover.stop()
	if sess.conn != nil {
		sess.conn.session = nil
		sess.conn = nil
	}
	sess.live = false
	delete(s.sessions, sess.id)
	s.dead[sess.id] = death{time.Now(), cause}
	if len(s.dead) > maxRemembered {
		for id, d := range s.dead {
			if time.Since(d.at) > time.Hour {
				delete(s.dead, id)
			}
		}
	}
	for i, other := range b.sessions {
		if other == sess {
			b.sessions = append(b.sessions[:i], b.sessions[i+1:]...)
			break
		}
	}
	if sess.intents&intentPresences != 0 {
		s.watchers--
	}
	b.bereave(sess, cause)
	sess.buffer = nil
	b.attachment()
	b.look()
}

// resume attaches the session to a connection and replays what lies above seq
// (S-046, S-047, S-052).
func (sess *session) resume(c *conn, seq int64) {
	s := sess.bot.sim
	if old := sess.conn; old != nil {
		old.session = nil
		old.close(4006, "session moved", true)
	}
	sess.expiry.stop()
	sess.conn, sess.live = c, true
	c.session = sess
	sess.confirm(seq)
	for _, d := range sess.buffer {
		if d.seq > seq && !d.lost {
			sess.bot.tally.redelivered++
			c.say(d)
		}
	}
	sess.seq++
	c.say(dispatch{seq: sess.seq, typ: "RESUMED", raw: payload("RESUMED", sess.seq, traced("{}", `{"_trace":["[\"gateway-sim\",{}]"]}`, s.cfg.PlainReady))})
	sess.bot.tally.resumed++
	sess.started = true
	sess.bot.attachment()
	sess.periodic()
}

// traced picks the plain or the traced form of a payload (S-028).
func traced(plain, full string, isPlain bool) []byte {
	if isPlain {
		return []byte(plain)
	}
	return []byte(full)
}

// periodic plans the next op 7 of a long life (S-060).
func (sess *session) periodic() {
	s := sess.bot.sim
	if s.cfg.ReconnectMax <= 0 {
		return
	}
	sess.mover.stop()
	sess.mover = s.after(s.span(s.cfg.ReconnectMin, s.cfg.ReconnectMax), func() {
		if sess.conn != nil {
			sess.conn.reconnect()
		}
	})
}
