package line

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Given any order of dispatches, writes, pings, pongs, heartbeats and new sessions, then what
// is confirmed was written and never shrinks, what is unconfirmed is exactly the rest, one
// ping at a time is unanswered, and what had been confirmed earlier is never overstated.
func TestFlowNeverConfirmsTooMuch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := flow{pingDelay: defaultPingDelay, stallAfter: defaultStallAfter}
		now := time.Unix(1_000_000_000, 0)
		var seq int64
		sizes := map[int64]int{}
		type confirmation struct {
			at  time.Time
			seq int64
		}
		confirmed := []confirmation{{}}
		var payload []byte // of the last ping
		check := func() {
			p := f.progress(now)
			last := confirmed[len(confirmed)-1]
			if p.Confirmed < last.seq || p.Confirmed > f.handed || p.Confirmed > p.Written || p.Written > seq {
				t.Fatalf("confirmed %d after %d, handed %d: %+v", p.Confirmed, last.seq, f.handed, p)
			}
			if p.Confirmed > last.seq {
				confirmed = append(confirmed, confirmation{now, p.Confirmed})
				if p.LastConfirmed != now {
					t.Fatalf("%+v now", p)
				}
			}
			var count int
			var bytes int64
			for s, size := range sizes {
				if s > p.Confirmed {
					count++
					bytes += int64(size)
				}
			}
			if p.UnconfirmedCount != count || p.UnconfirmedBytes != bytes {
				t.Fatalf("%+v, want %d payloads with %d bytes", p, count, bytes)
			}
			ago := time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "ago"))
			var most int64
			for _, c := range confirmed {
				if !c.at.After(now.Add(-ago)) {
					most = c.seq
				}
			}
			if len(f.history.entries) > 42 {
				t.Fatalf("%d confirmations are kept", len(f.history.entries))
			}
			if got := f.history.before(now.Add(-ago)); got > most {
				t.Fatalf("%v ago %d was confirmed, not %d", ago, most, got)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { check() },
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
			},
			"dispatch": func(t *rapid.T) {
				seq += int64(rapid.IntRange(1, 3).Draw(t, "step"))
				sizes[seq] = rapid.IntRange(1, 5000).Draw(t, "size")
				if err := f.accept(seq, sizes[seq]); err != nil {
					t.Fatal(err)
				}
			},
			"take":    func(*rapid.T) { f.take(now) },
			"written": func(*rapid.T) { f.wrote(now) },
			"request": func(*rapid.T) { f.request() },
			"ping": func(t *rapid.T) {
				if !f.pingDue(now) {
					return
				}
				if f.ping.number != 0 {
					t.Fatal("a ping is due while one is unanswered")
				}
				payload = f.sendPing()
				if f.pingDue(now) {
					t.Fatal("two pings are due")
				}
			},
			"pong": func(*rapid.T) { f.pong(payload, now) },
			"heartbeat": func(t *rapid.T) {
				f.heartbeat(rapid.Int64Range(-1, seq+2).Draw(t, "d"), now)
			},
			"invalid session": func(*rapid.T) {
				f.reset()
				seq = 0
				clear(sizes)
				confirmed = []confirmation{{}}
			},
		})
	})
}

// Given a client that answers pings, then every dispatch that was written is asked about
// within the delay, and not before.
func TestNextPingIsNeverForgotten(t *testing.T) {
	f := flow{pingDelay: defaultPingDelay, stallAfter: defaultStallAfter}
	now := time.Unix(0, 0)
	for seq := range int64(100) {
		if err := f.accept(seq+1, 1); err != nil {
			t.Fatal(err)
		}
		f.take(now)
		f.wrote(now)
		if at := f.next(now); at != now.Add(defaultPingDelay) {
			t.Fatalf("dispatch %d: next at %v", seq+1, at)
		}
		now = now.Add(defaultPingDelay)
		if !f.pingDue(now) {
			t.Fatal("no ping is due")
		}
		payload := f.sendPing()
		f.take(now)
		f.wrote(now)
		if at := f.next(now); at != now.Add(defaultStallAfter) {
			t.Fatalf("dispatch %d: stalls at %v", seq+1, at)
		}
		f.pong(payload, now)
		if at := f.next(now); !at.IsZero() || f.confirmed != seq+1 {
			t.Fatalf("dispatch %d: next at %v", seq+1, at)
		}
	}
}
