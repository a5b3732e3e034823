package sidecar

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
)

// What Discord would close a line for is closed with the same code.
func TestWrongIdentifyIsRefused(t *testing.T) {
	run(t, Options{StandIn: "a stand-in of at least 32 characters."}, func(h *harness) {
		for name, c := range map[string]struct {
			op   int
			d    map[string]any
			code int
		}{
			"another token":        {opIdentify, map[string]any{"token": "wrong", "intents": 1}, 4004},
			"a pair of no sense":   {opIdentify, map[string]any{"token": h.App.Token, "intents": 1, "shard": []int{3, 2}}, 4010},
			"intents as a text":    {opIdentify, map[string]any{"token": h.App.Token, "intents": "all"}, 4002},
			"RESUME by others":     {opResume, map[string]any{"token": "wrong", "session_id": "s", "seq": 1}, 4004},
			"members at first":     {8, map[string]any{"guild_id": "1"}, 4003},
			"a RESUME of no sense": {opResume, map[string]any{"token": h.App.Token, "seq": "x"}, 4002},
		} {
			b := h.connect()
			b.send(c.op, c.d)
			h.Until(2*time.Second, "the line is closed for "+name, func() bool { return b.code() != -1 })
			if b.code() != c.code {
				t.Errorf("%s: closed with %d, want %d", name, b.code(), c.code)
			}
		}
		if n := h.sidecar.Status().Counts.WrongTokens; n != 2 {
			t.Errorf("%d wrong tokens are counted", n)
		}
		b := h.connect().identify(map[string]any{"token": "Bot " + h.opts.StandIn})
		h.Until(10*time.Second, "the guilds of a bot with the stand-in", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
		b.send(opIdentify, map[string]any{"token": h.App.Token, "intents": 1})
		h.Until(2*time.Second, "the line is closed", func() bool { return b.code() != -1 })
		if b.code() != 4005 {
			t.Errorf("a second IDENTIFY is closed with %d", b.code())
		}
	})
}

// READY names the session of the line, its guilds, and where to resume; the rest is what
// Discord has sent.
func TestReadyIsThatOfTheLine(t *testing.T) {
	run(t, Options{PublicURL: "wss://bots.example.org"}, func(h *harness) {
		b := h.connect().identify(map[string]any{"shard": []int{0, 1}})
		h.Until(10*time.Second, "READY", func() bool { return len(b.events("READY")) == 1 })
		var ready struct {
			V       int    `json:"v"`
			Session string `json:"session_id"`
			Resume  string `json:"resume_gateway_url"`
			Shard   [2]int `json:"shard"`
			User    struct {
				ID string `json:"id"`
			} `json:"user"`
			Guilds []struct {
				ID          string `json:"id"`
				Unavailable bool   `json:"unavailable"`
			} `json:"guilds"`
			Private     []string `json:"private_channels"`
			Application struct {
				ID string `json:"id"`
			} `json:"application"`
		}
		first := b.events("READY")[0]
		if err := json.Unmarshal(first.Data, &ready); err != nil {
			t.Fatal(err)
		}
		if ready.V != 10 || len(ready.Session) != 32 || ready.Resume != "wss://bots.example.org" || ready.Shard != [2]int{0, 1} ||
			ready.User.ID == "" || ready.Application.ID == "" || ready.Private == nil || first.Seq != 1 {
			t.Errorf("READY is %s", first.Data)
		}
		if len(ready.Guilds) != 3 || !ready.Guilds[0].Unavailable {
			t.Errorf("its guilds are %+v", ready.Guilds)
		}
		h.Advance(time.Second)
		for _, r := range b.events("GUILD_CREATE") {
			var guild struct {
				Unavailable *bool `json:"unavailable"`
			}
			if err := json.Unmarshal(r.Data, &guild); err != nil || guild.Unavailable == nil || *guild.Unavailable {
				t.Errorf("a guild that was there does not say that it is available: libraries would report a join: %.80s", r.Data)
			}
		}
		b.kill()
	})
}

// A bot without the GUILDS intent gets the ids in READY and no GUILD_CREATE, and no event
// that it has not asked for.
func TestIntentsOfTheBotAreKept(t *testing.T) {
	run(t, Options{Intents: allIntents}, func(h *harness) {
		b := h.connect().identify(map[string]any{"intents": 1 << 12})
		h.Until(10*time.Second, "READY", func() bool { return len(b.events("READY")) == 1 })
		h.Advance(5 * time.Second)
		h.say(0, 1)
		h.Sim.DM(h.App, h.User.ID, "a direct message")
		h.Advance(time.Second)
		h.wantMessages([]string{"a direct message"}, b)
		if n := len(b.events("GUILD_CREATE")); n != 0 {
			t.Errorf("%d guilds came", n)
		}
		b.kill()
	})
}

// discord.py calls on_ready 2 s after its last guild. Before that it gets nothing of what
// happened while it was away; an interaction cannot wait so long.
func TestLibraryIsGivenTimeToBecomeReady(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		said := h.say(0, 2)
		python := map[string]any{"properties": map[string]string{"browser": "discord.py"}}
		b := h.connect().identify(python)
		h.Until(time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
		h.Advance(2200 * time.Millisecond)
		h.wantMessages(nil, b)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		b.kill()

		asked := h.say(2, 1)
		b = h.connect().identify(python)
		h.Until(time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
		h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		h.Advance(1600 * time.Millisecond)
		h.wantMessages(asked, b)
		if n := len(b.events("INTERACTION_CREATE")); n != 1 {
			t.Errorf("%d interactions came in time", n)
		}
		b.kill()
	})
}

// A fixed time takes the place of what the library needs.
func TestTimeToBecomeReadyCanBeSet(t *testing.T) {
	run(t, Options{Settle: 7 * time.Second}, func(h *harness) {
		h.started().kill()
		said := h.say(0, 1)
		b := h.connect().identify(nil)
		h.Advance(6900 * time.Millisecond)
		h.wantMessages(nil, b)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		b.kill()
	})
}

// READY of a shard names its own guilds, its pair and its version, whatever Discord's own has;
// of a guild in an outage it is told that.
func TestReadyOfAShard(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.Sim.SetUnavailable(h.Guilds[0], true)
		total := 0
		for id := range 2 {
			b := h.connectTo("v=9").identify(map[string]any{"shard": []int{id, 2}})
			h.Until(20*time.Second, "READY", func() bool { return len(b.events("READY")) == 1 })
			h.Advance(time.Second)
			var ready struct {
				V      int
				Shard  [2]int
				Trace  []string `json:"_trace"`
				Guilds []struct{ ID discordsim.ID }
			}
			if err := json.Unmarshal(b.events("READY")[0].Data, &ready); err != nil || ready.V != 9 || ready.Shard != [2]int{id, 2} || !slices.Equal(ready.Trace, []string{"evergreen"}) {
				t.Errorf("READY is %s", b.events("READY")[0].Data)
			}
			var outages []string
			for _, r := range b.events("GUILD_DELETE") {
				outages = append(outages, string(r.Data))
			}
			var want []string
			for _, g := range ready.Guilds {
				if fleet.ShardOf(uint64(g.ID), 2) != id {
					t.Errorf("READY of shard %d names the guild %v", id, g.ID)
				}
				if g.ID == h.Guilds[0].ID {
					want = append(want, `{"id":"`+g.ID.String()+`","unavailable":true}`)
				}
				total++
			}
			if !slices.Equal(outages, want) {
				t.Errorf("it is told of the outages %q, want %q", outages, want)
			}
			if got := len(b.events("GUILD_CREATE")) + len(b.events("GUILD_DELETE")); got != len(ready.Guilds) {
				t.Errorf("%d guilds come, and READY names %d", got, len(ready.Guilds))
			}
			b.kill()
		}
		if total != 3 {
			t.Errorf("%d guilds are named", total)
		}
	})
}

// Libraries that read private_channels find it, whether Discord sends it or not; all else of
// READY stays as it came.
func TestReadyHasPrivateChannels(t *testing.T) {
	for sent, want := range map[string]string{"": `[]`, `"private_channels":[{"id":"5"}],`: `[{"id":"5"}]`} {
		runAlone(t, Options{}, 1, func(h *harness) {
			h.handed()
			h.hand("READY", json.RawMessage(`{`+sent+`"user":{"id":"1"},"guilds":[],"new_field":{"a":1.50}}`))
			b := h.connect().identify(nil)
			h.Until(5*time.Second, "READY", func() bool { return len(b.events("READY")) == 1 })
			var ready struct {
				Private json.RawMessage `json:"private_channels"`
				New     json.RawMessage `json:"new_field"`
			}
			if err := json.Unmarshal(b.events("READY")[0].Data, &ready); err != nil || string(ready.Private) != want || string(ready.New) != `{"a":1.50}` {
				t.Errorf("READY is %s", b.events("READY")[0].Data)
			}
			b.kill()
		})
	}
}
