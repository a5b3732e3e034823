package sidecar

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// A bot with many shards that connect again and again, also to another process of
// Evergreen, does not exceed Discord's limit of presences.
//
// Statements: G-101.
func TestShardsThatAskForTheSamePresence(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		connect := func() (bots []*bot) {
			for shard := range 4 {
				bots = append(bots, h.connect().identify(map[string]any{"shard": []int{shard, 4}, "presence": map[string]any{"status": "idle"}}))
				h.Advance(700 * time.Millisecond)
			}
			return bots
		}
		for range 2 {
			for _, b := range connect() {
				b.kill()
			}
		}
		h.restart()
		again := connect()
		h.Advance(20 * time.Second)
		for _, b := range again {
			b.kill()
		}
		if history := h.Sim.StatusHistory(h.App); history[len(history)-1].Status != "idle" {
			t.Errorf("the dot was %v", history)
		}
		h.NoViolations()
	})
}

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
		for name, c := range map[string]struct {
			d    any
			says string
		}{
			"no object": {[]int{1}, "want a JSON object"},
			"nothing":   {nil, "want a JSON object"},
			"no guild":  {map[string]any{"query": ""}, "guild_id"},
		} {
			b := h.started()
			b.send(8, c.d)
			h.Until(2*time.Second, "the line is closed for "+name, func() bool { return b.code() != -1 })
			if b.code() != 4002 || !strings.Contains(b.closed.Error(), c.says) {
				t.Errorf("%s: closed with %v", name, b.closed)
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

// What a bot sends to Discord arrives as the bot has sent it, on the shard of its guild; only
// the guild is written as Discord documents it, and a request for members has a nonce of
// Evergreen's.
func TestPayloadsReachDiscordAsTheyAre(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		discord := h.handed()
		h.handReady()
		b := h.connect().identify(nil)
		h.Advance(time.Second)
		for _, c := range []struct {
			op         int
			d          string
			guild, was string
		}{
			{4, `{"guild_id":"7","channel_id":null,"self_mute":false}`, "7", `{"channel_id":null,"guild_id":"7","self_mute":false}`},
			{31, `{"guild_ids":["8","9"]}`, "8", `{"guild_ids":["8","9"]}`},
			{43, `{"guild_id":10,"fields":["status"]}`, "10", `{"fields":["status"],"guild_id":"10"}`},
			{8, `{"guild_id":["11"],"query":"","limit":0,"nonce":"mine"}`, "11", `{"guild_id":"11","limit":0,"nonce":"evergreen1","query":""}`},
		} {
			b.send(c.op, json.RawMessage(c.d))
			synctest.Wait()
			if got, want := discord.take(), []string{fmt.Sprintf("%d %s %s", c.op, c.guild, c.was)}; !slices.Equal(got, want) {
				t.Errorf("Discord gets %q, want %q", got, want)
			}
		}
		discord.failed = errors.New("no connection")
		b.send(4, map[string]any{"guild_id": "7"})
		b.send(opPresence, map[string]any{"status": "idle", "afk": false, "activities": []any{}})
		synctest.Wait()
		for _, want := range []string{"A payload of the bot was not sent to Discord", "The presence of the bot cannot be set"} {
			if !h.log.Has(want) {
				t.Errorf("the log lacks %q:\n%s", want, h.log.String())
			}
		}
		b.kill()
	})
}

// Members come in several chunks under the nonce of who asked; after the last one, or from a
// request that is ten minutes old, nothing more is passed on, and nothing of no sense ever.
func TestChunksOfMembers(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		discord := h.handed()
		h.handReady()
		b := h.connect().identify(nil)
		h.Advance(time.Second)
		asks := func() (nonce string) {
			b.send(8, map[string]any{"guild_id": "7", "query": "", "limit": 0, "nonce": "mine"})
			synctest.Wait()
			var d struct{ Nonce string }
			sent := strings.SplitN(discord.take()[0], " ", 3)
			if err := json.Unmarshal([]byte(sent[2]), &d); err != nil {
				t.Fatal(err)
			}
			return d.Nonce
		}
		chunk := func(nonce any, index, count int) {
			h.hand("GUILD_MEMBERS_CHUNK", map[string]any{"guild_id": "7", "chunk_index": index, "chunk_count": count, "nonce": nonce, "members": []any{}})
		}
		first, second := asks(), asks()
		if first == second {
			t.Errorf("two requests have the nonce %q", first)
		}
		for _, foreign := range []any{"another", "mine", nil, 7} {
			chunk(foreign, 0, 1)
		}
		chunk(first, 0, 3)
		chunk(second, 0, 1)
		chunk(first, 1, 3)
		chunk(first, 2, 3)
		chunk(first, 2, 3)
		chunk(second, 0, 1)
		h.Advance(time.Second)
		var got []int
		for _, r := range b.events("GUILD_MEMBERS_CHUNK") {
			var d struct {
				Nonce string
				Index int `json:"chunk_index"`
			}
			if err := json.Unmarshal(r.Data, &d); err != nil || d.Nonce != "mine" {
				t.Errorf("a chunk is %s", r.Data)
			}
			got = append(got, d.Index)
		}
		if !slices.Equal(got, []int{0, 0, 1, 2}) {
			t.Errorf("the chunks %v come", got)
		}
		late, gone := asks(), asks()
		h.Advance(requestLife - time.Second)
		chunk(late, 0, 2)
		h.Advance(time.Minute)
		chunk(late, 1, 2)
		h.Advance(time.Second)
		if n := len(b.events("GUILD_MEMBERS_CHUNK")); n != 5 {
			t.Errorf("%d chunks came of a request that is old", n-4)
		}
		b.kill()
		chunk(gone, 0, 1)
	})
}

// A library with several requests for members counts as ready once all are answered.
func TestAllMembersAreWaitedFor(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		h.handed()
		h.handReady()
		other := h.connect().identify(map[string]any{"shard": []int{1, 2}})
		h.Advance(time.Second)
		other.send(8, map[string]any{"guild_id": "7", "query": ""}) // never answered, and none of the library's
		h.connect().identify(nil).kill()
		h.hand("MESSAGE_CREATE", map[string]any{"channel_id": "9", "guild_id": "7", "content": "waits"})
		b := h.connect()
		b.setMute(true) // so that the guilds are not confirmed before it has asked
		b.identify(nil)
		h.Until(time.Second, "READY", func() bool { return len(b.events("READY")) == 1 })
		for range 2 {
			b.send(8, map[string]any{"guild_id": "7", "query": ""})
		}
		b.send(1, b.last())
		for i, nonce := range []string{"evergreen2", "evergreen3"} {
			h.Advance(time.Second)
			if n := len(b.messages()); n != 0 {
				t.Errorf("after %d of two answers it gets what it has missed", i)
			}
			h.hand("GUILD_MEMBERS_CHUNK", map[string]any{"guild_id": "7", "chunk_index": 0, "chunk_count": 1, "nonce": nonce, "members": []any{}})
		}
		h.Until(time.Second, "what it has missed", func() bool { return len(b.messages()) == 1 })
		b.kill()
		other.kill()
	})
}

// A new process of a bot leaves the voice channels that Discord says the bot is in, each on
// the shard that has the guild; not those that it has left, or that others are in.
func TestOnlyVoiceChannelsOfTheBotAreLeft(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		discord := h.handed()
		h.handReady()
		state := func(guild, user string, channel any) {
			h.hand("VOICE_STATE_UPDATE", map[string]any{"guild_id": guild, "user_id": user, "channel_id": channel})
		}
		const even, odd, left, gone = "16777216", "20971520", "33554432", "41943040"
		state(even, "1", "5")
		state(odd, "1", "5")
		state(left, "1", "5")
		state(gone, "1", "5")
		state("50331648", "2", "5")
		state(even, "2", nil)
		state(left, "1", nil)
		h.hand("VOICE_STATE_UPDATE", map[string]any{"guild_id": odd, "user_id": "1", "channel_id": "none"}) // makes no sense
		h.hand("VOICE_STATE_UPDATE", map[string]any{"user_id": "1", "channel_id": "5"})                     // a call outside of guilds
		h.hand("GUILD_DELETE", map[string]any{"id": gone})
		for id, guild := range []string{even, odd} {
			b := h.connect().identify(map[string]any{"shard": []int{id, 2}})
			h.Advance(time.Second)
			want := []string{"4 " + guild + ` {"channel_id":null,"guild_id":"` + guild + `","self_deaf":false,"self_mute":false}`}
			if got := discord.take(); !slices.Equal(got, want) {
				t.Errorf("shard %d sends %q, want %q", id, got, want)
			}
			b.kill()
		}
	})
}

// The presence of an IDENTIFY is taken; null stands for none, and is no trouble.
func TestPresenceOfIdentify(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.connect().identify(map[string]any{"presence": nil}).kill()
		if h.log.Has("presence") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
		h.connect().identify(map[string]any{"presence": map[string]any{"status": "dnd", "afk": false, "activities": []any{}}}).kill()
		h.Advance(time.Minute)
		if all := h.Sim.StatusHistory(h.App); all[len(all)-1].Status != "dnd" {
			t.Errorf("the dot is %s", all[len(all)-1].Status)
		}
		b := h.started()
		b.send(opPresence, map[string]any{"status": "asleep"})
		h.Advance(time.Second)
		if p := h.sidecar.Known().Presence; !h.log.Has("a presence that Discord would refuse") || p == nil || p.Status != "dnd" {
			t.Errorf("after a presence of no sense it is %v; the log says:\n%s", p, h.log.String())
		}
		b.kill()
	})
}

// What libraries send is taken, with the guild as Discord documents it. What Discord would
// close its connection for is refused.
func TestCommandsOfLibraries(t *testing.T) {
	const voice, members, sounds, channels = gateway.OpVoiceStateUpdate, gateway.OpRequestGuildMembers, gateway.OpRequestSoundboardSounds, gateway.OpRequestChannelInfo
	for _, c := range []struct {
		op    gateway.Opcode
		d     string
		guild uint64 // 0: it is refused
		says  string // what is passed on, or why not
	}{
		{members, `{"guild_id":"7","query":"","limit":0,"unknown":[1]}`, 7, `{"guild_id":"7","limit":0,"query":"","unknown":[1]}`},
		{members, `{"guild_id":7,"query":"","limit":0,"presences":true}`, 7, `{"guild_id":"7","limit":0,"presences":true,"query":""}`},
		{members, `{"guild_id":["7"],"query":""}`, 7, `{"guild_id":"7","query":""}`},
		{members, `{"guild_id":"7","user_ids":"8"}`, 7, `{"guild_id":"7","user_ids":"8"}`},
		{members, `{"guild_id":"7","user_ids":["8",9]}`, 7, `{"guild_id":"7","user_ids":["8",9]}`},
		{members, `{"guild_id":"18446744073709551615","query":""}`, 1<<64 - 1, `{"guild_id":"18446744073709551615","query":""}`},
		{voice, `{"guild_id":"7","channel_id":null,"self_mute":false,"self_deaf":true}`, 7, `{"channel_id":null,"guild_id":"7","self_deaf":true,"self_mute":false}`},
		{voice, `{"guild_id":"7","channel_id":"8"}`, 7, `{"channel_id":"8","guild_id":"7"}`},
		{sounds, `{"guild_ids":["7","8"]}`, 7, `{"guild_ids":["7","8"]}`},
		{sounds, `{"guild_ids":7}`, 7, `{"guild_ids":["7"]}`},
		{channels, `{"guild_id":"7","fields":["status"]}`, 7, `{"fields":["status"],"guild_id":"7"}`},

		{members, `[]`, 0, "want a JSON object"},
		{members, `null`, 0, "want a JSON object"},
		{members, `{"query":""}`, 0, "guild_id must be one id"},
		{members, `{"guild_id":"7"}`, 0, "query and user_ids are missing"},
		{members, `{"guild_id":"7","user_ids":[]}`, 0, "query and user_ids are missing"},
		{members, `{"guild_id":["7","8"],"query":""}`, 0, "guild_id must be one id"},
		{members, `{"guild_id":[],"query":""}`, 0, "guild_id must be one id"},
		{members, `{"guild_id":["0"],"query":""}`, 0, "guild_id must be one id"},
		{members, `{"guild_id":"7","query":5}`, 0, "query must not be a JSON number"},
		{members, `{"guild_id":"7","query":"","limit":"all"}`, 0, "limit must not be a JSON string"},
		{members, `{"guild_id":"7","query":"","limit":1.5}`, 0, "limit must not be a JSON number"},
		{members, `{"guild_id":"7","query":"","presences":1}`, 0, "presences must not be a JSON number"},
		{members, `{"guild_id":"7","user_ids":["x"]}`, 0, "other types"},
		{voice, `{"channel_id":"8"}`, 0, "guild_id must be one id"},
		{voice, `{"guild_id":"7","channel_id":{}}`, 0, "other types"},
		{voice, `{"guild_id":"7","channel_id":null,"self_mute":"no"}`, 0, "self_mute must not be a JSON string"},
		{voice, `{"guild_id":"7","channel_id":null,"self_deaf":0}`, 0, "self_deaf must not be a JSON number"},
		{voice, `{"guild_id":"7","channel_id":null,"self_video":0}`, 0, "self_video must not be a JSON number"},
		{sounds, `{"guild_id":"7"}`, 0, "guild_ids has no id"},
		{sounds, `{"guild_ids":[]}`, 0, "guild_ids has no id"},
		{sounds, `{"guild_ids":null}`, 0, "guild_ids has no id"},
		{sounds, `{"guild_ids":["7",true]}`, 0, "other types"},
		{channels, `{"guild_id":"7","fields":"status"}`, 0, "fields must not be a JSON string"},
	} {
		o, guild, err := readCommand(c.op, []byte(c.d))
		switch {
		case guild != c.guild || (err == nil) != (c.guild != 0):
			t.Errorf("%s %s: guild %d, %v", c.op, c.d, guild, err)
		case err != nil && !strings.Contains(err.Error(), c.says):
			t.Errorf("%s %s: %v", c.op, c.d, err)
		case err == nil && string(o.bytes()) != c.says:
			t.Errorf("%s %s: passed on as %s", c.op, c.d, o.bytes())
		}
	}
	for _, id := range []string{`""`, `"\""`, `-7`, `7.5`, `"18446744073709551616"`, `true`, `{}`, `"everything"`, `0`, `null`} {
		if _, guild, err := readCommand(members, []byte(`{"query":"","guild_id":`+id+`}`)); err == nil {
			t.Errorf("%s is the guild %d", id, guild)
		}
	}
}

// A bot that asks for the members of a large guild and reads nothing costs its own connection,
// before they fill the memory.
func TestMembersThatAreNotReadAreBounded(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		h.handed()
		h.handReady()
		b := h.connect().identify(nil)
		h.Advance(time.Second)
		b.send(8, map[string]any{"guild_id": "7", "query": ""})
		synctest.Wait()
		goOn := b.hang()
		chunk := func(index int) {
			h.hand("GUILD_MEMBERS_CHUNK", map[string]any{
				"guild_id": "7", "chunk_index": index, "chunk_count": 100, "nonce": "evergreen1", "members": []any{}, "padding": strings.Repeat("x", 4<<20),
			})
		}
		for index := range 3 {
			chunk(index)
		}
		goOn()
		h.Advance(time.Second)
		if n := len(b.events("GUILD_MEMBERS_CHUNK")); n != 3 || b.code() != -1 {
			t.Errorf("%d chunks came of 3, and it is closed with %d", n, b.code())
		}
		goOn = b.hang()
		for index := range 9 {
			chunk(3 + index)
		}
		goOn()
		h.Until(2*time.Second, "the line is closed", func() bool { return b.code() != -1 })
		if b.code() != 4000 {
			t.Errorf("it is closed with %d", b.code())
		}
	})
}
