package alert

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/health"
)

// Given a channel that cannot be reached, then the alert is tried again and
// again, less and less often; when the bot is back before it got through, the
// end of it is told alone.
func TestChannelIsAway(t *testing.T) {
	run(t, Options{Redact: func(s string) string { return strings.ReplaceAll(s, "secret", "[redacted]") }}, health.Options{}, func(s *scene) {
		s.inbox.becomes(func(Notification) error { return errors.New("no route to secret") })
		s.up()
		s.down(silent)
		s.lasts(20 * time.Minute)
		if tries := s.inbox.tried(); tries < 7 || tries > 14 {
			t.Errorf("%d tries in 19 minutes", tries)
		}
		s.up()
		s.lasts(2 * time.Minute)
		s.inbox.becomes(nil)
		s.lasts(10 * time.Minute)
		s.arrived("resolved")
		if strings.Contains(s.log.String(), "secret") || !strings.Contains(s.log.String(), "no route to [redacted]") {
			t.Errorf("log:\n%s", s.log)
		}
	})
}

// Given a channel that refuses, panics, asks for time or never answers, then
// each costs what it must and no more.
func TestChannelMisbehaves(t *testing.T) {
	run(t, Options{}, health.Options{}, func(s *scene) {
		s.up()
		fail := errors.New("no")
		s.inbox.becomes(func(m Notification) error {
			switch m.Title {
			case "refused":
				return &Refused{fail}
			case "panics":
				panic("at the channel")
			case "later":
				if s.inbox.tries < 4 {
					return &retryLater{err: fail, after: 30 * time.Minute}
				}
			}
			return nil
		})
		for _, title := range []string{"refused", "panics", "later", "fine"} {
			s.n.Notify(title, "x", "")
		}
		s.lasts(25 * time.Minute)
		if s.inbox.kinds() != "" || s.inbox.tried() != 3 {
			t.Errorf("%d tries, %q has arrived", s.inbox.tried(), s.inbox.kinds())
		}
		s.lasts(10 * time.Minute)
		s.arrived("notice notice")
		if n := strings.Count(s.log.String(), "refused by its channel"); n != 2 || !strings.Contains(s.log.String(), "panicked: at the channel") {
			t.Errorf("log:\n%s", s.log)
		}
	})
	if err := error(&retryLater{err: &Refused{errors.New("x")}}); err.Error() != "x" || errors.Unwrap(errors.Unwrap(err)).Error() != "x" {
		t.Errorf("got %v", err)
	}
}

// Given a message that cannot be delivered for a day, then it is given up, and
// a queue that grows meanwhile gives up reminders first.
func TestQueueIsBounded(t *testing.T) {
	run(t, Options{MaxPerHour: 1000}, health.Options{}, func(s *scene) {
		s.up()
		s.inbox.becomes(func(Notification) error { return errors.New("no") })
		box := s.n.boxes[0]
		yesterday := time.Now().Add(-25 * time.Hour)
		box.add(Notification{Kind: Offline, Thread: "a", At: yesterday})
		box.add(Notification{Kind: Reminder, Thread: "a", At: yesterday})
		for range maxQueued {
			box.add(Notification{Kind: Notice, At: yesterday})
		}
		box.mu.Lock()
		if len(box.queue) != maxQueued || box.queue[0].Kind != Notice {
			t.Errorf("%d are queued, first %s", len(box.queue), box.queue[0].Kind)
		}
		box.mu.Unlock()
		s.lasts(time.Minute)
		synctest.Wait()
		if box.next() != nil || !strings.Contains(s.log.String(), "for a day and is given up") {
			t.Error("some are left")
		}
	})
}

// Given a message that could not be delivered yet, when the program ends, then it
// gets one last try.
func TestLastChance(t *testing.T) {
	run(t, Options{}, health.Options{}, func(s *scene) {
		s.inbox.becomes(func(Notification) error { return errors.New("no") })
		s.n.Notify("x", "y", "")
		s.lasts(3 * time.Second)
		s.inbox.becomes(nil)
		s.end()
		s.arrived("notice")
	})
}
