package dashboard

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"evergreen/fleet"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/process/logging"
	"evergreen/internal/web/page"
)

// Source tells the pages how the bot is at this moment. Many goroutines call it
// at once; no method may block.
type Source interface {
	Snapshot() health.Snapshot
	// Budget is how many session starts were used and are left. A Total of 0 means not known.
	Budget() identify.Usage
	Handlers() []bot.HandlerTime
	Presence() Presence
	// Fleet is how far starting and re-sharding are; nil if not known.
	Fleet() *fleet.Snapshot
}

// History tells the pages how the bot has been. Many goroutines call it at once;
// no method may block.
type History interface {
	// Incidents returns up to limit incidents, the newest first.
	Incidents(limit int) []health.Incident
	// Uptime adds up the time before now, for one shard or [history.All].
	Uptime(shard int, window time.Duration) history.Uptime
	// Latency returns round trips of the time before now, the oldest first.
	Latency(window time.Duration) []history.Point
	// Rates returns what was asked and done in the time before now, the oldest
	// first. Stretches in which nothing happened may be missing.
	Rates(window time.Duration) []history.Rate
}

// Presence is the presence that the bot wants and the one Discord was told last,
// in words. Empty means not known; SentAt is zero if none was sent.
type Presence struct {
	Wanted, Sent string
	SentAt       time.Time
}

// Options configures a [Dashboard]. Source is required.
type Options struct {
	Source Source
	// History is what the pages show of the past. Default: they say that none is
	// kept.
	History History
	// Proxy tells how the bots behind evergreen proxy are. Default: there is none.
	Proxy Proxy
	// Lines holds the last lines of the log. Default: none are shown.
	Lines *logging.Ring
	// CheckToken checks the token that a person typed in. It returns nil,
	// [ErrWrongToken] or a [*TooManyAttemptsError]. Default: there is no login.
	CheckToken func(r *http.Request, token string) error
	// Session is how long a login lasts after its last use. Required with
	// CheckToken.
	Session time.Duration
	// Version is that of this program.
	Version string
	// Simulator is the address of the chat page of the simulated Discord that the bot
	// is in. Default: there is none, and no link to it.
	Simulator string
}

// ErrWrongToken is an answer of Options.CheckToken.
var ErrWrongToken = errors.New("dashboard: not the token")

// TooManyAttemptsError is an answer of Options.CheckToken: the token is wrong, as
// were too many others from its address, which should wait.
type TooManyAttemptsError struct{ Wait time.Duration }

// Error says so.
func (e *TooManyAttemptsError) Error() string {
	return "dashboard: too many wrong tokens from this address"
}

// Dashboard serves the pages. Make it with [New]. All methods may be called by
// many goroutines at once.
type Dashboard struct {
	opts     Options
	sessions *sessions

	mu         sync.Mutex // guards what follows
	pastReadAt time.Time  // when past was read
	past       past

	statusMu    sync.Mutex // guards statusPages, and is held while one is made
	statusPages map[statusKey]madePage
}

// New makes a dashboard.
func New(o Options) *Dashboard {
	return &Dashboard{opts: o, sessions: newSessions(o.Session), statusPages: make(map[statusKey]madePage)}
}

// Assets are the paths of the files that the pages load.
func Assets() []string {
	var paths []string
	for _, name := range files.Names() {
		paths = append(paths, page.FilesPath+name)
	}
	return paths
}

// ServeHTTP serves one request for a path and method of this package. A form has
// been parsed and found to come from this site; who may see a page has been
// decided.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/":
		d.serveDashboard(w, r)
	case path == "/runbook":
		writePage(w, http.StatusOK, "runbook.html", newRunbookView(newFrame(w, r, "runbook")))
	case path == "/status":
		d.serveStatus(w, r)
	case path == "/login" && r.Method == http.MethodPost:
		d.login(w, r)
	case path == "/login":
		d.ShowLogin(w, r, http.StatusOK, "/")
	case path == "/logout":
		d.logout(w, r)
	case strings.HasPrefix(path, page.FilesPath):
		files.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}
