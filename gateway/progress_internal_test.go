package gateway

import (
	"testing"
	"testing/synctest"
	"time"
)

// What counts as receiving is the time in the middle of a message, as far as the bytes that
// came of it are worth it at the least rate that is believed. Idle time between messages is
// none, and before READY or RESUMED everything that comes is the middle of something.
func TestWhatCountsAsReceiving(t *testing.T) {
	const ended = -1 // in place of a number of bytes: a message has been read
	type step struct {
		after time.Duration
		bytes int
	}
	for _, c := range []struct {
		name     string
		live     bool
		steps    []step
		want     time.Duration
		lastByte time.Duration
	}{
		{"one read is a whole message", true, []step{{time.Second, 500}, {0, ended}, {time.Second, 500}, {0, ended}}, 0, 2 * time.Second},
		{"a message in parts", true, []step{{time.Second, 1000}, {time.Second, 1000}, {500 * time.Millisecond, 800}, {0, ended}}, 1500 * time.Millisecond, 2500 * time.Millisecond},
		{"a trickle", true, []step{{time.Second, 1000}, {5 * time.Second, 1}, {5 * time.Second, 10}}, 11 * time.Millisecond, 11 * time.Second},
		{"a burst pays for the pause before it and for no other", true, []step{{0, 1000}, {2 * time.Second, 1 << 20}, {2 * time.Second, 1000}}, 3 * time.Second, 4 * time.Second},
		{"idle time behind a message", true, []step{{0, 1000}, {time.Second, 1000}, {0, ended}, {30 * time.Second, 1 << 20}}, time.Second, 31 * time.Second},
		{"a message whose beginning came with the one before", true, []step{{0, 1000}, {0, ended}, {0, 0}, {time.Second, 2000}}, time.Second, time.Second},
		{"a beginning is no byte", true, []step{{time.Second, 0}}, 0, 0},
		{"small messages of a replay", false, []step{{time.Second, 1000}, {0, ended}, {time.Second, 1000}, {0, ended}, {time.Second, 500}, {0, ended}}, 1500 * time.Millisecond, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := progress{opened: time.Now(), live: c.live}
				for _, s := range c.steps {
					time.Sleep(s.after)
					if s.bytes == ended {
						p.messageEnded()
					} else {
						p.received(s.bytes)
					}
				}
				if got := p.total(); got != c.want {
					t.Errorf("receiving for %s, want %s", got, c.want)
				}
				if got := p.lastByte().Sub(p.opened); got != c.lastByte {
					t.Errorf("the last byte after %s, want %s", got, c.lastByte)
				}
			})
		})
	}
}

// A deadline does not run while a message comes in, except that no more than ten minutes are
// let off, and only those since the wait began.
func TestAnswersAreNotWaitedForWhileReceiving(t *testing.T) {
	const limit = 15 * time.Second
	began := time.Now()
	w := answerWait{since: began, receiving: time.Hour}
	for _, c := range []struct{ receiving, until time.Duration }{
		{0, limit},
		{20 * time.Second, limit + 20*time.Second},
		{10 * time.Minute, limit + 10*time.Minute},
		{9 * time.Hour, limit + 10*time.Minute},
	} {
		total := time.Hour + c.receiving
		at := began.Add(c.until)
		if got := w.until(limit, total); !got.Equal(at) {
			t.Errorf("after %s of receiving the wait ends after %s, want %s", c.receiving, got.Sub(began), c.until)
		}
		if before, then := w.counted(at.Add(-1), total), w.counted(at, total); before >= limit || then < limit {
			t.Errorf("after %s of receiving the wait counts %s and %s, want %s", c.receiving, before, then, limit)
		}
	}
}
