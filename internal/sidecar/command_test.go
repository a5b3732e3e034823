package sidecar

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"evergreen/discordsim"
)

// The presence that a bot asks for is shown, stays while it is away, and is shown again
// after a new session at Discord.
func TestPresenceOfTheBotStays(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		b.send(opPresence, map[string]any{"since": nil, "status": "dnd", "afk": false, "activities": []any{map[string]any{"name": "chess", "type": 0}}})
		shown := func() string {
			all := h.Sim.StatusHistory(h.App)
			return all[len(all)-1].Status
		}
		h.Until(5*time.Second, "dnd", func() bool { return shown() == "dnd" })
		b.send(opPresence, map[string]any{"status": "asleep"})
		h.Advance(time.Second)
		if shown() != "dnd" {
			t.Errorf("after a presence of no sense the dot is %s", shown())
		}
		b.kill()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.Advance(time.Minute)
		if shown() != "dnd" {
			t.Errorf("after a new session the dot is %s", shown())
		}
		h.NoViolations()
	})
}

// Members come to the line that has asked for them, under the nonce that it gave.
func TestMembersComeToWhoAskedForThem(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		newer := h.started()
		id := h.Guilds[0].ID
		for _, d := range []map[string]any{
			{"guild_id": id, "query": "", "limit": 0, "nonce": "mine"},
			{"guild_id": []any{h.Guilds[1].ID}, "query": "", "limit": 0},
		} {
			newer.send(8, d)
		}
		h.Until(time.Minute, "two chunks", func() bool { return len(newer.events("GUILD_MEMBERS_CHUNK")) == 2 })
		var nonces []string
		for _, r := range newer.events("GUILD_MEMBERS_CHUNK") {
			var chunk struct {
				Nonce   *string           `json:"nonce"`
				Members []json.RawMessage `json:"members"`
			}
			if err := json.Unmarshal(r.Data, &chunk); err != nil || len(chunk.Members) == 0 {
				t.Errorf("a chunk is %s", r.Data)
			}
			if chunk.Nonce == nil {
				nonces = append(nonces, "none")
			} else {
				nonces = append(nonces, *chunk.Nonce)
			}
		}
		if !slices.Equal(nonces, []string{"mine", "none"}) {
			t.Errorf("the nonces are %q", nonces)
		}
		if n := len(older.events("GUILD_MEMBERS_CHUNK")); n != 0 {
			t.Errorf("the line that has not asked gets %d", n)
		}
		h.NoViolations()
		older.kill()
		newer.kill()
	})
}

// A library that asks for members while it starts gets them before what it has missed.
func TestMembersComeBeforeTheBacklog(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		said := h.say(0, 1)
		b := h.connect().identify(map[string]any{"properties": map[string]string{"browser": "discord.py"}})
		h.Until(time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
		b.send(8, map[string]any{"guild_id": h.Guilds[0].ID, "query": "", "limit": 0})
		h.Until(20*time.Second, "everything", func() bool { return len(b.messages()) == 1 })
		h.wantMessages(said, b)
		var order []string
		b.mu.Lock()
		for _, r := range b.got {
			if r.Type == "GUILD_MEMBERS_CHUNK" || r.Type == "MESSAGE_CREATE" {
				order = append(order, r.Type)
			}
		}
		b.mu.Unlock()
		if want := []string{"GUILD_MEMBERS_CHUNK", "MESSAGE_CREATE"}; !slices.Equal(order, want) {
			t.Errorf("came %q", order)
		}
		b.kill()
	})
}

// A new process of the bot is not in a voice channel any more, as at Discord; one that
// resumes is.
func TestNewProcessLeavesVoice(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		voice := h.Sim.AddVoiceChannels(h.Guilds[0], "talk")[0]
		b := h.started()
		b.send(4, map[string]any{"guild_id": h.Guilds[0].ID, "channel_id": voice.ID, "self_mute": false, "self_deaf": false})
		in := func() bool { return h.Sim.VoiceChannel(h.Guilds[0], h.App.Bot.ID) == voice.ID }
		h.Until(5*time.Second, "the bot is in the channel", in)
		h.Advance(time.Second)
		b.kill()
		again := h.resumes(b)
		h.Advance(5 * time.Second)
		if !in() {
			t.Error("a RESUME leaves the channel")
		}
		again.kill()
		b = h.started()
		h.Until(5*time.Second, "the bot has left", func() bool { return !in() })
		b.kill()
	})
}

// What is no payload closes the line; a payload without a guild too.
func TestPayloadsOfNoSenseCloseTheLine(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		for name, d := range map[string]any{
			"no object":  []int{1},
			"no guild":   map[string]any{"query": ""},
			"a bad id":   map[string]any{"guild_id": "everything"},
			"no id list": map[string]any{"guild_id": []any{}},
		} {
			b := h.started()
			b.send(8, d)
			h.Until(2*time.Second, "the line is closed for "+name, func() bool { return b.code() != -1 })
			if b.code() != 4002 {
				t.Errorf("%s: closed with %d", name, b.code())
			}
		}
		b := h.started()
		b.send(99, map[string]any{})
		h.Advance(time.Second)
		if b.code() != -1 {
			t.Errorf("an opcode that is not known closes the line with %d", b.code())
		}
		b.kill()
	})
}
