package trial

import (
	"time"

	"evergreen/discordsim"
)

// Mark is the moment from which a bot can be back.
type Mark string

// The moments.
const (
	// AtFault: from the fault on, because a good bot can reconnect at once.
	AtFault Mark = "fault"
	// AtEnd: from the end of the fault on, because no bot can reconnect before.
	AtEnd Mark = "end"
	// Stays: the bot need not disconnect; what counts is how long it did.
	Stays Mark = "stays"
)

// Load is what a cell needs of the machine, and so what else may run beside it.
type Load int

const (
	// Waiting cells pass their time waiting, many of them beside each other.
	Waiting Load = iota
	// Busy cells have processes that start or reconnect without pause: a few.
	Busy
	// Alone cells measure CPU time and memory.
	Alone
)

// Scenario is something that happens to a bot.
type Scenario struct {
	Name, Says string
	Steps      []Step
	From       Mark
	// Silent says that Discord itself does not see the bot leave, so the time
	// until it is back counts as time at risk.
	Silent bool
	// For is how long the bot is watched at most, from the first step on; Stay,
	// how long at least.
	For, Stay time.Duration
	Load      Load
	// Heartbeat, if set, is the interval in this scenario.
	Heartbeat time.Duration
	// Rate is how many commands a second people ask; 1 by default, negative: none.
	Rate float64
	// Needs is what the bot must be able to be told.
	Needs string
	// MayEnd says that a bot which ends or stays away has done nothing wrong.
	MayEnd bool
}

// Step is one thing that happens.
type Step struct {
	At    time.Duration
	Fault *discordsim.Fault
	// Here limits the fault to the connection that the bot has then.
	Here bool
	Do   Act
	// Text is what is said, or the type of an event with its d.
	Text, Data string
}

// Act is something other than a fault.
type Act string

// The acts.
const (
	Say       Act = "say"       // a user says Text and expects no answer
	Event     Act = "event"     // Discord sends an event of type Text with Data as its d
	Terminate Act = "terminate" // SIGTERM, and another start when the process is gone
	Kill      Act = "kill"      // the same with SIGKILL
	Freeze    Act = "freeze"    // SIGSTOP
	Thaw      Act = "thaw"      // SIGCONT
	Revoke    Act = "revoke"    // the token is reset
	Burst     Act = "burst"     // 20,000 events that the bot does not want, as fast as possible
	Over      Act = "over"      // nothing: AtEnd counts from here
)

// fault makes a step of a fault.
func fault(at time.Duration, f discordsim.Fault) Step { return Step{At: at, Fault: &f} }

// Table returns the scenarios.
func Table(p Pace) []Scenario {
	const answers = "POST /channels/{channel}/messages"
	m := time.Minute
	return []Scenario{
		{
			Name: "half-open link", Says: "the connection carries nothing any more, either way, and nobody says so",
			Steps: []Step{fault(0, discordsim.Fault{Name: "half-open"})},
			From:  AtFault, Silent: true, For: p.watch(5 * m),
		},
		{
			Name: "no ACKs", Says: "heartbeats on this connection stay unanswered while events keep coming",
			Steps: []Step{{Fault: &discordsim.Fault{Name: "zombie"}, Here: true}},
			From:  AtFault, Silent: true, For: p.watch(5 * m),
		},
		{
			Name: "cut link", Says: "the connection is reset",
			Steps: []Step{fault(0, discordsim.Fault{Name: "cut"})},
			From:  AtFault, For: p.watch(m),
		},
		outage(p, "outage 20 s", 20*time.Second, 2*m),
		outage(p, "outage 60 s", m, 4*m),
		outage(p, "outage 5 min", 5*m, 5*m),
		refused(p, "refused 60 s", m, 4*m),
		refused(p, "refused 5 min", 5*m, 5*m),
		{
			Name: "dead resume URL", Says: "the connection is reset and the address to resume at refuses everybody",
			Steps: []Step{fault(0, discordsim.Fault{Name: "resume-dead"}), fault(0, discordsim.Fault{Name: "cut"})},
			From:  AtFault, For: p.watch(2 * m),
		},
		{
			Name: "READY never", Says: "Discord loses the session, and the next IDENTIFY is swallowed, once, while heartbeats are answered",
			Steps: []Step{fault(0, discordsim.Fault{Name: "no-ready", Count: 1}), fault(0, discordsim.Fault{Name: "session-loss"})},
			From:  AtFault, For: p.watch(270 * time.Second),
		},
		{
			Name: "RESUMED never", Says: "the connection is reset, and the next RESUME is never answered, once",
			Steps: []Step{fault(0, discordsim.Fault{Name: "resume-silent", Count: 1}), fault(0, discordsim.Fault{Name: "cut"})},
			From:  AtFault, For: p.watch(270 * time.Second),
		},
		{
			Name: "HELLO never", Says: "the connection is reset, and the next one gets no HELLO, once",
			Steps: []Step{fault(0, discordsim.Fault{Name: "no-hello", Count: 1}), fault(0, discordsim.Fault{Name: "cut"})},
			From:  AtFault, For: p.watch(270 * time.Second),
		},
		{
			Name: "op 7 first", Says: "the connection is reset, and the next one gets op 7 instead of HELLO, once",
			Steps: []Step{fault(0, discordsim.Fault{Name: "op7-first", Count: 1}), fault(0, discordsim.Fault{Name: "cut"})},
			From:  AtFault, For: p.watch(2 * m),
		},
		{
			Name: "always 4000", Says: "for a minute every IDENTIFY and RESUME is answered with close code 4000",
			Steps: []Step{fault(0, discordsim.Fault{Name: "always-close", Code: 4000, For: p.watch(m)}), fault(0, discordsim.Fault{Name: "cut"}), {At: p.watch(m), Do: Over}},
			From:  AtEnd, For: p.watch(m) + p.watch(2*m), Load: Busy,
		},
		{
			Name: "READY, then drop", Says: "for a minute the connection is reset right after every READY, and no session can be resumed",
			Steps: []Step{
				fault(0, discordsim.Fault{Name: "ready-drop", For: p.watch(m)}), fault(0, discordsim.Fault{Name: "resume-op9-false", For: p.watch(m)}),
				fault(0, discordsim.Fault{Name: "session-loss"}), {At: p.watch(m), Do: Over},
			},
			From: AtEnd, For: p.watch(m) + p.watch(2*m), Load: Busy,
		},
		{
			Name: "blocked handler", Says: "a handler blocks for a minute and a half, longer than two heartbeats",
			Steps: []Step{{Do: Say, Text: "!block"}},
			From:  Stays, For: p.blocked() + p.watch(m), Stay: p.blocked() + 5*time.Second, Needs: "!block",
		},
		{
			Name: "130 sends", Says: "a handler sends 130 gateway payloads at once; Discord takes 120 a minute",
			Steps: []Step{{Do: Say, Text: "!sends"}},
			From:  Stays, For: p.watch(150 * time.Second), Stay: p.watch(150 * time.Second), Needs: "!sends",
		},
		{
			Name: "hostile payloads", Says: "unknown opcodes and events, missing and mistyped fields, an event with d null, and text that is not JSON",
			Steps: hostile(), From: Stays, For: 40 * time.Second, Stay: 20 * time.Second,
		},
		{
			Name: "burst of 20,000", Says: "20,000 events nobody asked for, as fast as they go; the median of three",
			Steps: []Step{{Do: Burst}, {Do: Burst}, {Do: Burst}},
			From:  Stays, For: m, Stay: 2 * time.Second, Load: Alone, Rate: -1,
		},
		{
			Name: "SIGTERM, restart", Says: "the process is stopped with SIGTERM and started again as soon as it is gone",
			Steps: []Step{{Do: Terminate}}, From: AtFault, For: 60 * time.Second, Rate: 4, Load: Busy,
		},
		{
			Name: "kill -9, restart", Says: "the process is killed and started again at once",
			Steps: []Step{{Do: Kill}}, From: AtFault, For: 60 * time.Second, Rate: 4, Load: Busy,
		},
		{
			Name: "SIGSTOP", Says: "the process stands still for 75 s, as on a host that sleeps",
			Steps: []Step{{Do: Freeze}, {At: p.of(75 * time.Second), Do: Thaw}},
			From:  AtEnd, For: p.of(75*time.Second) + p.watch(2*m),
		},
		{
			Name: "token revoked", Says: "the token is reset in mid-life; nothing but a person can mend it",
			Steps: []Step{{Do: Revoke}}, From: Stays, For: p.watch(m), Stay: p.watch(m), Load: Busy, MayEnd: true,
		},
		{
			Name: "429 and 5xx", Says: "answers are refused: ten times 429 with half a second to wait, then ten times 500, then ten times 502 as a page of HTML",
			Steps: []Step{
				fault(0, discordsim.Fault{Name: "rest-429", Count: 10, Delay: 500 * time.Millisecond, Route: answers}),
				fault(10*time.Second, discordsim.Fault{Name: "rest-5xx", Count: 10, Code: 500, Route: answers}),
				fault(20*time.Second, discordsim.Fault{Name: "rest-html", Count: 10, Code: 502, Route: answers}),
			},
			From: Stays, For: 60 * time.Second, Stay: 40 * time.Second,
		},
		{
			Name: "idle", Says: "nothing happens",
			From: Stays, For: m, Stay: max(p.of(m), 12*time.Second), Load: Alone, Rate: 0.2,
		},
	}
}

// outage is a time without a network.
func outage(p Pace, name string, lasts, watch time.Duration) Scenario {
	return Scenario{
		Name: name, Says: "the network is gone that long: links freeze, new connections hang, and links that were frozen are dead when it is back",
		Steps: []Step{fault(0, discordsim.Fault{Name: "offline", For: p.of(lasts)}), {At: p.of(lasts), Do: Over}},
		From:  AtEnd, For: p.of(lasts) + p.watch(watch),
	}
}

// refused is a time in which everything fails at once, which is what backoff is
// about.
func refused(p Pace, name string, lasts, watch time.Duration) Scenario {
	return Scenario{
		Name: name, Says: "the connection is reset, and for that long every new one to REST or the gateway is refused at once",
		Steps: []Step{
			fault(0, discordsim.Fault{Name: "refuse", For: p.of(lasts)}), fault(0, discordsim.Fault{Name: "cut"}), {At: p.of(lasts), Do: Over},
		},
		From: AtEnd, For: p.of(lasts) + p.watch(watch),
	}
}

// blocked is how long a blocked handler blocks.
func (p Pace) blocked() time.Duration { return p.of(95 * time.Second) }

// hostile is a list of payloads that make no sense, a second apart, from what
// Discord has been seen to send to what only a broken proxy would.
func hostile() (steps []Step) {
	add := func(step Step) {
		step.At = time.Duration(len(steps)) * time.Second
		steps = append(steps, step)
	}
	raw := func(text string) Step { return fault(0, discordsim.Fault{Name: "malformed", Text: text}) }
	add(raw(`{"op":99,"d":{"x":1}}`))
	add(raw(`{"op":11}`))
	for _, e := range [][2]string{
		{"FUTURE_EVENT", `{"a":[1,2,3]}`},
		{"MESSAGE_UPDATE", `{"id":"not a number","channel_id":"x"}`},
		{"MESSAGE_CREATE", `{"id":{},"channel_id":[],"content":7,"author":null}`},
		{"CHANNEL_UPDATE", `{"id":true,"type":"text"}`},
		{"GUILD_MEMBER_UPDATE", `null`},
		{"GUILD_MEMBER_ADD", `[]`},
	} {
		add(Step{Do: Event, Text: e[0], Data: e[1]})
	}
	for _, text := range []string{`{"op":0,"s":null,"t":null,"d":null}`, `{}`, `[]`, `{"op":0,"s":5,"t":"MESS`} {
		add(raw(text))
	}
	return steps
}
