package discordsim

import (
	"encoding/json"
	"net/http"
)

var autoModerationFields = []setting{
	{name: "name", read: readText(1, 100)},
	{name: "event_type", read: readOneOf(1, 2)},
	{name: "trigger_type", read: readOneOf(1, 3, 4, 5, 6)},
	{name: "trigger_metadata", initial: map[string]any{}, read: readAny},
	{name: "actions", initial: []any{}, read: readActions},
	{name: "enabled", initial: false, read: readTruth},
	{name: "exempt_roles", initial: []ID{}, read: readIDs(20)},
	{name: "exempt_channels", initial: []ID{}, read: readIDs(50)},
}

// autoModeration are the auto-moderation rules of guilds. Discord documents no code for
// a rule that is unknown or one too many; these are its general ones.
var autoModeration = &resourceKind{
	fields: autoModerationFields, required: []string{"name", "event_type", "trigger_type", "actions"},
	audit: auditRuleCreate, event: "AUTO_MODERATION_RULE", sees: permissionManageGuild, most: 10, tooMany: errInvalidForm, unknown: errNoRoute, status: http.StatusOK,
	check: func(_ *restAPI, f *form, x *resource, before settings) *restError {
		if before != nil && x.fields["trigger_type"] != before["trigger_type"] {
			f.refuse("trigger_type", "AUTO_MODERATION_TRIGGER_TYPE_IMMUTABLE", "The trigger type cannot be changed.")
		}
		return nil
	},
	render: func(_ *restAPI, x *resource) map[string]any {
		out := map[string]any{"id": x.id, "guild_id": x.guild.ID, "creator_id": x.creator}
		x.fields.show(out, autoModerationFields, 0)
		return out
	},
}

// readActions reads the actions of a rule: one to five, each of a known type.
func readActions(f *form, name string) any {
	list := f.each(name, 5)
	if len(list) == 0 {
		f.refuse(name, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
	}
	for _, one := range list {
		one.require("type")
		one.choice("type", 1, 2, 3, 4)
	}
	if f.errors.any() {
		return nil
	}
	var actions []map[string]any
	_ = json.Unmarshal(f.fields[name], &actions) // each is an object, as just seen
	for _, action := range actions {
		// Discord shows metadata also where an action has none; discord.js reads it.
		if action["metadata"] == nil {
			action["metadata"] = map[string]any{}
		}
	}
	return json.RawMessage(marshal(actions))
}

// readIDs reads at most so many ids.
func readIDs(most int) func(*form, string) any {
	return func(f *form, name string) any { return idList(f.ids(name, most)) }
}
