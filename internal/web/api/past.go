package api

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

const day = 24 * time.Hour

// window is a stretch of time before now that can be asked for.
type window struct {
	name  string
	lasts time.Duration
}

// The windows of the records.
var (
	uptimeWindows  = []window{{"24h", day}, {"7d", 7 * day}, {"30d", 30 * day}, {"90d", 90 * day}}
	latencyWindows = []window{{"1h", time.Hour}, {"24h", day}, {"7d", 7 * day}}
	rateWindows    = []window{{"1h", time.Hour}, {"24h", day}, {"7d", 7 * day}, {"30d", 30 * day}, {"90d", 90 * day}}
)

// windowOf reads the window that is asked for, or names the problem with it.
func windowOf(r *http.Request, known []window, standard string) (window, problem, bool) {
	name := cmp.Or(r.URL.Query().Get("window"), standard)
	var names []string
	for _, w := range known {
		if w.name == name {
			return w, problem{}, true
		}
		names = append(names, w.name)
	}
	return window{}, badRequest("window must be one of " + strings.Join(names, ", ") + "."), false
}

// uptimeBody is the answer of /api/v1/uptime.
type uptimeBody struct {
	Window    string     `json:"window"`
	From      *time.Time `json:"from"`
	To        *time.Time `json:"to"`
	OnlineS   *float64   `json:"online_s"`
	DegradedS *float64   `json:"degraded_s"`
	OfflineS  *float64   `json:"offline_s"`
	UnknownS  *float64   `json:"unknown_s"`
	Uptime    *float64   `json:"uptime"`
	Days      []dayBody  `json:"days"`
}

type dayBody struct {
	Date      string  `json:"date"`
	OnlineS   float64 `json:"online_s"`
	DegradedS float64 `json:"degraded_s"`
	OfflineS  float64 `json:"offline_s"`
	UnknownS  float64 `json:"unknown_s"`
	Incidents int     `json:"incidents"`
	Worst     *string `json:"worst"`
}

// uptime adds up how the bot was.
func (s *Server) uptime(w http.ResponseWriter, r *http.Request) {
	asked, p, ok := windowOf(r, uptimeWindows, "24h")
	if !ok {
		p.write(w)
		return
	}
	body := uptimeBody{Window: asked.name}
	if s.opts.Uptime != nil {
		u, err := s.opts.Uptime(r.Context(), asked.lasts)
		if err != nil {
			s.cannotRead(w, "uptime", err)
			return
		}
		body.fill(u)
	}
	writeTagged(w, r, body)
}

func (b *uptimeBody) fill(u Uptime) {
	known := func(d time.Duration) *float64 { v := seconds(d); return &v }
	b.From, b.To = moment(u.From), moment(u.To)
	b.OnlineS, b.DegradedS, b.OfflineS, b.UnknownS = known(u.Online), known(u.Degraded), known(u.Offline), known(u.Unknown)
	if u.Share >= 0 {
		b.Uptime = &u.Share
	}
	b.Days = []dayBody{}
	for _, d := range u.Days {
		row := dayBody{
			Date: d.Date.UTC().Format(time.DateOnly), Incidents: d.Incidents,
			OnlineS: seconds(d.Online), DegradedS: seconds(d.Degraded), OfflineS: seconds(d.Offline), UnknownS: seconds(d.Unknown),
		}
		if d.Worst != "" {
			row.Worst = &d.Worst
		}
		b.Days = append(b.Days, row)
	}
}

// latencyBody is the answer of /api/v1/latency.
type latencyBody struct {
	Window string      `json:"window"`
	Points []pointBody `json:"points"`
}

type pointBody struct {
	T         *time.Time `json:"t"`
	GatewayMS *float64   `json:"gateway_ms"`
	RESTMS    *float64   `json:"rest_ms"`
	MaxMS     *float64   `json:"max_ms"`
}

// latency tells how long Discord took to answer.
func (s *Server) latency(w http.ResponseWriter, r *http.Request) {
	asked, p, ok := windowOf(r, latencyWindows, "1h")
	if !ok {
		p.write(w)
		return
	}
	body := latencyBody{Window: asked.name}
	if s.opts.Latencies != nil {
		points, err := s.opts.Latencies(r.Context(), asked.lasts)
		if err != nil {
			s.cannotRead(w, "latencies", err)
			return
		}
		body.Points = make([]pointBody, 0, len(points))
		for _, at := range points {
			body.Points = append(body.Points, pointBody{moment(at.At), took(at.Gateway), took(at.REST), took(at.Max)})
		}
	}
	writeTagged(w, r, body)
}

// ratesBody is the answer of /api/v1/rates.
type ratesBody struct {
	Window string     `json:"window"`
	Points []rateBody `json:"points"`
}

type rateBody struct {
	T        *time.Time `json:"t"`
	PerS     float64    `json:"per_s"`
	Received int64      `json:"received"`
	Handled  int64      `json:"handled"`
	Asked    int64      `json:"asked"`
	Answered int64      `json:"answered"`
}

// rates tells what was asked and done.
func (s *Server) rates(w http.ResponseWriter, r *http.Request) {
	asked, p, ok := windowOf(r, rateWindows, "1h")
	if !ok {
		p.write(w)
		return
	}
	body := ratesBody{Window: asked.name}
	if s.opts.Rates != nil {
		points, err := s.opts.Rates(r.Context(), asked.lasts)
		if err != nil {
			s.cannotRead(w, "rates", err)
			return
		}
		body.Points = make([]rateBody, 0, len(points))
		for _, at := range points {
			body.Points = append(body.Points, rateBody{moment(at.At), seconds(at.Per), at.Received, at.Handled, at.Asked, at.Answered})
		}
	}
	writeTagged(w, r, body)
}

// took is nil for a time that is not known.
func took(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	ms := milliseconds(d)
	return &ms
}

// cannotRead answers that a record of the past could not be read.
func (s *Server) cannotRead(w http.ResponseWriter, what string, err error) {
	if held, ok := s.unread.pass(time.Now()); ok {
		s.opts.Log.Warn("The HTTP API could not read the record of "+what, "error", err, "others_since_the_last_line", held)
	}
	unavailable.write(w)
}
