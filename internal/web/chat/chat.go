package chat

import (
	"bytes"
	"embed"
	"encoding/json"
	"net/http"
	"strings"

	"evergreen/discordsim"
	"evergreen/internal/web/page"
)

//go:embed web
var web embed.FS

var (
	templates = page.Templates(web)
	files     = page.NewFiles(web)
)

// attachmentsPath is where the simulator keeps what was uploaded.
const attachmentsPath = "/attachments/"

// Options configures a [Handler].
type Options struct {
	// Attachments serves what was uploaded to the simulator, at the paths that its
	// attachments have. Default: no uploaded file can be seen.
	Attachments http.Handler
	// Dashboard is the address of the bot's dashboard. Default: the page has no link
	// to one.
	Dashboard string
}

// Handler serves the page. Make it with [New]. Many goroutines may call it at once.
type Handler struct{ opts Options }

// New makes a handler.
func New(o Options) *Handler { return &Handler{o} }

// ServeHTTP serves the page and its files; other paths are not found.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch path := r.URL.Path; {
	case !get:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET is served here; what people do goes to /sim/.", http.StatusMethodNotAllowed)
	case path == "/":
		h.servePage(w, r)
	case strings.HasPrefix(path, page.FilesPath):
		files.ServeHTTP(w, r)
	case strings.HasPrefix(path, attachmentsPath) && h.opts.Attachments != nil:
		h.serveAttachment(w, r)
	default:
		http.NotFound(w, r)
	}
}

// view is what the template of the page gets.
type view struct {
	lang
	Theme     string
	Name      string // beside the brand
	Dashboard string
}

// Lang is the page's language for the html element.
func (v view) Lang() string { return v.lang.String() }

// Other is the language to switch to.
func (v view) Other() page.Lang { return page.Lang(v.lang).Other() }

// Themes are the choices of appearance.
func (view) Themes() []string { return page.Themes() }

// Asset is the address of a file of the page.
func (view) Asset(name string) string { return files.Address(name) }

// Durations are for how long a fault may be set, as the API takes it.
func (view) Durations() []string { return []string{"5s", "30s", "2m", "10m"} }

// Words are all texts of the page's scripts, as JSON.
func (v view) Words() (string, error) { return asJSON(texts[v.lang]) }

// faultView is a fault as the page shows it.
type faultView struct {
	Says      string `json:"says"`
	Side      string `json:"side"`
	Momentary bool   `json:"momentary"`
	Usual     bool   `json:"usual"`
}

// usualFaults stand above the others.
var usualFaults = []string{"close", "cut", "half-open", "op7", "op9-false", "outage", "rest-429", "rest-5xx", "session-loss", "zombie"}

// Faults are what can go wrong, in the words of the page's language, as JSON.
func (v view) Faults() (string, error) {
	all := map[string]faultView{}
	for _, name := range discordsim.Faults() {
		info := discordsim.DescribeFault(name)
		all[name] = faultView{Says: v.fault(name, info.Description), Side: info.Side, Momentary: info.Momentary}
	}
	for _, name := range usualFaults {
		one := all[name]
		one.Usual = true
		all[name] = one
	}
	return asJSON(all)
}

func asJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	p := page.ReadPreferences(w, r)
	v := view{lang: lang(p.Lang), Theme: p.Theme, Dashboard: h.opts.Dashboard}
	v.Name = v.T("page.title")
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, "chat.html", v); err != nil {
		panic(err) // a template that does not fit its view
	}
	page.Send(w, http.StatusOK, body.Bytes())
}

// serveAttachment serves an uploaded file. Bots choose what is in it and what it calls
// itself, so a browser shows only pictures and runs nothing.
func (h *Handler) serveAttachment(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	h.opts.Attachments.ServeHTTP(&download{ResponseWriter: w}, r)
}

// shownTypes are the media types that a browser may show; all others are saved.
var shownTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// download lets a browser save what it may not show.
type download struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader looks at the type that the answer says it has.
func (d *download) WriteHeader(status int) {
	if !d.begun {
		d.begun = true
		kind, _, _ := strings.Cut(d.Header().Get("Content-Type"), ";")
		shown := false
		for _, one := range shownTypes {
			shown = shown || strings.EqualFold(strings.TrimSpace(kind), one)
		}
		if !shown {
			d.Header().Set("Content-Type", "application/octet-stream")
			d.Header().Set("Content-Disposition", "attachment")
		}
	}
	d.ResponseWriter.WriteHeader(status)
}

// Write writes the answer.
func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.WriteHeader(http.StatusOK)
	}
	return d.ResponseWriter.Write(b)
}
