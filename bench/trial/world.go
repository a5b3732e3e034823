package trial

import (
	"context"
	"fmt"
	"sync"
	"time"

	"evergreen/discordsim"
)

// World has the users and channels of the simulated Discord.
type World struct {
	Sim      *discordsim.Sim
	App      *discordsim.App
	channels []discordsim.ID
	people   []discordsim.User
	asked    *asked
}

// asked has the commands that were sent so far.
type asked struct {
	mu  sync.Mutex
	all []discordsim.Message
}

// Enough channels and users that neither Discord's limit of five messages in five
// seconds in one channel nor a bot's cooldown for one user is reached.
const (
	guilds  = 2
	rooms   = 12
	persons = 24
)

// NewWorld fills a simulated Discord with people, channels and one bot.
func NewWorld(sim *discordsim.Sim) World {
	w := World{Sim: sim, asked: &asked{}}
	for i := range persons {
		w.people = append(w.people, sim.AddUser(fmt.Sprint("person-", i)))
	}
	names := make([]string, rooms)
	for i := range names {
		names[i] = fmt.Sprint("room-", i)
	}
	var all []*discordsim.Guild
	for i := range guilds {
		g := sim.AddGuild(fmt.Sprint("guild-", i), names...)
		sim.AddMembers(g, w.people...)
		all = append(all, g)
		for _, ch := range g.Channels {
			w.channels = append(w.channels, ch.ID)
		}
	}
	w.App = sim.AddApp(discordsim.AppConfig{Name: "ping", Guilds: all})
	return w
}

// Chat asks !ping so often a second until ctx ends.
func (w World) Chat(ctx context.Context, rate float64) {
	if rate <= 0 {
		return
	}
	ticker := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer ticker.Stop()
	for i := 0; ; i++ {
		w.Ask(i)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Ask asks !ping; turn decides who and where.
func (w World) Ask(turn int) {
	m := w.Sim.Say(w.channels[turn%len(w.channels)], w.people[turn%len(w.people)].ID, "!ping", discordsim.Expect())
	w.asked.mu.Lock()
	defer w.asked.mu.Unlock()
	w.asked.all = append(w.asked.all, m)
}

// say sends a message without expecting an answer.
func (w World) say(text string) { w.Sim.Say(w.channels[0], w.people[0].ID, text) }

// nextAnswer is how long after a moment the first command asked since was
// answered; negative if none was.
func (w World) nextAnswer(since time.Time) time.Duration {
	w.asked.mu.Lock()
	defer w.asked.mu.Unlock()
	var first time.Time
	for _, m := range w.asked.all {
		if m.Timestamp.Before(since) {
			continue
		}
		for _, answer := range w.Sim.Answers(m.ID) {
			if first.IsZero() || answer.Timestamp.Before(first) {
				first = answer.Timestamp
			}
		}
	}
	if first.IsZero() {
		return -1
	}
	return first.Sub(since)
}
