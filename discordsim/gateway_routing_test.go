package discordsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Given a bot of three shards in many guilds, when something happens in each
// guild, then it comes on the shard (guild_id >> 22) % 3 and on no other, and
// what belongs to no guild comes on shard 0.
//
// Statements: S-066.
func TestRouting(t *testing.T) {
	inSimBubble(t, patient, func(t *testing.T, s *Sim) {
		var guilds []*Guild
		for range 12 {
			guilds = append(guilds, s.AddGuild("one of many"))
		}
		sc := newClientHarness(t, s, AppConfig{Guilds: guilds, MaxConcurrency: 3})
		var shards []*client
		for id := range 3 {
			c := sc.identify(map[string]any{"shard": []int{id, 3}})
			for _, stub := range asList(c.ready().object()["guilds"]) {
				var g ID
				if _ = g.UnmarshalJSON([]byte(asObject(stub)["id"].(string))); int(g>>22)%3 != id {
					t.Errorf("shard %d has guild %s", id, g)
				}
			}
			c.all()
			shards = append(shards, c)
		}
		for _, g := range guilds {
			sc.Say(g.Channels[0].ID, sc.ada.ID, "hello")
			for id, c := range shards {
				if got := slices.Contains(c.events(), "MESSAGE_CREATE"); got != (int(g.ID>>22)%3 == id) {
					t.Errorf("guild %s on shard %d: %t", g.ID, id, got)
				}
			}
		}
		sc.DM(sc.app, sc.ada.ID, "psst")
		sc.Emit(sc.app, nil, "ENTITLEMENT_CREATE", map[string]any{})
		for id, c := range shards {
			if got := c.events(); !slices.Equal(got, []string{"MESSAGE_CREATE", "ENTITLEMENT_CREATE"}) && (id == 0 || len(got) > 0) {
				t.Errorf("shard %d got %q", id, got)
			}
		}
	})
}

// Given every documented intent by itself, when every event happens in a guild
// and in a direct message, then a session gets those of its intent, those that
// belong to none, and no others; no intent at all leaves interactions.
//
// Statements: S-067.
func TestIntentsFilterEvents(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		free := []string{"INTERACTION_CREATE", "ENTITLEMENT_UPDATE", "USER_UPDATE", "VOICE_SERVER_UPDATE", "SOMETHING_NEW"}
		var names []string
		for _, i := range intentTable {
			for _, name := range slices.Concat(i.guild, i.direct) {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		names = append(names, free...)
		for _, i := range append(slices.Clone(intentTable), intent{bit: 63}) {
			wait(5 * time.Second)
			c := sc.identified(map[string]any{"intents": uint64(1<<i.bit) & uint64(documentedIntents)})
			c.all()
			for where, unlocked := range map[*Guild][]string{sc.guild: i.guild, nil: i.direct} {
				for _, name := range names {
					sc.Emit(sc.app, where, name, map[string]any{})
				}
				var want []string
				for _, name := range names {
					if slices.Contains(unlocked, name) || slices.Contains(free, name) {
						want = append(want, name)
					}
				}
				if got := c.events(); !slices.Equal(got, want) {
					t.Errorf("%s in a guild %t: %q came, want %q", i.name, where != nil, got, want)
				}
			}
			c.drop()
		}
	})
}

// Given messages a bot may and may not read, when it has no content intent, then
// the content fields of those it may not read are empty, in new messages and in
// edited ones; its own, direct messages, mentions and replies that ping it are
// full.
//
// Statements: S-068.
func TestContentNeedsTheIntent(t *testing.T) {
	const noContent = testIntents &^ (1 << 15)
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(map[string]any{"intents": noContent})
		c.all()
		own := sc.Say(sc.channel, sc.app.Bot.ID, "my own words")
		mention := "<@" + sc.app.Bot.ID.String() + ">"
		for _, said := range []struct {
			what string
			say  func() Message
			full bool
		}{
			{"of somebody", func() Message { return sc.say("secret") }, false},
			{"with a mention", func() Message { return sc.say(mention + " hi") }, true},
			{"with an old mention", func() Message { return sc.say(strings.Replace(mention, "@", "@!", 1) + " hi") }, true},
			{"that mentions another", func() Message { return sc.say("<@" + sc.ada.ID.String() + "> hi") }, false},
			{"that answers and pings", func() Message { return sc.say("yes", ReplyingTo(own.ID, true)) }, true},
			{"that answers without ping", func() Message { return sc.say("yes", ReplyingTo(own.ID, false)) }, false},
			{"of the bot itself", func() Message { return sc.Say(sc.channel, sc.app.Bot.ID, "mine") }, true},
			{"direct", func() Message { return sc.DM(sc.app, sc.ada.ID, "psst") }, true},
			{"of a webhook", func() Message { return sc.say("news", AsWebhook(77)) }, false},
		} {
			c.all()
			m := said.say()
			sc.Edit(m.ID, m.Content+"!")
			for _, typ := range []string{"MESSAGE_CREATE", "MESSAGE_UPDATE"} {
				p := c.event(typ)
				d := p.object()
				if full := d["content"] != ""; full != said.full {
					t.Errorf("%s of a message %s: %s", typ, said.what, p.raw)
				}
				for _, field := range []string{"embeds", "attachments", "components"} {
					if list, there := d[field].([]any); !there || len(list) != 0 {
						t.Errorf("%s %s: %v", typ, field, d[field])
					}
				}
			}
		}
		wait(5 * time.Second)
		full := sc.identified(nil)
		full.all()
		sc.say("secret")
		if d := full.event("MESSAGE_CREATE").object(); d["content"] != "secret" {
			t.Errorf("with the intent came %v", d)
		}
	})
}

// Given a message in a guild and one in private, then the one has guild_id and
// a member without user, the other neither; a webhook has no member; and
// deleting says only which.
//
// Statements: S-068, S-073.
func TestMessageEvents(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		m := sc.say("hello")
		d := c.event("MESSAGE_CREATE").object()
		member := asObject(d["member"])
		if d["guild_id"] != sc.guild.ID.String() || d["channel_id"] != sc.channel.String() || member == nil || member["user"] != nil ||
			asObject(d["author"])["id"] != sc.ada.ID.String() {
			t.Errorf("the event is %v", d)
		}
		sc.say("from elsewhere", AsWebhook(99))
		if d = c.event("MESSAGE_CREATE").object(); d["webhook_id"] != "99" || d["member"] != nil {
			t.Errorf("the event of a webhook is %v", d)
		}
		sc.Delete(m.ID)
		if d = c.event("MESSAGE_DELETE").object(); len(d) != 3 || d["id"] != m.ID.String() || d["guild_id"] != sc.guild.ID.String() {
			t.Errorf("the deletion is %v", d)
		}
		sc.DM(sc.app, sc.ada.ID, "psst")
		if d = c.event("MESSAGE_CREATE").object(); d["guild_id"] != nil || d["member"] != nil {
			t.Errorf("the direct message is %v", d)
		}
	})
}

// Given a first direct message, then no CHANNEL_CREATE comes before it.
//
// Statements: S-074.
func TestDirectMessagesOpenSilently(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(map[string]any{"intents": documentedIntents})
		c.all()
		sc.DM(sc.app, sc.ada.ID, "psst")
		if got := c.events(); !slices.Equal(got, []string{"MESSAGE_CREATE"}) {
			t.Errorf("%q came", got)
		}
	})
}

// Given an answer only its asker sees, then the bot's own event has no guild
// and comes under the intent for direct messages, on shard 0.
//
// Statements: S-073.
func TestEphemeralAnswer(t *testing.T) {
	for _, direct := range []bool{true, false} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			intents := 1 << 9
			if direct {
				intents = 1 << 12
			}
			c := sc.identified(map[string]any{"intents": intents})
			sc.mu.Lock()
			m := &Message{ID: sc.newID(), Channel: sc.channels[sc.channel], Author: sc.app.Bot, Content: "for you alone", Flags: flagEphemeral, WebhookID: sc.app.ID}
			sc.storeMessage(m)
			sc.emitMessage("MESSAGE_CREATE", m)
			sc.mu.Unlock()
			got := c.all()
			if direct && (len(got) != 1 || got[0].object()["guild_id"] != nil || got[0].object()["member"] != nil) {
				t.Errorf("%v came", got)
			}
			if !direct && len(got) > 0 {
				t.Errorf("under guild messages came %v", got)
			}
		})
	}
}

// Given a channel the bot may not see, when something is said there, then it
// hears nothing of it; once it may, it does.
//
// Statements: S-071.
func TestHiddenChannel(t *testing.T) {
	inSimBubble(t, patient, func(t *testing.T, s *Sim) {
		sc := newClientHarness(t, s, AppConfig{})
		secret := sc.AddGuild("vault", "door", "inside")
		inside := secret.Channels[1].ID
		sc.Hide(sc.app, inside, true)
		sc.Join(sc.app, secret)
		c := sc.identified(nil)
		c.all()
		sc.Say(inside, sc.ada.ID, "hidden", Expect())
		if got := c.events(); slices.Contains(got, "MESSAGE_CREATE") {
			t.Errorf("%q came", got)
		}
		sc.Hide(sc.app, inside, false)
		sc.Say(inside, sc.ada.ID, "shown")
		if d := c.event("MESSAGE_CREATE").object(); d["content"] != "shown" {
			t.Errorf("%v came", d)
		}
		if v := sc.Verdict(sc.app); v.Asked+v.Unheard != 0 {
			t.Errorf("a command nobody could see counts: %+v", v)
		}
	})
}

// Given a script of users, then what they do at set times comes as events at
// those times: messages, edits, deletions, slash commands and events of other
// kinds.
//
// Statements: S-075.
func TestScriptedUsers(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.all()
		start := time.Now()
		m := sc.say("!help", Expect())
		wait(time.Second)
		sc.Edit(m.ID, "!ping")
		wait(time.Second)
		asked := sc.Interact(sc.app, sc.channel, sc.ada.ID, "ping", "text", "x", "count", 3, "loud", true, "much", 1.5)
		wait(time.Second)
		sc.Delete(m.ID)
		wait(time.Second)
		sc.Emit(nil, sc.guild, "CHANNEL_UPDATE", map[string]any{"id": sc.channel})
		want := []string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "INTERACTION_CREATE", "MESSAGE_DELETE", "CHANNEL_UPDATE"}
		for i, p := range c.all() {
			if p.T != want[i] || p.at.Sub(start) != time.Duration(i)*time.Second {
				t.Errorf("after %s came %s", p.at.Sub(start), p.raw)
			}
			if p.T != "INTERACTION_CREATE" {
				continue
			}
			d := p.object()
			kinds := ""
			for _, o := range asList(asObject(d["data"])["options"]) {
				kinds += fmt.Sprint(asObject(o)["type"], " ")
			}
			if d["id"] != asked.String() || d["type"] != 2.0 || asObject(asObject(d["member"])["user"])["id"] != sc.ada.ID.String() || kinds != "3 4 5 10 " {
				t.Errorf("the interaction is %s", p.raw)
			}
		}
		direct := sc.DM(sc.app, sc.ada.ID, "psst")
		c.all()
		sc.Interact(sc.app, direct.Channel.ID, sc.ada.ID, "ping")
		if d := c.event("INTERACTION_CREATE").object(); asObject(d["user"])["id"] != sc.ada.ID.String() || d["member"] != nil || asObject(d["channel"])["type"] != 1.0 {
			t.Errorf("the interaction in private is %v", d)
		}
		if id := sc.Interact(sc.app, 12345, sc.ada.ID, "ping"); id != 0 || sc.Say(12345, sc.ada.ID, "x").ID != 0 {
			t.Error("something happened in a channel that is not there")
		}
	})
}

// Given an app with an interactions URL, then no interaction comes over the
// gateway, and the verdict blames nobody for it.
//
// Statements: S-075, S-100.
func TestInteractionsElsewhere(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.all()
		sc.app.InteractionsURL = "https://example.com/interactions"
		sc.Interact(sc.app, sc.channel, sc.ada.ID, "ping")
		if got := c.events(); len(got) != 0 {
			t.Errorf("%q came", got)
		}
		wait(time.Minute)
		if v := sc.Verdict(sc.app); v.Unheard != 1 || v.Asked != 0 {
			t.Errorf("the verdict is %+v", v)
		}
	})
}
