package logging

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Given 100,000 lines that say the same, then the log has the first of them and one that
// tells how many there were; others are not held up, and later ones are written again.
func TestStormOfLinesIsFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := NewRing(nil, nil)
		l, console := newLogger(t, Options{Lines: ring})
		log := Component(l.Logger, "ResearchBot")
		for n := range 100_000 {
			log.Info("Joined a guild", "guild", n)
		}
		log.Warn("Joined a guild")
		log.Info("another line")
		time.Sleep(foldWindow)
		synctest.Wait()
		log.Info("Joined a guild", "guild", "later")
		var want strings.Builder
		for n := range foldBurst {
			fmt.Fprintf(&want, "[INFO] ResearchBot: Joined a guild guild=%d\n", n)
		}
		want.WriteString("[WARNING] ResearchBot: Joined a guild\n[INFO] ResearchBot: another line\n" +
			"[INFO] ResearchBot: More lines like this one were left out line=\"Joined a guild\" times=99980 within=\"10 s\"\n" +
			"[INFO] ResearchBot: Joined a guild guild=later\n")
		if got := withoutTime(t, console.String()); got != want.String() {
			t.Errorf("the log is\n%s", got)
		}
		if kept := ring.Last(ringLines); len(kept) != foldBurst+4 {
			t.Errorf("%d lines are kept", len(kept))
		}
	})
}

// Numbers in a message do not make it another one; shards do, and at debug every line is
// wanted. What is folded is told at the end at the latest.
func TestWhatIsFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, console := newLogger(t, Options{Level: slog.LevelDebug})
		for n := range 50 {
			l.Info(fmt.Sprintf("handshake error from 192.0.2.%d:%d", n, 1000*n))
			l.Info("Online", "shard", fmt.Sprintf("%d/50", n))
			l.Debug("detail")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		got := withoutTime(t, console.String())
		for line, want := range map[string]int{"handshake error from 192": foldBurst + 1, "[INFO] Online shard=": 50, "[DEBUG] detail": 50, "times=30": 1} {
			if n := strings.Count(got, line); n != want {
				t.Errorf("%d times %q, want %d", n, line, want)
			}
		}
		l.Info("after the end")
	})
}

// Texts from outside that all differ do not fill the memory.
func TestKindsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newLogger(t, Options{})
		word := []byte("aaaaa")
		for range 3 * foldKinds {
			l.Info("said " + string(word))
			for i := range word {
				if word[i]++; word[i] <= 'z' {
					break
				}
				word[i] = 'a'
			}
		}
		if n := kinds(l.fold); n > foldKinds+1 {
			t.Errorf("%d kinds are kept", n)
		}
		time.Sleep(2 * foldWindow)
		l.Info("said nothing")
		if n := kinds(l.fold); n > 1 {
			t.Errorf("%d kinds are kept after all windows", n)
		}
	})
}

// kinds is how many kinds of lines are told apart now.
func kinds(f *foldHandler) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.bursts)
}
