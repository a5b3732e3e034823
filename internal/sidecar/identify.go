package sidecar

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"evergreen/gateway"
	"evergreen/internal/bounds"
	"evergreen/internal/sidecar/line"
)

// identify is the d of an IDENTIFY, as far as it matters here.
type identify struct {
	Token      string `json:"token"`
	Properties struct {
		OS      string `json:"os"`
		Browser string `json:"browser"`
		Device  string `json:"device"`
		// Older libraries write the names with a dollar.
		OldBrowser string `json:"$browser"`
	} `json:"properties"`
	Compress       bool            `json:"compress"`
	LargeThreshold int             `json:"large_threshold"`
	Shard          *[2]int         `json:"shard"`
	Presence       json.RawMessage `json:"presence"`
	Intents        gateway.Intents `json:"intents"`
}

// parseIdentify reads an IDENTIFY. The error is a [*line.CloseError].
func parseIdentify(d []byte) (identify, error) {
	var i identify
	if err := json.Unmarshal(d, &i); err != nil {
		return i, &line.CloseError{Code: line.CloseDecodeError, Reason: "IDENTIFY cannot be read: " + jsonTrouble(err)}
	}
	if i.Shard == nil {
		i.Shard = &[2]int{0, 1}
	}
	if id, count := i.Shard[0], i.Shard[1]; id < 0 || count < 1 || id >= count || count > bounds.MaxShards {
		return i, &line.CloseError{Code: line.CloseInvalidShard, Reason: "Invalid shard."}
	}
	return i, nil
}

// library returns the name that the client gives its library, for people.
func (i identify) library() string {
	name := i.Properties.Browser
	if name == "" {
		name = i.Properties.OldBrowser
	}
	name = strings.ToValidUTF8(name, "")
	if utf8.RuneCountInString(name) > 64 {
		name = string([]rune(name)[:64])
	}
	return name
}

// versionNumber is a version in the name of a library, as in "DiscordGo v0.29.0".
var versionNumber = regexp.MustCompile(`\bv?([0-9]+\.[0-9]+(?:\.[0-9]+)?[0-9A-Za-z.+-]*)`)

// userAgentVersion is the version in a User-Agent of the form that Discord documents,
// with the comma or, as discord.py writes it, without.
var userAgentVersion = regexp.MustCompile(`^DiscordBot \([^\s,)]+,? v?([0-9]+\.[0-9]+[0-9A-Za-z.+-]*)`)

// nameAndVersion takes apart what a client calls its library. Where that names no version,
// the User-Agent of its upgrade request may: discord.py names it only there.
func nameAndVersion(library, userAgent string) (name, version string) {
	if at := versionNumber.FindStringSubmatchIndex(library); at != nil {
		name = strings.TrimRight(library[:at[0]], " (/-,;")
		return cmp.Or(name, library), library[at[2]:at[3]]
	}
	if found := userAgentVersion.FindStringSubmatch(userAgent); found != nil && len(found[1]) <= 32 {
		version = found[1]
	}
	return library, version
}

// resume is the d of a RESUME.
type resume struct {
	Token     string `json:"token"`
	SessionID string `json:"session_id"`
	Seq       int64  `json:"seq"`
}

// parseResume reads a RESUME. The error is a [*line.CloseError].
func parseResume(d []byte) (resume, error) {
	var r resume
	if err := json.Unmarshal(d, &r); err != nil {
		return r, &line.CloseError{Code: line.CloseDecodeError, Reason: "RESUME cannot be read: " + jsonTrouble(err)}
	}
	return r, nil
}

// jsonTrouble says what is wrong with a payload without its content.
func jsonTrouble(err error) string {
	if wrong, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // json.Unmarshal wraps nothing
		return fmt.Sprintf("%s must not be a JSON %s", wrong.Field, wrong.Value)
	}
	return "its fields have other types than Discord's documentation says"
}

// isToken compares a token that a client presents, with or without "Bot ", in constant
// time.
func isToken(presented, token string) bool {
	a, b := sha256.Sum256([]byte(strings.TrimPrefix(presented, "Bot "))), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// applicationOf returns the id of the application that a bot token belongs to, which is
// no secret: the token begins with it. It is empty for what is no token.
func applicationOf(token string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(token, "Bot "), ".")
	id, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(first, "="))
	if err != nil || len(id) < 15 || len(id) > 20 || strings.Trim(string(id), "0123456789") != "" {
		return ""
	}
	return string(id)
}

// readPresence reads the presence of an IDENTIFY or a presence update as libraries write
// it: with activities, or with one game as it was called before; a status that is missing
// is online. Only what bots may set is kept. An error says what Discord would refuse.
func readPresence(d []byte) (gateway.Presence, error) {
	var sent struct {
		Since      *float64           `json:"since"`
		Status     *string            `json:"status"`
		AFK        bool               `json:"afk"`
		Game       *gateway.Activity  `json:"game"`
		Activities []gateway.Activity `json:"activities"`
	}
	if err := json.Unmarshal(d, &sent); err != nil {
		return gateway.Presence{}, fmt.Errorf("the presence cannot be read: %s", jsonTrouble(err))
	}
	p := gateway.Presence{Status: gateway.StatusOnline, AFK: sent.AFK, Activities: sent.Activities}
	if sent.Status != nil && *sent.Status != "" {
		p.Status = gateway.Status(*sent.Status)
	}
	if sent.Since != nil {
		since := int64(*sent.Since)
		p.Since = &since
	}
	if sent.Activities == nil && sent.Game != nil && sent.Game.Name != "" {
		p.Activities = []gateway.Activity{*sent.Game}
	}
	return p, p.Validate()
}
