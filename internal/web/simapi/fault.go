package simapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/web/api"
)

// faultRequest is a fault as others write it: like [discordsim.Fault], with times in
// seconds or as "30s".
type faultRequest struct {
	Name        string    `json:"fault" need:"the name of one, such as \"half-open\"; GET /sim/faults lists them"`
	App         reference `json:"app"`
	Shard       *int      `json:"shard"`
	Conn        int64     `json:"conn"`
	Host        string    `json:"host"`
	Route       string    `json:"route"`
	For         span      `json:"for"`
	Count       int       `json:"count"`
	Probability float64   `json:"probability"`
	Code        int       `json:"code"`
	Delay       span      `json:"delay"`
	Text        string    `json:"text"`
}

// faultHosts are what a network fault can be limited to.
var faultHosts = []string{"api", "gateway", "resume"}

// check refuses limits that nothing would ever fall within.
func (in faultRequest) check() error {
	switch {
	case in.Host != "" && !slices.Contains(faultHosts, in.Host):
		return api.BadRequest(fmt.Sprintf(`"host" has to be one of %s, not %s.`, strings.Join(faultHosts, ", "), quote(in.Host)))
	case in.Route != "" && !slices.Contains(discordsim.Routes(), in.Route):
		return notFound("route", reference(in.Route), nearest(in.Route, discordsim.Routes()), `One is named such as "POST /channels/{channel}/messages"; docs/simulation.md lists them.`)
	case in.Count < 0:
		return api.BadRequest(`"count" has to be a whole number from 0, which is without a limit.`)
	case in.Probability < 0 || in.Probability > 1:
		return api.BadRequest(`"probability" has to be a number from 0 to 1.`)
	}
	return nil
}

// faultBody is a fault that has begun.
type faultBody struct {
	ID     discordsim.ID `json:"id"`
	Name   string        `json:"fault"`
	Began  time.Time     `json:"began"`
	Struck int           `json:"struck"`
	Ended  *time.Time    `json:"ended"`
}

func newFault(f discordsim.Active) faultBody {
	return faultBody{f.ID, f.Name, f.Began, f.Struck, orNull(f.Ended)}
}

// faults tells what can go wrong and what has.
func (h *Handler) faults(*http.Request) (any, error) {
	known := map[string]string{}
	for _, name := range discordsim.Faults() {
		known[name] = discordsim.DescribeFault(name).Description
	}
	struck := []faultBody{}
	for _, f := range h.opts.Sim.Injected() {
		struck = append(struck, newFault(f))
	}
	return map[string]any{"faults": known, "struck": struck}, nil
}

// setFault begins a fault.
func (h *Handler) setFault(_ *http.Request, in faultRequest) (any, error) {
	if discordsim.DescribeFault(in.Name) == (discordsim.FaultInfo{}) {
		return nil, notFound("fault", reference(in.Name), nearest(in.Name, discordsim.Faults()), "GET /sim/faults lists them all, with what they do.")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	f := discordsim.Fault{
		Name: in.Name, Shard: in.Shard, Conn: in.Conn, Host: in.Host, Route: in.Route, For: time.Duration(in.For), Count: in.Count,
		Probability: in.Probability, Code: in.Code, Delay: time.Duration(in.Delay), Text: in.Text,
	}
	if in.App != "" {
		app, err := h.bot(in.App)
		if err != nil {
			return nil, err
		}
		f.App = app.ID
	}
	active, err := h.opts.Sim.Inject(f)
	if err != nil {
		return nil, badFault(err)
	}
	if h.opts.FaultSet != nil {
		h.opts.FaultSet(discordsim.Active{Fault: f, ID: active.ID, Began: active.Began})
	}
	return created{map[string]any{"id": active.ID, "fault": f.Name, "says": discordsim.DescribeFault(f.Name).Description}}, nil
}

// liftFaults ends every fault.
func (h *Handler) liftFaults(*http.Request) (any, error) {
	h.opts.Sim.LiftAll()
	return nil, nil
}

// liftFault ends one fault.
func (h *Handler) liftFault(r *http.Request) (any, error) {
	ref := reference(r.PathValue("id"))
	if id, is := ref.id(); is && h.opts.Sim.LiftID(id) {
		return nil, nil
	}
	return nil, notFound("fault", ref, "", "POST /sim/faults has answered with the id of each, and GET /sim/faults lists them.")
}

// badFault is the problem with a fault that cannot be set.
func badFault(err error) error { return api.BadRequest(sentence(err)) }
