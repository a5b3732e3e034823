package discordsim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Given alarms planned for all kinds of moments, then they go off at their time
// and, where it is the same, in the order in which they were planned; one that
// is stopped does not, and one that is put off goes off later.
//
// Statements: S-101.
func TestAlarmsGoOffInOrder(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, s *Sim) {
		start := time.Now()
		var got []string
		note := func(name string) func() {
			return func() { got = append(got, fmt.Sprint(name, " ", time.Since(start))) }
		}
		s.mu.Lock()
		late := s.after(3*time.Second, note("late"))
		for i := range 5 {
			s.after(time.Second, note(fmt.Sprint("same ", i)))
		}
		never := s.after(2*time.Second, note("never"))
		s.after(-time.Second, func() {
			note("at once")()
			s.after(0, note("right after"))
			never.stop()
			never.stop()
		})
		if !late.reset(4 * time.Second) {
			t.Error("an alarm that is to come cannot be put off")
		}
		s.mu.Unlock()
		wait(10 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		want := []string{"at once 0s", "right after 0s", "same 0 1s", "same 1 1s", "same 2 1s", "same 3 1s", "same 4 1s", "late 4s"}
		if !slices.Equal(got, want) {
			t.Errorf("it went %q", got)
		}
		if never.reset(time.Second) || late.reset(time.Second) || (*alarm)(nil).reset(time.Second) {
			t.Error("an alarm that is over was put off")
		}
		(*alarm)(nil).stop()
	})
}

// Given alarms in all states, when the simulator closes, then none goes off any
// more, and none can be planned.
//
// Statements: S-101.
func TestCloseStopsTheClock(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, s *Sim) {
		s.mu.Lock()
		fail := func() { t.Error("an alarm went off") }
		s.after(time.Second, fail)
		s.after(time.Hour, fail)
		s.mu.Unlock()
		s.Close()
		s.Close()
		s.mu.Lock()
		s.after(0, fail)
		s.mu.Unlock()
		wait(2 * time.Hour)
	})
}

// Given a day of a bot that is struck again and again, then it passes in
// seconds, and its times are those of a day.
//
// Statements: S-101.
func TestADayInSeconds(t *testing.T) {
	onScene(t, Config{}, AppConfig{StartsTotal: 10_000}, func(sc *scene) {
		start, c := time.Now(), sc.begin(nil)
		for time.Since(start) < 24*time.Hour {
			for range 30 {
				wait(40 * time.Second)
				c.send(1, c.seq)
				c.op(11)
			}
			sc.inject(Fault{Name: "op7"})
			c.op(7)
			c.shut(4900)
			c = c.again()
			c.event("RESUMED")
		}
		v := sc.Verdict(sc.app)
		if v.Resumed != 72 || v.Identifies != 1 || v.Green != 24*time.Hour || v.Grey != 0 || len(v.Violations) != 0 {
			t.Errorf("the verdict is %+v", v)
		}
	})
}
