package main

import (
	"math"
	"math/rand/v2"
	"time"

	"evergreen/internal/mishap"
)

// Profile says how much goes wrong.
type Profile string

// The profiles. An ordinary year is that of a bot on a decent host; a hostile one
// has in it what others meet in ten.
const (
	Ordinary Profile = "ordinary"
	Hostile  Profile = "hostile"
)

func (p Profile) known() bool { return p == Ordinary || p == Hostile }

const day = 24 * time.Hour

// actions are the mishaps that are not the simulator's doing, by name.
var actions = map[string]func(*year, *rand.Rand){
	"host asleep":       (*year).sleep,
	"crash":             (*year).crash,
	"crash loop":        (*year).crashLoop,
	"deploy of the bot": (*year).deploy,
	"burst":             (*year).burst,
	"slow handler":      (*year).askSlowCommands,

	"bot crashes":               (*year).crashBot,
	"bot in a crash loop":       (*year).crashLoopBot,
	"bot hangs":                 (*year).hangBot,
	"bot reads slowly":          (*year).slowBot,
	"bot restarts":              (*year).restartBot,
	"rolling deploy of the bot": (*year).deployBot,
	"bot away for long":         (*year).leaveBotAway,
	"bot with other shards":     (*year).reshardBot,
	"event that ends the bot":   (*year).poisonBot,
	"wrong token in the bot":    (*year).mistakeToken,
	"bot loses its connection":  (*year).cutBot,
}

// every is the mean time between two of the kind.
func (p Profile) every(m *mishap.Year) time.Duration {
	if p == Hostile {
		return m.Hostile
	}
	return m.Ordinary
}

// untilNext draws the time to the next of the kind: an exponential distribution,
// as between events that are independent of each other.
func (p Profile) untilNext(m *mishap.Year, rng *rand.Rand) time.Duration {
	return time.Duration(rng.ExpFloat64() * float64(p.every(m)))
}

// drawDuration draws a time between two bounds, evenly on a logarithmic scale. It
// draws nothing where most is 0.
func drawDuration(least, most time.Duration, rng *rand.Rand) time.Duration {
	if most == 0 {
		return 0
	}
	low, high := math.Log(float64(least)), math.Log(float64(most))
	return time.Duration(math.Exp(low + rng.Float64()*(high-low))).Round(time.Millisecond)
}
