package logging

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Made up, in the shape of a bot token: id, time, signature.
const (
	fakeID    = "MTIzNDU2Nzg5MDEyMzQ1Njc4"
	fakeHMAC  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ01"
	fakeToken = fakeID + ".GabcDE." + fakeHMAC
	apiToken  = "p@ss/word+with=signs&more"
)

// leaks reports whether any telling part of a secret is in text.
func leaks(text string) bool {
	for _, part := range []string{fakeHMAC, apiToken, url.QueryEscape(apiToken), url.PathEscape(apiToken), fakeHMAC[:20]} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// A secret that is known is found in every shape in which libraries print it.
func TestKnownSecrets(t *testing.T) {
	basic := func(login string) string { return base64.StdEncoding.EncodeToString([]byte(login)) }
	r := NewRedactor("Bot "+fakeToken, apiToken, "short", "")
	_, urlError := url.Parse(strings.Join([]string{"https://host/%zz?token", fakeToken}, "="))
	for _, text := range []string{
		fakeToken, "Bot " + fakeToken, "bot " + fakeToken, "x" + fakeToken + "y", fakeHMAC,
		apiToken, url.QueryEscape(apiToken), url.PathEscape(apiToken), fmt.Sprintf("%q", apiToken),
		fmt.Sprintf("%x", fakeToken), fmt.Sprintf("%X", fakeToken),
		urlError.Error(),
		(&url.Error{Op: "Get", URL: "https://x/?key=" + url.QueryEscape(apiToken), Err: errors.New("refused")}).Error(),
		fmt.Sprint(http.Header{"Authorization": {"Bot " + fakeToken}}),
		fmt.Sprintf("%+v", struct{ token string }{fakeToken}),
	} {
		if got := r.Redact(text); leaks(got) || !strings.Contains(got, Redacted) {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	for _, name := range []string{"", "u", "us", "user:", "user::"} {
		text := basic(name + fakeToken + "!")
		if got := r.Redact("x " + text + " y"); len(got) > len(Redacted)+len("x  y")+8+len(name)*2 {
			t.Errorf("base64 after %q leaves %q of %q", name, got, text)
		}
	}
	if got := r.Redact("a short text of bots"); got != "a short text of bots" {
		t.Errorf("an ordinary text becomes %q", got)
	}
}

// Credentials nobody told of are found by their looks.
func TestUnknownSecrets(t *testing.T) {
	r := &Redactor{}
	for text, want := range map[string]string{
		"got " + fakeToken + ".":                                                    "got [redacted].",
		"x=" + fakeID[:23] + ".abcdef." + fakeHMAC[:27]:                             "x=[redacted]",
		"Authorization: Bot abc.def":                                                "Authorization: [redacted]",
		"map[Authorization:[Bot abc] Accept:[*/*]]":                                 "map[Authorization:[[redacted]] Accept:[*/*]]",
		`{"authorization":"Bearer abc","x":1}`:                                      `{"authorization":"[redacted]","x":1}`,
		"AUTHORIZATION=abc":                                                         "AUTHORIZATION=[redacted]",
		"sent Bearer abcdefghijklmnopqrstuvwxyz012345 along":                        "sent Bearer [redacted] along",
		"https://discord.com/api/v10/webhooks/123456789012345678/aBc-_9/messages/1": "https://discord.com/api/v10/webhooks/123456789012345678/[redacted]/messages/1",
		"POST /api/v10/interactions/12345/aW50ZXJhY3Rpb24/callback: 404":            "POST /api/v10/interactions/12345/[redacted]/callback: 404",
		"dial wss://user:pa@ss@gateway.example:443/x?y":                             "dial wss://[redacted]@gateway.example:443/x?y",
		"proxy http://user@proxy:3128":                                              "proxy http://[redacted]@proxy:3128",
		`{"op":2,"d":{"token":"whatever it is","x":1}}`:                             `{"op":2,"d":{"token":"[redacted]","x":1}}`,
		`"{\"refresh_token\": \"abc\"}"`:                                            `"{\"refresh_token\": \"[redacted]\"}"`,
		"GET /x?access_token=abc&y=1":                                               "GET /x?access_token=[redacted]&y=1",
		"GET /x?client_secret=abc":                                                  "GET /x?client_secret=[redacted]",
	} {
		got := r.Redact(text)
		if got != want {
			t.Errorf("%q becomes %q", text, got)
		}
		if again := r.Redact(got); again != got {
			t.Errorf("twice redacted: %q", again)
		}
	}
}

// Ordinary lines stay as they are.
func TestNothingElseIsRedacted(t *testing.T) {
	r := NewRedactor(fakeToken)
	for _, text := range []string{
		"", "Bot has been offline for 31.0 minutes: the host slept", "Bot reconnected", "Basic checks passed",
		"https://discord.com/developers/applications", "see https://discordstatus.com, or mail a@b.example",
		"wss://gateway-us-east1-b.discord.gg/?compress=zlib-stream&encoding=json&v=10",
		"the token is missing; put DISCORD_TOKEN into .env", "/webhooks/ and /interactions/ are paths",
		"v1.27.2-0.20231110203233-9a3e6036ecaa", "Discord refused the bot token: 401",
	} {
		if got := r.Redact(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// The token never appears in a log, whichever way it gets there: message, key,
// value, group, error, structure, LogValuer or header, text or JSON, console or
// file, given before or after it was known.
//
// Statements: G-157.
func TestTokenNeverReachesTheLog(t *testing.T) {
	for _, format := range []Format{Text, JSON} {
		path := t.TempDir() + "/bot.log"
		l, console := newLogger(t, Options{Level: slog.LevelDebug, Format: format, File: path})
		log := l.With("early", "Bot "+fakeToken, slog.Group("g", "deep", apiToken)).WithGroup(apiToken)
		l.Redactor.Add(fakeToken, apiToken) // known only now
		log.Info("sent Bot "+fakeToken,
			fakeToken, apiToken,
			"err", fmt.Errorf("get: %w", &url.Error{Op: "Get", URL: "https://" + url.UserPassword("bot", apiToken).String() + "@host/?t=" + fakeToken, Err: errors.New(fakeToken)}),
			"struct", struct {
				Token string
				inner *string
			}{Token: fakeToken},
			"map", map[string]any{"k": []string{fakeToken}}, "bytes", []byte(fakeToken), "raw", json.RawMessage(apiToken),
			"header", http.Header{"Authorization": {"Bot " + fakeToken}}, "valuer", valuer{}, "stringer", bytes.NewBufferString(fakeToken),
			slog.Group("a", slog.Group("b", "c", errors.New(apiToken))),
			"cut", strings.Repeat("x", maxText-20)+fakeToken)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for where, text := range map[string]string{"console": console.String(), "file": read(t, path)} {
			if leaks(text) || !strings.Contains(text, Redacted) {
				t.Errorf("%s, %s: %s", format, where, text)
			}
		}
	}
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.GroupValue(slog.String("t", fakeToken)) }

// The quick look before a pattern never spares a text that the pattern would find
// something in, however the pieces of it are put together.
func TestQuickLooks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{
		".", "..", " ", "@", "://", "https://", "user:pw", "host", "Bot", "Bot ", "Bearer%20", "Basic+", "\"", "-", "é",
		fakeID, fakeID[:22], fakeID[:1], fakeID + "abcdef", "GabcDE", "GabcDEf", fakeHMAC, fakeHMAC[:26], fakeHMAC[:27],
	}
	some := func(n int) (text string) {
		for range r.IntN(n) {
			text += pieces[r.IntN(len(pieces))]
		}
		return text
	}
	found := make([]int, len(patterns))
	for range 20_000 {
		text := some(8)
		if r.IntN(4) == 0 { // what is nearly a token
			text += some(2) + fakeID[r.IntN(3):] + "." + "GabcDEfg"[:5+r.IntN(4)] + "." + fakeHMAC[:24+r.IntN(15)] + some(3)
		}
		for n, l := range patterns {
			if l.maybe == nil || !l.pattern.MatchString(text) {
				continue
			}
			if found[n]++; !l.maybe(text) || len(text) < l.least || !strings.Contains(text, l.sign) {
				t.Fatalf("%q would be spared, but %s finds %q", text, l.pattern, l.pattern.FindString(text))
			}
		}
	}
	for n, l := range patterns {
		if l.maybe != nil && found[n] < 100 {
			t.Errorf("%s was put to the test only %d times", l.pattern, found[n])
		}
	}
}
