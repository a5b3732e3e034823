package tokenlock

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// domain is the key of the fingerprint's HMAC, so that it is of no use as a
// hash of the token anywhere else. It is part of what is stored and never
// changes.
const domain = "evergreen: fingerprint of a bot token, 1"

// Fingerprint stands for a bot token wherever something has to be kept on
// disk: two are equal when their tokens are, and nothing leads back to the
// token (G-157). Comparable; the zero Fingerprint belongs to no token.
type Fingerprint struct{ bot, hash string }

// FingerprintOf returns the fingerprint of a token.
func FingerprintOf(token string) Fingerprint {
	mac := hmac.New(sha256.New, []byte(domain))
	mac.Write([]byte(token))
	return Fingerprint{bot: botID(token), hash: hex.EncodeToString(mac.Sum(nil)[:16])}
}

// String is 32 hexadecimal digits of an HMAC of the token.
func (f Fingerprint) String() string { return f.hash }

// Bot is the id of the bot's user, which is public and stays the same when the
// token is reset; empty if the token does not have Discord's usual shape.
func (f Fingerprint) Bot() string { return f.bot }

// Name tells bots apart in file names: the bot's id, or for tokens of an
// unusual shape the beginning of the fingerprint.
func (f Fingerprint) Name() string {
	if f.bot != "" {
		return f.bot
	}
	return f.short()
}

// short is enough of the fingerprint for a file name.
func (f Fingerprint) short() string { return f.hash[:min(len(f.hash), 16)] }

// botID reads the id that Discord puts into the first part of a bot token.
func botID(token string) string {
	first, _, found := strings.Cut(token, ".")
	if !found {
		return ""
	}
	id, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(first, "="))
	if err != nil || len(id) < 15 || len(id) > 20 || strings.Trim(string(id), "0123456789") != "" {
		return ""
	}
	return string(id)
}
