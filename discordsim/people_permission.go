package discordsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// permissionUseCommands is USE_APPLICATION_COMMANDS.
const permissionUseCommands uint64 = 1 << 31

// Contexts of an interaction.
const (
	contextGuild = 0
	contextBotDM = 1
)

// mayUse says why a person may not use a command in a channel: where the command is not
// offered, and which permissions are missing.
func (s *Sim) mayUse(c *Command, ch *Channel, who User) error {
	def := newForm(c.Raw)
	where, context := "in direct messages", contextBotDM
	if ch.Guild != nil {
		where, context = "in a guild", contextGuild
	}
	if !offered(def, context) {
		return fmt.Errorf("/%s cannot be used %s: its contexts do not allow it", c.Name, where)
	}
	if ch.Guild == nil {
		return nil
	}
	may := s.permissionsIn(ch, who.ID)
	if may&permissionUseCommands == 0 {
		return fmt.Errorf("%s may not use commands in #%s: USE_APPLICATION_COMMANDS is missing", who.Username, ch.Name)
	}
	if def.has("default_member_permissions") && may != allPermissions {
		needs := def.bits("default_member_permissions")
		if needs == 0 {
			return fmt.Errorf("%s may not use /%s: its default_member_permissions leave it to administrators", who.Username, c.Name)
		}
		if missing := PermissionNames(needs &^ may); len(missing) > 0 {
			return fmt.Errorf("%s may not use /%s: it needs %s", who.Username, c.Name, strings.Join(missing, ", "))
		}
	}
	if def.truth("nsfw") && !s.isNSFW(ch) {
		return fmt.Errorf("/%s is age-restricted and #%s is not", c.Name, ch.Name)
	}
	return nil
}

// offered reports whether a command is offered in a context. Without contexts it is everywhere,
// unless the deprecated dm_permission keeps it out of direct messages.
func offered(def *form, context int) bool {
	if def.has("contexts") {
		return slices.ContainsFunc(def.list("contexts", 0), func(raw json.RawMessage) bool { return string(raw) == fmt.Sprint(context) })
	}
	return context != contextBotDM || !def.has("dm_permission") || def.truth("dm_permission")
}

// isNSFW reports whether a channel is age-restricted; a thread is as its channel.
func (s *Sim) isNSFW(ch *Channel) bool {
	if ch.isThread() {
		if ch = s.channels[ch.Parent]; ch == nil {
			return false
		}
	}
	return ch.settings["nsfw"] == true
}
