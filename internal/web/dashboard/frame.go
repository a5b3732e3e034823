package dashboard

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/web/page"
)

// templates are the pages. Each gets its texts from its frame.
var templates = page.Templates(web)

// Links between the pages, to their files, in redirects and forms are relative, and
// cookies have no path of their own, which browsers take for the folder of the page.
// So the pages work below any path of a proxy, which need not be known here. All of
// them therefore stand in one folder, on the first level.

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
	// Simulator is the address of the simulated Discord; empty where it is the real one.
	Simulator string
	// Leave is whether the page offers to sign out.
	Leave bool
}

// Lang is the page's language for the html element.
func (f frame) Lang() string { return f.lang.String() }

// Other is the language to switch to.
func (f frame) Other() page.Lang { return page.Lang(f.lang).Other() }

// Themes are the choices of appearance.
func (frame) Themes() []string { return page.Themes() }

// Asset is the address of a file of the pages.
func (frame) Asset(name string) string { return files.Address(name) }

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

// newFrame reads what the reader prefers.
func newFrame(w http.ResponseWriter, r *http.Request, name string) frame {
	p := page.ReadPreferences(w, r)
	return frame{Page: name, Theme: p.Theme, lang: lang(p.Lang)}
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
	page.Send(w, status, renderPage(name, view))
}
