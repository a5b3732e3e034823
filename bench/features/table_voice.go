package features

// voiceFeatures are voice channels, as far as they need no voice server, and stages.
func voiceFeatures() []Feature {
	joins := func(name string) step {
		return func(t *trial) error { t.sim.JoinVoice(t.id(name), t.id("person")); return nil }
	}
	inVoice := func(user, channel string) step {
		return eventually(func(t *trial) error {
			return equal("the voice channel of "+user, t.sim.VoiceChannel(t.home, t.id(user)), t.id(channel))
		})
	}
	stage := moderator("", "POST", "/stage-instances", `{"channel_id":"$stage","topic":"talk"}`)
	return in("voice and stages",
		feature("voice join", "Update Voice State", "joins voice over the gateway (op 4), muted and deafened, without sound; data: channel (id, of its voice state afterwards)").
			then(said("channel", "$voice"), inVoice("bot", "voice")),
		feature("voice leave", "Update Voice State (channel_id null)", "joins voice, then leaves it over the gateway; data: none").then(inVoice("bot", "nowhere")),
		feature("voice server event", "Voice Server Update", "joins voice over the gateway; waits for the event about the server; data: guild (id)").then(said("guild", "$guild")),
		feature("voice join event", "Voice State Update", "is ready, waits for the event that person is in voice; data: user, channel (ids)").people(joins("voice")).then(said("user", "$person", "channel", "$voice")),
		feature("voice leave event", "Voice State Update (channel_id null)", "is ready, waits for the event that person is in no voice channel; data: user (id)").
			before(joins("voice")).people(func(t *trial) error { t.sim.LeaveVoice(t.home, t.id("person")); return nil }).then(said("user", "$person")),
		feature("voice states in the cache", "Guild Create (voice_states)", "reads from its cache who is in voice; data: ids").before(joins("voice")).then(said("ids.#", 1, "ids.0", "$person")),
		feature("voice state fetch", "Get User Voice State", "fetches the voice state of person from the API; data: channel (id)").before(joins("voice")).then(said("channel", "$voice")),
		feature("voice move", "Modify Guild Member (channel_id)", "moves person from voice to stage; data: none").before(joins("voice")).then(inVoice("person", "stage")),
		feature("voice disconnect", "Modify Guild Member (channel_id null)", "disconnects person from voice; data: none").before(joins("voice")).then(inVoice("person", "nowhere")),
		feature("voice mute", "Modify Guild Member (mute, deaf)", "mutes and deafens person, who is in voice; data: none").before(joins("voice")).
			then(eventually(shows("/guilds/$guild/voice-states/$person", "mute", true, "deaf", true))),
		feature("voice regions", "List Voice Regions", "fetches the voice regions; data: count").then(func(t *trial) error {
			return shows("/voice/regions", "#", t.said["count"])(t)
		}),
		feature("stage create", "Create Stage Instance", `opens a stage instance "talk" in stage; data: id`).then(shows("/stage-instances/$stage", "id", "$id", "topic", "talk")),
		feature("stage fetch", "Get Stage Instance", "fetches the stage instance of stage; data: topic").before(stage).then(said("topic", "talk")),
		feature("stage edit", "Modify Stage Instance", `changes the topic of the stage instance of stage to "music"; data: none`).before(stage).then(shows("/stage-instances/$stage", "topic", "music")),
		feature("stage delete", "Delete Stage Instance", "closes the stage instance of stage; data: none").before(stage).then(unknown("/stage-instances/$stage", 10067)),
		feature("stage event", "Stage Instance Create", "is ready, waits for the event of a stage instance in guild; data: topic").people(stage).then(said("topic", "talk")),
		feature("stage speaker", "Modify User Voice State (suppress)", "lets person, who is in stage, speak; data: none").before(stage, joins("stage")).
			then(eventually(shows("/guilds/$guild/voice-states/$person", "suppress", false))),
		feature("play a sound", "Send Soundboard Sound", "joins voice over the gateway, not deafened, and plays the default sound whose id is 1 there; data: none").
			then(inVoice("bot", "voice")),
		Feature{Name: "speak and listen", API: "Voice Connections", Needs: "a voice server"},
	)
}
