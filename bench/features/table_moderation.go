package features

// moderationFeatures are the rules of auto moderation.
func moderationFeatures() []Feature {
	const list = "/guilds/$guild/auto-moderation/rules"
	rule := moderator("rule", "POST", list, `{"name":"manners","event_type":1,"trigger_type":1,"trigger_metadata":{"keyword_filter":["darn"]},"actions":[{"type":1}],"enabled":true}`)
	return in("auto moderation",
		feature("rule create", "Create Auto Moderation Rule", `makes the rule "manners" that blocks messages with the keyword "darn", enabled; data: id`).
			then(shows(list+"/$id", "name", "manners", "trigger_metadata.keyword_filter.0", "darn", "actions.0.type", 1, "enabled", true)),
		feature("rule fetch", "Get Auto Moderation Rule", "fetches rule; data: name").before(rule).then(said("name", "manners")),
		feature("rule list", "List Auto Moderation Rules", "fetches the rules of guild; data: names").before(rule).then(said("names.#", 1, "names.0", "manners")),
		feature("rule edit", "Modify Auto Moderation Rule", `renames rule to "tone" and switches it off; data: none`).before(rule).then(shows(list+"/$rule", "name", "tone", "enabled", false)),
		feature("rule delete", "Delete Auto Moderation Rule", "deletes rule; data: none").before(rule).then(lacks(list, "id", "$rule")),
		feature("rule create event", "Auto Moderation Rule Create", "is ready, waits for the event of a new rule in guild; data: name").people(rule).then(said("name", "manners")),
		feature("rule update event", "Auto Moderation Rule Update", "is ready, waits for the event that a rule is changed; data: name").
			before(rule).people(moderator("", "PATCH", list+"/$rule", `{"name":"tone"}`)).then(said("name", "tone")),
		feature("rule delete event", "Auto Moderation Rule Delete", "is ready, waits for the event that a rule is deleted; data: id").
			before(rule).people(moderator("", "DELETE", list+"/$rule", "")).then(said("id", "$rule")),
		feature("rule acts", "Auto Moderation Action Execution", "is ready, waits for the event that a rule has acted; data: rule, user (ids), keyword (that matched)").
			before(rule).people(personSays("darn it")).then(said("rule", "$rule", "user", "$person", "keyword", "darn"), shows("/channels/$channel/messages", "#", 0)),
	)
}
