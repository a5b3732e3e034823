package features

// accountFeatures are the bot's own account and application, and other users.
func accountFeatures() []Feature {
	const commands = "/applications/$app/guilds/$guild/commands"
	return in("account and application",
		feature("own user", "Get Current User", "fetches itself from the API; data: id, is_bot").then(said("id", "$bot", "is_bot", true)),
		feature("own avatar", "Modify Current User (avatar)", "gives itself the avatar args.picture (a data URI); data: avatar (the hash)").before(aPicture).then(func(t *trial) error {
			return shows("/users/$bot", "avatar", t.said["avatar"])(t)
		}),
		feature("own name", "Modify Current User (username)", `renames itself to "renamed"; data: name`).then(said("name", "renamed"), shows("/users/$bot", "username", "renamed")),
		feature("user fetch", "Get User", "fetches the user person from the API; data: name").then(said("name", "$person_name")),
		feature("user update event", "User Update", "is ready, waits for the event that its own user is changed; data: id").
			people(itself("", "PATCH", "/users/@me", `{"banner":null,"username":"renamed-again"}`)).then(said("id", "$bot")),
		feature("presence event", "Presence Update", "is ready, waits for the event that person is idle; data: user (id), status").
			people(func(t *trial) error { return t.sim.SetPresence(t.id("person"), "idle") }).then(said("user", "$person", "status", "idle")),
		feature("application", "Get Current Application", "fetches its application; data: id, name, owner (id)").then(said("id", "$app", "name", "bot")),
		feature("application edit", "Edit Current Application", `sets the description of its application to "paints"; data: description`).then(said("description", "paints")),
		feature("gateway information", "Get Gateway Bot", "asks for the gateway's address; data: shards (recommended)").then(said("shards", 1)),
		feature("role connections", "Update Application Role Connection Metadata Records", `registers the metadata record with the key "paintings", the name "Paintings", the description "painted", of type 2, fetches the records; data: keys`).then(said("keys.#", 1, "keys.0", "paintings")),
		feature("guild command", "Create Guild Application Command", `registers the command "ping" in guild, described as "pong"; data: id`).then(nth(commands, "name", "ping")),
		feature("global command", "Create Global Application Command", `registers the global command "everywhere", described as "pong", fetches the global commands, deletes it; data: names (while it was there)`).then(includes("names", "everywhere")),
		feature("commands at once", "Bulk Overwrite Guild Application Commands", `sets the commands of guild to "one" and "two", with options: one has the required string option "text" with the choices "a" (A) and "b" (B); data: count`).
			then(said("count", 2), nth(commands, "name", "one")),
		feature("command edit", "Edit Guild Application Command", `registers the command "ping" in guild, changes its description to "changed"; data: id`).then(nth(commands, "description", "changed")),
		feature("command delete", "Delete Guild Application Command", `registers the command "ping" in guild, deletes it; data: none`).then(func(t *trial) error {
			answer, err := t.own.request(t.ctx, "GET", t.expand(commands), nil)
			if err != nil {
				return err
			}
			return equal("commands", at(answer, "#"), 0)
		}),
		feature("command list", "Get Guild Application Commands", `registers the command "ping" in guild with the German name "pong" and description "los", fetches the commands with localizations; data: names, german (the German name)`).
			then(said("names.0", "ping", "german", "pong")),
		feature("command permissions", "Get Guild Application Command Permissions", "fetches the permissions of all commands in guild; data: count").then(said("count", 0)),
	)
}

// nth makes a check that one of the bot's own list has a value.
func nth(list, path, value string) step {
	return func(t *trial) error {
		other := *t
		w := *t.world
		w.inspector = t.own
		other.world = &w
		return has(list, path, value)(&other)
	}
}

// directFeatures are direct messages.
func directFeatures() []Feature {
	dm := func(text string) step {
		return func(t *trial) error {
			m := t.sim.DM(t.app, t.id("person"), text)
			t.args["message"], t.args["dm"] = m.ID.String(), m.Channel.ID.String()
			return nil
		}
	}
	return in("direct messages",
		feature("direct message", "Create DM, Create Message", `sends "hello" to person; data: id, channel (id)`).
			then(wrote("hello")),
		feature("direct message event", "Message Create", "is ready, waits for the event of a direct message of person; data: content, direct (whether the library says it is one)").
			people(dm("psst")).then(said("content", "psst", "direct", true)),
		feature("direct message answer", "Create Message", `is ready, waits for the event of a direct message of person, replies "hello"; data: id, channel (id)`).
			people(dm("psst")).then(wrote("hello")),
		feature("direct message edit event", "Message Update", "is ready, waits for the event that person has edited a direct message; data: content").
			before(dm("psst")).people(func(t *trial) error { t.sim.Edit(t.id("message"), "pst"); return nil }).then(said("content", "pst")),
		feature("direct message reaction event", "Message Reaction Add", "is ready, waits for the event that person has reacted to message in dm (a channel id); data: emoji (name)").
			before(dm("psst")).people(func(t *trial) error { t.sim.React(t.id("message"), t.id("person"), "👍"); return nil }).then(said("emoji", "👍")),
		feature("direct message refused", "50007: Cannot send messages to this user", "tries to send a message to person, who takes none; data: code (of the error)").
			before(func(t *trial) error { t.sim.CloseDMs(t.id("person"), true); return nil }).then(said("code", 50007)),
	)
}

// errorFeatures are Discord's refusals, as libraries tell of them.
func errorFeatures() []Feature {
	return in("errors",
		feature("unknown message", "10008: Unknown Message", "fetches the message 1 of channel; data: code, status (of the error)").then(said("code", 10008, "status", 404)),
		feature("missing access", "50001: Missing Access", "fetches the messages of channel, which it does not see; data: code, status").
			before(func(t *trial) error { t.sim.Hide(t.app, t.id("channel"), true); return nil }).then(said("code", 50001, "status", 403)),
		feature("missing permissions", "50013: Missing Permissions", "gives the owner the nickname \"Boss\"; data: code, status").then(said("code", 50013, "status", 403)),
		feature("invalid form", "50035: Invalid Form Body", `sends an embed whose title has 300 letters (past the library's own checks), or a message of 2001; data: code, status`).then(said("code", 50035, "status", 400)),
		feature("empty message", "50006: Cannot send an empty message", "sends a message with the content \"\"; data: code").then(said("code", 50006)),
	)
}

// paidFeatures are what is sold. The lists are empty; buying is not simulated.
func paidFeatures() []Feature {
	return in("what is sold",
		feature("SKUs", "List SKUs", "fetches the SKUs of its application; data: count").then(said("count", 0)),
		feature("entitlements", "List Entitlements", "fetches the entitlements of its application; data: count").then(said("count", 0)),
		Feature{Name: "entitlement event", API: "Entitlement Create", Needs: "a payment"},
		Feature{Name: "subscriptions", API: "List SKU Subscriptions", Needs: "a payment"},
	)
}
