package discordsim

import "testing"

// Given people on a stage, when a moderator lets one speak, then the state says so, and
// who asks to speak is seen to ask.
func TestVoiceStatesOfAStage(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		stage, lounge := w.AddChannel(w.guild, "stage", channelStage), w.AddChannel(w.guild, "lounge", channelVoice)
		states := "/guilds/" + w.guild.ID.String() + "/voice-states/"
		person := states + w.person.ID.String()
		w.request("GET", person, nil).hasStatus(404, 10065)
		w.JoinVoice(lounge.ID, w.person.ID)
		w.request("PATCH", person, map[string]any{"suppress": true}).hasStatus(400, 50024)
		w.JoinVoice(stage.ID, w.person.ID)
		if got := w.request("GET", person, nil).hasStatus(200, 0).object(); got["suppress"] != true {
			t.Errorf("in the audience: %v", got)
		}
		w.request("PATCH", person, map[string]any{"suppress": false, "channel_id": stage.ID}).hasStatus(204, 0)
		settle()
		w.JoinVoice(stage.ID, w.app.Bot.ID)
		w.request("PATCH", states+"@me", map[string]any{"request_to_speak_timestamp": "2030-01-02T03:04:05Z"}).hasStatus(204, 0)
		settle()
		told := events.named("VOICE_STATE_UPDATE")
		if len(told) != 5 || told[2].data["suppress"] != false || told[4].data["request_to_speak_timestamp"] == nil {
			t.Errorf("told were %v", told)
		}
		if got := w.request("GET", states+"@me", nil).hasStatus(200, 0).object(); got["request_to_speak_timestamp"] != "2030-01-02T03:04:05.000000+00:00" {
			t.Errorf("the bot asks: %v", got)
		}
	})
}

// Given a sound of the guild, when the bot plays it, then it has to be in the channel.
func TestSoundIsSent(t *testing.T) {
	withREST(t, withoutLimits(), func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, everyIntent)
		lounge := w.AddChannel(w.guild, "lounge", channelVoice)
		sound := w.request("POST", "/guilds/"+w.guild.ID.String()+"/soundboard-sounds", map[string]any{"name": "beep", "sound": "data:audio/mp3;base64,SUQz", "volume": 0.5}).hasStatus(201, 0).object()["sound_id"]
		path := "/channels/" + lounge.ID.String() + "/send-soundboard-sound"
		w.request("POST", path, map[string]any{"sound_id": sound}).hasStatus(400, 40032)
		w.JoinVoice(lounge.ID, w.app.Bot.ID)
		w.request("POST", path, map[string]any{"sound_id": "500"}).hasStatus(404, 10097)
		w.request("POST", path, map[string]any{"sound_id": sound}).hasStatus(204, 0)
		settle()
		if told := events.named("VOICE_CHANNEL_EFFECT_SEND"); len(told) != 1 || told[0].data["sound_volume"] != 0.5 {
			t.Errorf("told were %v", told)
		}
	})
}
