package rest

import (
	"testing"
	"time"
)

// A pause lasts as long as the longest refusal in it, is looked at when the last of them
// says, by one request at a time, and ends with an answer; without one the next look is a
// minute later.
func TestPause(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const s, m = time.Second, time.Minute
	type step struct {
		at   time.Duration
		what string // "refused", "sent", "answered" or "lost"
		wait time.Duration
	}
	for name, c := range map[string]struct {
		steps []step
		look  time.Duration
		until time.Duration // when a request may be sent: 0: now; -1: after an answer
		since time.Duration
		ends  time.Duration
		why   Reason
	}{
		"short":                     {[]step{{0, "refused", 5 * s}}, s, 5 * s, 0, 5 * s, "first"},
		"at least a second":         {[]step{{0, "refused", 0}}, 0, s, 0, s, "first"},
		"at most an hour":           {[]step{{0, "refused", 24 * time.Hour}}, 0, 10 * m, 0, time.Hour, "first"},
		"over":                      {[]step{{0, "refused", 5 * s}}, 5 * s, 0, 0, 5 * s, "first"},
		"nearly over":               {[]step{{0, "refused", 5 * s}}, 5*s - 1, 5 * s, 0, 5 * s, "first"},
		"longer":                    {[]step{{0, "refused", 5 * s}, {s, "refused", 9 * s}}, 2 * s, 10 * s, 0, 10 * s, "second"},
		"shorter":                   {[]step{{0, "refused", 5 * s}, {s, "refused", 2 * s}}, 2 * s, 5 * s, 0, 5 * s, "first"},
		"a new one":                 {[]step{{0, "refused", 5 * s}, {5 * s, "refused", 2 * s}}, 6 * s, 7 * s, 5 * s, 7 * s, "second"},
		"long, before the look":     {[]step{{0, "refused", time.Hour}}, 10*m - 1, 10 * m, 0, time.Hour, "first"},
		"long, at the look":         {[]step{{0, "refused", time.Hour}}, 10 * m, 0, 0, time.Hour, "first"},
		"one looks":                 {[]step{{0, "refused", time.Hour}, {10 * m, "sent", 0}}, 11 * m, -1, 0, time.Hour, "first"},
		"no answer":                 {[]step{{0, "refused", time.Hour}, {10 * m, "sent", 0}, {11 * m, "lost", 0}}, 11 * m, 12 * m, 0, time.Hour, "first"},
		"no answer, a minute later": {[]step{{0, "refused", time.Hour}, {10 * m, "sent", 0}, {11 * m, "lost", 0}}, 12 * m, 0, 0, time.Hour, "first"},
		"over while one looks":      {[]step{{0, "refused", 11 * m}, {10 * m, "sent", 0}}, 11 * m, 0, 0, 11 * m, "first"},
		"answer":                    {[]step{{0, "refused", time.Hour}, {10 * m, "sent", 0}, {11 * m, "answered", 0}}, 11 * m, 0, 0, -1, "first"},
		"refused again":             {[]step{{0, "refused", time.Hour}, {10 * m, "sent", 0}, {11 * m, "answered", 0}, {11 * m, "refused", 5 * s}}, 11 * m, 11*m + 5*s, 11 * m, 11*m + 5*s, "fourth"},
		"refused again for long":    {[]step{{0, "refused", time.Hour}, {10 * m, "sent", 0}, {11 * m, "answered", 0}, {11 * m, "refused", time.Hour}}, 12 * m, 21 * m, 11 * m, 71 * m, "fourth"},
		"another one is refused":    {[]step{{0, "refused", time.Hour}, {9 * m, "refused", time.Hour}}, 10 * m, 19 * m, 0, 69 * m, "second"},
		"and sooner":                {[]step{{0, "refused", time.Hour}, {5 * m, "refused", m}}, 7 * m, 10 * m, 0, time.Hour, "first"},
	} {
		var p pause
		for n, step := range c.steps {
			now := began.Add(step.at)
			switch step.what {
			case "refused":
				p.extend(now, step.wait, []Reason{"first", "second", "third", "fourth"}[n], 400+n)
			case "sent":
				if !p.reserve(now) {
					t.Errorf("%s: the request does not look", name)
				}
			default:
				p.release(now, step.what == "answered")
			}
		}
		until, ok := p.ready(began.Add(c.look))
		want := time.Time{}
		if c.until > 0 {
			want = began.Add(c.until)
		}
		if ok != (c.until == 0) || !until.Equal(want) || p.reason != c.why {
			t.Errorf("%s: %v until %v because of %s", name, ok, until, p.reason)
		}
		if c.ends < 0 && p.active(began.Add(c.look)) || c.ends >= 0 && (!p.until.Equal(began.Add(c.ends)) || !p.since.Equal(began.Add(c.since))) {
			t.Errorf("%s: from %v to %v", name, p.since, p.until)
		}
	}
	if p := (pause{}); p.reserve(began) {
		t.Error("a request looks without a pause")
	}
}
