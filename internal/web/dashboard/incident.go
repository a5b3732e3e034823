package dashboard

import (
	"html/template"
	"slices"
	"strconv"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/text"
)

// incidentView is an incident as a sentence with what stands behind it.
type incidentView struct {
	lang
	ID    string
	Kind  string // open, grey, risk or routine: what it did to the dot
	Start time.Time
	End   time.Time
	Open  bool
	Span  string
	Now   time.Time
	// Sentence says what happened, Outcome how it ended.
	Sentence localized
	Outcome  string
	Mark     string // what it did to the dot, in words
	Shard    string
	Evidence []rowView
	Actions  []actionView
	Cause    health.CauseID
	Runbook  string
}

// foldDowntimes leaves one of the incidents that all shards have from a restart: those
// of one moment with one end. shards tells, by the incident's id, how many there were.
func foldDowntimes(list []health.Incident) (folded []health.Incident, shards map[string]int) {
	type kind struct {
		start   int64
		cause   health.CauseID
		outcome health.Outcome
	}
	first := make(map[kind]string)
	shards = make(map[string]int)
	for _, i := range list {
		if !i.BeganWithPreviousRun || i.Shard.Count <= 1 {
			folded = append(folded, i)
			continue
		}
		k := kind{i.Start.UnixMicro(), i.Cause, i.Outcome}
		if first[k] == "" {
			first[k] = i.ID
			folded = append(folded, i)
		}
		shards[first[k]]++
	}
	return folded, shards
}

type actionView struct {
	At   time.Time
	What localized
}

func newIncidentView(t lang, i health.Incident, now time.Time) incidentView {
	row := health.Lookup(i.Cause)
	v := incidentView{
		lang: t, ID: i.ID, Start: i.Start, End: i.End, Open: i.End.IsZero(), Span: t.Duration(i.Duration(now)), Now: now,
		Outcome: i.Ended().In(t), Cause: row.ID, Runbook: t.T("incident.runbook", row.Heading().In(t)),
		Evidence: evidenceRows(t, i), Sentence: t.Say(i.Happened()),
	}
	if grey := i.ShownOffline(now); grey > 0 {
		v.Kind, v.Mark = "grey", t.T("incident.grey", t.Duration(grey))
	} else {
		v.Kind, v.Mark = "risk", t.T("incident.green")
	}
	switch {
	case i.Routine():
		v.Kind = "routine"
	case i.Connected: // the dot was never in question
	case v.Open && v.Kind == "risk":
		v.Mark = t.T("incident.risk")
	}
	switch {
	case t == english:
		v.Sentence.Text += "."
	case !hasTranslation(i):
		v.Sentence = t.Say(row.Heading())
	}
	if i.Shard.Count > 1 {
		v.Shard = t.T("incident.shard", i.Shard.String())
	}
	for _, a := range i.Actions {
		v.Actions = append(v.Actions, actionView{a.At, t.Say(a.Message())})
	}
	return v
}

// hasTranslation reports whether what happened can be said in every language.
// Incidents of earlier versions, and what a proxy says, are English only.
func hasTranslation(i health.Incident) bool {
	return i.What.Key != "" || i.What == (health.Message{})
}

// evidenceRows lists what was seen, without what was not.
func evidenceRows(t lang, i health.Incident) []rowView {
	var rows []rowView
	add := func(key string, value template.HTML) {
		if value != "" {
			rows = append(rows, rowView{Name: t.T(key), Value: value})
		}
	}
	span := func(d time.Duration) template.HTML {
		if d <= 0 {
			return ""
		}
		return textHTML(t.Duration(d))
	}
	stamp := func(at time.Time) template.HTML {
		if at.IsZero() {
			return ""
		}
		return t.Stamp(at)
	}
	e := i.Evidence
	add("evidence.cause", textHTML(health.Lookup(i.Cause).Heading().In(t)))
	if t != english && !hasTranslation(i) {
		add("evidence.seen", template.HTML(`<span lang="en">`)+textHTML(text.Capitalize(i.Happened().String()))+"</span>")
	}
	add("evidence.kind", closerText(t, e.By))
	if e.Code != 0 {
		add("evidence.code", textHTML(strconv.Itoa(int(e.Code))))
	}
	add("evidence.said", textHTML(e.Said))
	add("evidence.detected", span(i.Detected.Sub(i.Start)))
	add("evidence.lasted", span(e.Lasted))
	add("evidence.byte", stamp(e.LastByte))
	add("evidence.ack", stamp(e.LastACK))
	if e.Attempts > 0 {
		add("evidence.attempts", textHTML(t.Number(int64(e.Attempts))))
	}
	dial := string(e.DialKind)
	if e.DialKind != "" && e.DialSaid != "" {
		dial += ": "
	}
	add("evidence.dial", textHTML(dial+e.DialSaid))
	if e.HTTPStatus != 0 {
		add("evidence.http", textHTML(strconv.Itoa(e.HTTPStatus)))
	}
	add("evidence.slept", span(e.Slept))
	add("evidence.stalled", span(e.Stalled))
	add("evidence.session", stamp(i.SessionLost))
	return rows
}

func closerText(t lang, by health.Closer) template.HTML {
	switch by {
	case health.ByDiscord:
		return textHTML(t.T("by.discord"))
	case health.ByUs:
		return textHTML(t.T("by.us"))
	case health.ByNetwork:
		return textHTML(t.T("by.network"))
	}
	return ""
}

// changesShown is how many changes of state the dashboard lists.
const changesShown = 20

// newestChanges orders the changes of all shards, the newest first.
func newestChanges(list []changeView) []changeView {
	slices.SortStableFunc(list, func(a, b changeView) int { return b.At.Compare(a.At) })
	return list[:min(len(list), changesShown)]
}
