package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"evergreen/internal/health"
)

// incidentBody is one incident as it is sent.
type incidentBody struct {
	ID        string         `json:"id"`
	Shard     int            `json:"shard"`
	Cause     health.CauseID `json:"cause"`
	Title     string         `json:"title"`
	Sentence  string         `json:"sentence"`
	Summary   string         `json:"summary"`
	Remedy    string         `json:"remedy"`
	Start     *time.Time     `json:"start"`
	Detected  *time.Time     `json:"detected"`
	End       *time.Time     `json:"end"`
	DurationS float64        `json:"duration_s"`
	AtRiskS   float64        `json:"at_risk_s"`
	GreyS     float64        `json:"grey_s"`
	Outcome   string         `json:"outcome"`
	Routine   bool           `json:"routine"`
	Evidence  evidenceBody   `json:"evidence"`
	Actions   []actionBody   `json:"actions"`
	Replayed  int            `json:"replayed"`
	// Lost is null where it cannot be known: after a new session.
	Lost *int64 `json:"lost"`
	Link string `json:"link"`
}

type evidenceBody struct {
	Kind       string     `json:"kind"`
	Code       *int       `json:"code"`
	Said       string     `json:"said"`
	By         string     `json:"by"`
	LastByte   *time.Time `json:"last_byte"`
	LastACK    *time.Time `json:"last_ack"`
	LastedS    float64    `json:"lasted_s"`
	Attempts   int        `json:"attempts"`
	DialKind   string     `json:"dial_kind"`
	DialSaid   string     `json:"dial_said"`
	HTTPStatus *int       `json:"http_status"`
	SleptS     float64    `json:"slept_s"`
	StalledS   float64    `json:"stalled_s"`
}

type actionBody struct {
	At    *time.Time `json:"at"`
	Until *time.Time `json:"until"`
	What  string     `json:"what"`
	Times int        `json:"times"`
}

// outcomes are the names of outcomes in data. They never change.
var outcomes = map[health.Outcome]string{
	health.OutcomeOpen: "open", health.OutcomeResumed: "resumed", health.OutcomeNewSession: "new-session",
	health.OutcomeEnded: "ended", health.OutcomeUnobserved: "unobserved", health.OutcomeMended: "mended",
}

func newIncidentBody(i health.Incident, now time.Time) incidentBody {
	cause := health.Lookup(i.Cause)
	b := incidentBody{
		ID: i.ID, Shard: i.Shard.ID, Cause: i.Cause, Title: cause.Title, Remedy: i.Remedy().String(), Link: cause.Link(),
		Sentence: i.Sentence(now, time.UTC), Summary: i.Summary(),
		Start: timeOrNull(i.Start), Detected: timeOrNull(i.Detected), End: timeOrNull(i.End),
		DurationS: seconds(i.Duration(now)), AtRiskS: seconds(i.AtRisk(now)), GreyS: seconds(i.ShownOffline(now)),
		Outcome: outcomes[i.Outcome], Routine: i.Routine(), Actions: []actionBody{}, Replayed: i.Replayed,
		Evidence: evidenceBody{
			Kind: string(i.Evidence.Kind), Code: intOrNull(int(i.Evidence.Code)), Said: i.Evidence.Said, By: string(i.Evidence.By),
			LastByte: timeOrNull(i.Evidence.LastByte), LastACK: timeOrNull(i.Evidence.LastACK), LastedS: seconds(i.Evidence.Lasted),
			Attempts: i.Evidence.Attempts, DialKind: string(i.Evidence.DialKind), DialSaid: i.Evidence.DialSaid,
			HTTPStatus: intOrNull(i.Evidence.HTTPStatus), SleptS: seconds(i.Evidence.Slept), StalledS: seconds(i.Evidence.Stalled),
		},
	}
	if i.Outcome == health.OutcomeResumed {
		b.Lost = &i.Lost
	}
	for _, a := range i.Actions {
		b.Actions = append(b.Actions, actionBody{timeOrNull(a.At), timeOrNull(a.Until), a.What.String(), a.Times})
	}
	return b
}

// intOrNull is nil for 0, which means not known.
func intOrNull(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// incidentsBody is the answer of /api/v1/incidents.
type incidentsBody struct {
	Incidents []incidentBody `json:"incidents"`
	// Next is what to ask for as before to get the page after this one.
	Next *string `json:"next"`
}

// mostIncidents is how many incidents one page has at most.
const mostIncidents = 200

// incidents serves /api/v1/incidents, page by page.
func (s *Server) incidents(w http.ResponseWriter, r *http.Request) {
	query, p, ok := incidentQuery(r)
	if !ok {
		p.Write(w)
		return
	}
	if s.opts.Archive == nil && s.opts.History == nil {
		WriteJSON(w, http.StatusOK, "application/json", incidentsBody{})
		return
	}
	wanted := query.Limit
	query.Limit++ // one more tells whether there is another page
	list, err := s.findIncidents(r.Context(), query)
	if err != nil {
		if held, ok := s.unread.Pass(time.Now()); ok {
			s.opts.Log.Warn("The HTTP API could not read the record of incidents", "error", err, "others_since_the_last_line", held)
		}
		unavailable.Write(w)
		return
	}
	now := time.Now()
	body := incidentsBody{Incidents: []incidentBody{}}
	for at, i := range list {
		if at == wanted {
			body.Next = &body.Incidents[at-1].ID
			break
		}
		body.Incidents = append(body.Incidents, newIncidentBody(i, now))
	}
	writeTagged(w, r, body)
}

// findIncidents looks in the archive, or else among the incidents at hand.
func (s *Server) findIncidents(ctx context.Context, q health.Query) ([]health.Incident, error) {
	if s.opts.Archive != nil {
		return s.opts.Archive.Find(ctx, q)
	}
	list := s.opts.History.Incidents(health.MemoryJournalSize)
	return q.Select(list, q.BeforeStart(list)), nil
}

// incidentQuery reads what is wanted, or returns the problem with it.
func incidentQuery(r *http.Request) (health.Query, Problem, bool) {
	values := r.URL.Query()
	limit, ok := readNumber(values.Get("limit"), 50, mostIncidents)
	if !ok {
		return health.Query{}, badLimit(mostIncidents), false
	}
	query := health.Query{Limit: limit, Before: values.Get("before"), Cause: health.CauseID(values.Get("cause"))}
	if query.Cause != "" && health.Lookup(query.Cause).ID != query.Cause {
		return query, BadRequest("cause must be the id of a cause in docs/runbook.md, such as half-open."), false
	}
	switch values.Get("open") {
	case "":
	case "true", "false":
		open := values.Get("open") == "true"
		query.Open = &open
	default:
		return query, BadRequest("open must be true or false."), false
	}
	return query, Problem{}, true
}

// readNumber reads a number from 1 to most; an empty text is the standard.
func readNumber(text string, standard, most int) (int, bool) {
	if text == "" {
		return standard, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= most
}

func badLimit(most int) Problem {
	return BadRequest("limit must be a number from 1 to " + strconv.Itoa(most) + ".")
}
