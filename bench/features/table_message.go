package features

// messageFeatures are messages, as bots send them and as people do.
func messageFeatures() []Feature {
	message := func(name, api, does string) Feature {
		return Feature{Name: name, Group: "messages", API: api, Does: does}
	}
	with := func(f Feature, prepare, act, check func(*trial) error) Feature {
		f.prepare, f.act, f.check = prepare, act, check
		return f
	}
	return []Feature{
		with(message("message create", "Create Message", `sends "hello" into channel; data: id, content`),
			nil, nil, all(said("content", "hello"), holds("content", "hello"))),
		with(message("message reply", "Create Message (message_reference)", `replies "hello" to message; data: id`),
			personSays("hi"), nil, holds("message_reference.message_id", "$message", "type", 19)),
		with(message("message edit", "Edit Message", `sends "hello", edits it to "changed"; data: id, content`),
			nil, nil, all(said("content", "changed"), holds("content", "changed"))),
		with(message("message delete", "Delete Message", `sends "hello", deletes it; data: id`),
			nil, nil, gone),
		with(message("message fetch", "Get Channel Message", "fetches message from the API; data: content, author (id)"),
			personSays("hi there"), nil, said("content", "hi there", "author", "$person")),
		with(message("message event", "Message Create", "is ready, waits for the event of person's message in channel; data: content, author (id)"),
			nil, personSays("hi bot"), said("content", "hi bot", "author", "$person")),
		with(message("message edit event", "Message Update", "is ready, waits for the event of message's edit; data: id, content"),
			personSays("hi"), func(t *trial) error { t.sim.Edit(t.id("message"), "hi again"); return nil }, said("id", "$message", "content", "hi again")),
		with(message("message delete event", "Message Delete", "is ready, waits for the event that message is deleted; data: id"),
			personSays("hi"), func(t *trial) error { t.sim.Delete(t.id("message")); return nil }, said("id", "$message")),
		with(message("message history", "Get Channel Messages", "fetches the last 3 of the 5 messages in channel, then the 2 before the oldest of these; data: contents (of all 5, newest first)"),
			personSays("1", "2", "3", "4", "5"), nil, said("contents", []string{"5", "4", "3", "2", "1"})),
	}
}
