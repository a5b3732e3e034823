package attack

import (
	"context"
	"time"
)

// Attack is one kind of hostile surrounding.
type Attack struct {
	Name string
	// What it does, in a sentence without a full stop.
	What string

	args    []string // of the program, beside run
	env     []string
	console console
	answer  answer // of REST to messages
	while   func(ctx context.Context, t *target)
}

// console is what the program prints to.
type console int

const (
	consoleFile   console = iota // a file
	consoleMute                  // a pipe of 4 KiB that nobody reads
	consoleClosed                // a pipe whose reader goes away once the bot is online
)

// lasting is how long an attack lasts, and how long people ask meanwhile.
const lasting = 20 * time.Second

// asksPerSecond is how many commands people ask.
const asksPerSecond = 1.5

// Table returns the attacks. The first is none, to compare with.
func Table() []Attack {
	debug := []string{"LOG_LEVEL=debug"}
	return []Attack{
		{Name: "none", What: "nothing is wrong"},
		{Name: "blocked console", What: "the console takes 4 KiB and then nothing; LOG_LEVEL=debug", console: consoleMute, env: debug},
		{Name: "closed console", What: "the console goes away; LOG_LEVEL=debug", console: consoleClosed, env: debug},
		{Name: "endless answer", What: "Discord answers each message sent with a body without an end", answer: endless},
		{Name: "gzip bomb", What: "Discord answers each message sent with 4 GB of zeros, gzipped", answer: bomb},
		{Name: "dripping answer", What: "Discord answers each message sent with a byte a second", answer: dripping},
		{Name: "connections", What: "3,000 connections to the HTTP API that say nothing", args: []string{"--api"}, while: connections},
		{Name: "guild joins", What: "100,000 GUILD_CREATEs of new guilds", while: joins},
	}
}
