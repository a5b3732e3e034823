package features

// threadFeatures are threads, in text channels and forums.
func threadFeatures() []Feature {
	const id = "/channels/$id"
	const thread = "/channels/$thread"
	made := func(keep, as string) step {
		return moderator(keep, "POST", "/channels/$channel/threads", `{"name":"talk","type":`+as+`}`)
	}
	public := made("thread", "11")
	archived := moderator("", "PATCH", thread, `{"archived":true}`)
	return in("threads",
		feature("thread of a message", "Start Thread from Message", `starts the thread "talk" from message; data: id`).before(personSays("hi")).
			then(shows(id, "name", "talk", "type", 11, "parent_id", "$channel", "id", "$message")),
		feature("thread create", "Start Thread without Message", `starts the public thread "talk" in channel; data: id`).then(shows(id, "name", "talk", "type", 11, "parent_id", "$channel")),
		feature("private thread", "Start Thread without Message", `starts the private thread "talk" in channel; data: id`).
			then(itself("", "PUT", "/channels/$id/thread-members/$inspector", ""), shows(id, "type", 12)),
		feature("forum post", "Start Thread in Forum Channel", `starts the thread "question" with the message "how?" in forum; data: id`).
			then(shows(id, "name", "question", "parent_id", "$forum"), shows("/channels/$id/messages/$id", "content", "how?")),
		feature("forum tags", "Start Thread in Forum Channel (applied_tags)", `starts the thread "question" with the message "how?" and the tag whose id is tag in forum; data: id`).
			before(moderator("", "PATCH", "/channels/$forum", `{"available_tags":[{"name":"help"}]}`), func(t *trial) error {
				forum, err := t.inspector.request(t.ctx, "GET", t.expand("/channels/$forum"), nil)
				t.args["tag"] = at(forum, "available_tags.0.id")
				return err
			}).then(shows(id, "applied_tags.0", "$tag")),
		feature("thread message", "Create Message", `sends "hello" into thread; data: id`).before(public).then(shows("/channels/$thread/messages/$id", "content", "hello")),
		feature("thread archive", "Modify Channel (archived)", "archives thread; data: none").before(public).then(shows(thread, "thread_metadata.archived", true)),
		feature("thread unarchive", "Modify Channel (archived)", "takes thread, which is archived, out of the archive; data: none").before(public, archived).then(shows(thread, "thread_metadata.archived", false)),
		feature("thread lock", "Modify Channel (locked)", "locks thread; data: none").before(public).then(shows(thread, "thread_metadata.locked", true)),
		feature("thread edit", "Modify Channel", `renames thread to "chat", with a slow mode of 10 seconds; data: none`).before(public).then(shows(thread, "name", "chat", "rate_limit_per_user", 10)),
		feature("thread delete", "Delete Channel", "deletes thread; data: none").before(public).then(unknown(thread, 10003)),
		feature("thread join", "Join Thread", "joins thread; data: none").before(public).then(has("/channels/$thread/thread-members", "user_id", "$bot")),
		feature("thread leave", "Leave Thread", "leaves thread, which it has joined; data: none").before(public, itself("", "PUT", "/channels/$thread/thread-members/@me", "")).
			then(lacks("/channels/$thread/thread-members", "user_id", "$bot")),
		feature("thread member add", "Add Thread Member", "adds person to thread; data: none").before(public).then(has("/channels/$thread/thread-members", "user_id", "$person")),
		feature("thread member remove", "Remove Thread Member", "removes person from thread; data: none").
			before(public, moderator("", "PUT", "/channels/$thread/thread-members/$person", "")).then(lacks("/channels/$thread/thread-members", "user_id", "$person")),
		feature("thread members", "List Thread Members", "fetches the members of thread from the API; data: ids (sorted as texts)").
			before(public, moderator("", "PUT", "/channels/$thread/thread-members/$person", "")).then(said("ids.#", 2)),
		feature("active threads", "List Active Guild Threads", "fetches the active threads of guild; data: names").before(public).then(said("names.#", 1, "names.0", "talk")),
		feature("archived threads", "List Public Archived Threads", "fetches the archived public threads of channel; data: names").before(public, archived).then(said("names.#", 1, "names.0", "talk")),
		feature("private archived threads", "List Private Archived Threads", "fetches the archived private threads of channel; data: names").
			before(made("thread", "12"), archived).then(said("names.#", 1, "names.0", "talk")),
		feature("thread create event", "Thread Create", "is ready, waits for the event of a new thread in channel; data: name").people(public).then(said("name", "talk")),
		feature("thread update event", "Thread Update", "is ready, waits for the event that thread is archived; data: archived").before(public).people(archived).then(said("archived", true)),
		feature("thread delete event", "Thread Delete", "is ready, waits for the event that thread is deleted; data: id").before(public).people(moderator("", "DELETE", thread, "")).then(said("id", "$thread")),
		feature("thread members event", "Thread Members Update", "is ready, waits for the event that a member is added to thread; data: user (id)").
			before(public).people(moderator("", "PUT", "/channels/$thread/thread-members/$person", "")).then(said("user", "$person")),
		feature("person's thread", "Thread Create", "is ready, waits for the event of a new thread in channel; data: name, owner (id)").
			people(func(t *trial) error {
				t.sim.CreateThread(t.id("channel"), t.id("person"), "mine", 0)
				return nil
			}).then(said("name", "mine", "owner", "$person")),
	)
}
