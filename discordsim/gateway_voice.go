package discordsim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// voiceState is one member in a voice channel. There is no voice server behind it: what
// a bot is told on the gateway is all there is.
type voiceState struct {
	channel            *Channel
	session            string // id of the voice session
	owner              *session
	selfMute, selfDeaf bool
	selfVideo          bool
	// suppressed is who only listens on a stage, requested when such a one asked to speak.
	suppressed bool
	requested  time.Time
}

// AddVoiceChannels adds voice channels to a guild, behind those it has.
func (s *Sim) AddVoiceChannels(g *Guild, names ...string) []*Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	var added []*Channel
	for _, name := range names {
		ch := &Channel{ID: s.newID(), Name: name, Guild: g, Type: channelVoice}
		s.addChannel(ch)()
		added = append(added, ch)
	}
	return added
}

// JoinVoice lets a user join a voice channel or move to it; for a bot it is what a
// moderator does who moves it. It reports whether there is such a channel.
func (s *Sim) JoinVoice(channel, user ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil || !ch.isVoice() {
		return false
	}
	s.addMember(ch.Guild, s.user(user))
	state := voiceState{}
	if before := ch.Guild.voice[user]; before != nil {
		state = *before
	}
	state.channel = ch
	s.enterVoice(user, state)
	return true
}

// LeaveVoice lets a user leave the voice channel of a guild, or disconnects a bot from it.
func (s *Sim) LeaveVoice(g *Guild, user ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveVoice(g, user)
}

// VoiceChannel is the voice channel of a guild in which a user is; 0 for none.
func (s *Sim) VoiceChannel(g *Guild, user ID) ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state := g.voice[user]; state != nil {
		return state.channel.ID
	}
	return 0
}

// isVoice reports whether people talk in a channel.
func (ch *Channel) isVoice() bool { return ch.Type == channelVoice || ch.Type == channelStage }

// updateVoiceState handles op 4 (S-080): it joins, moves or leaves. A channel that is not
// there, or that the bot may not see or CONNECT to, is passed over in silence.
func (c *conn) updateVoiceState(d json.RawMessage) {
	s, sess := c.sim, c.session
	var in struct {
		Guild     ID   `json:"guild_id"`
		Channel   ID   `json:"channel_id"`
		SelfMute  bool `json:"self_mute"`
		SelfDeaf  bool `json:"self_deaf"`
		SelfVideo bool `json:"self_video"`
	}
	if json.Unmarshal(d, &in) != nil {
		s.violate(c, "S-018", "a voice state is malformed")
		c.close(4001, reasonOpcode)
		return
	}
	app, g := sess.bot.app, s.guilds[in.Guild]
	if g == nil || !slices.Contains(app.Guilds, g) || !sess.shard.routed(g) {
		return
	}
	if in.Channel == 0 {
		s.leaveVoice(g, app.Bot.ID)
		return
	}
	ch := s.channels[in.Channel]
	if ch == nil || ch.Guild != g || !ch.isVoice() || !s.can(app, ch, permissionView|permissionConnect) {
		return
	}
	state := voiceState{channel: ch, owner: sess, selfMute: in.SelfMute, selfDeaf: in.SelfDeaf, selfVideo: in.SelfVideo}
	if before := g.voice[app.Bot.ID]; before != nil && before.owner == sess {
		state.session, state.suppressed, state.requested = before.session, before.suppressed, before.requested
	}
	s.enterVoice(app.Bot.ID, state)
}

// enterVoice records where a user is now and tells the guild. The session that joined
// or was moved is told of the voice server too.
func (s *Sim) enterVoice(user ID, state voiceState) {
	g := state.channel.Guild
	if state.session == "" {
		rng := s.rng
		if state.owner != nil {
			rng = state.owner.shardState.rng
		}
		state.session = strconv.FormatUint(rng.Uint64(), 16) + strconv.FormatUint(rng.Uint64(), 16)
	}
	before := g.voice[user]
	if before == nil || before.channel != state.channel {
		// On a stage everybody begins in the audience.
		state.suppressed, state.requested = state.channel.Type == channelStage, time.Time{}
	}
	if before != nil && *before == state {
		return
	}
	if g.voice == nil {
		g.voice = map[ID]*voiceState{}
	}
	g.voice[user] = &state
	s.emitVoiceState(g, user, &state)
	moved := before == nil || before.channel != state.channel || before.session != state.session
	if owner := state.owner; owner != nil && moved {
		var endpoint any
		if s.cfg.VoiceEndpoint != "" {
			endpoint = s.cfg.VoiceEndpoint
		}
		owner.dispatch("VOICE_SERVER_UPDATE", marshal(map[string]any{
			"token": strconv.FormatUint(owner.shardState.rng.Uint64(), 16), "guild_id": g.ID, "endpoint": endpoint,
		}))
	}
}

// leaveVoice takes a user out of the voice channels of a guild and tells the guild.
func (s *Sim) leaveVoice(g *Guild, user ID) {
	state := g.voice[user]
	if state == nil {
		return
	}
	delete(g.voice, user)
	state.channel = nil
	s.emitVoiceState(g, user, state)
}

// leaveVoice ends what a session has of voice.
func (sess *session) leaveVoice() {
	me := sess.bot.app.Bot.ID
	for _, g := range sess.bot.app.Guilds {
		if state := g.voice[me]; state != nil && state.owner == sess {
			sess.bot.sim.leaveVoice(g, me)
		}
	}
}

// emitVoiceState sends VOICE_STATE_UPDATE.
func (s *Sim) emitVoiceState(g *Guild, user ID, state *voiceState) {
	out := state.render(g, user)
	out["guild_id"], out["member"] = g.ID, s.guildMember(g, s.user(user))
	s.emit(nil, g, nil, "VOICE_STATE_UPDATE", out)
}

// render is a voice state as GUILD_CREATE lists it.
func (v *voiceState) render(g *Guild, user ID) map[string]any {
	m := g.member(user)
	out := map[string]any{
		"channel_id": nil, "user_id": user, "session_id": v.session, "deaf": m.Deaf, "mute": m.Mute, "self_deaf": v.selfDeaf, "self_mute": v.selfMute,
		"self_video": v.selfVideo, "suppress": v.suppressed, "request_to_speak_timestamp": timeOrNil(v.requested),
	}
	if v.channel != nil {
		out["channel_id"] = v.channel.ID
	}
	return out
}

// voiceStates lists who is in a guild's voice channels that the session sees.
func (sess *session) voiceStates(g *Guild) []any {
	s, list := sess.bot.sim, []any{}
	if s.cfg.Identify.VoiceStatesByIntent && sess.intents&intentVoiceStates == 0 {
		return list
	}
	for _, user := range slices.Sorted(maps.Keys(g.voice)) {
		if state := g.voice[user]; s.sees(sess.bot.app, state.channel) {
			list = append(list, state.render(g, user))
		}
	}
	return list
}
