package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/text"
)

// progressFor shows the progress of something that takes a time, until that has passed.
func progressFor(s *simProgress, takes time.Duration, inForce func() []string, meanwhile func()) {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.begin(takes)
	go func() {
		defer close(ended)
		s.follow(ctx, inForce)
	}()
	meanwhile()
	end()
	<-ended
}

// Given a terminal, when something goes on, then one line shows how far it is, what is in
// force and how much is left, no wider than the terminal; what else is printed stands in
// lines of its own; and at the end nothing of it is left.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen strings.Builder
		s := &simProgress{printed: &screen, shown: &screen, same: true, live: true, columns: func() int { return 100 }}
		progressFor(s, time.Minute, func() []string { return []string{"half-open"} }, func() {
			s.reach("half-open for 30s", time.Minute)
			time.Sleep(30*time.Second + redrawEvery/2)
			fmt.Fprintln(s, "connection 1 closed")
			time.Sleep(40 * time.Second)
		})
		shown := screen.String()
		for _, want := range []string{
			"[###############...............] 30 s of 1 min, 30 s left; half-open for 30s; in force: half-open",
			clearLine + "connection 1 closed\n[###", "1 min 10 s of 1 min, it takes longer than was said",
		} {
			if !strings.Contains(shown, want) {
				t.Errorf("%q is never shown", want)
			}
		}
		if !strings.HasSuffix(shown, clearLine) || strings.Count(shown, "\n") != 1 {
			t.Errorf("something is left: %q", shown[len(shown)-200:])
		}
		for _, line := range strings.FieldsFunc(shown, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if n := text.Columns(strings.TrimPrefix(line, "\x1b[K")); n > 99 {
				t.Errorf("a line takes %d columns: %q", n, line)
			}
		}
	})
}

// Given no terminal, when something goes on for long or not, then a line now and then says
// how far it is, at most twenty and none of what is over soon.
func TestProgressInAPipe(t *testing.T) {
	for _, c := range []struct {
		takes       time.Duration
		least, most int
	}{{5 * time.Second, 0, 0}, {time.Minute, 4, 6}, {24 * time.Hour, 15, 20}} {
		synctest.Test(t, func(t *testing.T) {
			var printed, shown strings.Builder
			s := &simProgress{printed: &printed, shown: &shown}
			progressFor(s, c.takes, func() []string { return nil }, func() {
				fmt.Fprintln(s, "hello")
				time.Sleep(c.takes)
			})
			if n := strings.Count(shown.String(), "progress: "); n < c.least || n > c.most || printed.String() != "hello\n" || strings.Contains(shown.String(), "\x1b") {
				t.Errorf("of %s %d lines told: %q", c.takes, n, shown.String())
			}
		})
	}
}
