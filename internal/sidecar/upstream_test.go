package sidecar

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
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
		if n := len(b.events("READY")); n != 1 {
			t.Errorf("the bot gets %d READY", n)
		}
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

// What a bot is told of a guild depends on what it knows: that it is there, that it was
// joined, or that an outage is over.
func TestGuildsAsABotIsToldOfThem(t *testing.T) {
	const (
		create = `{"channels":[],"id":"7"}`
		back   = `{"channels":[],"id":"7","unavailable":false}`
		outage = `{"id":"7","unavailable":true}`
		gone   = `{"id":"7"}`
	)
	type event = struct{ event, d string }
	for name, c := range map[string]struct {
		first []int   // guilds of the first READY, which all come
		then  []event // and READY, as "READY 7 8"
		want  []event
	}{
		"a guild is joined":                       {nil, []event{{"GUILD_CREATE", create}}, []event{{"GUILD_CREATE", create}}},
		"it is left":                              {[]int{7}, []event{{"GUILD_DELETE", gone}}, []event{{"GUILD_DELETE", gone}}},
		"it is left and joined again":             {[]int{7}, []event{{"GUILD_DELETE", gone}, {"GUILD_CREATE", create}}, []event{{"GUILD_DELETE", gone}, {"GUILD_CREATE", create}}},
		"an outage":                               {[]int{7}, []event{{"GUILD_DELETE", outage}, {"GUILD_CREATE", back}}, []event{{"GUILD_DELETE", outage}, {"GUILD_CREATE", back}}},
		"an outage in a GUILD_CREATE":             {[]int{7}, []event{{"GUILD_CREATE", outage}}, []event{{"GUILD_CREATE", outage}}},
		"it comes again":                          {[]int{7}, []event{{"GUILD_CREATE", create}}, []event{{"GUILD_DELETE", outage}, {"GUILD_CREATE", back}}},
		"a new session":                           {[]int{7}, []event{{"READY 7", ""}, {"GUILD_CREATE", create}}, []event{{"GUILD_DELETE", outage}, {"GUILD_CREATE", back}}},
		"a new session, joined meanwhile":         {nil, []event{{"READY 7", ""}, {"GUILD_CREATE", create}}, []event{{"GUILD_CREATE", create}}},
		"the same, and Discord says available":    {nil, []event{{"READY 7", ""}, {"GUILD_CREATE", back}}, []event{{"GUILD_CREATE", create}}},
		"a new session, left meanwhile":           {[]int{7}, []event{{"READY", ""}}, []event{{"GUILD_DELETE", gone}}},
		"left meanwhile, and joined later":        {[]int{7}, []event{{"READY", ""}, {"GUILD_CREATE", create}}, []event{{"GUILD_DELETE", gone}, {"GUILD_CREATE", create}}},
		"two new sessions at once":                {[]int{7}, []event{{"READY 7", ""}, {"READY 7", ""}, {"GUILD_CREATE", create}}, []event{{"GUILD_DELETE", outage}, {"GUILD_CREATE", back}}},
		"a new session, in an outage, then there": {[]int{7}, []event{{"READY 7", ""}, {"GUILD_DELETE", outage}, {"GUILD_CREATE", back}}, []event{{"GUILD_DELETE", outage}, {"GUILD_CREATE", back}}},
		"what cannot be read passes":              {[]int{7}, []event{{"GUILD_CREATE", `{"id":"7","unavailable":1}`}}, []event{{"GUILD_CREATE", `{"id":"7","unavailable":1}`}}},
	} {
		runAlone(t, Options{}, 1, func(h *harness) {
			h.handed()
			h.handReady(c.first...)
			for _, id := range c.first {
				h.handGuild(id)
			}
			b := h.connect().identify(nil)
			h.Advance(time.Second)
			before := len(b.types())
			for _, e := range c.then {
				if guilds, ok := strings.CutPrefix(e.event, "READY"); ok {
					var ids []int
					for _, id := range strings.Fields(guilds) {
						n, _ := strconv.Atoi(id)
						ids = append(ids, n)
					}
					h.handReady(ids...)
					continue
				}
				h.hand(e.event, json.RawMessage(e.d))
			}
			h.Advance(time.Second)
			var got []event
			b.mu.Lock()
			for _, r := range b.got {
				if r.Op == 0 {
					got = append(got, event{r.Type, string(r.Data)})
				}
			}
			b.mu.Unlock()
			if got = got[before:]; !slices.Equal(got, c.want) {
				t.Errorf("%s: the bot is told\n%v, want\n%v", name, got, c.want)
			}
			b.kill()
		})
	}
}

// A guild that READY has named and that is then left, or has an outage, is not waited for.
func TestGuildThatIsGoneIsNotWaitedFor(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		h.handed()
		b := h.connect().identify(nil)
		h.handReady(7)
		h.hand("GUILD_DELETE", map[string]any{"id": "7", "unavailable": true})
		if took := h.Until(time.Minute, "READY", func() bool { return len(b.events("READY")) == 1 }); took > time.Second {
			t.Errorf("READY comes after %s", took)
		}
		h.Advance(time.Second)
		if got := b.events("GUILD_DELETE"); len(got) != 1 || string(got[0].Data) != `{"id":"7","unavailable":true}` {
			t.Errorf("of the guild it is told %v", got)
		}
		b.kill()
	})
}

// A READY that cannot be read changes nothing and ends nothing, and an event that cannot be
// read is told once it falls out of the backlog.
func TestWhatCannotBeReadEndsNothing(t *testing.T) {
	runAlone(t, Options{BacklogAge: time.Minute}, 1, func(h *harness) {
		h.handed()
		h.handReady(7)
		h.handGuild(7)
		b := h.connect().identify(nil)
		h.Advance(time.Second)
		for _, e := range []struct{ event, d string }{
			{"READY", `{"guilds":7}`}, {"READY", `[]`}, {"GUILD_CREATE", `[]`}, {"GUILD_DELETE", `{"id":"x"}`}, {"CHANNEL_CREATE", `"x"`},
			{"GUILD_MEMBERS_CHUNK", `[]`}, {"INTERACTION_CREATE", `{"id":[]}`}, {"VOICE_STATE_UPDATE", `{"user_id":{}}`}, {"", `null`}, {"GUILD_ROLE_CREATE", `{"guild_id":"7","role":5}`},
		} {
			h.hand(e.event, json.RawMessage(e.d))
		}
		if h.log.Has("could not be read") {
			t.Errorf("before it is folded the log says:\n%s", h.log.String())
		}
		h.Advance(2 * time.Minute)
		if !h.log.Has("could not be read") || !h.log.Has("GUILD_ROLE_CREATE") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
		b.kill()
		next := h.connect().identify(nil)
		h.Until(5*time.Second, "the guild", func() bool { return len(next.events("GUILD_CREATE")) == 1 })
		next.kill()
	})
}

// After a restart Discord may repeat what Evergreen had kept already, in a checkpoint or after
// it: it comes to the bot once.
func TestWhatDiscordRepeatsAfterARestartComesOnce(t *testing.T) {
	for _, after := range []int{0, 1} { // messages after the checkpoint
		run(t, Options{Dir: t.TempDir()}, func(h *harness) {
			b := h.started()
			behind := h.sessions.Clone() // this is what the disk has of Discord's session
			b.kill()
			missed := h.say(0, 3)
			made := h.Sim.AddChannel(h.Guilds[0], "made-meanwhile", 0)
			h.Advance(time.Second)
			h.sidecar.mu.Lock()
			h.sidecar.checkpoint(time.Now())
			h.sidecar.mu.Unlock()
			missed = append(missed, h.say(3, after)...)
			h.Advance(time.Second)
			h.sessions = behind
			h.crash()
			missed = append(missed, h.say(4, 1)...)
			h.Advance(2 * time.Second)
			b = h.started()
			h.wantMessages(missed, b)
			if got := b.events("CHANNEL_CREATE"); len(got) != 1 || !containsID(got[0].Data, made.ID) {
				t.Errorf("the channel comes %d times", len(got))
			}
			if r := h.Sim.Verdict(h.App).Resumes; r != 1 {
				t.Errorf("%d RESUMEs at Discord", r)
			}
			b.kill()
		})
	}
}

// What Evergreen itself tells of a new session at Discord survives its crash: a bot that comes
// back after both is told of the outage of its guilds.
func TestOutageThatEvergreenTellsSurvivesItsCrash(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		b.kill()
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.Advance(time.Minute)
		h.crash()
		h.Advance(2 * time.Second)
		again := h.resumes(b)
		h.Until(2*time.Second, "RESUMED", func() bool { return len(again.events("RESUMED")) == 1 })
		if out, back := len(again.events("GUILD_DELETE")), len(again.events("GUILD_CREATE")); out != 3 || back != 3 {
			t.Errorf("it is told of %d outages and %d guilds that are back", out, back)
		}
		again.kill()
	})
}

// After a restart Evergreen knows the guilds of its bot: a new session at Discord is told as
// an outage of those, and a voice channel is left by a new process of the bot.
func TestRestartedEvergreenKnowsTheGuilds(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		voice := h.Sim.AddVoiceChannels(h.Guilds[1], "talk")[0]
		b := h.started()
		b.send(4, map[string]any{"guild_id": h.Guilds[1].ID, "channel_id": voice.ID, "self_mute": false, "self_deaf": false})
		h.Sim.SetUnavailable(h.Guilds[2], true)
		h.Advance(2 * time.Second)
		h.crash()
		h.Advance(time.Second)
		b = h.resumes(b)
		h.Until(time.Second, "RESUMED", func() bool { return len(b.events("RESUMED")) == 1 })
		h.Sim.SetUnavailable(h.Guilds[2], false)
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.Advance(time.Minute)
		outages := 0
		for _, r := range b.events("GUILD_DELETE") {
			outages++
			if containsID(r.Data, h.Guilds[2].ID) && outages == 1 {
				t.Errorf("a guild that had an outage is told to have another one: %s", r.Data)
			}
		}
		if n := len(b.events("GUILD_CREATE")); n < 3 || outages < 2 {
			t.Errorf("%d outages and %d guilds are told", outages, n)
		}
		b.kill()
		h.crash()
		h.Sim.JoinVoice(voice.ID, h.App.Bot.ID)
		h.Advance(time.Second)
		b = h.started()
		h.Until(5*time.Second, "the bot has left", func() bool { return h.Sim.VoiceChannel(h.Guilds[1], h.App.Bot.ID) == 0 })
		b.kill()
	})
}
