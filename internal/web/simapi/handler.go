package simapi

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/web/api"
)

// The defaults of [Options].
const (
	DefaultStreams   = 32
	DefaultKeepAlive = 15 * time.Second
	DefaultWrite     = 5 * time.Second
)

// Options configures a [Handler]. Sim and Apps are required.
type Options struct {
	Sim *discordsim.Sim
	// Apps are the bots. Where a request names none, the first one is meant.
	Apps []*discordsim.App
	// FaultSet is told of each fault that was set here, once it has begun. Default: none.
	FaultSet func(discordsim.Active)
	// Page is served at / and at every path that is not the API's. Default: nothing is.
	Page http.Handler
	// Streams is how many live streams are served at once: 32.
	Streams int
	// KeepAlive is the time between two comments on a quiet stream: 15 s. Write bounds
	// the writing of one piece of it: 5 s.
	KeepAlive, Write time.Duration
	// Log takes what fails inside. Default: nothing is written.
	Log *slog.Logger
}

// Handler serves the control API. Make it with [New] and end it with [Handler.Close],
// which ends its streams; many goroutines may call it at once.
type Handler struct {
	opts    Options
	feed    *feed
	streams atomic.Int64
	closing chan struct{} // closed by Close
	closed  sync.Once
	serve   http.Handler
}

// New makes a Handler.
func New(o Options) *Handler {
	o.Streams = cmp.Or(o.Streams, DefaultStreams)
	o.KeepAlive, o.Write = cmp.Or(o.KeepAlive, DefaultKeepAlive), cmp.Or(o.Write, DefaultWrite)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{opts: o, closing: make(chan struct{})}
	h.feed = newFeed(h)
	h.serve = api.LocalOnly(http.HandlerFunc(h.route))
	return h
}

// Close ends the live streams and waits until nothing of the handler's own runs any more.
// Requests that are being answered are the server's to wait for.
func (h *Handler) Close() {
	h.closed.Do(func() { close(h.closing) })
	h.feed.close()
}

// ServeHTTP answers one request of a program on this machine. A panic on the way costs
// that request only.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api.SetHeaders(w)
	defer func() {
		if p := recover(); p != nil {
			h.opts.Log.Error("A control request failed", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			failed.Write(w)
		}
	}()
	h.serve.ServeHTTP(w, r)
}

// failed is the answer to a request of which the simulator's own part failed.
var failed = api.Problem{Title: "Internal error", Status: http.StatusInternalServerError, Detail: "The simulator failed at this request; what it was doing is still as it was."}

// refuse answers with an error: an [api.Problem] as it is, any other as what a person or
// the world does not allow.
func refuse(w http.ResponseWriter, err error) {
	if p, ok := errors.AsType[api.Problem](err); ok {
		p.Write(w)
		return
	}
	api.Problem{Title: "Not possible", Status: http.StatusConflict, Detail: sentence(err)}.Write(w)
}
