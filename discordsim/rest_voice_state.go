package discordsim

import "net/http"

// voiceStateRoutes are those of who is how in which voice channel.
func voiceStateRoutes() []*route {
	const path = guildPath + "/voice-states"
	own := func(handle func(*restAPI, *restRequest, *Guild, ID) restResponse) func(*restAPI, *restRequest) restResponse {
		return onGuild(func(r *restAPI, c *restRequest, g *Guild) restResponse { return handle(r, c, g, c.app.Bot.ID) })
	}
	return []*route{
		{method: http.MethodGet, path: path + "/@me", bucket: "voice-state", handle: own((*restAPI).getVoiceState)},
		{method: http.MethodGet, path: path + "/{user}", bucket: "voice-state", handle: onMember((*restAPI).getVoiceState)},
		{method: http.MethodPatch, path: path + "/@me", bucket: "voice-state", handle: own((*restAPI).editVoiceState)},
		{method: http.MethodPatch, path: path + "/{user}", bucket: "voice-state", needs: permissionMuteMembers, handle: onMember((*restAPI).editVoiceState)},
		{method: http.MethodPost, path: channelPath + "/send-soundboard-sound", bucket: "sound", needs: permissionSpeak | permissionUseSoundboard, handle: onChannel((*restAPI).sendSound)},
	}
}

// getVoiceState is GET /guilds/{guild}/voice-states/{user}, or @me.
func (r *restAPI) getVoiceState(_ *restRequest, g *Guild, user ID) restResponse {
	state := g.voice[user]
	if state == nil {
		return errUnknownVoiceState.answer()
	}
	out := state.render(g, user)
	out["guild_id"], out["member"] = g.ID, r.sim.guildMember(g, r.sim.user(user))
	return ok200(out)
}

// editVoiceState is PATCH /guilds/{guild}/voice-states/{user}, or @me: who may speak on a
// stage, and who asks to. The bot may always leave the stage, and take back its own request.
func (r *restAPI) editVoiceState(c *restRequest, g *Guild, user ID) restResponse {
	f, state := c.form(), g.voice[user]
	if state == nil {
		return errUnknownVoiceState.answer()
	}
	edited := *state
	if f.given("suppress") {
		edited.suppressed = f.truth("suppress")
	}
	asks := f.given("request_to_speak_timestamp")
	if asks {
		edited.requested = f.timestamp("request_to_speak_timestamp")
	}
	channel := f.id("channel_id")
	may := r.sim.permissionsIn(state.channel, c.app.Bot.ID)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case state.channel.Type != channelStage, channel != 0 && channel != state.channel.ID:
		return errWrongChannelType.answer()
	case state.suppressed && !edited.suppressed && may&permissionMuteMembers == 0,
		asks && !edited.requested.IsZero() && may&permissionRequestToSpeak == 0:
		return errMissingPermission.answer()
	}
	if *state != edited {
		*state = edited
		c.emit(func() { r.sim.emitVoiceState(g, user, &edited) })
	}
	return noContent()
}

// sendSound is POST /channels/{channel}/send-soundboard-sound, for which the bot has to be in
// the voice channel.
func (r *restAPI) sendSound(c *restRequest, ch *Channel) restResponse {
	f := c.form()
	f.require("sound_id")
	id, from := f.id("sound_id"), f.id("source_guild_id")
	if f.errors.any() {
		return f.errors.answer()
	}
	if ch.Guild == nil || !ch.isVoice() {
		return errWrongChannelType.answer()
	}
	source := ch.Guild
	if from != 0 {
		source = r.sim.guilds[from]
	}
	state := ch.Guild.voice[c.app.Bot.ID]
	switch {
	case state == nil || state.channel != ch:
		return errNotInVoice.answer()
	case id <= ID(len(defaultSounds)):
		source = nil
	case source == nil || source.find(soundboard, id) == nil:
		return errUnknownSound.answer()
	}
	effect := map[string]any{"channel_id": ch.ID, "guild_id": ch.Guild.ID, "user_id": c.app.Bot.ID, "sound_id": id, "sound_volume": 1.0}
	if source != nil {
		if volume, set := source.find(soundboard, id).fields["volume"].(float64); set {
			effect["sound_volume"] = volume
		}
	}
	c.emit(func() { r.sim.emit(nil, ch.Guild, ch, "VOICE_CHANNEL_EFFECT_SEND", effect) })
	return noContent()
}
