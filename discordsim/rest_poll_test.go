package discordsim

import (
	"slices"
	"testing"
	"time"
)

// Given a poll, when people vote and change their minds and it ends in time, then the bot
// hears of each vote, the results stand, and the channel says that it is over.
func TestPoll(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		ask := func(duration int) (ID, map[string]any) {
			answer := func(text string) any { return map[string]any{"poll_media": map[string]any{"text": text}} }
			got := w.request("POST", w.messagesPath(), map[string]any{"poll": map[string]any{
				"question": map[string]any{"text": "tea?"}, "answers": []any{answer("yes"), answer("no")}, "duration": duration,
			}}).hasStatus(200, 0).object()
			var id ID
			_ = id.UnmarshalJSON([]byte(got["id"].(string)))
			return id, got
		}
		id, made := ask(1)
		settle()
		same(t, made, events.last(t, "MESSAGE_CREATE"), "member", "guild_id", "channel_type")
		if !w.Vote(id, w.person.ID, 1) || w.Vote(id, w.person.ID, 1) || !w.Vote(id, w.person.ID, 2) || w.Vote(id, w.person.ID, 3) {
			t.Error("a vote counted that must not, or did not that must")
		}
		path := "/channels/" + w.channel.String() + "/polls/" + id.String()
		if users := asList(w.request("GET", path+"/answers/2", nil).hasStatus(200, 0).object()["users"]); len(users) != 1 {
			t.Errorf("the voters are %v", users)
		}
		w.request("PATCH", w.messagesPath()+"/"+id.String(), map[string]any{"content": "x"}).hasStatus(400, 520003)
		time.Sleep(time.Hour)
		settle()
		shown := asObject(w.request("GET", w.messagesPath()+"/"+id.String(), nil).hasStatus(200, 0).object()["poll"])
		results := asObject(shown["results"])
		if results["is_finalized"] != true || asObject(asList(results["answer_counts"])[0])["id"] != 2.0 || w.Vote(id, w.person.ID, 1) {
			t.Errorf("the results are %v", results)
		}
		if last := events.last(t, "MESSAGE_CREATE"); last["type"] != float64(typePollResult) {
			t.Errorf("the channel says %v", last)
		}
		w.request("POST", path+"/expire", nil).hasStatus(400, 520001)
		if got := events.names("MESSAGE_POLL"); !slices.Equal(got, []string{"MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE", "MESSAGE_POLL_VOTE_ADD"}) {
			t.Errorf("heard %v", got)
		}
		second, _ := ask(768)
		w.request("POST", "/channels/"+w.channel.String()+"/polls/"+second.String()+"/expire", nil).hasStatus(200, 0)
		w.request("POST", "/channels/"+w.channel.String()+"/polls/"+w.Say(w.channel, w.person.ID, "no poll").ID.String()+"/expire", nil).hasStatus(400, 520006)
		w.request("POST", w.messagesPath(), map[string]any{"poll": map[string]any{"question": map[string]any{"text": ""}, "answers": []any{}, "duration": 769}}).hasFormError("poll.duration", "NUMBER_TYPE_MAX")
	})
}

// Given scheduled events, rules, sounds and stages, when they are made, changed and ended,
// then the answer, the event and a later GUILD_CREATE show one object.
func TestGuildResources(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		guild := "/guilds/" + w.guild.ID.String()
		soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		for _, c := range []struct {
			path, event  string
			status, code int
			body, edit   map[string]any
		}{
			{
				guild + "/scheduled-events", "GUILD_SCHEDULED_EVENT", 200, 10070,
				map[string]any{"name": "fair", "privacy_level": 2, "scheduled_start_time": soon, "scheduled_end_time": soon, "entity_type": 3, "entity_metadata": map[string]any{"location": "town"}},
				map[string]any{"status": 2},
			},
			{
				guild + "/auto-moderation/rules", "AUTO_MODERATION_RULE", 200, 0,
				map[string]any{"name": "words", "event_type": 1, "trigger_type": 1, "actions": []any{map[string]any{"type": 1}}, "trigger_metadata": map[string]any{"keyword_filter": []string{"x"}}},
				map[string]any{"enabled": true},
			},
			{
				guild + "/soundboard-sounds", "GUILD_SOUNDBOARD_SOUND", 201, 10097,
				map[string]any{"name": "horn", "sound": "data:audio/ogg;base64,AA==", "volume": 0.5}, map[string]any{"volume": 1},
			},
		} {
			made := w.request("POST", c.path, c.body).hasStatus(c.status, 0).object()
			settle()
			same(t, made, events.last(t, c.event+"_CREATE"))
			id, _ := made["id"].(string)
			if sound, is := made["sound_id"].(string); is {
				id = sound
			}
			edited := w.request("PATCH", c.path+"/"+id, c.edit).hasStatus(200, 0).object()
			settle()
			same(t, edited, events.last(t, c.event+"_UPDATE"))
			same(t, edited, w.request("GET", c.path+"/"+id, nil).hasStatus(200, 0).object())
			w.request("GET", c.path, nil).hasStatus(200, 0)
			w.request("POST", c.path, map[string]any{}).hasFormError("name", "BASE_TYPE_REQUIRED")
			w.request("DELETE", c.path+"/"+id, nil).hasStatus(204, 0)
			settle()
			events.last(t, c.event+"_DELETE")
			w.request("DELETE", c.path+"/"+id, nil).hasStatus(404, c.code)
		}
	})
}

// Given a scheduled event, then people follow it, and it goes from one state to the next
// and never back.
func TestScheduledEventGoesOn(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		voice := w.AddVoiceChannels(w.guild, "hall")[0]
		path := "/guilds/" + w.guild.ID.String() + "/scheduled-events"
		body := map[string]any{"name": "talk", "privacy_level": 2, "scheduled_start_time": time.Now().Add(time.Hour), "entity_type": 2, "channel_id": voice.ID}
		made := w.request("POST", path, body).hasStatus(200, 0)
		var id ID
		_ = id.UnmarshalJSON([]byte(made.id()))
		w.FollowEvent(w.guild, id, w.person.ID, true)
		w.FollowEvent(w.guild, id, w.person.ID, true)
		if list := w.request("GET", path+"/"+made.id()+"/users?with_member=true", nil).hasStatus(200, 0).list(); len(list) != 1 || asObject(list[0])["member"] == nil {
			t.Errorf("interested are %v", list)
		}
		w.request("PATCH", path+"/"+made.id(), map[string]any{"status": 3}).hasFormError("status", "BASE_TYPE_CHOICES")
		w.request("PATCH", path+"/"+made.id(), map[string]any{"status": 2}).hasStatus(200, 0)
		w.request("PATCH", path+"/"+made.id(), map[string]any{"status": 3}).hasStatus(200, 0)
		w.request("PATCH", path+"/"+made.id(), map[string]any{"name": "again"}).hasStatus(400, 180000)
		body["channel_id"] = w.channel
		w.request("POST", path, body).hasFormError("channel_id", "CHANNEL_INVALID")
	})
}

// Given a stage channel, then one stage at a time is live in it, and GUILD_CREATE shows it.
func TestStage(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		hall := w.AddChannel(w.guild, "hall", channelStage)
		body := map[string]any{"channel_id": hall.ID, "topic": "bots"}
		made := w.request("POST", "/stage-instances", body).hasStatus(200, 0).object()
		w.request("POST", "/stage-instances", body).hasStatus(400, 150006)
		path := "/stage-instances/" + hall.ID.String()
		events := w.listen(w.app, everyIntent)
		same(t, made, asObject(asList(events.last(t, "GUILD_CREATE")["stage_instances"])[0]))
		w.request("PATCH", path, map[string]any{"topic": "more bots"}).hasStatus(200, 0)
		w.request("DELETE", path, nil).hasStatus(204, 0)
		w.request("GET", path, nil).hasStatus(404, 10067)
		settle()
		if got := events.names("STAGE_INSTANCE"); !slices.Equal(got, []string{"STAGE_INSTANCE_UPDATE", "STAGE_INSTANCE_DELETE"}) {
			t.Errorf("heard %v", got)
		}
		w.request("POST", "/stage-instances", map[string]any{"channel_id": w.channel, "topic": "x"}).hasStatus(400, 50024)
	})
}

// Given a bot that renames itself, then it hears of it, and what there is none of comes
// as an empty list.
func TestOwnProfile(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, 0)
		renamed := w.request("PATCH", "/users/@me", map[string]any{"username": "herald"}).hasStatus(200, 0).object()
		settle()
		same(t, renamed, events.last(t, "USER_UPDATE"))
		same(t, renamed, w.request("GET", "/users/@me", nil).hasStatus(200, 0).object())
		app := "/applications/" + w.app.ID.String()
		for _, path := range []string{app + "/skus", app + "/entitlements"} {
			if list := w.request("GET", path, nil).hasStatus(200, 0).list(); len(list) != 0 {
				t.Errorf("%s has %v", path, list)
			}
		}
		if list := w.request("GET", "/soundboard-default-sounds", nil).hasStatus(200, 0).list(); len(list) != len(defaultSounds) || asObject(list[0])["name"] != "quack" {
			t.Errorf("the default sounds are %v", list)
		}
		if list := w.request("GET", "/voice/regions", nil).hasStatus(200, 0).list(); len(list) == 0 {
			t.Error("there are no voice regions")
		}
	})
}
