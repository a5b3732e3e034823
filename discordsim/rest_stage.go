package discordsim

import "slices"

// stagePermissions make a moderator of a stage channel.
const stagePermissions = permissionManageChannels | permissionMuteMembers | permissionMoveMembers

// stage is a live stage.
type stage struct {
	id, channel ID
	topic       string
}

// renderStage is a stage instance.
func renderStage(g *Guild, s *stage) map[string]any {
	return map[string]any{
		"id": s.id, "guild_id": g.ID, "channel_id": s.channel, "topic": s.topic, "privacy_level": 2, "discoverable_disabled": true, "guild_scheduled_event_id": nil,
	}
}

// renderStages are the live stages of a guild.
func renderStages(g *Guild) []any {
	out := []any{}
	for _, s := range g.stages {
		out = append(out, renderStage(g, s))
	}
	return out
}

// stageFor finds the stage channel of the path and its stage.
func (r *restAPI) stageFor(c *restRequest) (*stage, *restResponse) {
	ch, refused := r.channelFor(c)
	if refused != nil {
		return nil, refused
	}
	if ch.Guild != nil {
		if i := slices.IndexFunc(ch.Guild.stages, func(s *stage) bool { return s.channel == ch.ID }); i >= 0 {
			return ch.Guild.stages[i], nil
		}
	}
	return nil, errUnknownStage.refusal()
}

// emitStage sends an event about a stage.
func (r *restAPI) emitStage(c *restRequest, event string, s *stage) {
	ch := r.sim.channels[s.channel]
	c.emit(func() { r.sim.emit(nil, ch.Guild, ch, event, renderStage(ch.Guild, s)) })
}

// createStage is POST /stage-instances.
func (r *restAPI) createStage(c *restRequest) restResponse {
	f := c.form()
	f.require("channel_id")
	s := &stage{id: r.sim.newID(), channel: f.id("channel_id"), topic: f.between("topic", 1, 120)}
	f.choice("privacy_level", 1, 2)
	ch := r.sim.channels[s.channel]
	switch {
	case f.errors.any():
		return f.errors.answer()
	case ch == nil:
		return errUnknownChannel.answer()
	case !r.sim.sees(c.app, ch):
		return errMissingAccess.answer()
	case ch.Type != channelStage:
		return errWrongChannelType.answer()
	case !r.sim.can(c.app, ch, stagePermissions):
		return errMissingPermission.answer()
	case slices.ContainsFunc(ch.Guild.stages, func(other *stage) bool { return other.channel == ch.ID }):
		return errStageOpen.answer()
	}
	ch.Guild.stages = append(ch.Guild.stages, s)
	r.emitStage(c, "STAGE_INSTANCE_CREATE", s)
	r.audit(c, ch.Guild, auditStageCreate, s.id, map[string]any{"channel_id": ch.ID})
	return ok200(renderStage(ch.Guild, s))
}

// getStage is GET /stage-instances/{channel}.
func (r *restAPI) getStage(_ *restRequest, s *stage) restResponse {
	return ok200(renderStage(r.sim.channels[s.channel].Guild, s))
}

// editStage is PATCH /stage-instances/{channel}.
func (r *restAPI) editStage(c *restRequest, s *stage) restResponse {
	f, topic := c.form(), s.topic
	if f.has("topic") {
		topic = f.between("topic", 1, 120)
	}
	f.choice("privacy_level", 1, 2)
	if f.errors.any() {
		return f.errors.answer()
	}
	g := r.sim.channels[s.channel].Guild
	r.audit(c, g, auditStageUpdate, s.id, map[string]any{"channel_id": s.channel}, change{"topic", s.topic, topic})
	s.topic = topic
	r.emitStage(c, "STAGE_INSTANCE_UPDATE", s)
	return ok200(renderStage(g, s))
}

// deleteStage is DELETE /stage-instances/{channel}.
func (r *restAPI) deleteStage(c *restRequest, s *stage) restResponse {
	g := r.sim.channels[s.channel].Guild
	g.stages = slices.DeleteFunc(slices.Clone(g.stages), func(other *stage) bool { return other == s })
	r.emitStage(c, "STAGE_INSTANCE_DELETE", s)
	r.audit(c, g, auditStageDelete, s.id, map[string]any{"channel_id": s.channel})
	return noContent()
}
