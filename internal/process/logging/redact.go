package logging

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Redacted is what stands in the place of a secret.
const Redacted = "[redacted]"

// shortestSecret is the length in bytes below which a text is not treated as a
// secret: replacing it would ruin every other line and protect nothing.
const shortestSecret = 6

// Redactor takes secrets out of text: those it was told, in every shape in
// which libraries print them, and whatever looks like a credential of Discord.
// All methods may be called from several goroutines; the zero value knows only
// the looks.
type Redactor struct {
	mu    sync.Mutex
	known []string // every shape of every secret, the longest first
	swap  atomic.Pointer[strings.Replacer]
}

// NewRedactor makes a redactor that knows these secrets.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add makes more secrets known, for example a token that was changed while the
// bot ran; earlier ones stay known. A "Bot " or "Bearer " before one makes no
// difference. Texts shorter than 6 bytes are no secrets and are ignored.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range secrets {
		r.known = append(r.known, encodings(withoutScheme(secret))...)
	}
	slices.SortFunc(r.known, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	r.known = slices.Compact(r.known)
	if len(r.known) == 0 {
		return
	}
	pairs := make([]string, 0, 2*len(r.known))
	for _, shape := range r.known {
		pairs = append(pairs, shape, Redacted)
	}
	r.swap.Store(strings.NewReplacer(pairs...))
}

// Redact returns text without secrets. It is cheap for text that holds none.
func (r *Redactor) Redact(text string) string {
	if known := r.swap.Load(); known != nil {
		text = known.Replace(text)
	}
	for _, l := range patterns {
		if len(text) < l.least || !strings.Contains(text, l.sign) || l.maybe != nil && !l.maybe(text) {
			continue
		}
		text = l.pattern.ReplaceAllStringFunc(text, func(found string) string {
			if strings.Contains(found, Redacted[1:len(Redacted)-1]) {
				return found // text may come by twice
			}
			return l.pattern.ReplaceAllString(found, l.with)
		})
	}
	return text
}

// withoutScheme takes off what stands before a token in an Authorization header.
func withoutScheme(secret string) string {
	secret = strings.TrimSpace(secret)
	for _, scheme := range []string{"Bot ", "Bearer "} {
		if len(secret) > len(scheme) && strings.EqualFold(secret[:len(scheme)], scheme) {
			return strings.TrimSpace(secret[len(scheme):])
		}
	}
	return secret
}

// percentCode is one byte in percent-encoding.
var percentCode = regexp.MustCompile(`%[0-9A-F]{2}`)

// encodings lists how a secret looks when it has been through a URL, a quotation,
// base64 or hex. Of a bot token, the last part alone is the secret half of it.
func encodings(secret string) []string {
	if len(secret) < shortestSecret {
		return nil
	}
	quoted := strconv.Quote(secret)
	list := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.User(secret).String(), quoted[1 : len(quoted)-1],
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for _, shape := range list {
		list = append(list, percentCode.ReplaceAllStringFunc(shape, strings.ToLower))
	}
	if at := strings.LastIndexByte(secret, '.'); at >= 0 && len(secret)-at > 20 {
		list = append(list, secret[at+1:])
	}
	for shift := range 3 {
		list = append(list,
			inBase64(base64.RawStdEncoding, secret, shift), inBase64(base64.RawURLEncoding, secret, shift))
	}
	return slices.DeleteFunc(list, func(shape string) bool { return len(shape) < shortestSecret })
}

// inBase64 returns the characters that a secret always leaves in base64 text
// when it begins shift bytes into a group of three, as in a Basic login where a
// name stands before it.
func inBase64(e *base64.Encoding, secret string, shift int) string {
	text := e.EncodeToString(append(make([]byte, shift), secret...))
	from := []int{0, 2, 3}[shift] // characters that share bits with what stands before
	if (shift+len(secret))%3 != 0 {
		text = text[:len(text)-1] // and with what stands behind
	}
	return text[min(from, len(text)):]
}

// pattern is one thing that is recognised as a secret without being known. The
// pattern is tried only on text that is long enough, holds the sign and may match
// as far as a quick look tells.
type pattern struct {
	sign    string
	least   int
	pattern *regexp.Regexp
	with    string
	maybe   func(text string) bool // nil: always
}

// tokenChar are the characters that the parts of a bot token are made of.
var tokenChar = func() (is [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-" {
		is[c] = true
	}
	return is
}()

// maybeToken reports whether a dot comes after as many characters as a bot's id
// has in its token. No sentence has that.
func maybeToken(text string) bool {
	run := 0
	for n := range len(text) {
		switch c := text[n]; {
		case tokenChar[c]:
			run++
			continue
		case c == '.' && run >= 23:
			return true
		}
		run = 0
	}
	return false
}

// maybeScheme reports whether a text has the name of a scheme.
func maybeScheme(text string) bool {
	return strings.Contains(text, "Bot") || strings.Contains(text, "Bearer") || strings.Contains(text, "Basic")
}

// maybeLogin reports whether a text has what stands between a login and a host.
func maybeLogin(text string) bool { return strings.IndexByte(text, '@') >= 0 }

var authorization = regexp.MustCompile(`(?i)(authorization\\?["']?\]?\s*[:=]\s*[\["'\\]*)(?:(bot|bearer|basic)(?:\s+|%20|\+))?[^\s"'\\,\]})]+`)

// patterns is tried in this order.
var patterns = []pattern{
	// A bot token: the bot's id, a time and a signature.
	{".", 58, regexp.MustCompile(`[A-Za-z0-9_-]{23,30}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}`), Redacted, maybeToken},
	// An Authorization header as HTTP dumps, maps and JSON print it, and a
	// scheme followed by what can only be a credential.
	{"uthorization", 0, authorization, "${1}" + Redacted, nil},
	{"UTHORIZATION", 0, authorization, "${1}" + Redacted, nil},
	{"B", 28, regexp.MustCompile(`\b(Bot|Bearer|Basic)(\s+|%20|\+)[A-Za-z0-9._~+/=-]{24,}`), "${1}${2}" + Redacted, maybeScheme},
	// The token behind a webhook's or an interaction's id in a path.
	{"webhooks", 0, regexp.MustCompile(`(webhooks(?:/|%2F)\d+(?:/|%2F))[A-Za-z0-9._~+=-]+`), "${1}" + Redacted, nil},
	{"interactions", 0, regexp.MustCompile(`(interactions(?:/|%2F)\d+(?:/|%2F))[A-Za-z0-9._~+=-]+`), "${1}" + Redacted, nil},
	// The login in a URL.
	{"://", 0, regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s"'<>?#]*@`), "${1}" + Redacted + "@", maybeLogin},
	// Fields of payloads and queries that hold credentials.
	{"token", 0, regexp.MustCompile(`(\\?"(?:[a-z]+_)?token\\?"\s*:\s*\\?")[^"\\]+`), "${1}" + Redacted, nil},
	{"token=", 0, regexp.MustCompile(`([?&](?:[a-z]+_)?token=)[^&\s"'#]+`), "${1}" + Redacted, nil},
	{"secret", 0, regexp.MustCompile(`([?&"](?:[a-z]+_)?secret(?:"\s*:\s*"|=))[^&\s"'#]+`), "${1}" + Redacted, nil},
}
