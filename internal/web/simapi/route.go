package simapi

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// route is a path with the method it is served for.
type route struct {
	method string
	// path may have parts such as {id}, which stand for any one part.
	path string
	// query has the names of the parameters it takes.
	query []string
	serve func(*Handler, http.ResponseWriter, *http.Request)
}

// routes are all paths of the API.
var routes = []route{
	{http.MethodGet, "/sim/world", nil, answer((*Handler).world)},
	{http.MethodGet, "/sim/members", []string{"guild", "after", "limit"}, answer((*Handler).members)},
	{http.MethodGet, "/sim/messages", []string{"channel", "after", "before", "limit"}, answer((*Handler).messages)},
	{http.MethodGet, "/sim/commands", []string{"channel", "bot"}, answer((*Handler).commands)},
	{http.MethodGet, "/sim/events", nil, (*Handler).events},
	{http.MethodPost, "/sim/say", nil, act((*Handler).say)},
	{http.MethodPost, "/sim/edit", nil, act((*Handler).edit)},
	{http.MethodPost, "/sim/delete", nil, act((*Handler).remove)},
	{http.MethodPost, "/sim/react", nil, act((*Handler).react)},
	{http.MethodPost, "/sim/type", nil, act((*Handler).typing)},
	{http.MethodPost, "/sim/vote", nil, act((*Handler).vote)},
	{http.MethodPost, "/sim/voice", nil, act((*Handler).voice)},
	{http.MethodPost, "/sim/members", nil, act((*Handler).addMember)},
	{http.MethodDelete, "/sim/members", []string{"guild", "user"}, answer((*Handler).removeMember)},
	{http.MethodPost, "/sim/use", nil, act((*Handler).use)},
	{http.MethodPost, "/sim/complete", nil, act((*Handler).complete)},
	{http.MethodPost, "/sim/press", nil, act((*Handler).press)},
	{http.MethodPost, "/sim/submit", nil, act((*Handler).submit)},
	{http.MethodGet, "/sim/interactions/{id}", nil, answer((*Handler).interaction)},
	{http.MethodGet, "/sim/faults", nil, answer((*Handler).faults)},
	{http.MethodPost, "/sim/faults", nil, act((*Handler).setFault)},
	{http.MethodDelete, "/sim/faults", nil, answer((*Handler).liftFaults)},
	{http.MethodDelete, "/sim/faults/{id}", nil, answer((*Handler).liftFault)},
	{http.MethodGet, "/sim/verdict", []string{"bot"}, answer((*Handler).verdict)},
	{http.MethodGet, "/sim/openapi.json", nil, (*Handler).openapi},
}

// root is the path below which everything is the API's.
const root = "/sim/"

// matches reports whether a path leads to the route, and gives what stands for {id}.
func (rt route) matches(path string) (id string, ok bool) {
	before, after, variable := strings.Cut(rt.path, "{id}")
	if !variable {
		return "", path == rt.path
	}
	id, ok = strings.CutPrefix(path, before)
	id, closed := strings.CutSuffix(id, after)
	return id, ok && closed && id != "" && !strings.Contains(id, "/")
}

// route finds the route of a request and serves it.
func (h *Handler) route(w http.ResponseWriter, r *http.Request) {
	if h.opts.Page != nil && !strings.HasPrefix(r.URL.Path, root) {
		h.opts.Page.ServeHTTP(w, r)
		return
	}
	var methods []string
	for _, to := range routes {
		id, ok := to.matches(r.URL.Path)
		switch {
		case !ok:
		case r.Method == to.method, r.Method == http.MethodHead && to.method == http.MethodGet:
			if err := to.checkQuery(r); err != nil {
				refuse(w, err)
				return
			}
			r.SetPathValue("id", id)
			to.serve(h, w, r)
			return
		default:
			methods = append(methods, to.method)
		}
	}
	if methods == nil {
		refuse(w, unknownPath(r.URL.Path))
		return
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	api.Problem{
		Title: "Method not allowed", Status: http.StatusMethodNotAllowed,
		Detail: r.URL.Path + " takes " + strings.Join(methods, " and ") + ", not " + text.Clip(r.Method, 20) + ".",
	}.Write(w)
}

// unknownPath is the problem with a path that is not served.
func unknownPath(asked string) api.Problem {
	var paths []string
	for _, to := range routes {
		paths = append(paths, to.path)
	}
	p := api.Problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is nothing at this path. What there is stands in " + root + "openapi.json."}
	if near := nearest(path.Clean(asked), paths); near != "" {
		p.Detail = "There is nothing at this path; did you mean " + near + "? What there is stands in " + root + "openapi.json."
	}
	return p
}

// checkQuery refuses parameters that the route does not take, or that come twice.
func (rt route) checkQuery(r *http.Request) error {
	values := r.URL.Query()
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case !slices.Contains(rt.query, name):
			return api.BadRequest(unknownName("parameter", name, rt.query))
		case len(values[name]) > 1:
			return api.BadRequest(quote(name) + " is given more than once.")
		}
	}
	return nil
}

// answer serves what a function returns as JSON; nil is an answer without a body.
func answer(serve func(*Handler, *http.Request) (any, error)) func(*Handler, http.ResponseWriter, *http.Request) {
	return func(h *Handler, w http.ResponseWriter, r *http.Request) {
		body, err := serve(h, r)
		write(w, body, err)
	}
}

// act reads the body of a request and serves what a function makes of it.
func act[T any](serve func(*Handler, *http.Request, T) (any, error)) func(*Handler, http.ResponseWriter, *http.Request) {
	return func(h *Handler, w http.ResponseWriter, r *http.Request) {
		var in T
		if err := readBody(w, r, &in); err != nil {
			refuse(w, err)
			return
		}
		body, err := serve(h, r, in)
		write(w, body, err)
	}
}

// created is an answer with the status 201.
type created struct{ body any }

// write sends an answer or a refusal.
func write(w http.ResponseWriter, body any, err error) {
	status := http.StatusOK
	if made, ok := body.(created); ok {
		status, body = http.StatusCreated, made.body
	}
	switch {
	case err != nil:
		refuse(w, err)
	case body == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		api.WriteJSON(w, status, "application/json", body)
	}
}
