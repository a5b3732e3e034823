package dashboard

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"evergreen/internal/health"
)

// templates are the pages. Each gets its texts from its frame.
var templates = template.Must(template.ParseFS(web, "web/*.html"))

// Links between the pages, to their files, in redirects and forms are relative, and
// cookies have no path of their own, which browsers take for the folder of the page.
// So the pages work below any path of a proxy, which need not be known here. All of
// them therefore stand in one folder, on the first level.

// contentPolicy lets a page use what this server serves: nothing of another site,
// nothing written into the page.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// frame is what all pages have in common.
type frame struct {
	lang
	Page    string // dashboard, status, runbook or login
	Title   string
	Name    string // of the bot
	Theme   string // light, dark or auto
	StateID string // of the dot; empty where there is none
	// Events is the address of the live stream; empty where the script reloads
	// the page now and then instead.
	Events  string
	At      time.Time
	Version string
	// Leave is whether the page offers to sign out.
	Leave bool
}

// Lang is the page's language for the html element.
func (f frame) Lang() string { return f.lang.String() }

// Other is the language to switch to, in its own words.
func (f frame) Other() (other struct{ Tag, Name string }) {
	if f.lang == thai {
		other.Tag, other.Name = "en", "English"
	} else {
		other.Tag, other.Name = "th", "ไทย"
	}
	return other
}

// Themes are the choices of appearance.
func (frame) Themes() []string { return []string{"auto", "light", "dark"} }

// Favicon is the address of the small dot of the state.
func (f frame) Favicon() string {
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

// Words are the texts that the script of the page uses, as JSON.
func (f frame) Words() (string, error) {
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

// The cookies of what a reader prefers.
const (
	langCookie  = "evergreen_lang"
	themeCookie = "evergreen_theme"
	// preferenceAge is how long a browser keeps them, in seconds.
	preferenceAge = 365 * 24 * 60 * 60
)

// newFrame reads language and theme: from the address, and then a cookie keeps
// them, else from the cookie, else from what the browser accepts.
func newFrame(w http.ResponseWriter, r *http.Request, page string) frame {
	f := frame{Page: page, Theme: "auto"}
	f.lang = acceptedLang(r.Header)
	if c, err := r.Cookie(langCookie); err == nil {
		if t, ok := langOf(c.Value); ok {
			f.lang = t
		}
	}
	if t, ok := langOf(r.URL.Query().Get("lang")); ok {
		f.lang = t
		setPreference(w, langCookie, t.String())
	}
	if c, err := r.Cookie(themeCookie); err == nil && knownTheme(c.Value) {
		f.Theme = c.Value
	}
	if theme := r.URL.Query().Get("theme"); knownTheme(theme) {
		f.Theme = theme
		setPreference(w, themeCookie, theme)
	}
	return f
}

func knownTheme(theme string) bool { return theme == "auto" || theme == "light" || theme == "dark" }

func setPreference(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, MaxAge: preferenceAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// withSnapshot fills the frame from a snapshot.
func (f frame) withSnapshot(snap health.Snapshot, version string) frame {
	f.Name, f.StateID, f.At, f.Version = snap.Username, snap.Status.ID(), snap.At, version
	if f.Name == "" {
		f.Name = f.T("unnamed")
	}
	f.Title = f.T("title", f.State(f.StateID), f.Name)
	return f
}

// renderPage makes a whole page. It panics on a template that does not fit its view;
// the server contains that.
func renderPage(name string, view any) []byte {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, view); err != nil {
		panic(err)
	}
	return body.Bytes()
}

// writePage makes a whole page and writes it.
func writePage(w http.ResponseWriter, status int, name string, view any) {
	sendPage(w, status, renderPage(name, view))
}

// sendPage writes a whole page.
func sendPage(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
