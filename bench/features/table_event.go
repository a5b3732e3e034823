package features

import "time"

// eventFeatures are scheduled events.
func eventFeatures() []Feature {
	const list = "/guilds/$guild/scheduled-events"
	tomorrow := func(hours int) string {
		return time.Now().Add(time.Duration(24+hours) * time.Hour).UTC().Format(time.RFC3339)
	}
	party := moderator("event", "POST", list, `{"name":"party","privacy_level":2,"entity_type":3,"entity_metadata":{"location":"park"},"scheduled_start_time":"`+tomorrow(0)+`","scheduled_end_time":"`+tomorrow(2)+`"}`)
	goes := func(yes bool) step {
		return func(t *trial) error { t.sim.FollowEvent(t.home, t.id("event"), t.id("person"), yes); return nil }
	}
	return in("scheduled events",
		feature("event create", "Create Guild Scheduled Event", `makes the event "party" at the place "park", from tomorrow to an hour later; data: id`).
			then(shows(list+"/$id", "name", "party", "entity_type", 3, "entity_metadata.location", "park")),
		feature("event in voice", "Create Guild Scheduled Event (VOICE)", `makes the event "party" in voice, tomorrow; data: id`).then(shows(list+"/$id", "entity_type", 2, "channel_id", "$voice")),
		feature("event fetch", "Get Guild Scheduled Event", "fetches event; data: name").before(party).then(said("name", "party")),
		feature("event list", "List Scheduled Events for Guild", "fetches the events of guild; data: names").before(party).then(said("names.#", 1, "names.0", "party")),
		feature("event edit", "Modify Guild Scheduled Event", `renames event to "ball"; data: none`).before(party).then(shows(list+"/$event", "name", "ball")),
		feature("event start", "Modify Guild Scheduled Event (status)", "starts event; data: none").before(party).then(shows(list+"/$event", "status", 2)),
		feature("event delete", "Delete Guild Scheduled Event", "deletes event; data: none").before(party).then(unknown(list+"/$event", 10070)),
		feature("event users", "Get Guild Scheduled Event Users", "fetches who is interested in event; data: ids").before(party, goes(true)).then(said("ids.#", 1, "ids.0", "$person")),
		feature("event create event", "Guild Scheduled Event Create", "is ready, waits for the event of a new scheduled event in guild; data: name").people(party).then(said("name", "party")),
		feature("event update event", "Guild Scheduled Event Update", "is ready, waits for the event that a scheduled event is changed; data: name").
			before(party).people(moderator("", "PATCH", list+"/$event", `{"name":"ball"}`)).then(said("name", "ball")),
		feature("event delete event", "Guild Scheduled Event Delete", "is ready, waits for the event that a scheduled event is deleted; data: id").
			before(party).people(moderator("", "DELETE", list+"/$event", "")).then(said("id", "$event")),
		feature("event user add event", "Guild Scheduled Event User Add", "is ready, waits for the event that a user is interested in event; data: user (id)").
			before(party).people(goes(true)).then(said("user", "$person")),
		feature("event user remove event", "Guild Scheduled Event User Remove", "is ready, waits for the event that a user is no longer interested in event; data: user (id)").
			before(party, goes(true)).people(goes(false)).then(said("user", "$person")),
	)
}
