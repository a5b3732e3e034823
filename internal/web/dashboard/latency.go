package dashboard

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"evergreen/internal/health/history"
)

// The units of the latency chart, which the style sheet stretches, and its marks.
const (
	chartWidth, chartHeight = 1000.0, 200.0
	chartTicks              = 4
	chartMarks              = 5
	// chartPointsMost is how many points it has at most.
	chartPointsMost = 240
)

// readLatency reads the window of that name, else the shortest.
func readLatency(h History, now time.Time, wanted string) *latency {
	window := history.LatencyWindows[0]
	for _, w := range history.LatencyWindows {
		if w.Name == wanted {
			window = w
		}
	}
	points := h.Latency(window.Length)
	from := now.Add(-window.Length)
	if len(points) > 0 {
		from = chartFrom(from, now, points[0].At)
	}
	return &latency{Window: window.Name, From: from, To: now, Points: foldPoints(points, chartPointsMost)}
}

// chartFrom is where a chart begins: where its window does, or, if most of that
// is empty because the record has just begun, with the record, so that there is
// something to see.
func chartFrom(from, to, first time.Time) time.Time {
	whole := to.Sub(from)
	if first.Sub(from) < whole/2 {
		return from
	}
	if least := to.Add(-whole / 12); first.After(least) {
		return least
	}
	return first
}

// foldPoints makes at most so many points out of a list, each standing for
// neighbours: the mean of the round trips, the slowest of the slowest.
func foldPoints(list []history.Point, most int) []history.Point {
	size := max(1, (len(list)+most-1)/most)
	folded := make([]history.Point, 0, min(len(list), most))
	for chunk := range slices.Chunk(list, size) {
		point := history.Point{At: chunk[len(chunk)/2].At}
		var gateways, rests time.Duration
		for _, p := range chunk {
			if p.Gateway > 0 {
				point.Gateway += p.Gateway
				gateways++
			}
			if p.REST > 0 {
				point.REST += p.REST
				rests++
			}
			point.Max = max(point.Max, p.Max, p.Gateway)
		}
		point.Gateway /= max(gateways, 1)
		point.REST /= max(rests, 1)
		folded = append(folded, point)
	}
	return folded
}

// chartView is the latency chart as paths.
type chartView struct {
	Label   string
	Window  string
	Gateway string // path of the line
	REST    string
	Slowest string // path of the area up to the slowest of each moment
	Ticks   []string
	Marks   []time.Time
	Long    bool // marks are days, not times of day
	// Points is what the script needs to tell what stands under the pointer:
	// [seconds, gateway, rest, slowest] each, in milliseconds, null if unknown.
	Points   string
	From, To int64
}

func newChartView(t lang, l *latency) *chartView {
	if l == nil || len(l.Points) == 0 || !l.To.After(l.From) {
		return nil
	}
	var top time.Duration
	for _, p := range l.Points {
		top = max(top, p.Gateway, p.REST, p.Max)
	}
	step := niceStep(top.Seconds() * 1000 / chartTicks)
	c := chart{from: l.From, to: l.To, top: step * chartTicks}
	v := &chartView{
		Label: t.T("latency.label", t.T("window."+l.Window)), Window: l.Window, Long: l.To.Sub(l.From) > 48*time.Hour,
		Gateway: c.line(l.Points, func(p history.Point) time.Duration { return p.Gateway }),
		REST:    c.line(l.Points, func(p history.Point) time.Duration { return p.REST }),
		Slowest: c.area(l.Points), Points: chartPoints(l.Points), From: l.From.Unix(), To: l.To.Unix(),
	}
	for n := chartTicks; n >= 0; n-- {
		v.Ticks = append(v.Ticks, fmt.Sprintf("%g", step*float64(n)))
	}
	for n := range chartMarks {
		v.Marks = append(v.Marks, l.From.Add(l.To.Sub(l.From)*time.Duration(n)/(chartMarks-1)))
	}
	return v
}

// niceStep is the next of 1, 2, 2.5 and 5 times a power of ten.
func niceStep(least float64) float64 {
	if least <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*power >= least {
			return m * power
		}
	}
	return 10 * power
}

type chart struct {
	from, to time.Time
	top      float64 // ms
}

func (c chart) at(p history.Point, value time.Duration) string {
	x := chartWidth * p.At.Sub(c.from).Seconds() / c.to.Sub(c.from).Seconds()
	y := chartHeight * (1 - value.Seconds()*1000/c.top)
	return fmt.Sprintf("%.1f %.1f", min(max(x, 0), chartWidth), min(max(y, 0), chartHeight))
}

// gap is the time between two points from which on nothing was measured.
func (c chart) gap(points []history.Point) time.Duration {
	return max(5*c.to.Sub(c.from)/time.Duration(len(points)+1), 3*time.Minute)
}

// line joins the points that have a value, and not across a gap.
func (c chart) line(points []history.Point, value func(history.Point) time.Duration) string {
	var b strings.Builder
	var last time.Time
	for _, p := range points {
		v := value(p)
		if v <= 0 {
			continue
		}
		join := "M"
		if !last.IsZero() && p.At.Sub(last) <= c.gap(points) {
			join = "L"
		}
		b.WriteString(join + c.at(p, v))
		last = p.At
	}
	return b.String()
}

// area is what lies between the gateway's round trips and the slowest of them.
func (c chart) area(points []history.Point) string {
	var b strings.Builder
	var run []history.Point
	flush := func() {
		if len(run) > 1 {
			for n, p := range run {
				b.WriteString(map[bool]string{true: "M", false: "L"}[n == 0] + c.at(p, p.Max))
			}
			for n := len(run) - 1; n >= 0; n-- {
				b.WriteString("L" + c.at(run[n], run[n].Gateway))
			}
			b.WriteString("Z")
		}
		run = run[:0]
	}
	for _, p := range points {
		if p.Gateway <= 0 || p.Max < p.Gateway {
			continue
		}
		if n := len(run); n > 0 && p.At.Sub(run[n-1].At) > c.gap(points) {
			flush()
		}
		run = append(run, p)
	}
	flush()
	return b.String()
}

func chartPoints(points []history.Point) string {
	ms := func(d time.Duration) *float64 {
		if d <= 0 {
			return nil
		}
		rounded := math.Round(d.Seconds()*1e4) / 10
		return &rounded
	}
	rows := make([][4]any, 0, len(points))
	for _, p := range points {
		rows = append(rows, [4]any{p.At.Unix(), ms(p.Gateway), ms(p.REST), ms(p.Max)})
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return "[]" // numbers and nulls can always be encoded
	}
	return string(text)
}
