package discordsim

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestGateway asks where the gateway is, with and without a token, and follows
// the identify budget as it is spent and as the window ends.
//
// Statements: S-002.
func TestGateway(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		if got := w.send(apiRequest{method: "GET", path: "/api/v10/gateway"}).hasStatus(200, 0).object(); len(got) != 1 || got["url"] != "ws://gateway.discord.sim/" {
			t.Errorf("GET /gateway answers %v", got)
		}
		w.send(apiRequest{method: "GET", path: "/api/v10/gateway/bot"}).hasStatus(401, 0)
		big := w.AddApp(AppConfig{Name: "big", Shards: 16, MaxConcurrency: 4, StartsTotal: 2000, StartsUsed: 700})
		limit := func(app *App) (map[string]any, map[string]any) {
			got := w.send(apiRequest{method: "GET", path: "/api/v10/gateway/bot", token: "Bot " + app.Token}).hasStatus(200, 0).object()
			return got, asObject(got["session_start_limit"])
		}
		got, start := limit(big)
		if got["url"] != "ws://gateway.discord.sim/" || got["shards"] != 16.0 || start["total"] != 2000.0 || start["remaining"] != 1300.0 || start["max_concurrency"] != 4.0 {
			t.Errorf("GET /gateway/bot answers %v", got)
		}
		if _, start = limit(w.app); start["remaining"] != 1000.0 {
			t.Errorf("before any IDENTIFY: %v", start)
		}
		w.listen(w.app, 0)
		if _, start = limit(w.app); start["remaining"] != 999.0 || start["reset_after"].(float64) < 86_000_000 || start["reset_after"].(float64) > 86_400_000 {
			t.Errorf("after one IDENTIFY: %v", start)
		}
		if _, start = limit(big); start["remaining"] != 1300.0 {
			t.Errorf("another bot's IDENTIFY counted: %v", start)
		}
		time.Sleep(24 * time.Hour)
		if _, start = limit(w.app); start["remaining"] != 1000.0 {
			t.Errorf("a day later: %v", start)
		}
	})
}

// TestMe asks who the bot is.
//
// Statements: S-089.
func TestMe(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		me := w.request("GET", "/users/@me", nil).hasStatus(200, 0).object()
		if me["id"] != w.app.Bot.ID.String() || me["username"] != "crier" || me["bot"] != true || me["email"] != nil || me["verified"] != true {
			t.Errorf("the bot is %v", me)
		}
		ann := w.request("GET", "/users/"+w.person.ID.String(), nil).hasStatus(200, 0).object()
		if _, bot := ann["bot"]; bot || ann["username"] != "ann" {
			t.Errorf("the person is %v", ann)
		}
	})
}

// TestGuildPages pages through more guilds than one page holds, forwards and
// backwards, with and without counts.
//
// Statements: S-089.
func TestGuildPages(t *testing.T) {
	withREST(t, Config{REST: RESTConfig{limits: map[string]rateLimit{"guild-list": {Requests: -1}}}}, func(t *testing.T, w *restHarness) {
		for n := range 249 {
			w.Join(w.app, w.AddGuild("guild "+strconv.Itoa(n)))
		}
		page := func(query string) (ids []ID) {
			t.Helper()
			for _, g := range w.request("GET", "/users/@me/guilds"+query, nil).hasStatus(200, 0).list() {
				n, _ := strconv.ParseUint(asObject(g)["id"].(string), 10, 64)
				ids = append(ids, ID(n))
			}
			return ids
		}
		first := page("")
		if len(first) != 200 || !slices.IsSorted(first) {
			t.Fatalf("the first page has %d guilds, sorted: %v", len(first), slices.IsSorted(first))
		}
		second := page("?after=" + first[199].String())
		if len(second) != 50 || second[0] <= first[199] {
			t.Errorf("the second page has %d guilds", len(second))
		}
		if last := page("?limit=7&before=" + second[0].String()); !slices.Equal(last, first[193:]) {
			t.Errorf("the 7 before the second page are %v", last)
		}
		if some := page("?limit=3&after=" + first[0].String()); !slices.Equal(some, first[1:4]) {
			t.Errorf("the 3 after the first are %v", some)
		}
		counted := asObject(w.request("GET", "/users/@me/guilds?limit=1&with_counts=true", nil).list()[0])
		plain := asObject(w.request("GET", "/users/@me/guilds?limit=1", nil).list()[0])
		if _, has := plain["approximate_member_count"]; has || counted["approximate_member_count"] != 2.0 || counted["approximate_presence_count"] == nil {
			t.Errorf("with counts %v, without %v", counted, plain)
		}
		for _, field := range []string{"id", "name", "icon", "banner", "owner", "permissions", "features"} {
			if _, has := plain[field]; !has {
				t.Errorf("a partial guild lacks %s", field)
			}
		}
		if _, text := plain["permissions"].(string); !text {
			t.Errorf("permissions are %v", plain["permissions"])
		}
		w.request("GET", "/users/@me/guilds?limit=201", nil).hasFormError("limit", "NUMBER_TYPE_MAX")
		w.request("GET", "/users/@me/guilds?limit=0", nil).hasFormError("limit", "NUMBER_TYPE_MIN")
		w.request("GET", "/users/@me/guilds?after=fish", nil).hasFormError("after", "NUMBER_TYPE_COERCE")
		w.request("GET", "/users/@me/guilds?with_counts=perhaps", nil).hasFormError("with_counts", "BOOLEAN_TYPE_CONVERT")
	})
}

// TestDirectChannel opens a direct message twice: it is the same channel, nobody
// hears of it, and messages go through.
func TestDirectChannel(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<12)
		open := func() map[string]any {
			return w.request("POST", "/users/@me/channels", map[string]any{"recipient_id": w.person.ID}).hasStatus(200, 0).object()
		}
		first, second := open(), open()
		if first["id"] != second["id"] || first["type"] != 1.0 || asObject(asList(first["recipients"])[0])["id"] != w.person.ID.String() {
			t.Errorf("the channels are %v and %v", first, second)
		}
		w.request("POST", "/channels/"+first["id"].(string)+"/messages", `{"content":"psst"}`).hasStatus(200, 0)
		time.Sleep(time.Second)
		heard := events.named("MESSAGE_CREATE")
		if len(heard) != 1 || heard[0].data["guild_id"] != nil || len(events.named("CHANNEL_CREATE")) != 0 {
			t.Errorf("heard %v", heard)
		}
	})
}

// TestTyping shows the bot as typing: for ten seconds, or until it has said
// something, and others hear of it.
//
// Statements: S-093, S-069.
func TestTyping(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<11)
		typing := "/channels/" + w.channel.String() + "/typing"
		w.request("POST", typing, nil).hasStatus(204, 0)
		time.Sleep(10*time.Second - 1)
		if got := w.Typing(w.channel); !slices.Equal(got, []ID{w.app.Bot.ID}) {
			t.Errorf("after almost ten seconds %v are typing", got)
		}
		time.Sleep(time.Nanosecond)
		if got := w.Typing(w.channel); len(got) != 0 {
			t.Errorf("after ten seconds %v are typing", got)
		}
		w.request("POST", typing, nil).hasStatus(204, 0)
		w.say("there").hasStatus(200, 0)
		if got := w.Typing(w.channel); len(got) != 0 {
			t.Errorf("after a message %v are typing", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		heard := events.named("TYPING_START")
		if len(heard) != 2 || heard[0].data["user_id"] != w.app.Bot.ID.String() || heard[0].data["channel_id"] != w.channel.String() || heard[0].data["guild_id"] != w.guild.ID.String() {
			t.Errorf("heard %v", heard)
		}
	})
}
