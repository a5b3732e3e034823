package discordsim

import "testing"

// Given a channel that follows an announcement channel, when a message is published there,
// then a copy comes, which names its origin.
func TestFollowedChannel(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		news := w.AddChannel(w.guild, "news", channelNews)
		path := "/channels/" + news.ID.String()
		w.request("POST", path+"/followers", map[string]any{"webhook_channel_id": "5"}).hasStatus(404, 10003)
		w.request("POST", "/channels/"+w.channel.String()+"/followers", map[string]any{"webhook_channel_id": w.channel}).hasStatus(400, 50024)
		hook := w.request("POST", path+"/followers", map[string]any{"webhook_channel_id": w.channel}).hasStatus(200, 0).object()["webhook_id"].(string)
		if got := w.request("GET", "/webhooks/"+hook, nil).hasStatus(200, 0).object(); got["type"] != 2.0 || got["token"] != nil || asObject(got["source_channel"])["name"] != "news" {
			t.Errorf("the webhook is %v", got)
		}
		said := w.request("POST", path+"/messages", map[string]any{"content": "news!"}).hasStatus(200, 0).id()
		w.request("POST", path+"/messages/"+said+"/crosspost", nil).hasStatus(200, 0)
		all := w.request("GET", w.messagesPath(), nil).hasStatus(200, 0).list()
		copied, followed := asObject(all[0]), asObject(all[1])
		if copied["content"] != "news!" || copied["flags"] != 2.0 || copied["webhook_id"] != hook || asObject(copied["message_reference"])["message_id"] != said {
			t.Errorf("the copy is %v", copied)
		}
		if followed["type"] != 12.0 {
			t.Errorf("before it came %v", followed)
		}
	})
}
