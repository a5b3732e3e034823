package features

import (
	"fmt"

	"evergreen/discordsim"
)

// world is a simulated Discord with the bot of a program and the inspector, another bot that
// looks at what came of it, and does what members with permissions do.
type world struct {
	sim       *discordsim.Sim
	app       *discordsim.App
	inspector *inspector
	own       *inspector // with the bot's token
	listener  *discordsim.Listener
	guilds    []*discordsim.Guild
	fixtures  []map[string]any // the usual args, one for each guild
}

// The types of channels, by Discord's numbers.
const (
	textChannel     = 0
	voiceChannel    = 2
	categoryChannel = 4
	newsChannel     = 5
	stageChannel    = 13
	forumChannel    = 15
)

// guildChannels are the channels of a guild beside its first.
var guildChannels = []struct {
	name string
	kind int
}{{"news", newsChannel}, {"forum", forumChannel}, {"voice", voiceChannel}, {"stage", stageChannel}, {"category", categoryChannel}}

// newWorld makes a world with so many guilds. End it with close.
func newWorld(guilds, shards int) (*world, error) {
	sim := discordsim.New(discordsim.Config{Seed: 1, Identify: discordsim.IdentifyConfig{GuildSpacing: -1}})
	w, owner := &world{sim: sim}, sim.AddUser("owner")
	for i := range guilds {
		g := sim.AddGuild(fmt.Sprint("guild-", i), "general")
		args := map[string]any{"guild": g.ID.String(), "guild_name": g.Name, "owner": owner.ID.String(), "channel": g.Channels[0].ID.String()}
		for _, ch := range guildChannels {
			args[ch.name] = sim.AddChannel(g, ch.name, ch.kind).ID.String()
		}
		g.OwnerID = owner.ID
		sim.AddMembers(g, owner)
		for _, name := range []string{"person", "other", "third"} {
			u := sim.AddUser(fmt.Sprint(name, "-", i))
			sim.AddMembers(g, u)
			args[name], args[name+"_name"] = u.ID.String(), u.Username
		}
		args["role"] = sim.AddRole(g, "painters", 0).ID.String()
		w.guilds, w.fixtures = append(w.guilds, g), append(w.fixtures, args)
	}
	watcher := sim.AddApp(discordsim.AppConfig{Name: "inspector", Guilds: w.guilds})
	w.app = sim.AddApp(discordsim.AppConfig{Name: "bot", Guilds: w.guilds, Shards: shards})
	for _, args := range w.fixtures {
		args["inspector"], args["bot"], args["app"] = watcher.Bot.ID.String(), w.app.Bot.ID.String(), w.app.ID.String()
	}
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		sim.Close()
		return nil, err
	}
	w.listener = listener
	w.inspector, w.own = newInspector(listener.APIURL(), watcher), newInspector(listener.APIURL(), w.app)
	return w, nil
}

func (w *world) close() { w.sim.Close() }
