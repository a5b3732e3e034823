package discordsim

import (
	"encoding/json"
	"strconv"
	"strings"
)

// ClientPayload is what a client's heartbeat, IDENTIFY or RESUME said, without
// its secrets.
type ClientPayload struct {
	// Null says that the d of a heartbeat was null. Seq is its number otherwise,
	// and the number a RESUME wants to go on from; -1 for something else.
	Null bool
	Seq  int64
	// Token is how an IDENTIFY or RESUME brought the token: "raw" or "prefixed",
	// "former" for one that was reset, "wrong" for any other.
	Token string
	// Session is the session a RESUME names.
	Session string
	// Intents, Shards (id and count; nil for none) and the rest are an
	// IDENTIFY's.
	Intents    int64
	Shard      []int
	Presence   bool
	Properties bool // all three are there
	Compress   bool
}

// clientPayload reads a payload of the client for the log; nil for what is not
// logged in detail.
func (s *Sim) clientPayload(op int, d json.RawMessage) *ClientPayload {
	if s.cfg.LogFrames <= 0 {
		return nil
	}
	p := &ClientPayload{Seq: -1}
	switch op {
	case opHeartbeat:
		p.Null = len(d) == 0 || isNull(d)
		if seq, err := strconv.ParseInt(string(d), 10, 64); err == nil {
			p.Seq = seq
		}
	case opResume:
		var in struct {
			Token   string `json:"token"`
			Session string `json:"session_id"`
			Seq     *int64 `json:"seq"`
		}
		if json.Unmarshal(d, &in) == nil && in.Seq != nil {
			p.Seq = *in.Seq
		}
		p.Token, p.Session = s.tokenForm(in.Token), string(clip([]byte(in.Session)))
	case opIdentify:
		var in struct {
			Token      string                     `json:"token"`
			Intents    int64                      `json:"intents"`
			Shard      []int                      `json:"shard"`
			Presence   json.RawMessage            `json:"presence"`
			Properties map[string]json.RawMessage `json:"properties"`
			Compress   bool                       `json:"compress"`
		}
		_ = json.Unmarshal(d, &in)
		p.Token, p.Intents, p.Shard, p.Compress = s.tokenForm(in.Token), in.Intents, in.Shard, in.Compress
		p.Presence = len(in.Presence) > 0 && !isNull(in.Presence)
		p.Properties = true
		for _, name := range []string{"os", "browser", "device"} {
			_, plain := in.Properties[name]
			_, old := in.Properties["$"+name]
			p.Properties = p.Properties && (plain || old)
		}
	default:
		return nil
	}
	return p
}

// tokenForm says in which form a token came, without the token.
func (s *Sim) tokenForm(token string) string {
	raw, prefixed := strings.CutPrefix(token, "Bot ")
	switch {
	case s.tokens[raw] != nil && prefixed:
		return "prefixed"
	case s.tokens[raw] != nil:
		return "raw"
	case s.formerTokens[raw] != nil:
		return "former"
	}
	return "wrong"
}

// logClient adds what the client said to the frame that was logged last.
func (l *ConnLog) logClient(p *ClientPayload) {
	if n := len(l.Frames); n > 0 && p != nil {
		l.Frames[n-1].Client = p
	}
}
