package api

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"evergreen/internal/health"
)

//go:embed web
var web embed.FS

// pageTemplates are the pages. Each says its words through its frame.
var pageTemplates = template.Must(template.ParseFS(web, "web/*.html"))

// pageCSP lets a page use what this server itself serves: no other site, nothing
// written into the page.
const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pageFrame is what all pages have in common.
type pageFrame struct {
	tongue
	Page    string // which one it is
	Title   string
	Name    string // of the bot
	Theme   string // light, dark or auto
	StateID string // of the dot; empty where there is none
	// Events is the address of the live stream; empty where the page asks again
	// by itself.
	Events  string
	At      time.Time
	Version string
	// Leave is whether there is a session to leave.
	Leave bool
}

// Lang is the page's language for the html element.
func (f pageFrame) Lang() string { return f.tongue.String() }

// Other is the language to switch to, in its own words.
func (f pageFrame) Other() (other struct{ Tag, Name string }) {
	if f.tongue == thai {
		other.Tag, other.Name = "en", "English"
	} else {
		other.Tag, other.Name = "th", "ไทย"
	}
	return other
}

// Themes are the choices of appearance.
func (pageFrame) Themes() []string { return []string{"auto", "light", "dark"} }

// Asset is the address of a file of the page. It changes with the content, so
// that a browser may keep it for good.
func (pageFrame) Asset(name string) string { return "/assets/" + name + "?v=" + assetSums[name] }

// Words are what the page's script says by itself.
func (f pageFrame) Words() (string, error) {
	words := map[string]string{}
	for _, key := range []string{
		"unit.ms", "unit.s", "unit.min", "unit.h", "unit.d", "live", "live.off", "live.retry", "zone.local", "state.lost",
		"lost.reason", "announce", "latency.gateway", "latency.rest", "latency.max", "bars.hint",
	} {
		words[key] = f.T(key)
	}
	words["ago"] = f.T("ago", "%s")
	text, err := json.Marshal(words)
	return string(text), err
}

// Cookies of the pages: what a reader prefers, nothing else.
const (
	langCookie  = "evergreen_lang"
	themeCookie = "evergreen_theme"
	// preferenceAge is how long a browser remembers them, in seconds.
	preferenceAge = 365 * 24 * 60 * 60
)

// newPageFrame reads what the reader prefers: from the address, which is then
// remembered, from a cookie, from what the browser accepts.
func newPageFrame(w http.ResponseWriter, r *http.Request, page string) pageFrame {
	f := pageFrame{Page: page, Theme: "auto"}
	f.tongue = acceptedTongue(r.Header)
	if c, err := r.Cookie(langCookie); err == nil {
		if t, ok := tongueOf(c.Value); ok {
			f.tongue = t
		}
	}
	if t, ok := tongueOf(r.URL.Query().Get("lang")); ok {
		f.tongue = t
		remember(w, langCookie, t.String())
	}
	if c, err := r.Cookie(themeCookie); err == nil && knownTheme(c.Value) {
		f.Theme = c.Value
	}
	if theme := r.URL.Query().Get("theme"); knownTheme(theme) {
		f.Theme = theme
		remember(w, themeCookie, theme)
	}
	return f
}

func knownTheme(theme string) bool { return theme == "auto" || theme == "light" || theme == "dark" }

func remember(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: preferenceAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// about fills the frame with what the snapshot tells.
func (f pageFrame) about(snap health.Snapshot, version string) pageFrame {
	f.Name, f.StateID, f.At, f.Version = snap.Username, snap.Status.ID(), snap.At, version
	if f.Name == "" {
		f.Name = f.T("unnamed")
	}
	f.Title = f.T("title", f.State(f.StateID), f.Name)
	return f
}

// writePage writes a whole page, or none if it cannot be made.
func writePage(w http.ResponseWriter, status int, name string, view any) {
	var body bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&body, name, view); err != nil {
		panic(err) // a template that does not fit its view; the server contains it
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pageCSP)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// assetTypes are the files of the pages with their media types.
var assetTypes = map[string]string{
	"evergreen.css":  "text/css; charset=utf-8",
	"evergreen.js":   "text/javascript; charset=utf-8",
	"dot-green.svg":  "image/svg+xml",
	"dot-amber.svg":  "image/svg+xml",
	"dot-red.svg":    "image/svg+xml",
	"dot-hollow.svg": "image/svg+xml",
}

var assetSums = func() map[string]string {
	sums := make(map[string]string, len(assetTypes))
	for name := range assetTypes {
		sum := sha256.Sum256(asset(name))
		sums[name] = hex.EncodeToString(sum[:6])
	}
	return sums
}()

// asset is the content of a file of the pages.
func asset(name string) []byte {
	content, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err) // it is compiled in
	}
	return content
}

// assets serves a file of the pages. One asked for by the address its content
// has is kept by the browser for good.
func (s *Server) assets(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/assets/")
	kind, ok := assetTypes[name]
	if !ok {
		notFound.write(w)
		return
	}
	content := asset(name)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if r.URL.Query().Get("v") == assetSums[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(content)
}

// Favicon is the small dot of a state.
func (f pageFrame) Favicon() string {
	switch f.StateID {
	case "online":
		return f.Asset("dot-green.svg")
	case "degraded", "reconnecting", "starting":
		return f.Asset("dot-amber.svg")
	case "offline", "needs-you":
		return f.Asset("dot-red.svg")
	case "":
		return f.Asset("dot-green.svg")
	}
	return f.Asset("dot-hollow.svg")
}
