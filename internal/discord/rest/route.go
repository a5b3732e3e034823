package rest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
)

// route is what a request is about. Everything in it but secrets may be printed.
type route struct {
	method   string
	template string // "/channels/{channel}/messages"
	// resource is the top-level resource that keys a bucket: a channel, a guild
	// or a webhook, or the interaction itself.
	resource string
	// webhook names the webhook of a path that holds its token; the token is
	// only there as a digest.
	webhook string
	// token is the digest of a token in the path.
	token string
	// secrets are the parts of the path that must not be printed.
	secrets []string

	open     bool // needs no Authorization: the path holds a token, or nothing does
	callback bool // the first answer to an interaction
	original bool // the first answer of an interaction, later on
}

// name is the method and the template.
func (r route) name() string { return r.method + " " + r.template }

// apiPrefix is what comes before the part of a path that Discord documents,
// whatever a proxy puts in front of it.
var apiPrefix = regexp.MustCompile(`^.*?/api(/v[0-9]+)?(/|$)`)

// nouns are the names of the ids that follow a word of a path.
var nouns = map[string]string{
	"applications": "{application}",
	"channels":     "{channel}",
	"commands":     "{command}",
	"guilds":       "{guild}",
	"interactions": "{interaction}",
	"messages":     "{message}",
	"users":        "{user}",
	"webhooks":     "{webhook}",
}

// codes are the names of what follows a word of a path and is not an id.
var codes = map[string]string{
	"activity-instances": "{instance}",
	"invites":            "{code}",
	"reactions":          "{emoji}",
	"templates":          "{code}",
}

// topLevel are the words whose id keys a bucket of its own.
var topLevel = map[string]bool{"channels": true, "guilds": true, "webhooks": true, "interactions": true}

// word is a fixed part of a path. No token looks like one.
var word = regexp.MustCompile(`^(@me|@original|[a-z]+(-[a-z]+)*)$`)

// routeOf reads the path of a request. A part that it does not know counts as a
// secret.
func routeOf(req *http.Request) route {
	path := req.URL.EscapedPath()
	if at := apiPrefix.FindStringIndex(path); at != nil {
		path = path[at[1]:]
	}
	segments := strings.Split(strings.Trim(path, "/"), "/")
	r := route{method: cmp.Or(req.Method, http.MethodGet)}
	var template strings.Builder
	before := ""
	for i, s := range segments {
		part := s
		switch {
		case i == 2 && (segments[0] == "webhooks" || segments[0] == "interactions"):
			part = "{token}"
			r.secrets = append(r.secrets, s)
			r.token = digest(s)
			r.open = true
		case isID(s):
			if part = nouns[before]; part == "" {
				part = "{id}"
			}
			if topLevel[before] && r.resource == "" {
				r.resource = strings.TrimSuffix(before, "s") + " " + s
			}
		case codes[before] != "":
			part = codes[before]
		case !word.MatchString(s) || len(s) > 40:
			part = "{}"
			r.secrets = append(r.secrets, s)
		}
		template.WriteString("/" + part)
		before = s
	}
	r.template = template.String()
	switch {
	case r.token == "":
		r.open = r.template == "/gateway"
	case segments[0] == "interactions":
		r.callback = true
	default:
		r.webhook = r.resource + " " + r.token
		r.resource = r.webhook
		r.original = strings.HasSuffix(r.template, "/@original")
	}
	return r
}

func isID(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// digest is a short hash by which equal secrets are recognised.
func digest(secret string) string {
	if secret == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:8])
}

// interactionToken is how the tokens of interactions begin: "interaction:" in
// base64.
const interactionToken = "aW50ZXJhY3Rpb24"

// interaction reports whether the path is that of the webhook of an interaction: requests
// to it do not count against the global limit.
func (r route) interaction() bool {
	return r.original || (r.webhook != "" && strings.HasPrefix(r.secrets[0], interactionToken))
}

// harmless are the POSTs of which a second one changes nothing.
var harmless = map[string]bool{
	"/channels/{channel}/typing":                          true,
	"/users/@me/channels":                                 true,
	"/applications/{application}/commands":                true,
	"/applications/{application}/guilds/{guild}/commands": true,
}

// messages is the route whose requests are repeatable when they carry a nonce.
const messages = "/channels/{channel}/messages"

// repeatable reports whether sending the request twice is the same as sending it
// once. A PATCH sets what it names and nothing else. A message is repeatable with a
// nonce.
func (r route) repeatable(nonce func() bool) bool {
	switch r.method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	case http.MethodPost:
		return harmless[r.template] || (r.template == messages && nonce())
	}
	return false
}
