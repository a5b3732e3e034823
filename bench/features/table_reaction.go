package features

// reactionFeatures are reactions, and the events of them.
func reactionFeatures() []Feature {
	reacts := func(emoji string) step {
		return func(t *trial) error { t.sim.React(t.id("message"), t.id("person"), emoji); return nil }
	}
	reactions := func(pairs ...any) step { return shows("/channels/$channel/messages/$message", pairs...) }
	const path = "/channels/$channel/messages/$message/reactions"
	return in("reactions",
		feature("reaction add", "Create Reaction", "reacts to message with 👍").before(personSays("hi")).then(reactions("reactions.0.emoji.name", "👍", "reactions.0.count", 1)),
		feature("custom emoji reaction", "Create Reaction", "reacts to message with the custom emoji whose id is emoji and whose name is smile").
			before(personSays("hi"), aCustomEmoji).then(reactions("reactions.0.emoji.id", "$emoji")),
		feature("reaction remove", "Delete Own Reaction", "reacts to message with 👍 and takes it back").before(personSays("hi")).then(reactions("reactions.#", nil)),
		feature("reaction of another", "Delete User Reaction", "takes person's 👍 from message").before(personSays("hi"), reacts("👍")).then(reactions("reactions.#", nil)),
		feature("reactions of an emoji", "Delete All Reactions for Emoji", "takes all 👍 from message").
			before(personSays("hi"), reacts("👍"), reacts("🎉")).then(reactions("reactions.#", 1, "reactions.0.emoji.name", "🎉")),
		feature("reactions clear", "Delete All Reactions", "takes all reactions from message").before(personSays("hi"), reacts("👍"), reacts("🎉")).then(reactions("reactions.#", nil)),
		feature("reaction list", "Get Reactions", "fetches who has put 👍 to message; data: ids").before(personSays("hi"), reacts("👍")).then(said("ids.#", 1, "ids.0", "$person")),
		feature("reaction add event", "Message Reaction Add", "is ready, waits for the event of a reaction to message; data: emoji (name), user (id)").
			before(personSays("hi")).people(reacts("👍")).then(said("emoji", "👍", "user", "$person")),
		feature("reaction remove event", "Message Reaction Remove", "is ready, waits for the event that a reaction to message is taken back; data: emoji (name), user (id)").
			before(personSays("hi"), reacts("👍")).people(func(t *trial) error { t.sim.Unreact(t.id("message"), t.id("person"), "👍"); return nil }).then(said("emoji", "👍", "user", "$person")),
		feature("reactions of an emoji event", "Message Reaction Remove Emoji", "is ready, waits for the event that all reactions of an emoji are gone from message; data: emoji (name)").
			before(personSays("hi"), reacts("👍")).people(moderator("", "DELETE", path+"/%F0%9F%91%8D", "")).then(said("emoji", "👍")),
		feature("reactions clear event", "Message Reaction Remove All", "is ready, waits for the event that all reactions are gone from message; data: id").
			before(personSays("hi"), reacts("👍")).people(moderator("", "DELETE", path, "")).then(said("id", "$message")),
	)
}

// pollFeatures are polls.
func pollFeatures() []Feature {
	const path = "/channels/$channel/messages/$id"
	aPoll := itself("message", "POST", "/channels/$channel/messages", `{"poll":{"question":{"text":"Tea?"},"answers":[{"poll_media":{"text":"yes"}},{"poll_media":{"text":"no"}}],"duration":24}}`)
	votes := func(t *trial) error { t.sim.Vote(t.id("message"), t.id("person"), 1); return nil }
	return in("polls",
		feature("poll create", "Poll Create Request", `sends a poll "Tea?" with the answers "yes" (emoji 🍵) and "no" for 2 hours; data: id`).
			then(shows(path, "poll.question.text", "Tea?", "poll.answers.0.poll_media.text", "yes", "poll.answers.0.poll_media.emoji.name", "🍵", "poll.answers.#", 2)),
		feature("poll vote event", "Message Poll Vote Add", "is ready, waits for the event of a vote on message (a poll of the bot); data: user (id), answer (number)").
			before(aPoll).people(votes).then(said("user", "$person", "answer", 1)),
		feature("poll unvote event", "Message Poll Vote Remove", "is ready, waits for the event that a vote on message is taken back; data: user (id), answer (number)").
			before(aPoll, votes).people(func(t *trial) error { t.sim.Unvote(t.id("message"), t.id("person"), 1); return nil }).then(said("user", "$person", "answer", 1)),
		feature("poll voters", "Get Answer Voters", "fetches who has voted for answer 1 of message; data: ids").before(aPoll, votes).then(said("ids.#", 1, "ids.0", "$person")),
		feature("poll end", "End Poll", "ends the poll of message; data: none").before(aPoll, votes).
			then(eventually(shows("/channels/$channel/messages/$message", "poll.results.is_finalized", true))),
		feature("poll results", "Poll Results", "fetches message, a poll that one person has voted on; data: votes (of answer 1)").before(aPoll, votes).then(said("votes", 1)),
	)
}
