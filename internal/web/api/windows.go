package api

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"evergreen/internal/health/history"
)

// windowOf reads the window that is asked for, or returns the problem with it.
func windowOf(r *http.Request, known []history.Window, standard string) (history.Window, Problem, bool) {
	name := cmp.Or(r.URL.Query().Get("window"), standard)
	var names []string
	for _, w := range known {
		if w.Name == name {
			return w, Problem{}, true
		}
		names = append(names, w.Name)
	}
	return history.Window{}, BadRequest("window must be one of " + strings.Join(names, ", ") + "."), false
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

// uptime serves /api/v1/uptime.
func (s *Server) uptime(w http.ResponseWriter, r *http.Request) {
	asked, p, ok := windowOf(r, history.UptimeWindows, "24h")
	if !ok {
		p.Write(w)
		return
	}
	body := uptimeBody{Window: asked.Name}
	if s.opts.History != nil {
		body.fill(s.opts.History.Uptime(history.All, asked.Length))
	}
	writeTagged(w, r, body)
}

func (b *uptimeBody) fill(u history.Uptime) {
	known := func(d time.Duration) *float64 { v := seconds(d); return &v }
	b.From, b.To = timeOrNull(u.From), timeOrNull(u.To)
	b.OnlineS, b.DegradedS, b.OfflineS, b.UnknownS = known(u.Online), known(u.Degraded), known(u.Offline), known(u.Unknown)
	if share := u.Share(); share >= 0 {
		b.Uptime = &share
	}
	b.Days = []dayBody{}
	for _, d := range u.Days {
		row := dayBody{
			Date: d.Date.UTC().Format(time.DateOnly), Incidents: d.Incidents,
			OnlineS: seconds(d.Online), DegradedS: seconds(d.Degraded), OfflineS: seconds(d.Offline), UnknownS: seconds(d.Unknown),
		}
		if d.Worst != nil {
			worst := d.Worst.Sentence(u.To, time.UTC)
			row.Worst = &worst
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

// latency serves /api/v1/latency.
func (s *Server) latency(w http.ResponseWriter, r *http.Request) {
	asked, p, ok := windowOf(r, history.LatencyWindows, "1h")
	if !ok {
		p.Write(w)
		return
	}
	body := latencyBody{Window: asked.Name}
	if s.opts.History != nil {
		points := s.opts.History.Latency(asked.Length)
		body.Points = make([]pointBody, 0, len(points))
		for _, at := range points {
			body.Points = append(body.Points, pointBody{timeOrNull(at.At), msOrNull(at.Gateway), msOrNull(at.REST), msOrNull(at.Max)})
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

// rates serves /api/v1/rates.
func (s *Server) rates(w http.ResponseWriter, r *http.Request) {
	asked, p, ok := windowOf(r, history.RateWindows, "1h")
	if !ok {
		p.Write(w)
		return
	}
	body := ratesBody{Window: asked.Name}
	if s.opts.History != nil {
		points := s.opts.History.Rates(asked.Length)
		body.Points = make([]rateBody, 0, len(points))
		for _, at := range points {
			body.Points = append(body.Points, rateBody{timeOrNull(at.At), seconds(at.Per), at.Received, at.Handled, at.Asked, at.Answered})
		}
	}
	writeTagged(w, r, body)
}

// msOrNull is a round trip in milliseconds, nil if it is not known.
func msOrNull(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	ms := milliseconds(d)
	return &ms
}
