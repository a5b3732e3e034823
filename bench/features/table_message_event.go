package features

// messageEventFeatures are messages of people, as bots hear of them.
func messageEventFeatures() []Feature {
	return in("message events",
		feature("message event", "Message Create", "is ready, waits for the event of person's message in channel; data: content, author (id)").
			people(personSays("hi bot")).then(said("content", "hi bot", "author", "$person")),
		feature("mention event", "Message Create (mentions)", "is ready, waits for the event of a message in channel; data: mentions (ids of users)").
			people(personSays("hi <@$bot>")).then(said("mentions.#", 1, "mentions.0", "$bot")),
		feature("reply event", "Message Create (referenced_message)", `sends "ask me", is ready (data: id), waits for the reply to it; data: id (of the message replied to), content (of the reply)`).
			people(func(t *trial) error { return t.reply("yes") }).then(said("content", "yes"), holds("content", "ask me")),
		feature("message edit event", "Message Update", "is ready, waits for the event of message's edit; data: id, content").
			before(personSays("hi")).people(func(t *trial) error { t.sim.Edit(t.id("message"), "hi again"); return nil }).then(said("id", "$message", "content", "hi again")),
		feature("message delete event", "Message Delete", "is ready, waits for the event that message is deleted; data: id").
			before(personSays("hi")).people(func(t *trial) error { t.sim.Delete(t.id("message")); return nil }).then(said("id", "$message")),
		feature("bulk delete event", "Message Delete Bulk", "is ready, waits for the event that messages of channel are deleted at once; data: count").
			before(personSays("1"), keep("message", "first"), personSays("2")).
			people(moderator("", "POST", "/channels/$channel/messages/bulk-delete", `{"messages":["$first","$message"]}`)).then(said("count", 2)),
		feature("pins event", "Channel Pins Update", "is ready, waits for the event that the pins of channel changed; data: channel (id)").
			before(personSays("hi")).people(moderator("", "PUT", "/channels/$channel/messages/pins/$message", "")).then(said("channel", "$channel")),
		feature("typing event", "Typing Start", "is ready, waits for the event that a person types in channel; data: user (id)").
			people(func(t *trial) error { t.sim.Type(t.id("channel"), t.id("person")); return nil }).then(said("user", "$person")),
		feature("attachment event", "Message Create (attachments)", "is ready, waits for the event of a message in channel; data: name (of its attachment)").
			people(upload).then(said("name", "file.txt")),
		feature("webhook message event", "Message Create (webhook_id)", "is ready, waits for the event of a webhook's message in channel; data: content, webhook (id)").
			before(moderator("webhook", "POST", "/channels/$channel/webhooks", `{"name":"herald"}`)).
			people(moderator("", "POST", "/webhooks/$webhook/$token", `{"content":"hear"}`)).then(said("content", "hear", "webhook", "$webhook")),
		feature("crosspost event", "Message Update (CROSSPOSTED)", `is ready, waits for the event that a message in news is published; data: id, flags`).
			before(moderator("message", "POST", "/channels/$news/messages", `{"content":"news"}`)).
			people(moderator("", "POST", "/channels/$news/messages/$message/crosspost", "")).then(said("id", "$message", "flags", 1)),
	)
}

// keep makes a step that keeps an arg under another name.
func keep(name, as string) step {
	return func(t *trial) error { t.args[as] = t.args[name]; return nil }
}
