package discordsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The opcodes.
const (
	opDispatch   = 0
	opHeartbeat  = 1
	opIdentify   = 2
	opPresence   = 3
	opVoice      = 4
	opResume     = 6
	opMembers    = 8
	opACK        = 11
	opSoundboard = 31
	opChannels   = 43
)

// opOf reads the opcode of a payload this side composed.
func opOf(raw []byte) int {
	var p struct {
		Op int `json:"op"`
	}
	_ = json.Unmarshal(raw, &p)
	return p.Op
}

// sendable are the opcodes a client may send; all others close with 4001
// (S-014).
var sendable = map[int]func(*conn, json.RawMessage){
	opHeartbeat:  (*conn).heartbeat,
	opIdentify:   (*conn).identify,
	opPresence:   (*conn).setPresence,
	opVoice:      (*conn).voice,
	opResume:     (*conn).resume,
	opMembers:    (*conn).members,
	opSoundboard: (*conn).soundboard,
	opChannels:   (*conn).channelInfo,
}

// take checks one payload of the client in the order Discord does and acts on
// it (S-011 to S-015).
func (c *conn) take(binary bool, raw []byte) {
	s := c.sim
	if !c.greeted && !c.moving {
		s.violate(c, "G-014", "a payload was sent before HELLO")
	}
	if limit := s.cfg.PayloadLimit; limit > 0 && len(raw) > limit {
		s.violate(c, "G-103", fmt.Sprintf("a payload of %d bytes was sent", len(raw)))
		c.close(4002, "Error while decoding payload.", true)
		return
	}
	var p struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if err := json.Unmarshal(raw, &p); err != nil || p.Op == nil || binary {
		c.log.frame(false, -1, "", 0, len(raw), s.cfg.LogFrames)
		s.violate(c, "S-012", "a payload could not be decoded")
		c.close(4002, "Error while decoding payload.", true)
		return
	}
	c.log.frame(false, *p.Op, "", 0, len(raw), s.cfg.LogFrames)
	if c.overLimit() {
		s.violate(c, "G-099", fmt.Sprintf("more than %d payloads were sent in %s", s.cfg.SendLimit, s.cfg.SendWindow))
		c.close(4008, "Rate limited.", true)
		return
	}
	act := sendable[*p.Op]
	if act == nil {
		s.violate(c, "S-014", fmt.Sprintf("opcode %d was sent", *p.Op))
		c.close(4001, "Unknown opcode.", true)
		return
	}
	if c.session == nil && *p.Op != opHeartbeat && *p.Op != opIdentify && *p.Op != opResume {
		if c.pending != nil {
			s.violate(c, "G-104", fmt.Sprintf("opcode %d was sent before READY", *p.Op))
			return
		}
		s.violate(c, "G-104", fmt.Sprintf("opcode %d was sent before IDENTIFY", *p.Op))
		c.close(4003, "Not authenticated.", true)
		return
	}
	if sess := c.session; sess != nil && !sess.started && *p.Op != opHeartbeat && *p.Op != opIdentify && *p.Op != opResume {
		s.violate(c, "G-104", fmt.Sprintf("opcode %d was sent before READY", *p.Op))
	}
	act(c, p.D)
}

// overLimit counts a payload and reports whether it is one too many (S-013).
func (c *conn) overLimit() bool {
	cfg := &c.sim.cfg
	now := time.Now()
	if cfg.FixedSendWindow && len(c.sends) > 0 && now.Sub(c.sends[0]) >= cfg.SendWindow {
		c.sends = c.sends[:0]
	}
	for !cfg.FixedSendWindow && len(c.sends) > 0 && now.Sub(c.sends[0]) >= cfg.SendWindow {
		c.sends = c.sends[1:]
	}
	c.sends = append(c.sends, now)
	if c.known != nil {
		c.known.tally.maxSends = max(c.known.tally.maxSends, len(c.sends))
	}
	return cfg.SendLimit > 0 && len(c.sends) > cfg.SendLimit
}

// heartbeat is op 1 (S-016, S-034, S-037).
func (c *conn) heartbeat(d json.RawMessage) {
	s := c.sim
	c.checkSeq(d)
	if c.over {
		return
	}
	c.asked.stop()
	c.expectBeat()
	if s.strikes("zombie", c.place()) != nil {
		return
	}
	delay := max(0, s.cfg.ACKDelay)
	if slow := s.strikes("ack-delay", c.place()); slow != nil {
		delay += slow.Delay
	}
	ack := []byte(`{"t":null,"s":null,"op":11,"d":null}`)
	if delay > 0 {
		c.later(delay, func() { c.send(ack) })
		return
	}
	c.send(ack)
}

// checkSeq judges the sequence number of a heartbeat.
func (c *conn) checkSeq(d json.RawMessage) {
	if len(d) == 0 || string(d) == "null" {
		if c.session != nil && c.session.handed > 0 {
			c.sim.violate(c, "G-020", "a heartbeat carried null although the session has had events")
		}
		return
	}
	var seq int64
	err := json.Unmarshal(d, &seq)
	newest := int64(0)
	if c.session != nil {
		newest = c.session.seq
	}
	switch {
	case err != nil:
		c.sim.violate(c, "S-037", "a heartbeat carried something that is no number")
		if c.sim.cfg.StrictHeartbeatSeq {
			c.close(4002, "Error while decoding payload.", true)
		}
	case seq > newest && !(c.session == nil && seq == 0):
		if c.session == nil && c.pending == nil {
			// The session may have been taken away a moment ago, or a RESUME is
			// still to come: the client cannot know.
			return
		}
		c.sim.violate(c, "S-037", fmt.Sprintf("a heartbeat carried sequence %d, the newest is %d", seq, newest))
		if c.sim.cfg.StrictHeartbeatSeq {
			c.close(4007, "Invalid seq.", true)
		}
	case c.session != nil:
		c.session.confirm(seq)
	}
}

// identify is what an IDENTIFY asks for.
type identify struct {
	app       *App
	token     string
	intents   int64
	shard     [2]int
	sharded   bool
	threshold int
	compress  bool
	presence  presence
}

// identify is op 2 (S-017 to S-027, S-031, S-032).
func (c *conn) identify(d json.RawMessage) {
	s := c.sim
	if c.session != nil || c.pending != nil {
		s.violate(c, "G-037", "IDENTIFY was sent twice on one connection")
		c.close(4005, "Already authenticated.", true)
		return
	}
	var in struct {
		Token      *string         `json:"token"`
		Properties json.RawMessage `json:"properties"`
		Intents    json.RawMessage `json:"intents"`
		Compress   bool            `json:"compress"`
		Threshold  int             `json:"large_threshold"`
		Shard      json.RawMessage `json:"shard"`
		Presence   json.RawMessage `json:"presence"`
	}
	if err := json.Unmarshal(d, &in); err != nil || in.Token == nil {
		s.violate(c, "S-018", "IDENTIFY could not be decoded")
		c.close(4002, "Error while decoding payload.", true)
		return
	}
	app, known := s.authenticate(*in.Token)
	if known != nil {
		c.known = known
		c.log.App = known.app.ID
	}
	if app == nil {
		c.close(4004, "Authentication failed.", true)
		return
	}
	c.manners(*in.Token, in.Properties, in.Compress)
	id := identify{app: app, token: *in.Token, threshold: in.Threshold, compress: in.Compress && c.pack.plain(), shard: [2]int{0, 1}}
	if json.Unmarshal(in.Intents, &id.intents) != nil || len(in.Intents) == 0 || string(in.Intents) == "null" || id.intents < 0 || id.intents&^documentedIntents != 0 {
		s.violate(c, "S-020", "IDENTIFY carried unknown intents")
		c.close(4013, "Invalid intent(s).", true)
		return
	}
	if names := refusedIntents(id.intents, app.Flags); len(names) > 0 {
		known.tally.refusedIntents++
		c.close(4014, "Disallowed intent(s).", true)
		return
	}
	if !c.readShard(in.Shard, &id) {
		return
	}
	var ok bool
	if id.presence, ok = readPresence(in.Presence, true); !ok {
		s.violate(c, "G-102", "the presence in IDENTIFY is malformed")
		c.close(4002, "Error while decoding payload.", true)
		return
	}
	c.start(id)
}

// authenticate finds the app of a token as the gateway takes it: raw or with
// the Bot prefix (S-019). The bot is also found for a token that is no longer
// good.
func (s *Sim) authenticate(token string) (*App, *bot) {
	raw := strings.TrimPrefix(token, "Bot ")
	if app := s.tokens[raw]; app != nil {
		return app, s.bots[app.ID]
	}
	for _, b := range s.bots {
		if b.oldTokens[raw] {
			return nil, b
		}
	}
	return nil, nil
}

// manners notes what Discord lets pass and a good client does not do.
func (c *conn) manners(token string, properties json.RawMessage, compress bool) {
	s := c.sim
	if strings.HasPrefix(token, "Bot ") {
		s.violate(c, "G-033", `the token came with the "Bot " prefix`)
	}
	var p map[string]string
	if json.Unmarshal(properties, &p) != nil || p["os"]+p["$os"] == "" || p["browser"]+p["$browser"] == "" || p["device"]+p["$device"] == "" {
		s.violate(c, "G-033", "IDENTIFY lacks properties")
	}
	if compress && !c.pack.plain() {
		s.violate(c, "G-036", "IDENTIFY asked for payload compression beside transport compression")
	}
	if !c.base {
		s.violate(c, "G-009", "IDENTIFY was sent to the resume gateway")
	}
	b := c.known
	if !b.killed.IsZero() && time.Since(b.killed) < time.Minute {
		s.violate(c, "G-088", "a session was ended with 1000 or 1001 and a new one begun")
	}
	b.killed = time.Time{}
}

// readShard checks the shard pair (S-022, S-023).
func (c *conn) readShard(raw json.RawMessage, id *identify) bool {
	s := c.sim
	if len(raw) > 0 && string(raw) != "null" {
		var pair []int
		if json.Unmarshal(raw, &pair) != nil || len(pair) != 2 || pair[1] < 1 || pair[0] < 0 || pair[0] >= pair[1] {
			s.violate(c, "S-022", "the shard pair is impossible")
			c.close(4010, "Invalid shard.", true)
			return false
		}
		id.shard, id.sharded = [2]int{pair[0], pair[1]}, true
	}
	c.wanted = id.shard[0]
	s.net.joined(c)
	if m := id.app.LargeMultiple; m > 1 && id.shard[1]%m != 0 {
		c.close(4010, "Invalid shard.", true)
		return false
	}
	probe := session{shardID: id.shard[0], shards: id.shard[1]}
	n := 0
	for _, g := range id.app.Guilds {
		if probe.routed(g) {
			n++
		}
	}
	if s.cfg.MaxGuilds > 0 && n > s.cfg.MaxGuilds {
		c.close(4011, "Sharding required.", true)
		return false
	}
	return true
}

// start spends the budget and begins the session (S-024 to S-027, S-032).
func (c *conn) start(id identify) {
	s, b := c.sim, c.known
	now := time.Now()
	_, remaining, _ := s.startLimitLocked(id.app)
	if remaining == 0 {
		s.violate(c, "G-041", "IDENTIFY was sent although the budget is used up")
		b.tally.exhausted++
		s.resetTokenLocked(id.app)
		c.close(4004, "Authentication failed.", true)
		return
	}
	key := id.shard[0] % max(1, id.app.MaxConcurrency)
	last, before := b.identified[key]
	b.identified[key] = now
	b.tally.identified(now, last)
	early := before && s.cfg.IdentifyWindow > 0 && now.Sub(last) < s.cfg.IdentifyWindow
	if early {
		s.violate(c, "G-038", fmt.Sprintf("IDENTIFY came %s after the last one of its key", now.Sub(last).Round(time.Millisecond)))
	}
	if !early || s.cfg.CountRejected {
		s.spendStart(id.app)
	}
	switch {
	case early:
		c.later(s.cfg.InvalidDelay, func() { c.invalidate(false) })
	case s.strikes("ready-op9", c.place()) != nil:
		c.later(s.cfg.InvalidDelay, func() { c.invalidate(false) })
	case c.alwaysClose():
	case s.strikes("no-ready", c.place()) != nil:
		c.pending = &id
	default:
		c.ready(id)
	}
}

// alwaysClose closes a connection that has asked for a session, when the fault
// says so.
func (c *conn) alwaysClose() bool {
	a := c.sim.strikes("always-close", c.place())
	if a == nil {
		return false
	}
	code := a.Code
	if code == 0 {
		code = 4000
	}
	c.close(code, a.Text, true)
	return true
}

// resume is op 6 (S-046 to S-057).
func (c *conn) resume(d json.RawMessage) {
	s := c.sim
	if c.session != nil || c.pending != nil {
		s.violate(c, "S-017", "RESUME was sent on an authenticated connection")
		c.close(4005, "Already authenticated.", true)
		return
	}
	var in struct {
		Token   *string `json:"token"`
		Session *string `json:"session_id"`
		Seq     *int64  `json:"seq"`
	}
	if err := json.Unmarshal(d, &in); err != nil || in.Token == nil || in.Session == nil || in.Seq == nil {
		s.violate(c, "S-018", "RESUME could not be decoded")
		c.close(4002, "Error while decoding payload.", true)
		return
	}
	app, known := s.authenticate(*in.Token)
	if known != nil {
		c.known = known
		c.log.App = known.app.ID
		known.tally.resumes++
	}
	sess := s.sessions[*in.Session]
	if sess != nil {
		c.wanted = sess.shardID
		s.net.joined(c)
	}
	switch {
	case c.alwaysClose():
		return
	case s.strikes("stuck-session", c.place()) != nil:
		if sess != nil {
			c.cut()
			return
		}
		c.invalidate(false)
		return
	case s.strikes("resume-silent", c.place()) != nil:
		return
	case s.strikes("resume-op9-true", c.place()) != nil:
		c.invalidate(true)
		return
	case s.strikes("resume-op9-false", c.place()) != nil:
		if sess != nil {
			sess.end(endedByServer)
		}
		c.invalidate(false)
		return
	}
	switch {
	case app == nil, sess != nil && app != sess.bot.app:
		if s.cfg.WrongTokenIs4004 {
			c.close(4004, "Authentication failed.", true)
			return
		}
		c.invalidate(false)
	case sess == nil:
		if _, died := s.dead[*in.Session]; !died {
			s.violate(c, "G-065", "RESUME named a session that never was")
		}
		c.invalidate(false)
	case *in.Seq > sess.seq:
		s.violate(c, "G-065", fmt.Sprintf("RESUME from sequence %d, the newest is %d", *in.Seq, sess.seq))
		sess.end(endedByClient)
		c.close(4007, "Invalid seq.", true)
	case *in.Seq < sess.gone:
		sess.end(endedByServer)
		if s.cfg.TooOldIs4007 {
			c.close(4007, "Invalid seq.", true)
			return
		}
		c.invalidate(false)
	default:
		if strings.HasPrefix(*in.Token, "Bot ") {
			s.violate(c, "G-065", `the token in RESUME came with the "Bot " prefix`)
		}
		if c.base {
			c.log.BaseResume = true
			if s.cfg.BaseResumeCut > 0 {
				c.later(s.cfg.BaseResumeCut, c.cut)
			}
			if !s.resumeHostWasDown() {
				s.violate(c, "G-008", "RESUME was sent to the base gateway although the resume gateway could be reached")
			}
		}
		sess.resume(c, *in.Seq)
	}
}

// resumeTrouble are the faults after which going to the base gateway is right
// (G-010).
var resumeTrouble = []string{"resume-dead", "refuse", "dns", "tls", "offline", "unreachable", "upgrade-status", "upgrade-html", "upgrade-stall", "no-wss", "no-hello", "outage", "op7-first"}

// resumeHostWasDown reports whether something kept clients from the resume
// gateway within the last minutes.
func (s *Sim) resumeHostWasDown() bool {
	for i := len(s.struck) - 1; i >= 0; i-- {
		a := s.struck[i]
		if !a.Ended.IsZero() && time.Since(a.Ended) > 5*time.Minute {
			continue
		}
		for _, name := range resumeTrouble {
			if a.Name == name {
				return true
			}
		}
	}
	return false
}

// setPresence is op 3 (S-076).
func (c *conn) setPresence(d json.RawMessage) {
	s, sess := c.sim, c.session
	p, ok := readPresence(d, false)
	if !ok {
		s.violate(c, "G-102", "a presence update is malformed")
		c.close(4002, "Error while decoding payload.", true)
		return
	}
	now := time.Now()
	for len(sess.updates) > 0 && now.Sub(sess.updates[0]) >= s.cfg.PresenceWindow {
		sess.updates = sess.updates[1:]
	}
	sess.updates = append(sess.updates, now)
	b := sess.bot
	b.tally.presences++
	b.tally.maxPresences = max(b.tally.maxPresences, len(sess.updates))
	if s.cfg.PresenceLimit > 0 && len(sess.updates) > s.cfg.PresenceLimit {
		s.violate(c, "G-101", fmt.Sprintf("more than %d presence updates came in %s", s.cfg.PresenceLimit, s.cfg.PresenceWindow))
		sess.updates = sess.updates[:len(sess.updates)-1]
		return
	}
	sess.presence = p
	b.look()
}

// presenceStatuses are the five values (G-102).
var presenceStatuses = map[string]bool{"online": true, "dnd": true, "idle": true, "invisible": true, "offline": true}

// activityFields are what a bot may set.
var activityFields = map[string]bool{"name": true, "type": true, "state": true, "url": true}

// readPresence reads op 3, or the presence of IDENTIFY, which may be absent.
func readPresence(raw json.RawMessage, optional bool) (presence, bool) {
	if len(bytes.TrimSpace(raw)) == 0 || string(raw) == "null" {
		return presence{status: "online", activities: []any{}}, optional
	}
	var in struct {
		Since      json.RawMessage   `json:"since"`
		Activities *[]map[string]any `json:"activities"`
		Status     *string           `json:"status"`
		AFK        *bool             `json:"afk"`
	}
	if json.Unmarshal(raw, &in) != nil || in.Status == nil || !presenceStatuses[*in.Status] || in.Activities == nil {
		return presence{}, false
	}
	if !optional && (in.AFK == nil || in.Since == nil) {
		return presence{}, false
	}
	p := presence{status: *in.Status, activities: []any{}}
	for _, a := range *in.Activities {
		name, _ := a["name"].(string)
		if _, typed := a["type"].(float64); name == "" || !typed {
			return presence{}, false
		}
		for field := range a {
			if !activityFields[field] {
				return presence{}, false
			}
		}
		p.activities = append(p.activities, a)
	}
	return p, true
}
