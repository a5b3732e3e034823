package history

import (
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
)

// Given a day of round trips, then the last hour is told as it came, the day by
// the minute, and all of it by the hour, also after a restart.
func TestLatency(t *testing.T) {
	s := newHarness(t)
	s.ready()
	for range 30 * 60 {
		s.sent++
		s.beatFor(time.Minute)
	}
	check := func(window time.Duration, low, high int) {
		t.Helper()
		list := s.history.Latency(window)
		gateways, rests := 0, 0
		for n, p := range list {
			if p.Gateway > 0 {
				gateways++
			}
			if p.REST == 80*time.Millisecond {
				rests++
			}
			if p.Gateway > 0 && (p.Gateway != 45*time.Millisecond || p.Max != p.Gateway) || n > 0 && p.At.Before(list[n-1].At) || p.At.Before(s.now.Add(-window-time.Hour)) {
				t.Fatalf("%s: point %d is %+v", window, n, p)
			}
		}
		if len(list) < low || len(list) > high || gateways < low/2 || rests < low/3 {
			t.Errorf("%s: %d points, %d with a heartbeat and %d with a request", window, len(list), gateways, rests)
		}
	}
	check(time.Hour, 150, 200)
	check(24*time.Hour, 700, 1000)
	check(7*24*time.Hour, 30, 32)
	s.history.Close()
	s.after(10 * time.Minute)
	s.run(nil)
	s.up()
	s.beatFor(10 * time.Minute)
	check(time.Hour, 50, 70)
	check(24*time.Hour, 650, 1000)
	check(7*24*time.Hour, 31, 33)
	if total := s.total(7 * 24 * time.Hour); total != (Events{}) {
		t.Errorf("events out of nowhere: %+v", total)
	}
}

func (s *harness) total(window time.Duration) (all Events) {
	for _, r := range s.history.Rates(window) {
		all.add(r.Events)
	}
	return all
}

// Given events, then they are counted by the minute in which they came, nothing
// is lost or counted twice, and a counter that begins anew counts on.
func TestRates(t *testing.T) {
	s := newHarness(t)
	s.ready()
	for range 3 * 60 {
		s.stats.Received += 10
		s.stats.Handled += 9
		s.activity.Asked += 3
		s.activity.Answered += 2
		s.beatFor(time.Minute)
	}
	want := Events{Received: 1800, Handled: 1620, Asked: 540, Answered: 360}
	for _, window := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
		if got := s.total(window); got != want {
			t.Errorf("%s: %+v", window, got)
		}
	}
	minutes := s.history.Rates(2 * time.Hour)
	for _, r := range minutes[1 : len(minutes)-1] {
		if r.Per != time.Minute || r.Received < 5 || r.Received > 15 {
			t.Errorf("got %+v", r)
		}
	}
	s.history.Close()
	s.stats, s.activity = gateway.Stats{Received: 5}, health.Activity{}
	s.after(2 * time.Hour) // longer than can be spread
	s.run(nil)
	s.up()
	want.Received += 5
	for _, window := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
		if got := s.total(window); got != want {
			t.Errorf("%s after a restart: %+v, want %+v", window, got, want)
		}
	}
}

// Numbers of a time that has passed go where they can still be seen.
func TestSeries(t *testing.T) {
	s := series{kind: MinuteRecord, length: time.Minute}
	one := Sums{Events: Events{Received: 1}}
	for _, n := range []int{0, 3, 1} {
		s.add(noon.Add(time.Duration(n)*time.Minute), one)
	}
	if got := s.takeEnded(noon.Add(2 * time.Minute)); len(got) != 2 || len(s.takeEnded(noon)) != 0 {
		t.Errorf("got %+v", got)
	}
	s.add(noon.Add(-time.Minute), one)
	if len(s.buckets) != 3 || s.buckets[2].Events.Received != 2 {
		t.Errorf("got %+v", s.buckets)
	}
	if got := s.takeOpen(); len(got) != 1 || len(s.takeOpen()) != 0 {
		t.Errorf("got %+v", got)
	}
	var many []Point
	for range 2500 {
		many = append(many, Point{})
	}
	if got := len(thinOut(many)); got > maxPoints {
		t.Errorf("%d points", got)
	}
}
