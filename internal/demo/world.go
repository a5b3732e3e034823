package demo

import (
	"fmt"

	"evergreen/discordsim"
)

// WorldOptions says what [NewWorld] makes. Zero values mean the defaults named
// with each field.
type WorldOptions struct {
	Sim discordsim.Config
	// Guilds and People are how many there are: 4 and 24.
	Guilds, People int
	// Bot is the bot's name ("ResearchBot"), Token its token (a random one).
	Bot, Token string
	// Shards is how many shards GET /gateway/bot recommends, Concurrency how many
	// may identify at once: 1 and 1.
	Shards, Concurrency int
	// Rate is how many commands a second the world has to have room for: Discord
	// takes five messages in five seconds in one channel, and the bot lets one
	// user ask only so often. It makes more guilds and people where needed.
	Rate float64
}

// World is a simulated Discord with people in it and one bot.
type World struct {
	Sim    *discordsim.Sim
	Bot    *discordsim.App
	Guilds []*discordsim.Guild
	People []discordsim.User
}

// guildNames name the first guilds; they are of all sorts on purpose.
var guildNames = []string{"Reading Group", "ห้องวิจัย", "研究室", "Café Sciences"}

// rooms are the channels of each guild.
var rooms = []string{"general", "papers", "bots"}

// The room one user and one channel leave for commands, in commands a second.
const (
	perChannel = 0.5
	perPerson  = 0.2
)

// NewWorld makes a world. Its Sim has to be closed.
func NewWorld(o WorldOptions) *World {
	guilds, people := o.Guilds, o.People
	if guilds <= 0 {
		guilds = max(4, int(o.Rate/perChannel/float64(len(rooms)))+1)
	}
	if people <= 0 {
		people = max(24, int(o.Rate/perPerson)+1)
	}
	if o.Bot == "" {
		o.Bot = "ResearchBot"
	}
	w := &World{Sim: discordsim.New(o.Sim)}
	for i := range people {
		person := w.Sim.AddUser(fmt.Sprintf("person-%d", i+1))
		_ = w.Sim.SetPresence(person.ID, "online") // it is there, and knows the status
		w.People = append(w.People, person)
	}
	for i := range guilds {
		name := fmt.Sprintf("Guild %d", i+1)
		if i < len(guildNames) {
			name = guildNames[i]
		}
		g := w.Sim.AddGuild(name, rooms...)
		w.Sim.AddMembers(g, w.People...)
		w.Guilds = append(w.Guilds, g)
	}
	w.Bot = w.Sim.AddApp(discordsim.AppConfig{
		Name: o.Bot, Token: o.Token, Guilds: w.Guilds, Shards: o.Shards, MaxConcurrency: o.Concurrency,
	})
	return w
}

// channels lists the text channels of all guilds.
func (w *World) channels() (all []discordsim.ID) {
	for _, g := range w.Guilds {
		for _, c := range g.Channels {
			if c.Type == 0 {
				all = append(all, c.ID)
			}
		}
	}
	return all
}
