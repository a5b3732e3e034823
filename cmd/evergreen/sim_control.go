package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/demo"
	"evergreen/internal/web/api"
)

// controlServer sets faults and reports the verdict over HTTP, on a loopback address
// and for programs of this machine, not for web pages (S-099).
type controlServer struct {
	world    *demo.World
	listener net.Listener
	server   *http.Server

	mu     sync.Mutex
	active map[string]*discordsim.Active // by id
}

// The bounds of one request.
const (
	controlTimeout = 5 * time.Second
	maxControlBody = 64 << 10
)

// newControlServer listens on addr, which must be a loopback address.
func newControlServer(addr string, world *demo.World) (*controlServer, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q is not host:port", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return nil, fmt.Errorf("the address %q could be reached from other machines; whoever can set faults must be on this one", addr)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for control requests: %w", err)
	}
	c := &controlServer{world: world, listener: listener, active: map[string]*discordsim.Active{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/faults", c.list)
	mux.HandleFunc("POST /sim/faults", c.inject)
	mux.HandleFunc("DELETE /sim/faults", c.liftAll)
	mux.HandleFunc("DELETE /sim/faults/{id}", c.lift)
	mux.HandleFunc("GET /sim/verdict", c.verdict)
	c.server = &http.Server{Handler: api.LocalOnly(mux), ReadTimeout: controlTimeout, WriteTimeout: controlTimeout, IdleTimeout: time.Minute}
	return c, nil
}

func (c *controlServer) addr() net.Addr { return c.listener.Addr() }

// serve answers until ctx ends.
func (c *controlServer) serve(ctx context.Context) {
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = c.server.Serve(c.listener)
	}()
	<-ctx.Done()
	_ = c.server.Close()
	<-served
}

// faultRequest is a fault as others write it: like [discordsim.Fault], with times in
// seconds or as "30s".
type faultRequest struct {
	discordsim.Fault
	For   duration `json:"for"`
	Delay duration `json:"delay"`
}

// UnmarshalJSON reads a time given as a number of seconds or as text.
func (d *duration) UnmarshalJSON(raw []byte) error {
	return d.UnmarshalText([]byte(strings.Trim(string(raw), `"`)))
}

// inject begins a fault.
func (c *controlServer) inject(w http.ResponseWriter, r *http.Request) {
	var f faultRequest
	reader := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&f); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "this is not a fault: " + err.Error(), "example": map[string]any{"fault": "half-open", "for": "30s"}})
		return
	}
	f.Fault.For, f.Fault.Delay = time.Duration(f.For), time.Duration(f.Delay)
	active, err := c.world.Sim.Inject(f.Fault)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	c.mu.Lock()
	c.active[active.ID.String()] = active
	c.mu.Unlock()
	writeJSON(w, http.StatusCreated, map[string]any{"id": active.ID, "fault": f.Name, "says": discordsim.DescribeFault(f.Name).Description})
}

// list tells what can go wrong and what has.
func (c *controlServer) list(w http.ResponseWriter, _ *http.Request) {
	known := map[string]string{}
	for _, name := range discordsim.Faults() {
		known[name] = discordsim.DescribeFault(name).Description
	}
	struck := []map[string]any{}
	for _, f := range c.world.Sim.Injected() {
		one := map[string]any{"id": f.ID, "fault": f.Name, "began": f.Began, "struck": f.Struck, "ended": nil}
		if !f.Ended.IsZero() {
			one["ended"] = f.Ended
		}
		struck = append(struck, one)
	}
	writeJSON(w, http.StatusOK, map[string]any{"faults": known, "struck": struck})
}

// liftAll ends every fault, lift one.
func (c *controlServer) liftAll(w http.ResponseWriter, _ *http.Request) {
	c.world.Sim.LiftAll()
	w.WriteHeader(http.StatusNoContent)
}

func (c *controlServer) lift(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	active := c.active[r.PathValue("id")]
	delete(c.active, r.PathValue("id"))
	c.mu.Unlock()
	if active == nil {
		writeJSON(w, http.StatusNotFound, map[string]any{"error": "there is no such fault, or it was not set here"})
		return
	}
	c.world.Sim.Lift(active)
	w.WriteHeader(http.StatusNoContent)
}

// verdict tells how the bot fares. Times are in seconds.
func (c *controlServer) verdict(w http.ResponseWriter, _ *http.Request) {
	v := c.world.Sim.Verdict(c.world.Bot)
	broken := []map[string]any{}
	for _, one := range v.Violations {
		broken = append(broken, map[string]any{"at": one.At, "connection": one.Conn, "statement": one.Statement, "what": one.What, "note": one.Note()})
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"asked": v.Asked, "answered": v.Answered, "answered_by_reply": v.AnsweredByReply, "answered_in_order": v.AnsweredInOrder, "lost": v.Lost, "twice": v.Twice, "waiting": v.Waiting, "unheard": v.Unheard,
		"connections": v.Dials, "identifies": v.Identifies, "min_identify_spacing_s": v.MinIdentifySpacing.Seconds(),
		"resumes": v.Resumes, "resumed": v.Resumed, "close_codes": v.CloseCodes, "invalid_requests": v.InvalidRequests,
		"max_sends": v.MaxSends, "max_presences": v.MaxPresences, "dispatched": v.Dispatched, "redelivered": v.Redelivered,
		"green_s": v.Online.Seconds(), "grey_s": v.Offline.Seconds(), "longest_gap_s": v.LongestGap.Seconds(), "violations": broken,
	})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
