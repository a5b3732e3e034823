package discordsim

import (
	"encoding/json"
	"fmt"
	"time"

	"evergreen/discordsim/internal/etf"
)

// The opcodes.
const (
	opUnknown    = -1 // in the log: no opcode could be read
	opDispatch   = 0
	opHeartbeat  = 1
	opIdentify   = 2
	opPresence   = 3
	opVoice      = 4
	opResume     = 6
	opReconnect  = 7
	opMembers    = 8
	opInvalid    = 9
	opHello      = 10
	opACK        = 11
	opSoundboard = 31
	opChannels   = 43
)

// sendable are the opcodes a client may send; all others close with 4001.
var sendable = map[int]func(*conn, json.RawMessage){
	opHeartbeat:  (*conn).heartbeat,
	opIdentify:   (*conn).identify,
	opPresence:   (*conn).setPresence,
	opVoice:      (*conn).updateVoiceState,
	opResume:     (*conn).resume,
	opMembers:    (*conn).requestMembers,
	opSoundboard: (*conn).requestSoundboard,
	opChannels:   (*conn).requestChannelInfo,
}

// The close reasons Discord gives for payloads it does not take.
const (
	reasonDecode   = "Error while decoding payload."
	reasonOpcode   = "Unknown opcode."
	reasonTwice    = "Already authenticated."
	reasonToken    = "Authentication failed."
	reasonSequence = "Invalid seq."
)

// receive checks one payload of the client, in Discord's order, and handles it
// (S-011 to S-015).
func (c *conn) receive(binary bool, raw []byte) {
	s := c.sim
	if c.tooSoon(c.helloAt) {
		s.violate(c, "G-014", "a payload was sent before HELLO")
	}
	limit := s.cfg.Limits.PayloadBytes
	tooLong := len(raw) > maxRead || (limit > 0 && len(raw) > limit)
	op, d, bad := opUnknown, json.RawMessage(nil), tooLong || binary != c.etf
	if c.etf && !bad {
		var err error
		raw, err = etf.ToJSON(raw)
		bad = err != nil
	}
	if !bad {
		op, d, bad = readPayload(raw)
	}
	c.log.logFrame(false, op, "", 0, len(raw), s.cfg.LogFrames)
	c.log.logClient(s.clientPayload(op, d))
	switch {
	case tooLong:
		s.violate(c, "G-103", fmt.Sprintf("a payload of %d bytes was sent", len(raw)))
		c.close(4002, reasonDecode)
		return
	case bad:
		s.violate(c, "S-012", "a payload could not be decoded")
		c.close(4002, reasonDecode)
		return
	case c.overSendLimit():
		s.violate(c, "G-099", fmt.Sprintf("more than %d payloads were sent in %s", s.cfg.Limits.Sends, s.cfg.Limits.SendWindow))
		c.close(4008, "Rate limited.")
		return
	}
	act := sendable[op]
	if act == nil {
		s.violate(c, "S-014", fmt.Sprintf("opcode %d was sent", op))
		c.close(4001, reasonOpcode)
		return
	}
	if op != opHeartbeat && op != opIdentify && op != opResume {
		switch {
		case c.session == nil && (c.invalidSwallowed || time.Since(c.invalidatedAt) < 2*s.net.delay()):
			return // it was sent before op 9 arrived, or op 9 never arrives
		case c.session == nil:
			s.violate(c, "G-104", fmt.Sprintf("opcode %d was sent without a session", op))
			c.close(4003, "Not authenticated.")
			return
		case c.tooSoon(c.sessionAt):
			s.violate(c, "G-104", fmt.Sprintf("opcode %d was sent before READY or RESUMED could have arrived", op))
		}
	}
	act(c, d)
}

// readPayload reads the envelope of a client's payload; d may be set although bad
// is.
func readPayload(raw []byte) (op int, d json.RawMessage, bad bool) {
	var p struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if json.Unmarshal(raw, &p) != nil || p.Op == nil {
		return opUnknown, p.D, true
	}
	return *p.Op, p.D, false
}

// tooSoon reports whether a payload that has just arrived was certainly sent
// before the client could have received what was sent at a time; zero is never.
func (c *conn) tooSoon(sent time.Time) bool {
	roundTrip := 2 * max(0, c.sim.cfg.Latency)
	return sent.IsZero() || (len(c.sim.faults["latency"]) == 0 && time.Since(sent) < roundTrip)
}

// overSendLimit counts a payload and reports whether it is one too many (S-013).
func (c *conn) overSendLimit() bool {
	cfg := &c.sim.cfg
	now := time.Now()
	if cfg.Limits.FixedSendWindow && len(c.sentAt) > 0 && now.Sub(c.sentAt[0]) >= cfg.Limits.SendWindow {
		c.sentAt = c.sentAt[:0]
	}
	for !cfg.Limits.FixedSendWindow && len(c.sentAt) > 0 && now.Sub(c.sentAt[0]) >= cfg.Limits.SendWindow {
		c.sentAt = c.sentAt[1:]
	}
	c.sentAt = append(c.sentAt, now)
	if c.bot != nil {
		c.bot.counts.MaxSends = max(c.bot.counts.MaxSends, len(c.sentAt))
	}
	return cfg.Limits.Sends > 0 && len(c.sentAt) > cfg.Limits.Sends
}
