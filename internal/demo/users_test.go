package demo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
)

// Given people of whose questions a part goes to the bot alone, when they ask for a while,
// then about that part are direct messages, of different people, and all others stand in
// channels; the same seed asks the same.
func TestUsersSendDirectMessages(t *testing.T) {
	count := func(share float64) (direct, writers, others int) {
		synctest.Test(t, func(t *testing.T) {
			w := NewWorld(WorldOptions{Sim: discordsim.Config{Seed: 1}})
			defer w.Sim.Close()
			ctx, end := context.WithTimeout(t.Context(), 200*time.Second)
			defer end()
			(&Users{World: w, Rate: 5, Say: []string{"!ping"}, Slash: []string{"ping"}, DM: share, Seed: 1}).Run(ctx)
			for _, u := range w.People {
				n := len(w.Sim.Messages(w.Sim.DMChannel(w.Bot, u.ID)))
				direct += n
				writers += min(n, 1)
			}
			for _, ch := range w.channels() {
				others += len(w.Sim.Messages(ch))
			}
		})
		return direct, writers, others
	}
	if direct, _, others := count(0); direct != 0 || others < 700 {
		t.Errorf("%d direct messages without a share, and %d others", direct, others)
	}
	direct, writers, others := count(0.25)
	if share := float64(direct) / float64(direct+others); share < 0.2 || share > 0.3 || writers < 20 {
		t.Errorf("%d direct messages of %d people, and %d others", direct, writers, others)
	}
	if d, w, o := count(0.25); d != direct || w != writers || o != others {
		t.Errorf("the same seed made %d, %d and %d, then %d, %d and %d", direct, writers, others, d, w, o)
	}
}
