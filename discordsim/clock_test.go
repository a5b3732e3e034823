package discordsim

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Given timers planned for all kinds of moments, then they fire at their time
// and, where it is the same, in the order in which they were planned; one that
// is stopped does not, and one that is put off fires later.
//
// Statements: S-101.
func TestTimersFireInOrder(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
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
			t.Error("a timer that is to come cannot be put off")
		}
		s.mu.Unlock()
		wait(10 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		want := []string{"at once 0s", "right after 0s", "same 0 1s", "same 1 1s", "same 2 1s", "same 3 1s", "same 4 1s", "late 4s"}
		if !slices.Equal(got, want) {
			t.Errorf("it went %q", got)
		}
		if never.reset(time.Second) || late.reset(time.Second) || (*simTimer)(nil).reset(time.Second) {
			t.Error("a timer that is over was put off")
		}
		(*simTimer)(nil).stop()
	})
}

// Given callbacks of the simulator's time that call the simulator, when several
// are due at the same moment, then they run one after the other in the order in
// which they were asked for, also one that was asked for meanwhile.
func TestAfterRunsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		start := time.Now()
		var order []string
		note := func(name string) func() {
			return func() {
				s.AddUser(name)
				if since := time.Since(start); since != time.Minute {
					t.Errorf("%s ran after %s", name, since)
				}
				order = append(order, name)
			}
		}
		s.After(time.Minute, func() {
			s.After(0, note("third"))
			note("first")()
		})
		s.After(time.Minute, note("second"))
		s.After(time.Hour, func() { t.Error("it ran after the simulator was closed") })
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if want := []string{"first", "second", "third"}; !slices.Equal(order, want) {
			t.Errorf("they ran as %q, want %q", order, want)
		}
	})
}

// Given timers planned for the next hours, one of which plans another, when Discord
// lives through two hours at once, then what falls into them has happened, in its
// order, and the rest comes two hours sooner.
//
// Statements: S-101.
func TestSkipLetsTimePassForDiscordAlone(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		start := time.Now()
		var got []string
		note := func(name string) func() {
			return func() { got = append(got, fmt.Sprint(name, " ", time.Since(start))) }
		}
		s.mu.Lock()
		s.after(3*time.Hour, note("late"))
		s.after(time.Hour, note("second"))
		s.after(time.Minute, func() {
			note("first")()
			s.after(30*time.Minute, note("in between"))
			s.after(119*time.Minute, note("at the edge"))
			s.after(120*time.Minute, note("beyond"))
		})
		s.mu.Unlock()
		wait(time.Second)
		s.Skip(2 * time.Hour)
		wait(3 * time.Hour)
		s.mu.Lock()
		defer s.mu.Unlock()
		if want := []string{"first 1s", "in between 1s", "second 1s", "at the edge 1s", "beyond 1m0s", "late 1h0m0s"}; !slices.Equal(got, want) {
			t.Errorf("it went %q, want %q", got, want)
		}
	})
}

// Given a client whose host sleeps, when Discord's time goes on without it, then
// its session is gone when it comes back after a night, and is there after a nap.
//
// Statements: S-043, S-046.
func TestSleepOfAClient(t *testing.T) {
	for slept, lives := range map[time.Duration]bool{20 * time.Second: true, 8 * time.Hour: false} {
		withClient(t, Config{Session: SessionConfig{Lifetime: 2 * time.Minute}}, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			wait(time.Second)
			offline := sc.inject(Fault{Name: "offline"})
			sc.Skip(slept)
			sc.Lift(offline)
			if c.drop(); (sc.Sessions(sc.app) == 1) != lives || sc.Attached(sc.app) {
				t.Errorf("after %s there are %d sessions", slept, sc.Sessions(sc.app))
			}
			if lives {
				c = c.reconnectAndResume()
				c.event("RESUMED")
			}
		})
	}
}

// Given timers in all states, when the simulator closes, then none fires any
// more, and none can be planned.
//
// Statements: S-101.
func TestCloseStopsTheClock(t *testing.T) {
	inSimBubble(t, Config{}, func(t *testing.T, s *Sim) {
		s.mu.Lock()
		fail := func() { t.Error("a timer fired") }
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
	withClient(t, Config{}, AppConfig{StartsTotal: 10_000}, func(sc *clientHarness) {
		start, c := time.Now(), sc.identified(nil)
		for time.Since(start) < 24*time.Hour {
			for range 30 {
				wait(40 * time.Second)
				c.send(1, c.seq)
				c.op(11)
			}
			sc.inject(Fault{Name: "op7"})
			c.op(7)
			c.closeWith(4900)
			c = c.reconnectAndResume()
			c.event("RESUMED")
		}
		v := sc.Verdict(sc.app)
		if v.Resumed != 72 || v.Identifies != 1 || v.Online != 24*time.Hour || v.Offline != 0 || len(v.Violations) != 0 {
			t.Errorf("the verdict is %+v", v)
		}
	})
}
