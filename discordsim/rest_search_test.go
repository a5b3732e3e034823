package discordsim

import "testing"

// Given messages in two channels, one of them hidden from the bot, when the guild is searched
// by words, author, place, pins and what is in them, then what fits comes, the newest first.
func TestSearchOfMessages(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		path := "/guilds/" + w.guild.ID.String() + "/messages/search"
		other := w.AddUser("other")
		hidden := w.AddChannel(w.guild, "hidden", channelText)
		first := w.Say(w.channel, w.person.ID, "A needle in the hay")
		w.Say(w.channel, w.person.ID, "hay")
		last := w.Say(w.channel, other.ID, "the Needle again, https://example.com")
		w.Say(hidden.ID, w.person.ID, "needle")
		w.Hide(w.app, hidden.ID, true)
		w.request("PUT", "/channels/"+w.channel.String()+"/messages/pins/"+first.ID.String(), nil).hasStatus(204, 0)
		for query, want := range map[string][]ID{
			"?content=needle": {last.ID, first.ID}, "?content=needle&sort_order=asc": {first.ID, last.ID}, "?content=needle&limit=1&offset=1": {first.ID},
			"?content=hay+needle": {first.ID}, "?author_id=" + other.ID.String(): {last.ID}, "?pinned=true": {first.ID}, "?has=link": {last.ID},
			"?content=needle&has=-link": {first.ID}, "?content=needle&min_id=" + first.ID.String(): {last.ID}, "?channel_id=" + hidden.ID.String(): {},
		} {
			answer := w.request("GET", path+query, nil).hasStatus(200, 0).object()
			var got []ID
			for _, result := range asList(answer["messages"]) {
				var id ID
				_ = id.UnmarshalJSON([]byte(asObject(asList(result)[0])["id"].(string)))
				got = append(got, id)
			}
			if len(got) != len(want) {
				t.Errorf("%s: got %v, want %v", query, got, want)
				continue
			}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%s: got %v, want %v", query, got, want)
				}
			}
		}
		w.request("GET", path+"?author_id=x", nil).hasFormError("author_id", "NUMBER_TYPE_COERCE")
		w.request("GET", path+"?offset=9976", nil).hasFormError("offset", "NUMBER_TYPE_MAX")
	})
}
