package discordsim

import (
	"slices"
	"testing"
	"time"
)

const intentVoice = 1 << 7

// inVoice is a story with two voice channels in the guild.
func inVoice(t *testing.T, cfg Config, story func(sc *clientHarness, first, second ID)) {
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		voice := sc.AddVoiceChannels(sc.guild, "first", "second")
		story(sc, voice[0].ID, voice[1].ID)
	})
}

// goTo sends op 4.
func (c *client) goTo(channel any) {
	c.t.Helper()
	c.send(4, map[string]any{"guild_id": c.sc.guild.ID, "channel_id": channel, "self_mute": false, "self_deaf": true})
}

// Given a bot, when it joins a voice channel, moves and leaves, then the guild is told of
// its voice state each time, and it alone of the voice server when it joins or moves.
//
// Statements: S-080.
func TestVoiceStateIsAnswered(t *testing.T) {
	inVoice(t, patient, func(sc *clientHarness, first, second ID) {
		watcher := sc.AddApp(AppConfig{Name: "watcher", Guilds: []*Guild{sc.guild}})
		w := sc.identified(map[string]any{"token": watcher.Token, "intents": intentVoice})
		w.all()
		c := sc.identified(map[string]any{"intents": 1 | intentVoice})
		c.event("GUILD_CREATE")
		sessions := map[any]bool{}
		for _, step := range []struct {
			to     any
			server bool
		}{{first, true}, {second, true}, {nil, false}} {
			c.goTo(step.to)
			d := c.next().object()
			if want := step.to; (want == nil) != (d["channel_id"] == nil) || (want != nil && d["channel_id"] != want.(ID).String()) || d["user_id"] != sc.app.Bot.ID.String() ||
				d["guild_id"] != sc.guild.ID.String() || d["self_deaf"] != true || asObject(asObject(d["member"])["user"])["id"] != sc.app.Bot.ID.String() {
				t.Errorf("to %v: the voice state is %v", step.to, d)
			}
			sessions[d["session_id"]] = true
			if step.server {
				d := c.event("VOICE_SERVER_UPDATE").object()
				if _, there := d["endpoint"]; !there || d["endpoint"] != nil || d["guild_id"] != sc.guild.ID.String() || d["token"] == "" {
					t.Errorf("the voice server is %v", d)
				}
			}
			if got := c.events(); len(got) > 0 {
				t.Errorf("to %v: %q came too", step.to, got)
			}
		}
		if len(sessions) != 1 {
			t.Errorf("the voice sessions were %v, want one", sessions)
		}
		if got := w.events(); !slices.Equal(got, []string{"VOICE_STATE_UPDATE", "VOICE_STATE_UPDATE", "VOICE_STATE_UPDATE"}) {
			t.Errorf("another bot was told %q", got)
		}
		c.goTo(nil) // it is not there any more
		c.nothingWithin(time.Second)
		sc.violations()
	})
}

// Given channels a bot cannot talk in, when it asks to join them, then nothing happens.
//
// Statements: S-080.
func TestVoiceIsNotJoinedWhereItCannotBe(t *testing.T) {
	inVoice(t, patient, func(sc *clientHarness, first, hidden ID) {
		sc.Hide(sc.app, hidden, true)
		closed := sc.AddVoiceChannels(sc.guild, "closed")[0].ID
		sc.permit(sc.app, closed, permissionConnect, false)
		elsewhere := sc.AddVoiceChannels(sc.AddGuild("elsewhere"), "voice")[0]
		c := sc.identified(map[string]any{"intents": 1 | intentVoice})
		c.all()
		for _, to := range []ID{hidden, closed, sc.channel, elsewhere.ID, 12345} {
			c.goTo(to)
			c.nothingWithin(time.Second)
		}
		c.send(4, map[string]any{"guild_id": elsewhere.Guild.ID, "channel_id": elsewhere.ID})
		c.send(4, map[string]any{"guild_id": nil, "channel_id": nil})
		c.nothingWithin(time.Second)
		sc.violations()
		c.send(4, map[string]any{"guild_id": sc.guild.ID, "channel_id": first, "self_mute": "no"})
		c.closedWith(4001)
		sc.violations("S-018")
	})
}

// Given somebody in voice, then GUILD_CREATE says so to a bot without GUILD_VOICE_STATES too,
// unless it is configured to go by the intent.
func TestVoiceStatesWithoutIntent(t *testing.T) {
	for _, byIntent := range []bool{false, true} {
		cfg := patient
		cfg.Identify.VoiceStatesByIntent = byIntent
		inVoice(t, cfg, func(sc *clientHarness, first, _ ID) {
			sc.JoinVoice(first, sc.ada.ID)
			for intents, want := range map[int64]int{1: map[bool]int{false: 1, true: 0}[byIntent], 1 | intentVoice: 1} {
				wait(5 * time.Second)
				d := sc.identified(map[string]any{"intents": intents}).event("GUILD_CREATE").object()
				if got := len(asList(d["voice_states"])); got != want {
					t.Errorf("by intent %t, intents %d: %d voice states", byIntent, intents, got)
				}
			}
		})
	}
}

// Given people in voice, then bots are told who comes, moves and goes, and GUILD_CREATE
// lists who is there; a bot without the intent is told nothing, one that is moved is also
// told of its new voice server.
//
// Statements: S-030, S-080.
func TestVoiceStatesOfOthers(t *testing.T) {
	cfg := patient
	cfg.VoiceEndpoint = "voice.example:443"
	inVoice(t, cfg, func(sc *clientHarness, first, second ID) {
		c := sc.identified(map[string]any{"intents": 1 | intentVoice})
		blind := sc.AddApp(AppConfig{Name: "blind", Guilds: []*Guild{sc.guild}})
		b := sc.identified(map[string]any{"token": blind.Token, "intents": 1})
		b.all()
		c.goTo(first)
		c.all()
		sc.JoinVoice(first, sc.ada.ID)
		sc.JoinVoice(first, sc.ada.ID) // nothing new
		sc.JoinVoice(second, sc.ada.ID)
		sc.JoinVoice(second, sc.app.Bot.ID)
		if sc.JoinVoice(sc.channel, sc.ada.ID) {
			t.Error("somebody joined voice in a text channel")
		}
		want := []string{"VOICE_STATE_UPDATE", "VOICE_STATE_UPDATE", "VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE"}
		all := c.all()
		if _, types := numbers(all); !slices.Equal(types, want) || all[3].object()["endpoint"] != "voice.example:443" {
			t.Errorf("the bot was told %q", types)
		}
		if got := b.events(); len(got) > 0 {
			t.Errorf("a bot without the intent was told %q", got)
		}
		late := sc.AddApp(AppConfig{Name: "late", Guilds: []*Guild{sc.guild}})
		d := sc.identified(map[string]any{"token": late.Token, "intents": 1}).event("GUILD_CREATE").object()
		there := map[any]any{}
		for _, one := range asList(d["voice_states"]) {
			if _, named := asObject(one)["guild_id"]; named {
				t.Error("a voice state of GUILD_CREATE names the guild")
			}
			there[asObject(one)["user_id"]] = asObject(one)["channel_id"]
		}
		if len(there) != 2 || there[sc.ada.ID.String()] != second.String() || there[sc.app.Bot.ID.String()] != second.String() || len(asList(d["members"])) != 3 {
			t.Errorf("GUILD_CREATE lists %v in voice, and %d members", there, len(asList(d["members"])))
		}
		kinds := map[any]int{}
		for _, ch := range asList(d["channels"]) {
			kinds[asObject(ch)["type"]]++
		}
		if kinds[0.0] != 1 || kinds[2.0] != 2 {
			t.Errorf("the channels have the types %v", kinds)
		}
		sc.LeaveVoice(sc.guild, sc.ada.ID)
		if d := c.event("VOICE_STATE_UPDATE").object(); d["channel_id"] != nil || d["user_id"] != sc.ada.ID.String() {
			t.Errorf("who left is %v", d)
		}
	})
}

// Given a bot in voice, when its connection is lost, then it stays there as long as the
// session can be resumed, and leaves with the session.
//
// Statements: S-080.
func TestVoiceEndsWithTheSession(t *testing.T) {
	inVoice(t, patient, func(sc *clientHarness, first, _ ID) {
		c := sc.identified(map[string]any{"intents": 1 | intentVoice})
		c.goTo(first)
		c.event("VOICE_SERVER_UPDATE")
		c.drop()
		wait(30 * time.Second)
		c = c.reconnectAndResume()
		c.event("RESUMED")
		if sc.VoiceChannel(sc.guild, sc.app.Bot.ID) != first {
			t.Error("the bot has left voice although its session lives")
		}
		c.closeWith(1000)
		if sc.VoiceChannel(sc.guild, sc.app.Bot.ID) != 0 {
			t.Error("the bot is still in voice after the end of its session")
		}
	})
}
