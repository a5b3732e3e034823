package features

import (
	"errors"
	"strings"

	"evergreen/discordsim"
)

// gatewayFeatures are what a bot sends over the gateway, and what keeps it connected.
func gatewayFeatures() []Feature {
	status := func(status, activity string) step {
		return eventually(func(t *trial) error {
			history := t.sim.StatusHistory(t.app)
			if len(history) == 0 {
				return errors.New("the bot has no status")
			}
			last := history[len(history)-1]
			if last.Status != status || !strings.Contains(last.Activity, activity) {
				return equal("status and activity", []string{last.Status, last.Activity}, []string{status, activity})
			}
			return nil
		})
	}
	return in("gateway",
		feature("presence", "Update Presence", `sets the status dnd with the activity "playing chess" (type 0)`).then(status("dnd", "chess")),
		feature("custom status", "Activity (Custom)", `sets the status idle with the custom status "thinking" (type 4, state)`).then(status("idle", "thinking")),
		feature("guild in the cache", "Guild Create", "reads guild from its cache; data: name, channels (how many), owner (id)").
			then(said("name", "$guild_name", "channels", len(guildChannels)+1, "owner", "$owner")),
		feature("all members", "Request Guild Members", "asks for all members of guild over the gateway; data: ids (sorted as texts)").then(func(t *trial) error {
			return equal("how many members", at(t.said, "ids.#"), 6)
		}),
		feature("members by name", "Request Guild Members (query)", `asks for the members of guild whose names begin with "person" over the gateway; data: ids`).then(said("ids.#", 1, "ids.0", "$person")),
		feature("members by id", "Request Guild Members (user_ids)", `asks for person and other over the gateway; data: ids (sorted as texts)`).then(said("ids.#", 2, "ids.0", "$person", "ids.1", "$other")),
		feature("join a guild", "Guild Create", "is ready, waits for the event that it is in a guild that is new; data: id, name").
			people(func(t *trial) error {
				g := t.sim.AddGuild("new-guild")
				t.args["new"] = g.ID.String()
				t.sim.Join(t.app, g)
				return nil
			}).then(said("id", "$new", "name", "new-guild")),
		feature("leave a guild", "Guild Delete", "is ready, waits for the event that guild is gone; data: id").
			people(func(t *trial) error { t.sim.Leave(t.app, t.home); return nil }).then(said("id", "$guild")),
		feature("guild outage", "Guild Delete (unavailable)", "is ready, waits for the event that guild is unavailable, and for the one that it is back; data: id").
			people(func(t *trial) error {
				t.sim.SetUnavailable(t.home, true)
				t.sim.SetUnavailable(t.home, false)
				return nil
			}).then(said("id", "$guild")),
		feature("resume", "Resume", "is ready, waits for the event of person's message in channel; data: content").
			people(func(t *trial) error {
				before := len(t.sim.Connections(t.app))
				_, err := t.sim.Inject(discordsim.Fault{Name: "op7", App: t.app.ID})
				if err != nil {
					return err
				}
				if err := t.until("the bot is connected again", func() bool {
					return len(t.sim.Connections(t.app)) > before && t.sim.Online(t.app)
				}); err != nil {
					return err
				}
				return personSays("after")(t)
			}).then(said("content", "after")),
	)
}
