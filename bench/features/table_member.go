package features

import (
	"fmt"
	"strconv"
	"time"

	"evergreen/discordsim"
)

// memberFeatures are the members of a guild.
func memberFeatures() []Feature {
	const person = "/guilds/$guild/members/$person"
	role := moderator("", "PUT", person+"/roles/$role", "")
	ban := moderator("", "PUT", "/guilds/$guild/bans/$person", "")
	return in("members",
		feature("member fetch", "Get Guild Member", "fetches the member person from the API; data: name (the username), joined (whether there is a time)").then(said("name", "$person_name", "joined", true)),
		feature("member list", "List Guild Members", "fetches the members of guild over REST; data: count").then(said("count", 6)),
		feature("member search", "Search Guild Members", `searches the members of guild for "person" over REST; data: ids`).then(said("ids.#", 1, "ids.0", "$person")),
		feature("nickname", "Modify Guild Member (nick)", `gives person the nickname "Pat"; data: none`).then(shows(person, "nick", "Pat")),
		feature("role give", "Add Guild Member Role", "gives role to person; data: none").then(shows(person, "roles.0", "$role")),
		feature("role take", "Remove Guild Member Role", "takes role from person; data: none").before(role).then(shows(person, "roles.#", 0)),
		feature("roles set", "Modify Guild Member (roles)", "sets the roles of person to role alone, in one request; data: none").then(shows(person, "roles.#", 1, "roles.0", "$role")),
		feature("timeout", "Modify Guild Member (communication_disabled_until)", "puts person into a timeout of an hour; data: until (seconds since 1970)").then(timedOutUntil),
		feature("timeout end", "Modify Guild Member (communication_disabled_until)", "ends the timeout of person; data: none").
			before(timeout).then(shows(person, "communication_disabled_until", nil)),
		feature("kick", "Remove Guild Member", `kicks person with the reason "spam"; data: none`).
			then(unknown(person, 10007), shows("/guilds/$guild/audit-logs?action_type=20", "audit_log_entries.0.reason", "spam", "audit_log_entries.0.target_id", "$person")),
		feature("ban", "Create Guild Ban", `bans person with the reason "spam" and deletes messages of the last hour; data: none`).before(personSays("spam")).
			then(shows("/guilds/$guild/bans/$person", "reason", "spam"), unknown(person, 10007), shows("/channels/$channel/messages", "#", 0)),
		feature("unban", "Remove Guild Ban", "lifts the ban of person; data: none").before(ban).then(unknown("/guilds/$guild/bans/$person", 10026)),
		feature("bulk ban", "Bulk Guild Ban", "bans person and other at once; data: banned (ids)").then(said("banned.#", 2), has("/guilds/$guild/bans", "user.id", "$other")),
		feature("ban list", "Get Guild Bans", "fetches the bans of guild; data: ids").before(ban).then(said("ids.#", 1, "ids.0", "$person")),
		feature("ban fetch", "Get Guild Ban", "fetches the ban of person; data: id").before(ban).then(said("id", "$person")),
		feature("own nickname", "Modify Current Member (nick)", `gives itself the nickname "Robo" in guild; data: none`).then(shows("/guilds/$guild/members/$bot", "nick", "Robo")),
		feature("own guild profile", "Modify Current Member (avatar, bio)", `gives itself the avatar args.picture (a data URI) and the bio "I paint" in guild; data: avatar (the hash)`).before(aPicture).then(func(t *trial) error {
			return shows("/guilds/$guild/members/$bot", "avatar", t.said["avatar"])(t)
		}),
		feature("member join event", "Guild Member Add", "is ready, waits for the event of a new member of guild; data: name").
			people(func(t *trial) error { t.sim.AddMembers(t.home, t.sim.AddUser("newcomer")); return nil }).then(said("name", "newcomer")),
		feature("member leave event", "Guild Member Remove", "is ready, waits for the event that a member has left guild; data: id").
			people(func(t *trial) error { t.sim.RemoveMembers(t.home, t.id("person")); return nil }).then(said("id", "$person")),
		feature("member update event", "Guild Member Update", "is ready, waits for the event that a member of guild is changed; data: id, nick").
			people(func(t *trial) error {
				t.sim.SetMember(t.home, t.id("person"), func(m *discordsim.Member) { m.Nick = "Pat" })
				return nil
			}).then(said("id", "$person", "nick", "Pat")),
		feature("ban event", "Guild Ban Add", "is ready, waits for the event that somebody is banned from guild; data: id").people(ban).then(said("id", "$person")),
		feature("unban event", "Guild Ban Remove", "is ready, waits for the event that somebody's ban from guild is lifted; data: id").
			before(ban).people(moderator("", "DELETE", "/guilds/$guild/bans/$person", "")).then(said("id", "$person")),
		feature("permissions of a member", "Permission Hierarchy", "computes the permissions of person in channel, where overwrites hold; data: permissions (a number in a text)").
			before(role, moderator("", "PUT", "/channels/$channel/permissions/$guild", `{"type":0,"deny":"2048"}`), moderator("", "PUT", "/channels/$channel/permissions/$role", `{"type":0,"allow":"8192"}`), moderator("", "PUT", "/channels/$channel/permissions/$person", `{"type":1,"allow":"16","deny":"64"}`)).
			then(permissions),
		feature("permissions while timed out", "Permission Overwrites (timeout)", "computes the permissions of person in channel during a timeout; data: permissions (a number in a text)").
			before(timeout).then(said("permissions", "66560")),
	)
}

// timeout puts person into a timeout for an hour.
func timeout(t *trial) error {
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	return moderator("", "PATCH", "/guilds/$guild/members/$person", `{"communication_disabled_until":"`+until+`"}`)(t)
}

// timedOutUntil checks until when person is in a timeout.
func timedOutUntil(t *trial) error {
	m, err := t.inspector.request(t.ctx, "GET", t.expand("/guilds/$guild/members/$person"), nil)
	if err != nil {
		return err
	}
	until, err := time.Parse(time.RFC3339, fmt.Sprint(at(m, "communication_disabled_until")))
	if err != nil {
		return fmt.Errorf("the timeout of person: %w", err)
	}
	if left := time.Until(until); left < 59*time.Minute || left > 61*time.Minute {
		return fmt.Errorf("the timeout ends in %v, want an hour", left)
	}
	return equal("until", t.said["until"], until.Unix())
}

// permissions checks what the program has computed for person in channel: what @everyone may
// do by the guild's roles, changed by the overwrites in Discord's order.
func permissions(t *trial) error {
	role, err := t.inspector.request(t.ctx, "GET", t.expand("/guilds/$guild/roles/$guild"), nil)
	if err != nil {
		return err
	}
	base, err := strconv.ParseUint(fmt.Sprint(at(role, "permissions")), 10, 64)
	if err != nil {
		return err
	}
	// Libraries leave out what means nothing in a text channel, and what cannot be used without
	// SEND_MESSAGES: what the overwrites are about is the same for all of them.
	const about = 1<<4 | 1<<6 | 1<<10 | 1<<11 | 1<<13 | 1<<16
	computed, err := strconv.ParseUint(fmt.Sprint(t.said["permissions"]), 10, 64)
	if err != nil {
		return err
	}
	return equal("permissions", computed&about, ((base&^2048|8192)&^64|16)&about)
}
