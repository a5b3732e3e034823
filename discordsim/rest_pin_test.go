package discordsim

import (
	"slices"
	"testing"
	"time"
)

// Given messages, when they are pinned under the old and the new path and taken down, then
// both lists show the same, the channel says so, and all hear of it.
func TestPins(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		first, second := w.Say(w.channel, w.person.ID, "first"), w.Say(w.channel, w.person.ID, "second")
		channel := "/channels/" + w.channel.String()
		w.request("PUT", channel+"/pins/"+first.ID.String(), nil).hasStatus(204, 0)
		time.Sleep(time.Second)
		w.request("PUT", channel+"/messages/pins/"+second.ID.String(), nil).hasStatus(204, 0)
		page := w.request("GET", channel+"/messages/pins?limit=1", nil).hasStatus(200, 0).object()
		newest := asObject(asList(page["items"])[0])
		if page["has_more"] != true || asObject(newest["message"])["id"] != second.ID.String() || asObject(newest["message"])["pinned"] != true {
			t.Errorf("the first page is %v", page)
		}
		rest := w.request("GET", channel+"/messages/pins?before="+newest["pinned_at"].(string)[:26]+"Z", nil).hasStatus(200, 0).object()
		if rest["has_more"] != false || len(asList(rest["items"])) != 1 {
			t.Errorf("the second page is %v", rest)
		}
		if old := w.request("GET", channel+"/pins", nil).hasStatus(200, 0).list(); len(old) != 2 {
			t.Errorf("the old list has %d", len(old))
		}
		said := w.Messages(w.channel)
		if last := said[len(said)-1]; last.Type != typePinned || last.Author.ID != w.app.Bot.ID {
			t.Errorf("the channel says %+v", last)
		}
		w.request("PUT", channel+"/pins/"+said[len(said)-1].ID.String(), nil).hasStatus(403, 50021)
		w.request("DELETE", channel+"/messages/pins/"+first.ID.String(), nil).hasStatus(204, 0)
		settle()
		if n := len(events.named("CHANNEL_PINS_UPDATE")); n != 3 {
			t.Errorf("%d changes of the pins were told", n)
		}
		shown := w.request("GET", channel, nil).hasStatus(200, 0).object()
		if shown["last_pin_timestamp"] == nil || shown["last_pin_timestamp"] != events.last(t, "CHANNEL_PINS_UPDATE")["last_pin_timestamp"] {
			t.Errorf("the last pin was %v", shown["last_pin_timestamp"])
		}
	})
}

// Given messages new and old, when a bot deletes many at once, then one event tells of them,
// and what is too old or too few is refused.
func TestBulkDelete(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		old := w.Say(w.channel, w.person.ID, "old")
		time.Sleep(15 * 24 * time.Hour)
		var ids []ID
		for range 3 {
			ids = append(ids, w.Say(w.channel, w.person.ID, "spam").ID)
		}
		path := w.messagesPath() + "/bulk-delete"
		w.request("POST", path, map[string]any{"messages": append(slices.Clone(ids), old.ID)}).hasStatus(400, 50034)
		w.request("POST", path, map[string]any{"messages": ids[:1]}).hasFormError("messages", "BASE_TYPE_BAD_LENGTH")
		w.request("POST", path, map[string]any{"messages": append(slices.Clone(ids), 999)}).hasStatus(204, 0)
		settle()
		if gone := events.last(t, "MESSAGE_DELETE_BULK"); len(asList(gone["ids"])) != 3 || gone["channel_id"] != w.channel.String() {
			t.Errorf("gone is %v", gone)
		}
		if left := w.Messages(w.channel); len(left) != 1 {
			t.Errorf("%d messages stand", len(left))
		}
	})
}

// Given an announcement channel, when a message is published, then it is once.
func TestCrosspost(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		news := w.AddChannel(w.guild, "news", channelNews)
		m := w.Say(news.ID, w.person.ID, "extra")
		path := "/channels/" + news.ID.String() + "/messages/" + m.ID.String() + "/crosspost"
		if got := w.request("POST", path, nil).hasStatus(200, 0).object(); got["flags"] != 1.0 {
			t.Errorf("the flags are %v", got["flags"])
		}
		w.request("POST", path, nil).hasStatus(400, 40033)
		said := w.Say(w.channel, w.person.ID, "no news")
		w.request("POST", w.messagesPath()+"/"+said.ID.String()+"/crosspost", nil).hasStatus(400, 50024)
	})
}

// Given a message, when people react and a moderator clears one emoji, then the bot hears
// of each and no more than twenty different emoji stand.
func TestReactionsOfPeople(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		m := w.Say(w.channel, w.person.ID, "nice")
		w.React(m.ID, w.person.ID, "👍")
		w.React(m.ID, w.person.ID, "🎉")
		w.Unreact(m.ID, w.person.ID, "🎉")
		base := w.messagesPath() + "/" + m.ID.String() + "/reactions/"
		w.request("DELETE", base+"%F0%9F%91%8D", nil).hasStatus(204, 0)
		w.request("DELETE", base+"%F0%9F%91%8D", nil).hasStatus(400, 10014)
		settle()
		want := []string{"MESSAGE_REACTION_ADD", "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_EMOJI"}
		if got := events.names("MESSAGE_REACTION"); !slices.Equal(got, want) {
			t.Errorf("heard %v", got)
		}
		for i := range 20 {
			w.React(m.ID, w.person.ID, "name:"+decimal(uint64(100+i)))
		}
		w.request("PUT", base+"%F0%9F%91%8D/@me", nil).hasStatus(400, 30010)
	})
}
