package demo

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"evergreen/discordsim"
)

// Users lets the people of a [World] ask the bot things. People and channels take
// turns, so that neither Discord's limits nor the bot's cooldown apply.
type Users struct {
	World *World
	// Rate is how many commands a second they ask, give or take half.
	Rate float64
	// Say is what they write, Slash the slash commands they use; one in five is
	// a slash command where there are any.
	Say, Slash []string
	// DM is the share of what they write, from 0 to 1, that goes to the bot as a direct
	// message.
	DM float64
	// Seed decides who asks what where.
	Seed uint64

	mu       sync.Mutex
	rng      *rand.Rand
	channels rotation[discordsim.ID]
	people   rotation[discordsim.User]
	asked    []discordsim.ID // the newest commands, the last one last
}

// slashShare is how many of the commands are slash commands.
const slashShare = 0.2

// Run lets people ask until ctx ends.
func (c *Users) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(c.ask())
	}
}

// init makes everything ready the first time. The caller holds mu.
func (c *Users) init() {
	if c.rng != nil {
		return
	}
	c.rng = rand.New(rand.NewPCG(c.Seed, 0xC0FFEE))
	c.channels = newRotation(c.rng, c.World.channels())
	c.people = newRotation(c.rng, c.World.People)
}

// ask lets one person ask one thing and returns the time until the next does.
func (c *Users) ask() (pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.init()
	w := c.World
	channel, person := c.channels.next(), c.people.next()
	switch {
	case len(c.Say) == 0 || (len(c.Slash) > 0 && c.rng.Float64() < slashShare):
		c.remember(w.Sim.Interact(w.Bot, channel, person.ID, c.Slash[c.rng.IntN(len(c.Slash))]))
	case c.DM > 0 && c.rng.Float64() < c.DM:
		c.remember(w.Sim.DM(w.Bot, person.ID, c.Say[c.rng.IntN(len(c.Say))], discordsim.Expect()).ID)
	default:
		c.remember(w.Sim.Say(channel, person.ID, c.Say[c.rng.IntN(len(c.Say))], discordsim.Expect()).ID)
	}
	return time.Duration((0.5 + c.rng.Float64()) / c.Rate * float64(time.Second))
}

// say lets the next person say something the bot has to answer, and returns its id.
func (c *Users) say(text string) discordsim.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.init()
	return c.remember(c.World.Sim.Say(c.channels.next(), c.people.next().ID, text, discordsim.Expect()).ID)
}

// use lets the next person use a slash command, and returns its id.
func (c *Users) use(command string) discordsim.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.init()
	return c.remember(c.World.Sim.Interact(c.World.Bot, c.channels.next(), c.people.next().ID, command))
}

// mostRemembered is how many commands are remembered.
const mostRemembered = 500

// remember remembers a command. The caller holds mu.
func (c *Users) remember(asked discordsim.ID) discordsim.ID {
	c.asked = append(c.asked[max(0, len(c.asked)-mostRemembered+1):], asked)
	return asked
}

// recent returns the newest commands.
func (c *Users) recent() []discordsim.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

// rotation hands out the items of a list one after another, in an order that
// changes with every round.
type rotation[T any] struct {
	rng   *rand.Rand
	items []T
	at    int
}

func newRotation[T any](rng *rand.Rand, items []T) rotation[T] {
	return rotation[T]{rng: rng, items: items, at: len(items)}
}

func (t *rotation[T]) next() T {
	if t.at >= len(t.items) {
		t.rng.Shuffle(len(t.items), func(i, j int) { t.items[i], t.items[j] = t.items[j], t.items[i] })
		t.at = 0
	}
	t.at++
	return t.items[t.at-1]
}
