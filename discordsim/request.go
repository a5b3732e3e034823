package discordsim

import (
	"slices"
	"time"
)

// Request is one REST request, as the log keeps it: what was asked, and what
// came of it. There is no secret in it.
type Request struct {
	At time.Time
	// App is 0 for a request that cannot be told to be any bot's.
	App ID
	// Route is the route as faults name it, such as "GET /gateway/bot".
	Route string
	// Status is that of the answer; 0 where there was none.
	Status int
	// Scope is that of a 429: user, shared or global.
	Scope string
	// Lost says that a fault kept the answer from the client.
	Lost bool
	// Agent says that the User-Agent is as Discord wants it, Authorized that
	// there was a good token with its prefix.
	Agent, Authorized bool
}

// loggedRequests is how many requests are remembered at most.
const loggedRequests = 5000

// logged files a request. It is called once for each, with the lock held.
func (r *rest) logged(c *call, status int, scope string, lost bool) {
	if r.sim.cfg.LogFrames <= 0 {
		return
	}
	q := Request{
		At: c.now, Route: c.label(), Status: status, Scope: scope, Lost: lost,
		Agent: goodUserAgent.MatchString(c.req.UserAgent()), Authorized: c.app != nil,
	}
	if app := r.culprit(c); app != nil {
		q.App = app.ID
	}
	if len(r.requests) >= 2*loggedRequests {
		r.requests = slices.Delete(r.requests, 0, loggedRequests)
	}
	r.requests = append(r.requests, q)
}

// Requests lists the newest REST requests of an app, oldest first; of every
// client when app is nil. What faults of the network answered before they came
// to the API is not among them.
func (s *Sim) Requests(app *App) (out []Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.rest.requests {
		if app == nil || q.App == app.ID {
			out = append(out, q)
		}
	}
	return out
}
