package discordsim

import (
	"net/url"
	"slices"
	"strings"
)

// Actions of the audit log.
const (
	auditGuildUpdate       = 1
	auditChannelCreate     = 10
	auditChannelUpdate     = 11
	auditChannelDelete     = 12
	auditOverwriteCreate   = 13
	auditOverwriteUpdate   = 14
	auditOverwriteDelete   = 15
	auditMemberKick        = 20
	auditMemberPrune       = 21
	auditMemberBanAdd      = 22
	auditMemberBanRemove   = 23
	auditMemberUpdate      = 24
	auditMemberRoles       = 25
	auditRoleCreate        = 30
	auditRoleUpdate        = 31
	auditRoleDelete        = 32
	auditInviteCreate      = 40
	auditInviteDelete      = 42
	auditWebhookCreate     = 50
	auditWebhookUpdate     = 51
	auditWebhookDelete     = 52
	auditEmojiCreate       = 60
	auditEmojiUpdate       = 61
	auditEmojiDelete       = 62
	auditMessageDelete     = 72
	auditMessageBulk       = 73
	auditMessagePin        = 74
	auditMessageUnpin      = 75
	auditIntegrationDelete = 82
	auditStageCreate       = 83
	auditStageUpdate       = 84
	auditStageDelete       = 85
	auditStickerCreate     = 90
	auditStickerUpdate     = 91
	auditStickerDelete     = 92
	auditEventCreate       = 100
	auditEventUpdate       = 101
	auditEventDelete       = 102
	auditThreadCreate      = 110
	auditThreadUpdate      = 111
	auditThreadDelete      = 112
	auditSoundCreate       = 130
	auditSoundUpdate       = 131
	auditSoundDelete       = 132
	auditRuleCreate        = 140
	auditRuleUpdate        = 141
	auditRuleDelete        = 142
	auditOnboardingUpdate  = 167
)

const (
	// maxAuditReason is in characters; maxAuditEntries bounds what one guild keeps.
	maxAuditReason  = 512
	maxAuditEntries = 1000
)

// auditEntry is one line of a guild's audit log.
type auditEntry struct {
	id, user, target ID
	action           int
	reason           string
	options          map[string]any
	changes          []change
}

// change is one field that an action changed. A nil side is left out.
type change struct {
	key      string
	from, to any
}

// readReason reads X-Audit-Log-Reason; it is URL-encoded and at most 512 characters long.
func (c *restRequest) readReason() string {
	raw := c.req.Header.Get("X-Audit-Log-Reason")
	if text, err := url.QueryUnescape(strings.ReplaceAll(raw, "+", "%2B")); err == nil {
		raw = text
	}
	if long := []rune(raw); len(long) > maxAuditReason {
		raw = string(long[:maxAuditReason])
	}
	return raw
}

// audit adds a line to the audit log of a guild. Its event goes to bots with
// VIEW_AUDIT_LOG only.
func (r *restAPI) audit(c *restRequest, g *Guild, action int, target ID, options map[string]any, changes ...change) {
	if g == nil {
		return
	}
	e := &auditEntry{id: r.sim.newID(), user: c.app.Bot.ID, target: target, action: action, reason: c.readReason(), options: options, changes: changes}
	if g.audit = append(g.audit, e); len(g.audit) > 2*maxAuditEntries {
		g.audit = slices.Delete(g.audit, 0, maxAuditEntries)
	}
	c.emit(func() {
		data := renderAudit(e)
		data["guild_id"] = g.ID
		for _, app := range slices.Clone(r.sim.inGuild[g.ID]) {
			if r.sim.permissions(g, app.Bot.ID)&permissionAuditLog != 0 {
				r.sim.emit(app, g, nil, "GUILD_AUDIT_LOG_ENTRY_CREATE", data)
			}
		}
	})
}

// renderAudit is a line of the audit log as REST and the gateway show it.
func renderAudit(e *auditEntry) map[string]any {
	out := map[string]any{"id": e.id, "user_id": e.user, "target_id": nil, "action_type": e.action}
	if e.target != 0 {
		out["target_id"] = e.target
	}
	if e.reason != "" {
		out["reason"] = e.reason
	}
	if e.options != nil {
		out["options"] = e.options
	}
	changes := []any{}
	for _, one := range e.changes {
		row := map[string]any{"key": one.key}
		if one.from != nil {
			row["old_value"] = one.from
		}
		if one.to != nil {
			row["new_value"] = one.to
		}
		changes = append(changes, row)
	}
	if len(changes) > 0 {
		out["changes"] = changes
	}
	return out
}

// getAuditLog is GET /guilds/{guild}/audit-logs: newest first, or oldest first where
// after is given.
func (r *restAPI) getAuditLog(c *restRequest, g *Guild) restResponse {
	var wrong formErrors
	limit := c.limitParam(1, 100, 50, &wrong)
	before, after, user, action := c.idParam("before", &wrong), c.idParam("after", &wrong), c.idParam("user_id", &wrong), c.idParam("action_type", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	_, forwards := c.query["after"]
	var page []*auditEntry
	add := func(e *auditEntry) {
		if len(page) < limit && e.id > after && (before == 0 || e.id < before) && (user == 0 || e.user == user) && (action == 0 || e.action == int(action)) {
			page = append(page, e)
		}
	}
	if forwards {
		for _, e := range g.audit {
			add(e)
		}
	} else {
		for _, e := range slices.Backward(g.audit) {
			add(e)
		}
	}
	entries, users, seen := []any{}, []any{}, map[ID]bool{}
	for _, e := range page {
		entries = append(entries, renderAudit(e))
		for _, id := range []ID{e.user, e.target} {
			if u, known := r.sim.users[id]; known && !seen[id] {
				seen[id] = true
				users = append(users, r.renderUser(u))
			}
		}
	}
	return ok200(map[string]any{
		"audit_log_entries": entries, "users": users, "webhooks": []any{}, "threads": []any{}, "integrations": []any{},
		"application_commands": []any{}, "auto_moderation_rules": []any{}, "guild_scheduled_events": []any{},
	})
}
