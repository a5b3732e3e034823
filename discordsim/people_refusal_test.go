package discordsim

import (
	"testing"
	"time"
)

// Given commands that are not for everybody or not everywhere, when a person uses one all the
// same, then nothing is sent, and a sentence says why.
func TestWhatAPersonCannotUse(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		ban := with(chat("ban"), "default_member_permissions", "4")
		secret := with(chat("secret"), "default_member_permissions", "0")
		here := with(chat("here"), "contexts", []int{0})
		direct := with(chat("direct"), "contexts", []int{1})
		older := with(chat("older"), "dm_permission", false)
		adult := with(chat("adult"), "nsfw", true)
		set := with(chat("set"), "options", []any{
			option(3, "name", "required", true, "min_length", 2, "max_length", 4), option(3, "color", "choices", []any{map[string]any{"name": "Red", "value": "r"}}),
			option(4, "count", "min_value", 1, "max_value", 5), option(10, "much", "max_value", 0.5), option(5, "loud"), option(6, "who"), option(7, "where", "channel_types", []int{2}),
			option(8, "role"), option(9, "both"), option(11, "file"),
		})
		w.register(ban, secret, here, direct, older, adult, set)
		use := func(command string, options map[string]any) (ID, error) {
			return w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: command, Options: options})
		}
		private := w.DM(w.app, w.person.ID, "hello").Channel.ID
		inPrivate := func(command string, options map[string]any) (ID, error) {
			return w.Use(Use{App: w.app, Channel: private, User: w.person.ID, Command: command, Options: options})
		}
		w.refused("it needs BAN_MEMBERS")(use("ban", nil))
		w.refused("leave it to administrators")(use("secret", nil))
		w.refused("cannot be used in a guild")(use("direct", nil))
		w.refused("cannot be used in direct messages")(inPrivate("here", nil))
		w.refused("cannot be used in direct messages")(inPrivate("older", nil))
		w.refused("age-restricted")(use("adult", nil))
		w.refused(`has no slash command "pnig" here; registered are: ban, secret,`)(use("pnig", nil))
		w.refused("no command is named")(use("/", nil))
		w.refused(`no option "nome"; it has: name, color`)(use("set", map[string]any{"nome": 1}))
		for _, one := range []struct {
			why     string
			options map[string]any
		}{
			{`needs the option "name"`, nil},
			{`needs the option "name"`, map[string]any{"name": ""}},
			{"at least 2 are needed", map[string]any{"name": "a"}},
			{"at most 4 are allowed", map[string]any{"name": "abcde"}},
			{`"blue" is none of its choices: Red`, map[string]any{"name": "ab", "color": "blue"}},
			{"the least is 1", map[string]any{"name": "ab", "count": 0}},
			{"the most is 5", map[string]any{"name": "ab", "count": 6}},
			{"no whole number", map[string]any{"name": "ab", "count": 1.5}},
			{`"x" is no number`, map[string]any{"name": "ab", "count": "x"}},
			{"the most is 0.5", map[string]any{"name": "ab", "much": 1}},
			{"neither true nor false", map[string]any{"name": "ab", "loud": "yes"}},
			{`no user "nobody"`, map[string]any{"name": "ab", "who": "nobody"}},
			{"allowed are [2]", map[string]any{"name": "ab", "where": "general"}},
			{`no channel "attic"`, map[string]any{"name": "ab", "where": "attic"}},
			{`no role "crew"`, map[string]any{"name": "ab", "role": "crew"}},
			{`no user or role "crew"`, map[string]any{"name": "ab", "both": "crew"}},
			{"string is no File", map[string]any{"name": "ab", "file": "a.txt"}},
			{"the file has no name", map[string]any{"name": "ab", "file": File{}}},
		} {
			w.refused(one.why)(use("set", one.options))
		}
		w.refused("no roles in direct messages")(inPrivate("set", map[string]any{"name": "ab", "role": "crew"}))
		w.refused("there is no channel 7")(w.Use(Use{App: w.app, Channel: 7, User: w.person.ID, Command: "set"}))
		w.refused("there is no person 7")(w.Use(Use{App: w.app, Channel: w.channel, User: 7, Command: "set"}))
		w.refused("is a bot")(w.Use(Use{App: w.app, Channel: w.channel, User: w.app.Bot.ID, Command: "set"}))
		w.refused("not part of the direct messages")(w.Use(Use{App: w.app, Channel: private, User: w.AddUser("eve").ID, Command: "set"}))
		w.refused("no app is given")(w.Use(Use{Channel: w.channel, User: w.person.ID, Command: "set"}))

		for _, allowed := range []struct {
			command string
			change  func(*Role)
		}{
			{"ban", func(r *Role) { r.Permissions |= permissionBan }}, {"secret", func(r *Role) { r.Permissions |= permissionAdministrator }},
		} {
			w.mu.Lock()
			allowed.change(w.guild.Roles[0])
			w.mu.Unlock()
			w.must(use(allowed.command, nil))
		}
		w.mu.Lock()
		w.guild.Roles[0].Permissions = everyonePermissions &^ permissionUseCommands
		w.mu.Unlock()
		w.refused("USE_APPLICATION_COMMANDS is missing")(use("here", nil))
		w.mu.Lock()
		w.guild.Roles[0].Permissions = 0
		w.mu.Unlock()
		w.refused("VIEW_CHANNEL is missing")(use("here", nil))
		w.mu.Lock()
		w.guild.Roles[0].Permissions = everyonePermissions
		w.mu.Unlock()
		w.SetMember(w.guild, w.person.ID, func(m *Member) { m.TimedOutUntil = time.Now().Add(time.Minute) })
		w.refused("ann is timed out until")(use("here", nil))
		time.Sleep(time.Minute)
		w.refused("is not here")(w.Use(Use{App: w.AddApp(AppConfig{Name: "other"}), Channel: w.channel, User: w.person.ID, Command: "here"}))
		launch := w.AddApp(AppConfig{Name: "game", Guilds: []*Guild{w.guild}, EntryPoint: true})
		w.refused("opens the activity of game")(w.Use(Use{App: launch, Channel: w.channel, User: w.person.ID, Command: "launch"}))
		w.SetUnavailable(w.guild, true)
		w.refused("is unavailable")(use("here", nil))
	})
}

// Given a command in direct messages and in a channel that the bot does not see, when a person
// uses it, then the bot gets it there too.
func TestUseElsewhere(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		w.register(chat("ping"))
		private := w.DM(w.app, w.person.ID, "hello").Channel.ID
		w.must(w.Use(Use{App: w.app, Channel: private, User: w.person.ID, Command: "ping"}))
		d := w.heard()
		if d["context"] != 1.0 || d["member"] != nil || d["guild_id"] != nil || asObject(d["user"])["id"] != w.person.ID.String() || asObject(d["authorizing_integration_owners"])["0"] != "0" {
			t.Errorf("the interaction is %v", d)
		}
		w.Hide(w.app, w.channel, true)
		id := w.must(w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "ping"}))
		if d := w.heard(); d["id"] != id.String() || d["app_permissions"] != "0" {
			t.Errorf("the interaction is %v", d)
		}
	})
}

// Given an app that has left the guild, when people use what it has left there, then they
// cannot, and the short form counts for nothing.
func TestUseAfterTheBotHasLeft(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		w.register(chat("ping"))
		m := w.post(row(button("go")))
		w.Leave(w.app, w.guild)
		w.refused("is not here")(w.Use(Use{App: w.app, Channel: w.channel, User: w.person.ID, Command: "ping"}))
		w.refused("not in the guild any more")(w.Press(m, w.person.ID, "go"))
		w.Interact(w.app, w.channel, w.person.ID, "ping")
		if v := w.Verdict(w.app); v.Asked+v.Unheard != 0 {
			t.Errorf("the verdict is %+v", v)
		}
	})
}

// Given a person who types, then the bot hears of it and the person is listed for ten seconds;
// one who may not write there does not type.
func TestAPersonTypes(t *testing.T) {
	withPeople(t, func(t *testing.T, w *peopleHarness) {
		w.Type(w.channel, w.person.ID)
		w.Type(w.channel, w.AddUser("stranger").ID)
		if got := w.Typing(w.channel); len(got) != 1 || got[0] != w.person.ID {
			t.Errorf("%v are typing", got)
		}
		w.Type(w.DM(w.app, w.person.ID, "hello").Channel.ID, w.person.ID)
		time.Sleep(11 * time.Second)
		if got := w.Typing(w.channel); len(got) != 0 {
			t.Errorf("%v are typing", got)
		}
		heard := w.events.named("TYPING_START")
		if len(heard) != 2 || heard[0].data["user_id"] != w.person.ID.String() || heard[0].data["member"] == nil || heard[1].data["guild_id"] != nil {
			t.Errorf("the bot heard %v", heard)
		}
	})
}
