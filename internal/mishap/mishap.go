// Package mishap is the table of what goes wrong with a bot, for the demo and for
// the simulated year.
//
// [Table] has a row for each kind of mishap: its name, the simulator's faults it is
// made of, and how the demo and the year use it. A [Schedule] draws mishaps out of a
// seed, one after another; the year draws a time for each kind by itself.
package mishap

import (
	"time"

	"evergreen/discordsim"
)

// Mishap is a kind of thing that goes wrong.
type Mishap struct {
	Name string
	// Faults are what the simulator plays. None: it is not the simulator's doing.
	Faults []discordsim.Fault
	// Demo and Year say how each of them uses it; nil: it does not.
	Demo *Demo
	Year *Year
}

// Demo says how a [Schedule] draws a mishap. Times are for a world in which
// everything is ten times as fast as in reality.
type Demo struct {
	// Says tells a person what happens, given the first fault as it was drawn.
	Says func(discordsim.Fault) string
	// Weight is how often it comes, compared with the others.
	Weight int
	// Loses means that the bot cannot but lose its connection.
	Loses bool
	// Costs means that the session is lost, so that an IDENTIFY follows.
	Costs bool
	// UntilNoticed ends the faults as soon as the bot has given up the connection.
	UntilNoticed bool
	// Least and Most bound how long the first fault lasts.
	Least, Most time.Duration
	// Draw, if set, draws other parameters of the first fault.
	Draw func(dice, *discordsim.Fault)
	// Command is what people do to the bot instead: a command that misbehaves.
	Command string
}

// Year says how often a mishap comes in a year and what may be asked of a bot then.
type Year struct {
	// Ordinary and Hostile are the mean times between two of the kind.
	Ordinary, Hostile time.Duration
	// Least and Most bound how long it lasts; zero: it is over at once.
	Least, Most time.Duration
	// Unreachable means that no client could be online while it lasts. RESTDown means
	// that it is about REST, which a bot needs to start but not to stay.
	Unreachable, RESTDown bool
	// Slow means that every round trip takes long, and so does a reconnect.
	Slow bool
	// Patience is how long a bot may take to be online once it is over.
	Patience time.Duration
	// Proxied means that it happens to a bot behind the proxy, and not without one.
	Proxied bool
	// Faults are what the simulator plays in a year, where that is not what it plays
	// in the demo. Those that last do so for as long as the mishap.
	Faults []discordsim.Fault
}

// How long a bot may take to be online again: where Discord is there and all that is
// needed is a reconnect; where the bot had to notice first that something was wrong,
// or Discord had refused before; and where Discord wants a pause or a new session.
const (
	PromptReturn = 5 * time.Second
	SlowReturn   = 35 * time.Second
	resumeReturn = 10 * time.Second
	newSession   = 12 * time.Second
)

// The commands that misbehave, and how long the slow one takes.
const (
	SlowCommand      = "ponder"
	CrashCommand     = "stumble"
	SlowCommandTakes = 4 * time.Second
)

// InYear is what the simulator plays in a year.
func (m *Mishap) InYear() []discordsim.Fault {
	if m.Year.Faults != nil {
		return m.Year.Faults
	}
	return m.Faults
}

// Inject lets faults begin. It panics if the simulator does not know one.
func Inject(sim *discordsim.Sim, faults []discordsim.Fault) (active []*discordsim.Active) {
	for _, f := range faults {
		a, err := sim.Inject(f)
		if err != nil {
			panic("mishap: the table has a fault that cannot be: " + err.Error())
		}
		active = append(active, a)
	}
	return active
}
