package judge

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evergreen/discordsim"
)

// Step is one thing the bot is led through.
type Step struct {
	// Name is short, Says what happens, for a person.
	Name, Says string
	// Exercises lists the statements it is there for.
	Exercises []string
	// Takes is about how long it takes with a bot that does well, with the time that
	// connections are left in peace after it.
	Takes time.Duration

	play func(*driver)
	// only says when there is any point in it; nil: always.
	only func(*driver) bool
	// moves means that the bot has to introduce itself anew: all of its shards,
	// or with one the first alone.
	moves, one bool
	// within is how long the bot may take to be back; 0: as long as after most steps.
	within time.Duration
	// final means that the bot need not come back.
	final bool
	// Slow steps are played in a thorough judgement only.
	Slow bool
}

// lastStep is the step after which a bot may give up.
const lastStep = "refused for good"

// How long some faults last.
const (
	refusedFor  = 6 * time.Second
	closedFor   = 6 * time.Second
	silentFor   = 7 * time.Second
	waitsForBot = 12 * time.Second
)

// Programme lists the steps in the order in which they are played. With a bot
// that does well they take about five minutes, and about eight with the slow
// ones.
func Programme() []Step { return slices.Clone(programme) }

// Steps lists the steps that [Run] plays with these options, in order.
func Steps(o Options) []Step {
	d := &driver{Options: o, full: 1}
	if o.App != nil {
		d.full = max(1, o.App.Shards)
	}
	return d.steps()
}

// Takes is about how long [Run] takes with a bot that is there and does well. One that
// does not takes longer: it is waited for.
func Takes(o Options) time.Duration {
	takes := moment
	for _, s := range Steps(o) {
		takes += s.Takes
	}
	return takes.Round(time.Second)
}

// steps lists the steps of the programme that are played.
func (d *driver) steps() []Step {
	return slices.DeleteFunc(Programme(), func(s Step) bool {
		switch {
		case s.only != nil && !s.only(d):
			return true
		case len(d.Only) > 0:
			return !slices.Contains(d.Only, s.Name)
		}
		return (s.Slow && !d.Thorough) || slices.Contains(d.without, s.Name)
	})
}

// taking says how long a step takes that is unlike others of its kind.
func taking(t time.Duration, s Step) Step {
	s.Takes = t
	return s
}

// patiently gives a bot more time to be back from a step than others do.
func patiently(t time.Duration, s Step) Step {
	s.within = t
	return s
}

// momentaryStep makes the step of a fault after which the bot has to come back.
func momentaryStep(name, says string, f discordsim.Fault, exercises ...string) Step {
	return Step{Name: name, Says: says, Exercises: exercises, Takes: calm + slack, moves: true, play: func(d *driver) { d.inject(f, false) }}
}

// closeStep makes the step of a close code.
func closeStep(code int, exercises ...string) Step {
	return momentaryStep(closed(code), fmt.Sprintf("Discord closes the connection with %d.", code),
		discordsim.Fault{Name: "close", Code: code}, append(exercises, "G-073", "G-074", "G-075")...)
}

// lastingStep makes the step of a cut while something lasts.
func lastingStep(name, says string, f discordsim.Fault, exercises ...string) Step {
	return Step{Name: name, Says: says, Exercises: exercises, Takes: f.For + calm + slack, moves: true, play: func(d *driver) {
		d.inject(f, false)
		d.inject(discordsim.Fault{Name: "cut"}, false)
		d.wait(f.For)
	}}
}

// slowStep marks a step as slow.
func slowStep(s Step) Step {
	s.Slow = true
	return s
}

// answers reports whether the bot answers commands.
func answers(d *driver) bool { return d.Command != "" && !d.mute }

// commandStep makes a step in which users send commands.
func commandStep(name, says string, f discordsim.Fault, times int, exercises ...string) Step {
	return Step{Name: name, Says: says, Exercises: exercises, Takes: 2 * time.Second, only: answers, play: func(d *driver) {
		if f.Name != "" {
			d.inject(f, false)
		}
		d.ask(times)
		d.answered(25 * time.Second)
		d.wait(1200 * time.Millisecond) // a second answer would come about now
	}}
}

// ignoredStep makes a step with a message that must not be answered.
func ignoredStep(name, says, exercises string, option func(*driver) discordsim.SayOption) Step {
	return Step{Name: name, Says: says, Exercises: []string{exercises}, Takes: 1500 * time.Millisecond, only: answers, play: func(d *driver) {
		room, who := d.nextAsker()
		m := d.Sim.Say(room, who, d.Command, option(d))
		d.now.baits = append(d.now.baits, m.ID)
		d.wait(1500 * time.Millisecond)
	}}
}

// programme is every step, in order. Steps that cost a session stand a minute
// apart, so that a bot which spaces its IDENTIFYs is not delayed.
var programme = []Step{
	{Name: "quiet", Says: "Nothing happens for a few heartbeats.", Exercises: []string{"G-016", "G-017", "G-020", "G-114"}, Takes: 9 * time.Second, play: func(d *driver) {
		d.wait(3*firstInterval + firstInterval/2)
	}},
	{Name: "heartbeats asked for", Says: "Discord asks for heartbeats, four in a row.", Exercises: []string{"G-021", "G-023", "G-026"}, Takes: 8 * time.Second, play: func(d *driver) {
		// So far apart that the timer's own heartbeats cannot answer all of them.
		for range 4 {
			d.fault("server-beat")
			d.wait(700 * time.Millisecond)
		}
		d.wait(2 * firstInterval)
	}},
	{Name: "late answers", Says: "Heartbeats are answered late, but before the next is due.", Exercises: []string{"G-025"}, Takes: 5 * time.Second, play: func(d *driver) {
		d.inject(discordsim.Fault{Name: "ack-delay", Delay: firstInterval * 6 / 10}, false)
		d.wait(2*firstInterval + slack)
	}},
	{Name: "unknown payloads", Says: "Discord sends an opcode, an event and an answer nobody has documented.", Exercises: []string{"G-109"}, Takes: firstInterval, play: func(d *driver) {
		for _, text := range []string{"", `{"t":"SOMETHING_NEW","s":null,"op":0,"d":null}`, `{"op":11,"d":{"unasked":true},"x":[]}`} {
			d.inject(discordsim.Fault{Name: "malformed", Text: text}, false)
		}
		d.wait(firstInterval)
	}},
	{Name: "20 MB at once", Says: "A guild of 20 MB arrives.", Exercises: []string{"G-112"}, Takes: 6 * time.Second, play: func(d *driver) {
		g := d.App.Guilds[0]
		// A bot may take its time to read it, but with the answer to a heartbeat behind it.
		beats := d.beats()
		d.waitFor(2*firstInterval, func() bool { return d.beats() != beats })
		d.Sim.Emit(d.App, g, "GUILD_UPDATE", map[string]any{"id": g.ID, "name": g.Name, "owner_id": "0", "description": strings.Repeat("0123456789 abcdefghi ", 1_000_000)})
		d.wait(2 * firstInterval)
	}},

	{Name: "commands", Says: "People use a command.", Exercises: []string{"G-125", "G-138"}, Takes: 1500 * time.Millisecond, only: answers, play: func(d *driver) {
		d.ask(4)
		d.answered(8 * time.Second)
		d.mute = true
		for _, id := range d.now.asked {
			d.mute = d.mute && len(d.Sim.Answers(id)) == 0
		}
	}},
	ignoredStep("bait of a webhook", "A webhook uses the command.", "G-145", func(d *driver) discordsim.SayOption { return discordsim.AsWebhook(d.people[0].ID + 1) }),
	ignoredStep("bait of another type", "The command stands in a message of another type than people write.", "G-147", func(*driver) discordsim.SayOption { return discordsim.OfType(23) }),
	commandStep("events twice", "Every event comes twice.", discordsim.Fault{Name: "duplicate"}, 3, "G-070"),
	commandStep("REST errors", "A proxy answers REST with HTML.", discordsim.Fault{Name: "rest-html", Route: postMessage, Count: 2}, 2, "G-136"),
	commandStep("REST limits", "A bucket is empty.", discordsim.Fault{Name: "rest-429", Route: postMessage, Count: 1, Delay: time.Second}, 2, "G-129"),
	commandStep("REST pauses", "All requests have to pause.", discordsim.Fault{Name: "rest-429-global", Route: postMessage, Count: 1, Delay: time.Second}, 2, "G-130"),
	commandStep("answers lost", "Messages are posted, and the line is cut before that is said.", discordsim.Fault{Name: "rest-commit-then-drop", Route: postMessage, Count: 2}, 2, "G-137"),
	{Name: "slash command", Says: "A user uses a slash command.", Exercises: []string{"G-141"}, Takes: 500 * time.Millisecond, only: func(d *driver) bool { return d.Slash != "" }, play: func(d *driver) {
		room, who := d.nextAsker()
		d.now.asked = append(d.now.asked, d.Sim.Interact(d.App, room, who, d.Slash))
		d.answered(3500 * time.Millisecond)
	}},

	momentaryStep("reset", "The connection is reset.", discordsim.Fault{Name: "cut"}, "G-059", "G-065", "G-066", "G-073", "G-074", "G-075"),
	momentaryStep("end without a close frame", "The connection ends without a close frame.", discordsim.Fault{Name: "drop"}, "G-059"),
	closeStep(4000, "G-060"),
	slowStep(closeStep(4001, "G-060")),
	closeStep(4002, "G-060"),
	slowStep(closeStep(4005, "G-060")),
	closeStep(4008, "G-060"),
	closeStep(4999, "G-060"),
	closeStep(1001, "G-061"),
	slowStep(closeStep(1011, "G-061")),
	closeStep(1012, "G-061"),
	closeStep(1000, "G-062"),
	{Name: "one shard reset", Says: "The connection of one shard is reset.", Exercises: []string{"G-122"}, Takes: calm + slack, moves: true, one: true,
		only: func(d *driver) bool { return d.full > 1 }, play: func(d *driver) { d.inject(discordsim.Fault{Name: "cut"}, true) }},
	momentaryStep("op 7", "Discord asks to reconnect elsewhere.", discordsim.Fault{Name: "op7"}, "G-077"),
	{Name: "op 7 and a close", Says: "Discord asks to reconnect and closes the connection itself.", Exercises: []string{"G-079"}, Takes: calm + time.Second, moves: true, play: func(d *driver) {
		d.fault("op7")
		// A quick bot has moved already: only what it stood on may be closed.
		for _, id := range d.now.open {
			d.inject(discordsim.Fault{Name: "close", Code: 1001, Text: "Discord WebSocket requesting client reconnect.", Conn: id}, false)
		}
		d.wait(time.Second)
	}},
	{Name: "unanswered heartbeats", Says: "Heartbeats stay unanswered while events keep coming.", Exercises: []string{"G-024"}, Takes: 9 * time.Second, moves: true, play: func(d *driver) {
		d.fault("zombie")
		before := d.countSessionRequests()
		moved := func() bool { return d.countSessionRequests() >= before+d.full }
		for began := time.Now(); time.Since(began) < twoIntervals+2*slack && d.ctx.Err() == nil; {
			room, who := d.nextAsker()
			d.Sim.Say(room, who, "is anybody there?")
			if d.waitFor(500*time.Millisecond, moved) {
				return
			}
		}
	}, within: time.Second},
	patiently(twoIntervals+2*slack, taking(11*time.Second, momentaryStep("dead link", "The connection carries nothing to the bot any more and is not closed.", discordsim.Fault{Name: "black-hole"}, "G-024"))),

	{Name: "READY does not come", Says: "Discord ends the session with 4009, and READY takes its time.", Exercises: []string{"G-019", "G-027", "G-044", "G-063"}, Takes: silentFor + calm, moves: true, one: true, play: func(d *driver) {
		before := d.Sim.Verdict(d.App).Identifies
		d.inject(discordsim.Fault{Name: "no-ready"}, true)
		d.inject(discordsim.Fault{Name: "close", Code: 4009, Text: "Session timed out."}, true)
		d.waitFor(settleWithin, func() bool { return d.Sim.Verdict(d.App).Identifies > before })
		d.wait(silentFor)
		d.Sim.LiftAll()
	}},
	{Name: "another interval", Says: "The connection is reset, and HELLO asks for another interval.", Exercises: []string{"G-018"}, Takes: 2*nextInterval + time.Second + calm, moves: true, play: func(d *driver) {
		d.changed = time.Now()
		d.Sim.SetHeartbeatInterval(nextInterval)
		d.fault("cut")
		d.wait(2*nextInterval + time.Second)
	}},
	taking(8*time.Second, momentaryStep("op 9 true", "The session is interrupted and may be resumed.", discordsim.Fault{Name: "op9-true"}, "G-081", "G-086")),
	patiently(helloAtMost+2*slack, taking(16*time.Second, lastingStep("no HELLO", "The connection is reset, and the next host says nothing.", discordsim.Fault{Name: "no-hello", Count: 1}, "G-015"))),
	lastingStep("upgrades refused", "The connection is reset, and upgrades are answered 503.", discordsim.Fault{Name: "upgrade-status", Code: 503, For: 4 * time.Second}, "G-012"),
	lastingStep("connections refused", "The connection is reset, and new ones are refused.", discordsim.Fault{Name: "refuse", For: refusedFor}, "G-011", "G-151"),
	lastingStep("resume address dead", "The connection is reset, and nobody is at the resume address.", discordsim.Fault{Name: "resume-dead"}, "G-010"),
	{Name: "op 9 false", Says: "The session is declared invalid, and so is the first IDENTIFY that follows.", Exercises: []string{"G-082", "G-083", "G-086"}, Takes: 15 * time.Second, moves: true, play: func(d *driver) {
		before := d.countSessionRequests()
		d.inject(discordsim.Fault{Name: "ready-op9", Count: 1}, true)
		d.fault("op9-false")
		d.waitFor(settleWithin, func() bool { return d.countSessionRequests() > before })
	}},

	slowStep(Step{Name: "stuck session", Says: "Every RESUME is cut off.", Exercises: []string{"G-072"}, Takes: 70 * time.Second, moves: true, one: true, play: func(d *driver) {
		before := d.Sim.Verdict(d.App).Identifies
		d.inject(discordsim.Fault{Name: "stuck-session"}, true)
		d.inject(discordsim.Fault{Name: "cut"}, true)
		d.waitFor(95*time.Second, func() bool { return d.Sim.Verdict(d.App).Identifies > before })
	}}),
	slowStep(taking(29*time.Second, lastingStep("RESUME unanswered", "The connection is reset, and RESUME gets no answer.", discordsim.Fault{Name: "resume-silent", Count: 1}, "G-071"))),
	slowStep(lastingStep("closed at once", "For a while every IDENTIFY and RESUME is answered with close code 4000.", discordsim.Fault{Name: "always-close", Code: 4000, For: closedFor}, "G-152")),

	// Some libraries hang, or end the program, when they get something else than they wait
	// for, so these come late.
	taking(12*time.Second, lastingStep("op 7 instead of HELLO", "The connection is reset, and the next two hosts say op 7 instead of HELLO.", discordsim.Fault{Name: "op7-first", Count: 2}, "G-078")),
	taking(12*time.Second, momentaryStep("broken stream", "What comes makes no sense any more: the compressed stream breaks, or the text is no JSON.", discordsim.Fault{Name: "corrupt"}, "G-117")),
	momentaryStep("no JSON", "A message is not JSON.", discordsim.Fault{Name: "malformed", Text: "}{ not JSON"}, "G-118"),
	{Name: "broken events", Says: "Events come whose contents make no sense.", Exercises: []string{"G-110", "G-119"}, Takes: nextInterval + slack, play: func(d *driver) {
		for _, g := range d.App.Guilds {
			d.Sim.Emit(d.App, g, "MESSAGE_CREATE", map[string]any{"id": 12, "author": nil, "content": []string{"?"}, "guild_id": g.ID})
			d.Sim.Emit(d.App, g, "PRESENCE_UPDATE", map[string]any{"user": 7, "status": map[string]any{}, "activities": "none", "guild_id": g.ID})
			d.Sim.Emit(d.App, g, "GUILD_UPDATE", []any{})
		}
		d.wait(nextInterval + slack)
	}},
	{Name: lastStep, Says: "The privileged intents are switched off; or, for a bot without any, the token is reset.",
		Exercises: []string{"G-047", "G-064", "G-094", "G-132"}, Takes: waitsForBot, final: true, only: func(d *driver) bool { return !d.Gentle }, play: func(d *driver) {
			if d.privileged() {
				d.fault("intents-off")
			} else {
				d.fault("token-reset")
			}
			d.wait(waitsForBot)
		}},
}

// privileged reports whether the bot has asked for a privileged intent.
func (d *driver) privileged() bool {
	const bits = 1<<1 | 1<<8 | 1<<15
	for _, c := range d.Sim.Connections(d.App) {
		for _, f := range c.Frames {
			if f.Op == opIdentify && f.Client != nil && f.Client.Intents&bits != 0 {
				return true
			}
		}
	}
	return false
}
