package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
)

// sessionKeepingFaults is what may happen in a random test. None of it loses the session,
// so no event may be lost either.
var sessionKeepingFaults = []discordsim.Fault{
	{Name: "cut"}, {Name: "drop"}, {Name: "op7"}, {Name: "op9-true"}, {Name: "corrupt"}, {Name: "server-beat"}, {Name: "malformed"},
	{Name: "close", Code: 4000}, {Name: "close", Code: 1001}, {Name: "close", Code: 4008},
	{Name: "stall", Delay: 3 * time.Second}, {Name: "half-open"}, {Name: "black-hole", For: 4 * time.Second},
	{Name: "offline", For: 3 * time.Second}, {Name: "unreachable", For: 2 * time.Second}, {Name: "refuse", For: 2 * time.Second},
	{Name: "dns", For: 2 * time.Second}, {Name: "resume-dead", For: 6 * time.Second}, {Name: "upgrade-status", For: 2 * time.Second},
	{Name: "op7-first", Count: 1}, {Name: "no-hello", Count: 1}, {Name: "resume-op9-true", Count: 1}, {Name: "resume-silent", Count: 1},
	{Name: "ack-delay", Delay: 2 * time.Second, For: 20 * time.Second}, {Name: "latency", Delay: 300 * time.Millisecond, For: 20 * time.Second},
	{Name: "duplicate", Probability: 0.5, For: 5 * time.Second},
}

// Given a thousand faults of every kind that leaves the session alive, at random
// moments and on top of each other, then nothing of an old connection ever
// touches a new one: each event arrives exactly once, and the shard ends up
// live on the session it began with.
// Statements: G-059, G-068, G-075, G-088, G-156, S-101.
func TestRandomFaultsLoseNothing(t *testing.T) {
	seeds, faults := uint64(50), 20
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			sim := discordsim.Config{
				Seed:      seed,
				Latency:   time.Duration(r.IntN(80)) * time.Millisecond,
				Jitter:    time.Duration(r.IntN(40)) * time.Millisecond,
				Session:   discordsim.SessionConfig{Lifetime: time.Hour},
				WebSocket: discordsim.WebSocketConfig{SplitFrames: 1 + r.IntN(4)},
			}
			run(t, config{sim: sim}, func(h *harness) {
				h.startLive()
				said := 0
				for range faults {
					h.Inject(sessionKeepingFaults[r.IntN(len(sessionKeepingFaults))])
					for range r.IntN(6) {
						h.Advance(time.Duration(r.IntN(2000)) * time.Millisecond)
						h.Post("one of many")
						said++
					}
				}
				h.Sim.LiftAll()
				h.Advance(3 * time.Minute)
				h.Until(time.Minute, "the shard is live", h.isLive)
				var got []int64
				for _, e := range h.eventsOf("MESSAGE_CREATE") {
					got = append(got, e.Seq)
				}
				if len(got) != said || !slices.IsSorted(got) {
					t.Errorf("%d of %d events arrived, in order: %t", len(got), said, slices.IsSorted(got))
				}
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}
