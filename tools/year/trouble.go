package main

import (
	"math"
	"math/rand/v2"
	"time"

	"evergreen/discordsim"
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

// trouble is one kind of thing that goes wrong.
type trouble struct {
	name string
	// ordinary and hostile are the mean times between two of the kind.
	ordinary, hostile time.Duration
	// least and most bound how long it lasts; zero: it is over at once.
	least, most time.Duration
	// bars means that no client could be online while it lasts, hampers that it
	// is about REST, which a bot needs to start but not to stay.
	bars, hampers bool
	// slows means that every round trip takes long, and so does going back.
	slows bool
	// patience is how long a bot may take to be online once it is over.
	patience time.Duration
	// faults are what the simulator plays; those that last do so for as long as
	// the trouble.
	faults []discordsim.Fault
	// happens is for what is no fault of the simulator's.
	happens func(*year, *rand.Rand)
}

const day = 24 * time.Hour

// How long the bot may take to be online again: when Discord is there and all
// that is needed is to go back, and when it had to be found out that something
// was wrong at all, or Discord had refused before.
const (
	promptReturn = 5 * time.Second
	slowReturn   = 35 * time.Second
)

// once makes the faults of one moment.
func once(name string) []discordsim.Fault { return []discordsim.Fault{{Name: name}} }

// cutting makes a fault that lasts and the reset that makes it felt.
func cutting(f discordsim.Fault) []discordsim.Fault {
	return []discordsim.Fault{f, {Name: "cut"}}
}

// troubles is all that goes wrong. Discord's own requests to reconnect come every
// 20 to 40 minutes besides.
var troubles = []trouble{
	// Connections.
	{name: "reset", ordinary: 12 * time.Hour, hostile: time.Hour, patience: promptReturn, faults: once("cut")},
	{name: "end without a close frame", ordinary: day, hostile: 2 * time.Hour, patience: promptReturn, faults: once("drop")},
	{name: "half-open", ordinary: 3 * day, hostile: 5 * time.Hour, least: time.Minute, most: 20 * time.Minute, patience: slowReturn, faults: once("half-open")},
	{name: "black hole", ordinary: 10 * day, hostile: 10 * time.Hour, least: time.Minute, most: 10 * time.Minute, patience: slowReturn, faults: once("black-hole")},
	{name: "zombie", ordinary: 4 * day, hostile: 8 * time.Hour, least: 20 * time.Second, most: 2 * time.Minute, bars: true, patience: slowReturn, faults: once("zombie")},
	{name: "late answers", ordinary: 3 * day, hostile: 6 * time.Hour, least: time.Minute, most: 10 * time.Minute, patience: slowReturn, faults: []discordsim.Fault{{Name: "ack-delay", Delay: 3 * time.Second}}},
	{name: "stall", ordinary: day, hostile: 2 * time.Hour, least: 8 * time.Second, most: 8 * time.Second, patience: slowReturn, faults: []discordsim.Fault{{Name: "stall", Delay: 8 * time.Second}}},
	{name: "slow network", ordinary: 3 * day, hostile: 8 * time.Hour, least: time.Minute, most: 30 * time.Minute, slows: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "latency", Delay: 400 * time.Millisecond, Text: "200ms"}}},

	// Discord's gateway.
	{name: "op 9 true", ordinary: 2 * day, hostile: 3 * time.Hour, patience: 10 * time.Second, faults: once("op9-true")},
	{name: "op 9 false", ordinary: 2 * day, hostile: 4 * time.Hour, patience: 12 * time.Second, faults: once("op9-false")},
	{name: "session lost", ordinary: 3 * day, hostile: 8 * time.Hour, patience: 12 * time.Second, faults: once("session-loss")},
	{name: "close 4000", ordinary: 2 * day, hostile: 4 * time.Hour, patience: promptReturn, faults: []discordsim.Fault{{Name: "close", Code: 4000}}},
	{name: "close 1000", ordinary: 5 * day, hostile: 9 * time.Hour, patience: 12 * time.Second, faults: []discordsim.Fault{{Name: "close", Code: 1000}}},
	{name: "close 1001", ordinary: 4 * day, hostile: 9 * time.Hour, patience: 12 * time.Second, faults: []discordsim.Fault{{Name: "close", Code: 1001}}},
	{name: "close 4009", ordinary: 5 * day, hostile: 10 * time.Hour, patience: 12 * time.Second, faults: []discordsim.Fault{{Name: "close", Code: 4009}}},
	{name: "close 4007", ordinary: 9 * day, hostile: 20 * time.Hour, patience: 12 * time.Second, faults: []discordsim.Fault{{Name: "close", Code: 4007}}},
	{name: "heartbeat asked for", ordinary: day, hostile: 2 * time.Hour, patience: promptReturn, faults: once("server-beat")},
	{name: "strange payload", ordinary: day, hostile: 2 * time.Hour, patience: promptReturn, faults: once("malformed")},
	{name: "broken stream", ordinary: 5 * day, hostile: 9 * time.Hour, patience: promptReturn, faults: once("corrupt")},
	{name: "doubled events", ordinary: 3 * day, hostile: 8 * time.Hour, least: time.Minute, most: 20 * time.Minute, patience: promptReturn, faults: []discordsim.Fault{{Name: "duplicate", Probability: 0.5}}},
	{name: "deploy at Discord", ordinary: 7 * day, hostile: 9 * time.Hour, least: 20 * time.Second, most: time.Minute, bars: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "op7-first", Count: 2}, {Name: "op7"}}},
	{name: "resume address dead", ordinary: 10 * day, hostile: 12 * time.Hour, least: 20 * time.Second, most: 10 * time.Minute, patience: slowReturn, bars: true, faults: cutting(discordsim.Fault{Name: "resume-dead"})},
	{name: "RESUME unanswered", ordinary: 14 * day, hostile: day, least: 20 * time.Second, most: time.Minute, patience: slowReturn, bars: true, faults: cutting(discordsim.Fault{Name: "resume-silent"})},
	{name: "stuck session", ordinary: 14 * day, hostile: day, least: time.Minute, most: 3 * time.Minute, bars: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "stuck-session"})},

	// Outages.
	{name: "Discord down", ordinary: 15 * day, hostile: 2 * day, least: 20 * time.Second, most: 3 * time.Hour, bars: true, hampers: true, patience: slowReturn, faults: once("outage")},
	{name: "gateway answers 503", ordinary: 14 * day, hostile: 20 * time.Hour, least: 10 * time.Second, most: 30 * time.Minute, bars: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "upgrade-status"})},
	{name: "no HELLO", ordinary: 20 * day, hostile: day, least: 10 * time.Second, most: 10 * time.Minute, bars: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "no-hello"})},
	{name: "READY does not come", ordinary: 20 * day, hostile: 2 * day, least: time.Minute, most: 20 * time.Minute, bars: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "no-ready"}, {Name: "session-loss"}}},
	{name: "outage with op 9", ordinary: 30 * day, hostile: 3 * day, least: time.Minute, most: 20 * time.Minute, bars: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "ready-op9"}, {Name: "resume-op9-false"}, {Name: "cut"}}},
	{name: "cut after READY", ordinary: 30 * day, hostile: 3 * day, least: time.Minute, most: 5 * time.Minute, bars: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "ready-drop"})},

	// The network and the host.
	{name: "night offline", ordinary: 30 * day, hostile: 5 * day, least: time.Hour, most: 9 * time.Hour, bars: true, hampers: true, patience: slowReturn, faults: once("offline")},
	{name: "network gone", ordinary: 4 * day, hostile: 10 * time.Hour, least: 5 * time.Second, most: 10 * time.Minute, bars: true, hampers: true, patience: slowReturn, faults: once("offline")},
	{name: "no route", ordinary: 10 * day, hostile: day, least: 5 * time.Second, most: 30 * time.Minute, bars: true, hampers: true, patience: slowReturn, faults: once("unreachable")},
	{name: "names do not resolve", ordinary: 10 * day, hostile: 15 * time.Hour, least: 10 * time.Second, most: time.Hour, bars: true, hampers: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "dns"})},
	{name: "connections refused", ordinary: 10 * day, hostile: 15 * time.Hour, least: 10 * time.Second, most: 20 * time.Minute, bars: true, hampers: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "refuse"})},
	{name: "certificate expired", ordinary: 60 * day, hostile: 4 * day, least: time.Minute, most: 30 * time.Minute, bars: true, hampers: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "tls"})},
	{name: "captive portal", ordinary: 30 * day, hostile: 2 * day, least: time.Minute, most: 30 * time.Minute, bars: true, hampers: true, patience: slowReturn, faults: cutting(discordsim.Fault{Name: "upgrade-html"})},
	{name: "host asleep", ordinary: 7 * day, hostile: day, happens: (*year).sleep},

	// REST.
	{name: "REST errors", ordinary: 2 * day, hostile: 3 * time.Hour, least: time.Minute, most: 10 * time.Minute, hampers: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "rest-5xx", Code: 503, Probability: 0.3}}},
	{name: "REST limits", ordinary: 2 * day, hostile: 3 * time.Hour, least: time.Minute, most: 10 * time.Minute, hampers: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "rest-429", Delay: time.Second, Probability: 0.3}}},
	{name: "REST pauses", ordinary: 5 * day, hostile: 9 * time.Hour, least: time.Minute, most: 5 * time.Minute, hampers: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "rest-429-global", Delay: 2 * time.Second, Probability: 0.2}}},
	{name: "REST answers lost", ordinary: 3 * day, hostile: 4 * time.Hour, least: time.Minute, most: 10 * time.Minute, hampers: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "rest-commit-then-drop", Probability: 0.3}}},
	{name: "REST slow", ordinary: 3 * day, hostile: 6 * time.Hour, least: time.Minute, most: 10 * time.Minute, hampers: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "rest-slow", Delay: time.Second}}},
	{name: "REST resets", ordinary: 4 * day, hostile: 7 * time.Hour, least: time.Minute, most: 10 * time.Minute, hampers: true, patience: slowReturn, faults: []discordsim.Fault{{Name: "rest-reset", Probability: 0.3}}},

	// The process.
	{name: "crash", ordinary: 12 * day, hostile: 10 * time.Hour, happens: (*year).crash},
	{name: "crash loop", ordinary: 90 * day, hostile: 4 * day, happens: (*year).crashLoop},
	{name: "deploy of the bot", ordinary: 3 * day, hostile: 9 * time.Hour, happens: (*year).deploy},

	// People.
	{name: "burst", ordinary: day, hostile: 3 * time.Hour, happens: (*year).burst},
	{name: "slow command", ordinary: day, hostile: 2 * time.Hour, happens: (*year).askSlowCommands},
}

// every is the mean time between two of the kind.
func (t *trouble) every(p Profile) time.Duration {
	if p == Hostile {
		return t.hostile
	}
	return t.ordinary
}

// lasts draws how long it lasts: short ones are as frequent as long ones are
// long.
func (t *trouble) lasts(rng *rand.Rand) time.Duration {
	if t.most == 0 {
		return 0
	}
	least, most := math.Log(float64(t.least)), math.Log(float64(t.most))
	return time.Duration(math.Exp(least + rng.Float64()*(most-least))).Round(time.Millisecond)
}

// until draws the time to the next of the kind. Distances are as between things
// that know nothing of each other.
func (t *trouble) until(rng *rand.Rand, p Profile) time.Duration {
	return time.Duration(rng.ExpFloat64() * float64(t.every(p)))
}
