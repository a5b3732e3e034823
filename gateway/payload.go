package gateway

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
)

// maxPayload is the largest payload Discord accepts from a client, in bytes
// (G-103).
const maxPayload = 4096

type outgoing struct {
	Op Opcode `json:"op"`
	D  any    `json:"d"`
}

type identifyData struct {
	Token          string            `json:"token"`
	Properties     map[string]string `json:"properties"`
	Intents        Intents           `json:"intents"`
	LargeThreshold int               `json:"large_threshold,omitempty"`
	Shard          *[2]int           `json:"shard,omitempty"`
	Presence       *Presence         `json:"presence,omitempty"`
}

// identifyPayload builds op 2 (G-033, G-034, G-036): the raw token, no compress field
// beside a transport compression, and the first presence.
func identifyPayload(o *Options, c Credentials, presence *Presence) ([]byte, error) {
	d := identifyData{
		Token: c.Token,
		Properties: map[string]string{
			"os": runtime.GOOS, "browser": o.Properties, "device": o.Properties,
		},
		Intents:        c.Intents,
		LargeThreshold: o.LargeThreshold,
		Presence:       presence,
	}
	if o.Shard.Count > 0 {
		d.Shard = &[2]int{o.Shard.ID, o.Shard.Count}
	}
	return encode(opIdentify, d)
}

type resumeData struct {
	Token     string `json:"token"`
	SessionID string `json:"session_id"`
	Seq       int64  `json:"seq"`
}

// resumePayload builds op 6 (G-065).
func resumePayload(token string, s Session) ([]byte, error) {
	return encode(opResume, resumeData{token, s.ID, s.Seq})
}

// encode builds a payload. It refuses one that Discord would close the connection for.
func encode(op Opcode, d any) ([]byte, error) {
	raw, err := json.Marshal(outgoing{op, d})
	if err != nil {
		return nil, fmt.Errorf("%s payload: %w", op, err)
	}
	if len(raw) > maxPayload {
		return nil, fmt.Errorf("%s payload has %d bytes: %w", op, len(raw), ErrTooLarge)
	}
	return raw, nil
}

// readyData is what a shard needs of READY, read field by field so that a
// mistyped one costs only itself (G-049).
type readyData struct {
	sessionID, resumeURL string
	ready                Ready
}

func parseReady(d []byte) (readyData, error) {
	var fields struct {
		SessionID   json.RawMessage `json:"session_id"`
		ResumeURL   json.RawMessage `json:"resume_gateway_url"`
		User        json.RawMessage `json:"user"`
		Guilds      json.RawMessage `json:"guilds"`
		Application json.RawMessage `json:"application"`
	}
	_ = json.Unmarshal(d, &fields)
	var user, application struct {
		ID       json.RawMessage `json:"id"`
		Username json.RawMessage `json:"username"`
		Flags    json.RawMessage `json:"flags"`
		FlagsNew json.RawMessage `json:"flags_new"`
	}
	var guilds []json.RawMessage
	_ = json.Unmarshal(fields.User, &user)
	_ = json.Unmarshal(fields.Application, &application)
	_ = json.Unmarshal(fields.Guilds, &guilds)
	var out readyData
	out.sessionID, out.resumeURL = text(fields.SessionID), text(fields.ResumeURL)
	if out.sessionID == "" { // also where d is no object
		return out, fmt.Errorf("READY has no session_id")
	}
	flags, err := strconv.ParseUint(text(application.FlagsNew), 10, 64)
	if err != nil {
		flags, _ = strconv.ParseUint(text(application.Flags), 10, 64)
	}
	out.ready = Ready{
		SessionID: out.sessionID, UserID: text(user.ID), Username: text(user.Username),
		ApplicationID: text(application.ID), ApplicationFlags: flags, Guilds: len(guilds),
	}
	return out, nil
}

// text reads a JSON string, or a number as its digits (G-111); anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if _, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		return string(raw)
	}
	return ""
}
