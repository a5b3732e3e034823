package discordsim

import (
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestReactions puts emoji under a message and takes them away, its own, those
// of others and all; each change is told once.
//
// Statements: S-093, S-069.
func TestReactions(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<10)
		m := w.Say(w.channel, w.person.ID, "nice")
		base := w.messagesPath() + "/" + m.ID.String() + "/reactions"
		thumb, custom := base+"/"+url.PathEscape("👍"), base+"/"+url.PathEscape("party:123456")
		w.request("PUT", thumb+"/@me", nil).hasStatus(204, 0)
		w.request("PUT", thumb+"/@me", nil).hasStatus(204, 0)
		w.request("PUT", custom+"/@me", nil).hasStatus(204, 0)
		w.request("PUT", base+"/smile/@me", nil).hasStatus(400, 10014)
		rival := w.AddApp(AppConfig{Name: "rival", Guilds: []*Guild{w.guild}})
		w.send(apiRequest{method: "PUT", path: "/api/v10" + thumb + "/@me", token: "Bot " + rival.Token}).hasStatus(204, 0)
		list := asList(w.request("GET", w.messagesPath()+"/"+m.ID.String(), nil).hasStatus(200, 0).object()["reactions"])
		if len(list) != 2 {
			t.Fatalf("the reactions are %v", list)
		}
		if one := asObject(list[0]); one["count"] != 2.0 || one["me"] != true || asObject(one["emoji"])["name"] != "👍" || asObject(one["emoji"])["id"] != nil {
			t.Errorf("the first is %v", one)
		}
		if two := asObject(asObject(list[1])["emoji"]); two["name"] != "party" || two["id"] != "123456" {
			t.Errorf("the second is %v", two)
		}
		who := w.request("GET", thumb, nil).hasStatus(200, 0).list()
		if len(who) != 2 || asObject(who[0])["id"] != w.app.Bot.ID.String() || asObject(who[1])["username"] != "rival" {
			t.Errorf("those who reacted are %v", who)
		}
		if page := w.request("GET", thumb+"?limit=1&after="+w.app.Bot.ID.String(), nil).hasStatus(200, 0).list(); len(page) != 1 || asObject(page[0])["username"] != "rival" {
			t.Errorf("the second page is %v", page)
		}
		w.request("DELETE", thumb+"/"+rival.Bot.ID.String(), nil).hasStatus(204, 0)
		w.request("DELETE", thumb+"/@me", nil).hasStatus(204, 0)
		w.request("DELETE", base, nil).hasStatus(204, 0)
		if left := w.request("GET", w.messagesPath()+"/"+m.ID.String(), nil).hasStatus(200, 0).object()["reactions"]; left != nil {
			t.Errorf("left are %v", left)
		}
		dm := w.DM(w.app, w.person.ID, "hi")
		w.request("DELETE", "/channels/"+dm.Channel.ID.String()+"/messages/"+dm.ID.String()+"/reactions", nil).hasStatus(403, 50003)
		time.Sleep(time.Second)
		synctest.Wait()
		want := []string{
			"MESSAGE_REACTION_ADD", "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_ADD",
			"MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_ALL",
		}
		if got := events.names("MESSAGE_REACTION"); !slices.Equal(got, want) {
			t.Fatalf("heard %v", got)
		}
		first := events.named("MESSAGE_REACTION_ADD")[0].data
		if first["message_id"] != m.ID.String() || first["user_id"] != w.app.Bot.ID.String() || first["message_author_id"] != w.person.ID.String() ||
			asObject(first["emoji"])["name"] != "👍" || asObject(asObject(first["member"])["user"])["id"] != w.app.Bot.ID.String() {
			t.Errorf("the first was told as %v", first)
		}
	})
}
