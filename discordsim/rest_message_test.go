package discordsim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// withoutLimits switches off the quotas that a test of something else would meet.
func withoutLimits() Config {
	off := map[string]rateLimit{}
	for name := range bucketTable {
		off[name] = rateLimit{Requests: -1}
	}
	return Config{REST: RESTConfig{GlobalLimit: -1, limits: off}}
}

func embedOf(n int) map[string]any { return map[string]any{"description": strings.Repeat("d", n)} }

// TestMessageLimits sends messages at each limit and one past it: the first goes
// through, the second is refused with a complaint about the field.
//
// Statements: S-090.
func TestMessageLimits(t *testing.T) {
	list := func(n int, one any) []any { return slices.Repeat([]any{one}, n) }
	embed := func(field string, value any) any { return []any{map[string]any{field: value}} }
	rows := func(n int) (all []any) {
		for i := range n {
			all = append(all, row(button(strconv.Itoa(i))))
		}
		return all
	}
	fields := func(n, name, value int) any {
		return embed("fields", list(n, map[string]any{"name": strings.Repeat("n", name), "value": strings.Repeat("v", value)}))
	}
	part := map[string]any{"type": 10, "content": "x"}
	for _, c := range []struct {
		field     string
		good, bad any
		path      string
		code      string
	}{
		{"content", strings.Repeat("é", 2000), strings.Repeat("é", 2001), "content", "BASE_TYPE_MAX_LENGTH"},
		{"nonce", strings.Repeat("n", 25), strings.Repeat("n", 26), "nonce", "BASE_TYPE_MAX_LENGTH"},
		{"nonce", 123456789012345678, 1.5, "nonce", "NONCE_TYPE_INVALID"},
		{"embeds", list(10, embedOf(1)), list(11, embedOf(1)), "embeds", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", []any{embedOf(4096), embedOf(1904)}, []any{embedOf(4096), embedOf(1905)}, "embeds", "MAX_EMBED_SIZE_EXCEEDED"},
		{"embeds", embed("description", strings.Repeat("d", 4096)), embed("description", strings.Repeat("d", 4097)), "embeds.0.description", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", embed("title", strings.Repeat("t", 256)), embed("title", strings.Repeat("t", 257)), "embeds.0.title", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", embed("footer", map[string]any{"text": strings.Repeat("f", 2048)}), embed("footer", map[string]any{"text": strings.Repeat("f", 2049)}), "embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", embed("author", map[string]any{"name": strings.Repeat("a", 256)}), embed("author", map[string]any{"name": strings.Repeat("a", 257)}), "embeds.0.author.name", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", fields(25, 1, 1), fields(26, 1, 1), "embeds.0.fields", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", fields(1, 256, 1024), fields(1, 257, 1), "embeds.0.fields.0.name", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", fields(1, 1, 1024), fields(1, 1, 1025), "embeds.0.fields.0.value", "BASE_TYPE_MAX_LENGTH"},
		{"embeds", embed("color", 0xFFFFFF), embed("color", 0x1000000), "embeds.0.color", "NUMBER_TYPE_MAX"},
		{"components", rows(5), rows(6), "components", "BASE_TYPE_MAX_LENGTH"},
		{"sticker_ids", []string{"1", "2", "3"}, []string{"1", "2", "3", "4"}, "sticker_ids", "BASE_TYPE_MAX_LENGTH"},
		{"allowed_mentions", map[string]any{"users": list(100, "1")}, map[string]any{"users": list(101, "1")}, "allowed_mentions.users", "BASE_TYPE_MAX_LENGTH"},
		{
			"allowed_mentions", map[string]any{"parse": []string{"roles", "users"}, "users": []string{}}, map[string]any{"parse": []string{"users"}, "users": []string{"1"}},
			"allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
		},
		{
			"allowed_mentions", map[string]any{"parse": []string{"users"}, "roles": []string{"1"}}, map[string]any{"parse": []string{"roles"}, "roles": []string{"1"}},
			"allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
		},
		{"allowed_mentions", map[string]any{"parse": []string{"everyone"}}, map[string]any{"parse": []string{"bots"}}, "allowed_mentions.parse.0", "BASE_TYPE_CHOICES"},
	} {
		withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
			body := map[string]any{"content": "x", c.field: c.good}
			w.request("POST", w.messagesPath(), body).hasStatus(200, 0)
			body[c.field] = c.bad
			w.request("POST", w.messagesPath(), body).hasFormError(c.path, c.code)
			if n := len(w.Messages(w.channel)); n != 1 {
				t.Errorf("%s: %d messages stand", c.field, n)
			}
		})
	}
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		v2 := func(n int) map[string]any {
			return map[string]any{"flags": flagComponentsV2, "components": []any{map[string]any{"type": 17, "components": list(n-1, part)}}}
		}
		w.request("POST", w.messagesPath(), v2(40)).hasStatus(200, 0)
		w.request("POST", w.messagesPath(), v2(41)).hasFormError("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED")
		mixed := v2(2)
		mixed["content"] = "x"
		w.request("POST", w.messagesPath(), mixed).hasFormError("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2")
		w.request("POST", w.messagesPath(), `{"content":"  \n "}`).hasStatus(400, 50006)
		w.request("POST", w.messagesPath(), `{"embeds":[],"components":null}`).hasStatus(400, 50006)
	})
}

// TestReference answers messages: one there is, one that is gone with and
// without fail_if_not_exists, and one that cannot be answered.
//
// Statements: S-090.
func TestReference(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		asked, gone := w.Say(w.channel, w.person.ID, "!ping"), w.Say(w.channel, w.person.ID, "never mind")
		joined := w.Say(w.channel, w.person.ID, "", OfType(7))
		w.Delete(gone.ID)
		answer := func(to ID, more map[string]any) apiResponse {
			reference := map[string]any{"message_id": to}
			maps.Copy(reference, more)
			return w.request("POST", w.messagesPath(), map[string]any{"content": "pong", "message_reference": reference, "allowed_mentions": map[string]any{"parse": []string{}}})
		}
		got := answer(asked.ID, map[string]any{"fail_if_not_exists": false}).hasStatus(200, 0).object()
		if got["type"] != 19.0 || asObject(got["message_reference"])["message_id"] != asked.ID.String() || asObject(got["referenced_message"])["content"] != "!ping" || len(asList(got["mentions"])) != 0 {
			t.Errorf("the reply is %v", got)
		}
		if all := w.Answers(asked.ID); len(all) != 1 {
			t.Errorf("%d answers stand", len(all))
		}
		if got := w.violations(); got != nil {
			t.Errorf("a careful reply has violations: %v", got)
		}
		answer(gone.ID, nil).hasFormError("message_reference", "REPLIES_UNKNOWN_MESSAGE")
		answer(999999, map[string]any{"fail_if_not_exists": true}).hasFormError("message_reference", "REPLIES_UNKNOWN_MESSAGE")
		got = answer(gone.ID, map[string]any{"fail_if_not_exists": false}).hasStatus(200, 0).object()
		if got["type"] != 0.0 || got["message_reference"] != nil {
			t.Errorf("the reply to nothing is %v", got)
		}
		answer(joined.ID, nil).hasFormError("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE")
		answer(asked.ID, map[string]any{"type": 2}).hasFormError("message_reference.type", "BASE_TYPE_CHOICES")
		answer(asked.ID, map[string]any{"type": 1}).hasFormError("message_reference.channel_id", "BASE_TYPE_REQUIRED")
		forward := w.request("POST", w.messagesPath(), map[string]any{"message_reference": map[string]any{"type": 1, "message_id": asked.ID, "channel_id": w.channel}}).hasStatus(200, 0)
		if snapshots := asList(forward.object()["message_snapshots"]); len(snapshots) != 1 || asObject(asObject(snapshots[0])["message"])["content"] != "!ping" {
			t.Errorf("the forward is %s", forward.text)
		}
	})
}

// TestMentions says who is pinged: everybody named without allowed_mentions,
// nobody with an empty one, the author of the answered message when asked for.
func TestMentions(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		bob := w.AddUser("bob")
		asked := w.Say(w.channel, w.person.ID, "!ping")
		for _, c := range []struct {
			allowed any
			want    []string
		}{
			{nil, []string{"bob", "ann"}},
			{map[string]any{"parse": []string{}}, nil},
			{map[string]any{"parse": []string{"users"}}, []string{"bob"}},
			{map[string]any{"users": []ID{bob.ID}, "replied_user": true}, []string{"bob", "ann"}},
			{map[string]any{"users": []ID{w.person.ID}}, nil},
		} {
			body := map[string]any{"content": "hey <@" + bob.ID.String() + ">", "message_reference": map[string]any{"message_id": asked.ID}}
			if c.allowed != nil {
				body["allowed_mentions"] = c.allowed
			}
			var got []string
			for _, u := range asList(w.request("POST", w.messagesPath(), body).hasStatus(200, 0).object()["mentions"]) {
				got = append(got, asObject(u)["username"].(string))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("allowed_mentions %v pings %v instead of %v", c.allowed, got, c.want)
			}
		}
	})
}

// TestEnforceNonce sends the same nonce again: the first message comes back and
// nothing is made, until the window is over; a deleted one is unknown; without
// the flag, or from another bot, a second message is made.
//
// Statements: S-091.
func TestEnforceNonce(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<9)
		send := func(nonce any, enforce bool) apiResponse {
			return w.request("POST", w.messagesPath(), map[string]any{"content": "once", "nonce": nonce, "enforce_nonce": enforce})
		}
		stand := func() int { return len(w.Messages(w.channel)) }
		first := send("n1", true).hasStatus(200, 0)
		if first.object()["nonce"] != "n1" {
			t.Errorf("the answer echoes %v", first.object()["nonce"])
		}
		time.Sleep(5*time.Minute - time.Second)
		if again := send("n1", true).hasStatus(200, 0); again.id() != first.id() || stand() != 1 {
			t.Errorf("the second create answers %s of %d messages", again.id(), stand())
		}
		if heard := events.named("MESSAGE_CREATE"); len(heard) != 1 || heard[0].data["nonce"] != "n1" {
			t.Errorf("heard %v", heard)
		}
		other := w.request("POST", w.messagesPath(), map[string]any{"content": "different", "nonce": "n1", "enforce_nonce": true}).hasStatus(200, 0)
		if other.object()["content"] != "once" {
			t.Errorf("other content under the same nonce answers %s", other.text)
		}
		if again := send("n1", false).hasStatus(200, 0); again.id() == first.id() || stand() != 2 {
			t.Error("without the flag nothing new was made")
		}
		if again := send("n1", true).hasStatus(200, 0); again.id() != first.id() {
			t.Error("it is not the first message that comes back")
		}

		numbered := send(7, true).hasStatus(200, 0)
		if again := send("7", true).hasStatus(200, 0); again.id() != numbered.id() {
			t.Error("7 and \"7\" are two nonces")
		}
		w.request("DELETE", w.messagesPath()+"/"+numbered.id(), nil).hasStatus(204, 0)
		send(7, true).hasStatus(404, 10008)

		rival := w.AddApp(AppConfig{Name: "rival", Guilds: []*Guild{w.guild}})
		before := stand()
		w.send(apiRequest{
			method: "POST", path: "/api/v10" + w.messagesPath(), token: "Bot " + rival.Token,
			body: map[string]any{"content": "once", "nonce": "n1", "enforce_nonce": true},
		}).hasStatus(200, 0)
		if stand() != before+1 {
			t.Error("another bot's nonce counted")
		}
		time.Sleep(time.Second)
		before = stand()
		if again := send("n1", true).hasStatus(200, 0); again.id() == first.id() || stand() != before+1 {
			t.Error("the nonce is remembered for more than five minutes")
		}
	})
}

// TestNonceScope sends one nonce in two channels: the memory is the author's, or
// the channel's where the configuration says so.
//
// Statements: S-091.
func TestNonceScope(t *testing.T) {
	for _, perChannel := range []bool{false, true} {
		withREST(t, Config{REST: RESTConfig{NoncePerChannel: perChannel}}, func(t *testing.T, w *restHarness) {
			second := w.AddGuild("second")
			w.Join(w.app, second)
			body := map[string]any{"content": "x", "nonce": "n", "enforce_nonce": true}
			one := w.request("POST", w.messagesPath(), body).hasStatus(200, 0)
			two := w.request("POST", "/channels/"+second.Channels[0].ID.String()+"/messages", body).hasStatus(200, 0)
			if (one.id() != two.id()) != perChannel {
				t.Errorf("per channel %v: the messages are %s and %s", perChannel, one.id(), two.id())
			}
		})
	}
}

// TestEditAndDelete changes a message and takes it back: fields that are not
// named stay, others' messages cannot be edited but can be deleted in a guild,
// and everybody hears of it.
//
// Statements: S-093, S-069.
func TestEditAndDelete(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<9)
		made := w.request("POST", w.messagesPath(), map[string]any{"content": "one", "nonce": "abc", "embeds": []any{embedOf(3)}}).hasStatus(200, 0)
		path := w.messagesPath() + "/" + made.id()
		time.Sleep(time.Second)
		edited := w.request("PATCH", path, `{"content":"two"}`).hasStatus(200, 0).object()
		if edited["content"] != "two" || len(asList(edited["embeds"])) != 1 || edited["edited_timestamp"] == nil || edited["timestamp"] != made.object()["timestamp"] {
			t.Errorf("after the edit it is %v", edited)
		}
		cleared := w.request("PATCH", path, `{"embeds":[],"flags":4}`).hasStatus(200, 0).object()
		if cleared["content"] != "two" || len(asList(cleared["embeds"])) != 0 || cleared["flags"] != 4.0 {
			t.Errorf("without embeds it is %v", cleared)
		}
		w.request("PATCH", path, `{"content":null}`).hasStatus(400, 50006)
		w.request("PATCH", path, map[string]any{"content": strings.Repeat("x", 2001)}).hasFormError("content", "BASE_TYPE_MAX_LENGTH")
		if got := w.request("GET", path, nil).hasStatus(200, 0).object(); got["content"] != "two" {
			t.Errorf("it reads %v", got)
		}
		w.request("DELETE", path, nil).hasStatus(204, 0)
		w.request("GET", path, nil).hasStatus(404, 10008)
		w.request("DELETE", path, nil).hasStatus(404, 10008)
		theirs := w.Say(w.channel, w.person.ID, "spam")
		w.request("DELETE", w.messagesPath()+"/"+theirs.ID.String(), nil).hasStatus(204, 0)
		dm := w.DM(w.app, w.person.ID, "hi")
		w.request("DELETE", "/channels/"+dm.Channel.ID.String()+"/messages/"+dm.ID.String(), nil).hasStatus(403, 50003)
		time.Sleep(time.Second)
		synctest.Wait()
		want := []string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_CREATE", "MESSAGE_DELETE"}
		if got := events.names("MESSAGE_"); !slices.Equal(got, want) {
			t.Fatalf("heard %v", got)
		}
		if create := events.named("MESSAGE_CREATE")[0].data; create["nonce"] != "abc" || create["content"] != "one" || create["guild_id"] != w.guild.ID.String() {
			t.Errorf("the create was told as %v", create)
		}
		if gone := events.named("MESSAGE_DELETE")[0].data; gone["id"] != made.id() || gone["channel_id"] != w.channel.String() || gone["guild_id"] != w.guild.ID.String() {
			t.Errorf("the delete was told as %v", gone)
		}
	})
}

// TestMessagePages reads a channel in pages: newest first, around, before and
// after a message.
func TestMessagePages(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		var ids []string
		for n := range 120 {
			ids = append(ids, w.Say(w.channel, w.person.ID, strconv.Itoa(n)).ID.String())
		}
		page := func(query string) (got []string) {
			for _, m := range w.request("GET", w.messagesPath()+query, nil).hasStatus(200, 0).list() {
				got = append(got, asObject(m)["content"].(string))
			}
			return got
		}
		for query, want := range map[string][]string{
			"?limit=2": {"119", "118"}, "?limit=2&before=" + ids[5]: {"4", "3"}, "?limit=2&after=" + ids[5]: {"7", "6"}, "?limit=3&around=" + ids[50]: {"51", "50", "49"},
		} {
			if got := page(query); !slices.Equal(got, want) {
				t.Errorf("%s gives %v instead of %v", query, got, want)
			}
		}
		if got := len(page("")); got != 50 {
			t.Errorf("a page has %d messages", got)
		}
		w.request("GET", w.messagesPath()+"?limit=101", nil).hasFormError("limit", "NUMBER_TYPE_MAX")
	})
}
