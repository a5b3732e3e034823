package discordsim

import (
	"math"
	"strings"
	"testing"
	"time"
)

// Given a speed, when a configuration is made faster, then Discord's intervals are divided
// by it down to their least, what was chosen as well as the defaults, and what is the bot's
// own or switched off is not.
func TestFasterShortensDiscordsIntervals(t *testing.T) {
	c, err := Config{AnswerGrace: 20 * time.Second, Session: SessionConfig{BaseResumeCut: -1, ReconnectMin: 20 * time.Minute, ReconnectMax: time.Hour}}.Faster(10)
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range []struct {
		what      string
		got, want time.Duration
	}{
		{"heartbeat interval", c.Heartbeat.Interval, 4125 * time.Millisecond},
		{"heartbeat grace", c.Heartbeat.Grace, time.Second},
		{"session lifetime", c.Session.Lifetime, 20 * time.Second},
		{"identify window", c.Identify.Window, 500 * time.Millisecond},
		{"starts window", c.Identify.StartsWindow, 144 * time.Minute},
		{"least time between two op 7", c.Session.ReconnectMin, 2 * time.Minute},
		{"most time between two op 7", c.Session.ReconnectMax, 6 * time.Minute},
		{"base resume cut", c.Session.BaseResumeCut, -1},
		{"answer grace", c.AnswerGrace, 20 * time.Second},
		{"deadline of an interaction", c.REST.InteractionDeadline, 3 * time.Second},
	} {
		if is.got != is.want {
			t.Errorf("%s: %s, want %s", is.what, is.got, is.want)
		}
	}
	for _, one := range Intervals() {
		if one.At(1) != one.Default || one.At(10) > max(one.Default, one.Least) {
			t.Errorf("%s: %s at speed 1 and %s at 10", one.Name, one.At(1), one.At(10))
		}
	}
}

// Given a speed that is none or at which heartbeats would come too fast, then it is refused
// with a sentence that says what is possible.
func TestFasterRefusesWhatDoesNotWork(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		speed    float64
		says     string
	}{
		{0, 0, "at least 1"}, {0, -3, "at least 1"}, {0, 0.5, "at least 1"}, {0, math.NaN(), "at least 1"},
		{0, 42, "at most 41 is possible"}, {0, math.Inf(1), "at most 41 is possible"}, {5 * time.Second, 6, "at most 5 is possible"},
	} {
		if _, err := (Config{Heartbeat: HeartbeatConfig{Interval: c.interval}}).Faster(c.speed); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("speed %g: %v, want %q", c.speed, err, c.says)
		}
	}
	for _, c := range []struct {
		interval time.Duration
		speed    float64
	}{{0, 1}, {0, 41}, {500 * time.Millisecond, 1}} {
		if _, err := (Config{Heartbeat: HeartbeatConfig{Interval: c.interval}}).Faster(c.speed); err != nil {
			t.Errorf("speed %g: %v", c.speed, err)
		}
	}
}
