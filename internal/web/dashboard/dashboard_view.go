package dashboard

import (
	"cmp"
	"html/template"
	"strconv"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/bot"
	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/text"
)

// dashboardView is the dashboard in one language, as its template takes it.
type dashboardView struct {
	frame
	State      stateView
	Bots       *botsView // nil without a proxy
	Facts      []factView
	Windows    []windowView
	Bars       *barsView
	Chart      *chartView
	Periods    []periodView
	Journal    bool
	Incidents  []incidentView
	Earlier    []incidentView // what is folded away below them
	Rates      []rateView
	Work       []rowView
	WorkNote   localized
	Conditions []localized // those that the reason does not say
	Handlers   []handlerView
	Budget     *budgetView
	Presence   *presenceView
	Connection []rowView
	Fleet      []fleetView
	Shards     []shardView
	Changes    []changeView
	Log        bool
	Lines      []lineView
}

// incidentsInView is how many incidents are shown before the rest is folded away.
const incidentsInView = 10

// stateView is the big dot and what stands beside it.
type stateView struct {
	ID, Name string
	Reason   localized
	Detail   localized // the reason in its own words, where Reason only sums it up
	Remedy   localized
	Discord  string
	Since    time.Time
	Now      time.Time
}

// factView is a number worth a glance.
type factView struct {
	Name, Value, Unit string
	Note              template.HTML
}

// rowView is a line of a list of numbers. Alarm marks one that should be zero
// and is not.
type rowView struct {
	Name  string
	Value template.HTML
	Alarm bool
}

type windowView struct {
	Name, Share string
	Alarm       bool
}

type periodView struct {
	ID, Name string
	Current  bool
}

type handlerView struct {
	Name, Runs    string
	Failed        string // empty if none has
	P50, P95, Max string
	Width         int // of 100
}

type budgetView struct {
	Left  string
	Width int // of 100
	Low   bool
	Rows  []rowView
}

type presenceView struct {
	Wanted, Sent string
	At           time.Time
	Same         bool
}

type shardView struct {
	Shard, ID, Name  string
	Reason           localized
	State            string
	Latency, P95     string
	Interval         string
	ACK, Session     time.Time
	Reconnects       string
	Resumed, Resumes string
	Guilds           string
}

type changeView struct {
	At          time.Time
	Text, Cause string
}

// textHTML is plain text as markup.
func textHTML(text string) template.HTML {
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
}

func newDashboardView(f frame, s state) dashboardView {
	now := s.Snap.At
	v := dashboardView{
		frame: f, State: newStateView(f.lang, s.Snap), Facts: f.facts(s),
		Windows: f.windows(s.Uptime), Bars: newBarsView(f.lang, s.Days), Chart: newChartView(f.lang, s.Latency),
		Journal: s.Journal, Rates: f.rateViews(s), Work: f.work(s.Snap, s.Bots != nil), Connection: f.connectionRows(s.Snap.Counts), Log: s.Log, Lines: s.Lines,
		Handlers: f.handlers(s.Handlers), Budget: f.budget(s.Budget, now), Presence: f.presence(s.Presence), Fleet: f.fleet(s.Fleet),
	}
	v.Bots = f.bots(s.Bots, s.Snap.Connected, now)
	if s.Latency != nil {
		for _, w := range history.LatencyWindows {
			v.Periods = append(v.Periods, periodView{w.Name, f.T("window." + w.Name), w.Name == s.Latency.Window})
		}
	}
	for _, i := range s.Incidents {
		incident := newIncidentView(f.lang, i, now)
		if n := s.Shards[i.ID]; n > 1 {
			incident.Shard = f.T("incident.shards", n)
		}
		v.Incidents = append(v.Incidents, incident)
	}
	if n := len(v.Incidents); n > incidentsInView {
		v.Incidents, v.Earlier = v.Incidents[:incidentsInView], v.Incidents[incidentsInView:]
	}
	if reason := s.Snap.Work.Reason; reason != (health.Message{}) {
		v.WorkNote = localized{f.T("work.bad", reason.In(f)), f.Lang()}
	}
	for _, c := range s.Snap.Conditions {
		if !s.Snap.IsReason(c) {
			v.Conditions = append(v.Conditions, localized{text.Capitalize(c.Says().In(f)), f.Lang()})
		}
	}
	v.Shards, v.Changes = f.shards(s.Snap)
	return v
}

// newStateView says how the bot is. A reason that has no translation is summed up
// and quoted below that.
func newStateView(t lang, snap health.Snapshot) stateView {
	id := snap.Status.ID()
	v := stateView{ID: id, Name: t.State(id), Since: snap.Since, Now: snap.At}
	v.Reason = t.Say(snap.Reason)
	if v.Reason.Lang != t.String() {
		v.Detail = v.Reason
		v.Reason = localized{t.T("general." + id), t.String()}
		if open := openIncident(snap); open != nil {
			v.Reason.Text = health.Lookup(open.Cause).Heading().In(t) + " – " + v.Reason.Text
		}
	}
	if snap.Remedy != (health.Message{}) {
		v.Remedy = t.Say(snap.Remedy)
	}
	if said := snap.Discord; said.Known() && said.Indicator != "" && said.Indicator != "none" {
		v.Discord = cmp.Or(said.IncidentName(), said.Description)
	}
	return v
}

// openIncident is the incident that is going on.
func openIncident(snap health.Snapshot) *health.Incident {
	if snap.Last != nil && snap.Last.End.IsZero() {
		return snap.Last
	}
	for _, s := range snap.Shards {
		if s.Open != nil {
			return s.Open
		}
	}
	return nil
}

func (f frame) facts(s state) []factView {
	snap := s.Snap
	var facts []factView
	if n := len(s.Uptime); n > 0 && s.Uptime[n-1].Share() >= 0 {
		u := s.Uptime[n-1]
		note := f.T("fact.uptime.all")
		if u.Offline > 0 {
			note = f.T("fact.uptime.sub", f.Duration(u.Offline))
		}
		value := strings.TrimSuffix(f.Share(u.Share()), "%")
		facts = append(facts, factView{f.T("fact.uptime", f.T("window."+u.Name)), value, "%", textHTML(note)})
	}
	latency := factView{f.T("fact.latency"), "–", "", ""}
	if l := snap.Latency; l.Samples > 0 {
		latency = factView{latency.Name, f.Milliseconds(l.Last), "ms", textHTML(f.T("fact.latency.sub", f.Milliseconds(l.P50), f.Milliseconds(l.P95)))}
	}
	session := factView{f.T("fact.session"), "–", "", ""}
	if !snap.SessionSince.IsZero() {
		session.Value = f.Duration(wholeSeconds(snap.At.Sub(snap.SessionSince)))
	}
	if !snap.Started.IsZero() {
		session.Note = textHTML(f.T("fact.session.sub", f.Duration(wholeSeconds(snap.At.Sub(snap.Started)))))
	}
	guilds := factView{Name: f.T("fact.guilds"), Value: f.Number(int64(snap.Guilds))}
	if last := snap.Work.Activity.Last; !last.IsZero() {
		guilds.Note = textHTML(f.T("fact.guilds.sub", f.T("ago", f.Duration(wholeSeconds(snap.At.Sub(last))))))
	}
	return append(facts, latency, guilds, session)
}

func (f frame) windows(list []uptime) []windowView {
	var views []windowView
	for _, u := range list {
		w := windowView{Name: f.T("window." + u.Name), Share: "–"}
		if share := u.Share(); share >= 0 {
			w.Share, w.Alarm = f.Share(share), share < 0.99
		}
		views = append(views, w)
	}
	return views
}

func (f frame) work(snap health.Snapshot, proxied bool) []rowView {
	stats, activity := snap.Work.Stats, snap.Work.Activity
	waiting := f.T("work.waiting.none")
	if stats.QueuedBytes > 0 || stats.QueuedAge > 0 {
		waiting = byteSize(stats.QueuedBytes) + ", " + f.Duration(stats.QueuedAge)
	}
	number := func(key string, n int64, bad bool) rowView {
		return rowView{f.T(key), textHTML(f.Number(n)), bad && n > 0}
	}
	rows := []rowView{
		{f.T("work.waiting"), textHTML(waiting), stats.QueuedAge > time.Minute},
		number("work.replayed", snap.Counts.Replayed, false),
		number("work.missing", snap.Counts.Missing, true),
	}
	if proxied { // what a bot does with its events is not seen here
		return rows
	}
	return append(append([]rowView{number("work.asked", activity.Asked, false), number("work.failed", activity.Failed, true)}, rows...),
		number("work.panics", snap.Counts.Panics, true), rowView{f.T("work.activity"), f.Ago(activity.Last, snap.At), false})
}

// byteSize says a number of bytes in the largest unit that fits.
func byteSize(n int64) string {
	switch {
	case n >= 10<<20:
		return strconv.FormatInt(n>>20, 10) + " MiB"
	case n >= 10<<10:
		return strconv.FormatInt(n>>10, 10) + " KiB"
	}
	return strconv.FormatInt(n, 10) + " B"
}

func (f frame) connectionRows(c health.Counts) []rowView {
	number := func(key string, n int64) rowView { return rowView{f.T(key), textHTML(f.Number(n)), false} }
	return []rowView{
		number("connection.reconnects", c.Reconnects),
		{f.T("connection.resumes"), textHTML(f.T("connection.of", f.Number(c.Resumes), f.Number(c.Resumed))), false},
		number("connection.identifies", c.Identifies),
		number("connection.requested", c.Requested),
		number("connection.suspicions", c.Suspicions),
		number("connection.failures", c.Failures),
	}
}

func (f frame) handlers(list []bot.HandlerTime) []handlerView {
	var slowest time.Duration
	for _, h := range list {
		slowest = max(slowest, h.P95)
	}
	var views []handlerView
	for _, h := range list {
		v := handlerView{Name: h.Name, Runs: f.Count(h.Runs, "handlers.run"), P50: f.Milliseconds(h.P50), P95: f.Milliseconds(h.P95), Max: f.Milliseconds(h.Max)}
		if h.Failed > 0 {
			v.Failed = f.T("handlers.failed", f.Number(h.Failed))
		}
		if slowest > 0 {
			v.Width = max(1, int(100*h.P95/slowest))
		}
		views = append(views, v)
	}
	return views
}

func (f frame) budget(b identify.Usage, now time.Time) *budgetView {
	if b.Total <= 0 {
		return nil
	}
	v := &budgetView{
		Left:  f.T("budget.left", f.Number(int64(b.Remaining)), f.Number(int64(b.Total))),
		Width: max(0, min(100, 100*b.Remaining/b.Total)),
		Low:   5*b.Remaining < b.Total,
		Rows:  []rowView{{f.T("budget.used"), textHTML(f.Number(int64(b.Day))), false}},
	}
	if b.Reset.After(now) {
		v.Rows = append(v.Rows, rowView{f.T("budget.reset"), f.Stamp(b.Reset), false})
	}
	return v
}

func (f frame) presence(p Presence) *presenceView {
	if p == (Presence{}) {
		return nil
	}
	return &presenceView{Wanted: p.Wanted, Sent: p.Sent, At: p.SentAt, Same: p.Sent == p.Wanted}
}

func (f frame) shards(snap health.Snapshot) ([]shardView, []changeView) {
	var views []shardView
	var changes []changeView
	for _, s := range snap.Shards {
		v := shardView{
			Shard: s.Shard.String(), ID: s.Status.ID(), Name: f.State(s.Status.ID()), Reason: f.Say(s.Reason), State: s.State,
			Latency: "–", P95: "–", Interval: "–", ACK: s.LastACK, Session: s.SessionSince,
			Reconnects: f.Number(s.Counts.Reconnects), Resumed: f.Number(s.Counts.Resumed),
			Resumes: f.Number(s.Counts.Resumes), Guilds: f.Number(int64(s.Guilds)),
		}
		if s.Latency.Samples > 0 {
			v.Latency, v.P95 = f.Milliseconds(s.Latency.Last), f.Milliseconds(s.Latency.P95)
		}
		if s.Interval > 0 {
			v.Interval = f.Duration(s.Interval)
		}
		views = append(views, v)
		changes = append(changes, f.changes(s.Shard, s.Changes)...)
	}
	return views, newestChanges(changes)
}

func (f frame) changes(shard gateway.ShardID, list []health.Change) []changeView {
	var views []changeView
	for _, c := range list {
		views = append(views, changeView{c.At, f.T("shard.change", shard.String(), c.From, c.To), c.Cause})
	}
	return views
}
