package sidecar

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
)

// After a new session at Discord a bot is told of each guild as after an outage, so that it
// reports no join, and of one that it was removed from meanwhile.
func TestNewSessionAtDiscordIsAnOutageToBots(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		b.mu.Lock()
		before := len(b.got)
		b.mu.Unlock()
		h.Inject(discordsim.Fault{Name: "refuse", For: 30 * time.Second})
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.Sim.Leave(h.App, h.Guilds[2])
		h.Advance(2 * time.Minute)
		type change struct {
			event       string
			id          discordsim.ID
			unavailable bool
		}
		var got []change
		b.mu.Lock()
		for _, r := range b.got[before:] {
			if r.Type != "GUILD_CREATE" && r.Type != "GUILD_DELETE" {
				continue
			}
			var d struct {
				ID          discordsim.ID `json:"id"`
				Unavailable bool          `json:"unavailable"`
			}
			_ = json.Unmarshal(r.Data, &d)
			got = append(got, change{r.Type, d.ID, d.Unavailable})
		}
		b.mu.Unlock()
		want := []change{
			{"GUILD_DELETE", h.Guilds[2].ID, false},
			{"GUILD_DELETE", h.Guilds[0].ID, true}, {"GUILD_CREATE", h.Guilds[0].ID, false},
			{"GUILD_DELETE", h.Guilds[1].ID, true}, {"GUILD_CREATE", h.Guilds[1].ID, false},
		}
		if !slices.Equal(got, want) {
			t.Errorf("the bot is told\n%v, want\n%v", got, want)
		}
		h.WantIdentifies(2)
		b.kill()

		b = h.connect().identify(nil)
		h.Until(5*time.Second, "two guilds", func() bool { return len(b.events("GUILD_CREATE")) == 2 })
		b.kill()
	})
}

// Given a bot, when a channel is deleted and a guild joined between two sessions at Discord,
// then the bot is told of both as if it had been there: discord.py and discord.js would keep
// the channel for ever, and take the guild for one whose outage is over. A channel that was
// deleted before is not told again.
func TestNewSessionAtDiscordTellsWhatChangedMeanwhile(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		before, meanwhile := h.Sim.AddChannel(h.Guilds[1], "before", 0), h.Sim.AddChannel(h.Guilds[1], "meanwhile", 0)
		b := h.started()
		h.deleteChannel(before)
		h.Advance(time.Second)
		h.Inject(discordsim.Fault{Name: "refuse", Host: "gateway", For: 30 * time.Second})
		h.Inject(discordsim.Fault{Name: "refuse", Host: "resume", For: 30 * time.Second})
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.deleteChannel(meanwhile)
		joined := h.Sim.AddGuild("joined")
		h.Sim.Join(h.App, joined)
		h.Advance(2 * time.Minute)

		var deleted []discordsim.ID
		for _, r := range b.events("CHANNEL_DELETE") {
			var d struct {
				ID    discordsim.ID `json:"id"`
				Guild discordsim.ID `json:"guild_id"`
				Name  string        `json:"name"`
			}
			_ = json.Unmarshal(r.Data, &d)
			deleted = append(deleted, d.ID)
			if d.Guild != h.Guilds[1].ID || d.Name == "" {
				t.Errorf("the channel %v is %s", d.ID, r.Data)
			}
		}
		if want := []discordsim.ID{before.ID, meanwhile.ID}; !slices.Equal(deleted, want) {
			t.Errorf("the channels %v were deleted, want %v", deleted, want)
		}
		guilds := b.events("GUILD_CREATE")
		for _, r := range guilds {
			var d struct {
				ID          discordsim.ID `json:"id"`
				Unavailable *bool         `json:"unavailable"`
			}
			if err := json.Unmarshal(r.Data, &d); err != nil || (d.Unavailable == nil) != (d.ID == joined.ID) {
				t.Errorf("%v: unavailable is %v (%v)", d.ID, d.Unavailable, err)
			}
		}
		if len(guilds) != 7 {
			t.Errorf("%d guilds came, want three, and again with the joined one", len(guilds))
		}
		b.kill()
	})
}

// A guild that the bot joins while it is away comes as a join: it is not in READY.
func TestJoinWhileAwayIsAJoin(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		g := h.Sim.AddGuild("new guild")
		h.Sim.Join(h.App, g)
		h.Advance(time.Second)
		b := h.started()
		h.Until(5*time.Second, "four guilds", func() bool { return len(b.events("GUILD_CREATE")) == 4 })
		var ready struct {
			Guilds []json.RawMessage `json:"guilds"`
		}
		if err := json.Unmarshal(b.events("READY")[0].Data, &ready); err != nil || len(ready.Guilds) != 3 {
			t.Errorf("READY names %d guilds (%v), want the three from before", len(ready.Guilds), err)
		}
		b.kill()
	})
}
