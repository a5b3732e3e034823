package discordsim

import "testing"

// Given rules of auto-moderation, when people write what they are about, then the rules
// act and each action is told; bots and managers are exempt.
func TestAutoModerationActs(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		alerts := w.AddChannel(w.guild, "alerts", channelText)
		rules := "/guilds/" + w.guild.ID.String() + "/auto-moderation/rules"
		rule := func(trigger int, metadata map[string]any, actions ...any) {
			t.Helper()
			w.request("POST", rules, map[string]any{"name": "r", "event_type": 1, "trigger_type": trigger, "trigger_metadata": metadata, "actions": actions, "enabled": true}).hasStatus(200, 0)
		}
		block := map[string]any{"type": 1}
		alert := map[string]any{"type": 2, "metadata": map[string]any{"channel_id": alerts.ID}}
		timeout := map[string]any{"type": 3, "metadata": map[string]any{"duration_seconds": 60}}
		rule(1, map[string]any{"keyword_filter": []string{"bad*", "evil"}, "regex_patterns": []string{"c[ae]t"}, "allow_list": []string{"badge"}}, block, alert)
		rule(5, map[string]any{"mention_total_limit": 1}, timeout)
		say := func(text string) bool { return w.Say(w.channel, w.person.ID, text).ID != 0 }
		for text, sent := range map[string]bool{"a badly word": false, "BAD": false, "my badge": true, "medieval": true, "the cet": false, "fine": true, "(evil)": false} {
			if say(text) != sent {
				t.Errorf("%q: sent is %v", text, !sent)
			}
		}
		if w.Say(w.channel, w.app.Bot.ID, "evil").ID == 0 {
			t.Error("a bot is moderated")
		}
		other := w.AddUser("bob")
		if !say("<@" + w.app.Bot.ID.String() + "> <@" + other.ID.String() + ">") {
			t.Error("a rule that blocks nothing blocked")
		}
		settle()
		told := events.named("AUTO_MODERATION_ACTION_EXECUTION")
		if len(told) != 9 || told[0].data["matched_keyword"] == nil || told[0].data["message_id"] != nil || told[8].data["message_id"] == nil {
			t.Errorf("%d told: %v", len(told), told)
		}
		if n := len(w.Messages(alerts.ID)); n != 4 {
			t.Errorf("%d alerts", n)
		}
		if got := w.request("GET", "/guilds/"+w.guild.ID.String()+"/members/"+w.person.ID.String(), nil).object(); got["communication_disabled_until"] == nil {
			t.Errorf("nobody is timed out: %v", got)
		}
	})
}
