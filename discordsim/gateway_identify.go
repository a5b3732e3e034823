package discordsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// identifyRequest is what an IDENTIFY asks for.
type identifyRequest struct {
	app       *App
	token     string
	intents   int64
	shard     shardID
	sharded   bool // it carried a shard pair
	threshold int
	compress  bool
	presence  presence
}

// identify handles op 2. It checks in this order: token, intents, shard, budget,
// concurrency.
func (c *conn) identify(d json.RawMessage) {
	s := c.sim
	if c.session != nil || c.pending != nil {
		s.violate(c, "G-037", "IDENTIFY was sent twice on one connection")
		c.close(4005, reasonTwice)
		return
	}
	var in struct {
		Token      *string         `json:"token"`
		Properties json.RawMessage `json:"properties"`
		Intents    json.RawMessage `json:"intents"`
		Compress   json.RawMessage `json:"compress"`
		Threshold  int             `json:"large_threshold"`
		Shard      json.RawMessage `json:"shard"`
		Presence   json.RawMessage `json:"presence"`
	}
	if err := json.Unmarshal(d, &in); err != nil || in.Token == nil {
		s.violate(c, "S-018", "IDENTIFY could not be decoded")
		c.close(4002, reasonDecode)
		return
	}
	// oceanic.js sends the name of its transport compression here, and has been let in with it.
	var compress bool
	var name string
	if in.Compress != nil && json.Unmarshal(in.Compress, &compress) != nil && json.Unmarshal(in.Compress, &name) != nil {
		s.violate(c, "S-018", "IDENTIFY could not be decoded")
		c.close(4002, reasonDecode)
		return
	}
	app, known := s.authenticate(*in.Token)
	if known != nil {
		c.setBot(known)
		known.counts.Identifies++
	}
	id := identifyRequest{app: app, token: *in.Token, threshold: in.Threshold, compress: compress, shard: shardID{0, 1}}
	if app == nil {
		c.refuse(4004, reasonToken)
		return
	}
	c.checkIdentify(*in.Token, in.Properties, compress)
	if json.Unmarshal(in.Intents, &id.intents) != nil || isNull(in.Intents) || id.intents < 0 || id.intents&^documentedIntents != 0 {
		s.violate(c, "S-020", "IDENTIFY carried unknown intents")
		c.refuse(4013, "Invalid intent(s).")
		return
	}
	if refusedIntents(id.intents, app.Flags) != nil {
		known.counts.RefusedIntents++
		c.refuse(4014, "Disallowed intent(s).")
		return
	}
	if !c.readShard(in.Shard, &id) {
		return
	}
	var ok bool
	if id.presence, ok = c.readPresence(in.Presence); !ok {
		s.violate(c, "G-102", "the presence in IDENTIFY is malformed")
		c.close(4002, reasonDecode)
		return
	}
	if c.cutInOutage() {
		return
	}
	c.admitIdentify(id)
}

// authenticate finds the app of a token as the gateway takes it: raw or with
// the Bot prefix (S-019). The bot is also found for a token that is no longer
// good.
func (s *Sim) authenticate(token string) (*App, *bot) {
	raw := strings.TrimPrefix(token, "Bot ")
	if app := s.tokens[raw]; app != nil {
		return app, s.bots[app.ID]
	}
	return nil, s.formerTokens[raw]
}

// setBot records which bot the connection belongs to.
func (c *conn) setBot(b *bot) {
	if c.bot == b {
		return
	}
	c.bot = b
	c.sim.log.assign(c.log, b.app.ID, c.sim.cfg.LogConns)
	b.counts.Dials++
	b.counts.MaxSends = max(b.counts.MaxSends, len(c.sentAt))
}

// setShard records which shard the connection is for; faults limited to that
// shard reach it from now on.
func (c *conn) setShard(shard int) {
	c.shard = shard
	c.sim.net.applyPace(c.link, c.target())
}

// refuse closes the connection in answer to an IDENTIFY.
func (c *conn) refuse(code int, reason string) {
	if c.bot != nil && c.sim.cfg.Identify.CountRejected {
		c.sim.spendStart(c.bot.app)
	}
	c.close(code, reason)
}

// checkIdentify records what Discord accepts and a good client does not do.
func (c *conn) checkIdentify(token string, properties json.RawMessage, compress bool) {
	s := c.sim
	if strings.HasPrefix(token, "Bot ") {
		s.violate(c, "G-033", advice+`the token came with the "Bot " prefix`)
	}
	var p map[string]string
	if json.Unmarshal(properties, &p) != nil || p["os"]+p["$os"] == "" || p["browser"]+p["$browser"] == "" || p["device"]+p["$device"] == "" {
		s.violate(c, "G-033", advice+"IDENTIFY lacks properties")
	}
	if compress && !c.compressor.isOff() {
		s.violate(c, "G-036", advice+"IDENTIFY asked for payload compression beside transport compression")
	}
	if !c.base && !c.invalidSent {
		s.violate(c, "G-009", "IDENTIFY was sent to the resume gateway")
	}
}

// readShard checks the shard pair (S-023).
func (c *conn) readShard(raw json.RawMessage, id *identifyRequest) bool {
	s := c.sim
	if len(raw) > 0 && !isNull(raw) {
		var both []int
		if json.Unmarshal(raw, &both) != nil || len(both) != 2 || both[1] < 1 || both[0] < 0 || both[0] >= both[1] {
			s.violate(c, "S-022", "the shard pair is impossible")
			c.refuse(4010, "Invalid shard.")
			return false
		}
		id.shard, id.sharded = shardID{both[0], both[1]}, true
	}
	c.setShard(id.shard.id)
	if m := id.app.LargeMultiple; m > 1 && id.shard.count%m != 0 {
		c.refuse(4010, "Invalid shard.")
		return false
	}
	n := 0
	for _, g := range id.app.Guilds {
		if id.shard.routed(g) {
			n++
		}
	}
	if s.cfg.Identify.MaxGuilds > 0 && n > s.cfg.Identify.MaxGuilds {
		c.refuse(4011, "Sharding required.")
		return false
	}
	return true
}

// admitIdentify spends the budget and begins the session (S-024 to S-026).
func (c *conn) admitIdentify(id identifyRequest) {
	s, b := c.sim, c.bot
	now := time.Now()
	if _, remaining, _ := s.startLimit(id.app); remaining == 0 {
		s.violate(c, "G-041", "IDENTIFY was sent although the budget is used up")
		b.counts.email(id.app.Owner, fmt.Sprintf("%s has connected more than %d times within %s. Its token has been reset.",
			id.app.Name, id.app.StartsTotal, s.cfg.Identify.StartsWindow))
		s.resetToken(id.app)
		c.close(4004, reasonToken)
		return
	}
	shard := b.shardOf(id.shard)
	c.rng = shard.rng
	if !shard.endedByClientAt.IsZero() && now.Sub(shard.endedByClientAt) < time.Minute {
		// So does a bot that is started again.
		s.violate(c, "G-088", advice+"a session was ended with 1000 or 1001 and a new one begun")
	}
	shard.endedByClientAt = time.Time{}
	key := id.shard.id % max(1, id.app.MaxConcurrency)
	last, before := b.identified[key]
	if gap := now.Sub(last); before && (b.counts.MinIdentifySpacing == 0 || gap < b.counts.MinIdentifySpacing) {
		b.counts.MinIdentifySpacing = gap
	}
	// A bot counts from when it sent one, and that may have been longer under way than the next.
	underWay := s.cfg.Identify.Window / 100
	early := before && s.cfg.Identify.Window > 0 && now.Sub(last) < s.cfg.Identify.Window-underWay
	if !early || s.cfg.Identify.EarlyExtends {
		b.identified[key] = now
	}
	if early {
		s.violate(c, "G-038", fmt.Sprintf("IDENTIFY came %s after the last one of its key", now.Sub(last).Round(time.Millisecond)))
	}
	wait := s.cfg.Identify.InvalidDelay
	refusal := (*Active)(nil)
	if !early {
		if refusal = s.strike("ready-op9", c.target()); refusal != nil {
			wait = refusal.delayOr(wait)
		}
	}
	if early || refusal != nil {
		if s.cfg.Identify.CountRejected {
			s.spendStart(id.app)
		}
		c.afterOpen(wait, func() {
			if c.session == nil {
				c.invalidate(false)
			}
		})
		return
	}
	s.spendStart(id.app)
	switch {
	case c.alwaysClose(nil):
	case s.strike("no-ready", c.target()) != nil:
		c.pending = &id
	default:
		c.ready(id)
	}
}

// startPending starts the session of an IDENTIFY that was swallowed, if its token
// and intents are still good (S-032).
func (c *conn) startPending() {
	id := *c.pending
	c.pending = nil
	switch app, _ := c.sim.authenticate(id.token); {
	case app != id.app:
		c.close(4004, reasonToken)
	case refusedIntents(id.intents, app.Flags) != nil:
		c.close(4014, "Disallowed intent(s).")
	default:
		c.ready(id)
	}
}

// alwaysClose closes a connection that has asked for a session, if the fault is in
// force. The code also decides about the session it asked for.
func (c *conn) alwaysClose(sess *session) bool {
	a := c.sim.strike("always-close", c.target())
	if a == nil {
		return false
	}
	if sess != nil && !c.sim.keepsSession(a.closeCode()) {
		sess.endAndCut(endedByServer, c)
	}
	c.close(a.closeCode(), a.Text)
	return true
}

// cutInOutage cuts a connection that asks for a session during an outage of its
// bot alone. In an outage of all there are no connections.
func (c *conn) cutInOutage() bool {
	if c.sim.strike("outage", c.target()) == nil {
		return false
	}
	c.cut()
	return true
}
