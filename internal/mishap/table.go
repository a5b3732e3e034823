package mishap

import (
	"fmt"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

const day = 24 * time.Hour

// one makes the list of a fault without parameters.
func one(name string) []discordsim.Fault { return []discordsim.Fault{{Name: name}} }

// withCut makes the list of a fault that lasts and the reset that makes it felt.
func withCut(name string) []discordsim.Fault {
	return []discordsim.Fault{{Name: name}, {Name: "cut"}}
}

func says(what string) func(discordsim.Fault) string {
	return func(discordsim.Fault) string { return what }
}

// saysFor has the duration in the place of %s.
func saysFor(what string) func(discordsim.Fault) string {
	return func(f discordsim.Fault) string { return fmt.Sprintf(what, text.Seconds(f.For)) }
}

func saysCode(what string) func(discordsim.Fault) string {
	return func(f discordsim.Fault) string { return fmt.Sprintf(what, f.Code) }
}

// saysCount has the count with its noun in the place of %s, or the noun alone.
func saysCount(what, one, many string) func(discordsim.Fault) string {
	return func(f discordsim.Fault) string {
		if f.Count == 1 {
			return fmt.Sprintf(what, one)
		}
		return fmt.Sprintf(what, fmt.Sprintf("%d %s", f.Count, many))
	}
}

// drawCode draws the code of a fault.
func drawCode(of ...int) func(dice, *discordsim.Fault) {
	return func(d dice, f *discordsim.Fault) { f.Code = oneOf(d, of...) }
}

// drawCount draws how often a fault strikes.
func drawCount(low, high int) func(dice, *discordsim.Fault) {
	return func(d dice, f *discordsim.Fault) { f.Count = d.number(low, high) }
}

// postMessage is the route of the bot's answers.
const postMessage = "POST /channels/{channel}/messages"

// limited is a rate limit that is used up for a second when the bot next answers.
func limited(name string) []discordsim.Fault {
	return []discordsim.Fault{{Name: name, Route: postMessage, Count: 1, Delay: time.Second}}
}

// Table is everything that goes wrong. What the bot does about it is not written
// here; it is seen. In a year Discord's own requests to reconnect come every 20 to 40
// minutes besides.
//
// The order of the rows is part of what a seed means.
var Table = []Mishap{
	// Connections.
	{
		Name: "cut link", Faults: one("cut"),
		Demo: &Demo{Weight: 3, Loses: true, Says: says("the connection is reset")},
		Year: &Year{Ordinary: 12 * time.Hour, Hostile: time.Hour, Patience: PromptReturn},
	},
	{
		Name: "dropped link", Faults: one("drop"),
		Demo: &Demo{Weight: 2, Loses: true, Says: says("the connection ends without a close frame")},
		Year: &Year{Ordinary: day, Hostile: 2 * time.Hour, Patience: PromptReturn},
	},
	{
		Name: "half-open link", Faults: one("half-open"),
		Demo: &Demo{Weight: 3, Loses: true, UntilNoticed: true, Least: 15 * time.Second, Most: 15 * time.Second, Says: says("the connection carries nothing any more, either way, and says nothing")},
		Year: &Year{Ordinary: 3 * day, Hostile: 5 * time.Hour, Least: time.Minute, Most: 20 * time.Minute, Patience: SlowReturn},
	},
	{
		Name: "black hole", Faults: one("black-hole"),
		Demo: &Demo{Weight: 2, Loses: true, UntilNoticed: true, Least: 15 * time.Second, Most: 15 * time.Second, Says: says("what Discord sends never arrives; what the bot sends does")},
		Year: &Year{Ordinary: 10 * day, Hostile: 10 * time.Hour, Least: time.Minute, Most: 10 * time.Minute, Patience: SlowReturn},
	},
	{
		Name: "zombie", Faults: one("zombie"),
		Demo: &Demo{Weight: 3, Loses: true, UntilNoticed: true, Least: 15 * time.Second, Most: 15 * time.Second, Says: says("heartbeats stay unanswered while events keep coming")},
		Year: &Year{Ordinary: 4 * day, Hostile: 8 * time.Hour, Least: 20 * time.Second, Most: 2 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "late answers", Faults: []discordsim.Fault{{Name: "ack-delay", Delay: 3 * time.Second}},
		Year: &Year{Ordinary: 3 * day, Hostile: 6 * time.Hour, Least: time.Minute, Most: 10 * time.Minute, Patience: SlowReturn},
	},
	{
		Name: "stall", Faults: one("stall"),
		Demo: &Demo{
			Weight: 2, Draw: func(d dice, f *discordsim.Fault) { f.Delay = d.between(400*time.Millisecond, 800*time.Millisecond) },
			Says: func(f discordsim.Fault) string {
				return "nothing passes for " + text.Seconds(f.Delay) + ", then all of it"
			},
		},
		Year: &Year{
			Ordinary: day, Hostile: 2 * time.Hour, Least: 8 * time.Second, Most: 8 * time.Second, Patience: SlowReturn,
			Faults: []discordsim.Fault{{Name: "stall", Delay: 8 * time.Second}},
		},
	},
	{
		Name: "slow network", Faults: []discordsim.Fault{{Name: "latency", Delay: 150 * time.Millisecond, Text: "100ms"}},
		Demo: &Demo{Weight: 2, Least: 2 * time.Second, Most: 4 * time.Second, Says: saysFor("for %s everything takes 150 ms longer, give or take 100")},
		Year: &Year{
			Ordinary: 3 * day, Hostile: 8 * time.Hour, Least: time.Minute, Most: 30 * time.Minute, Slow: true, Patience: SlowReturn,
			Faults: []discordsim.Fault{{Name: "latency", Delay: 400 * time.Millisecond, Text: "200ms"}},
		},
	},

	// Discord's gateway.
	{
		Name: "op 9 (resumable)", Faults: one("op9-true"),
		Demo: &Demo{Weight: 2, Loses: true, Says: says("Discord interrupts the session and says it may be resumed")},
		Year: &Year{Ordinary: 2 * day, Hostile: 3 * time.Hour, Patience: resumeReturn},
	},
	{
		Name: "op 9 (final)", Faults: one("op9-false"),
		Demo: &Demo{Weight: 2, Loses: true, Costs: true, Says: says("Discord declares the session invalid")},
		Year: &Year{Ordinary: 2 * day, Hostile: 4 * time.Hour, Patience: newSession},
	},
	{
		Name: "op 9 on RESUME", Faults: withCut("resume-op9-true"),
		Demo: &Demo{Weight: 1, Loses: true, Draw: drawCount(1, 2), Says: saysCount("a cut, and the next %s refused for the moment", "RESUME is", "RESUMEs are")},
	},
	{
		Name: "session lost", Faults: one("session-loss"),
		Demo: &Demo{Weight: 2, Loses: true, Costs: true, Says: says("Discord loses the session and cuts the connection")},
		Year: &Year{Ordinary: 3 * day, Hostile: 8 * time.Hour, Patience: newSession},
	},
	{
		Name: "op 7", Faults: one("op7"),
		Demo: &Demo{Weight: 3, Loses: true, Says: says("Discord asks to reconnect elsewhere")},
	},
	{
		Name: "op 7 first", Faults: []discordsim.Fault{{Name: "op7-first", Count: 1}, {Name: "cut"}},
		Demo: &Demo{Weight: 1, Loses: true, Says: says("a cut, and the next host sends the bot away before saying HELLO")},
	},
	{
		Name: "close code", Faults: one("close"),
		Demo: &Demo{Weight: 3, Loses: true, Draw: drawCode(4000, 4000, 1001, 1011, 1012), Says: saysCode("Discord closes the connection with code %d")},
	},
	{
		Name: "close 4000", Faults: []discordsim.Fault{{Name: "close", Code: 4000}},
		Year: &Year{Ordinary: 2 * day, Hostile: 4 * time.Hour, Patience: PromptReturn},
	},
	{
		Name: "close 1000", Faults: []discordsim.Fault{{Name: "close", Code: 1000}},
		Year: &Year{Ordinary: 5 * day, Hostile: 9 * time.Hour, Patience: newSession},
	},
	{
		Name: "close 1001", Faults: []discordsim.Fault{{Name: "close", Code: 1001}},
		Year: &Year{Ordinary: 4 * day, Hostile: 9 * time.Hour, Patience: newSession},
	},
	{
		Name: "close 4009", Faults: []discordsim.Fault{{Name: "close", Code: 4009}},
		Year: &Year{Ordinary: 5 * day, Hostile: 10 * time.Hour, Patience: newSession},
	},
	{
		Name: "close 4007", Faults: []discordsim.Fault{{Name: "close", Code: 4007}},
		Year: &Year{Ordinary: 9 * day, Hostile: 20 * time.Hour, Patience: newSession},
	},
	{
		Name: "heartbeat demanded", Faults: one("server-beat"),
		Demo: &Demo{Weight: 1, Says: says("Discord asks for a heartbeat")},
		Year: &Year{Ordinary: day, Hostile: 2 * time.Hour, Patience: PromptReturn},
	},
	{
		Name: "malformed payload", Faults: one("malformed"),
		Demo: &Demo{
			Weight: 2, Says: says("Discord sends a payload that makes no sense"),
			Draw: func(d dice, f *discordsim.Fault) {
				f.Text = oneOf(d, "", `{"op":0,"t":"MESSAGE_CREATE","s":null,"d":[[["no message"]]]}`, `{"op":null}`)
			},
		},
		Year: &Year{Ordinary: day, Hostile: 2 * time.Hour, Patience: PromptReturn},
	},
	{
		Name: "corrupt stream", Faults: one("corrupt"),
		Demo: &Demo{Weight: 2, Loses: true, Says: says("the compressed stream breaks")},
		Year: &Year{Ordinary: 5 * day, Hostile: 9 * time.Hour, Patience: PromptReturn},
	},
	{
		Name: "events twice", Faults: []discordsim.Fault{{Name: "duplicate", Probability: 0.5}},
		Demo: &Demo{Weight: 1, Least: 2 * time.Second, Most: 3 * time.Second, Says: saysFor("for %s half of the events come twice")},
		Year: &Year{Ordinary: 3 * day, Hostile: 8 * time.Hour, Least: time.Minute, Most: 20 * time.Minute, Patience: PromptReturn},
	},
	{
		Name: "deploy at Discord", Faults: []discordsim.Fault{{Name: "op7-first", Count: 2}, {Name: "op7"}},
		Year: &Year{Ordinary: 7 * day, Hostile: 9 * time.Hour, Least: 20 * time.Second, Most: time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "resume host dead", Faults: withCut("resume-dead"),
		Demo: &Demo{Weight: 2, Loses: true, Least: 3 * time.Second, Most: 5 * time.Second, Says: saysFor("a cut, and for %s the address to resume at refuses connections")},
		Year: &Year{Ordinary: 10 * day, Hostile: 12 * time.Hour, Least: 20 * time.Second, Most: 10 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "RESUME unanswered", Faults: withCut("resume-silent"),
		Demo: &Demo{Weight: 1, Loses: true, Least: time.Second, Most: 2 * time.Second, Says: saysFor("a cut, and for %s RESUMEs are never answered")},
		Year: &Year{Ordinary: 14 * day, Hostile: day, Least: 20 * time.Second, Most: time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "stuck session", Faults: withCut("stuck-session"),
		Year: &Year{Ordinary: 14 * day, Hostile: day, Least: time.Minute, Most: 3 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},

	// Outages.
	{
		Name: "outage", Faults: one("outage"),
		Demo: &Demo{Weight: 2, Loses: true, Least: 2 * time.Second, Most: 5 * time.Second, Says: saysFor("Discord is down for %s: gateway and REST answer 503")},
		Year: &Year{Ordinary: 15 * day, Hostile: 2 * day, Least: 20 * time.Second, Most: 3 * time.Hour, Unreachable: true, RESTDown: true, Patience: SlowReturn},
	},
	{
		Name: "upgrade refused", Faults: withCut("upgrade-status"),
		Demo: &Demo{
			Weight: 1, Loses: true, Least: time.Second, Most: 3 * time.Second, Draw: drawCode(502, 503, 520),
			Says: func(f discordsim.Fault) string {
				return fmt.Sprintf("a cut, and for %s WebSockets are refused with HTTP %d", text.Seconds(f.For), f.Code)
			},
		},
		Year: &Year{Ordinary: 14 * day, Hostile: 20 * time.Hour, Least: 10 * time.Second, Most: 30 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "no HELLO", Faults: withCut("no-hello"),
		Demo: &Demo{Weight: 2, Loses: true, Least: 2 * time.Second, Most: 3 * time.Second, Says: saysFor("a cut, and for %s Discord accepts connections and says nothing")},
		Year: &Year{Ordinary: 20 * day, Hostile: day, Least: 10 * time.Second, Most: 10 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "no READY", Faults: []discordsim.Fault{{Name: "no-ready"}, {Name: "session-loss"}},
		Year: &Year{Ordinary: 20 * day, Hostile: 2 * day, Least: time.Minute, Most: 20 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "outage with op 9", Faults: []discordsim.Fault{{Name: "ready-op9"}, {Name: "resume-op9-false"}, {Name: "cut"}},
		Year: &Year{Ordinary: 30 * day, Hostile: 3 * day, Least: time.Minute, Most: 20 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},
	{
		Name: "cut after READY", Faults: withCut("ready-drop"),
		Year: &Year{Ordinary: 30 * day, Hostile: 3 * day, Least: time.Minute, Most: 5 * time.Minute, Unreachable: true, Patience: SlowReturn},
	},

	// The network and the host.
	{
		Name: "night offline", Faults: one("offline"),
		Year: &Year{Ordinary: 30 * day, Hostile: 5 * day, Least: time.Hour, Most: 9 * time.Hour, Unreachable: true, RESTDown: true, Patience: SlowReturn},
	},
	{
		Name: "network gone", Faults: one("offline"),
		Demo: &Demo{Weight: 2, Loses: true, Least: 4 * time.Second, Most: 6 * time.Second, Says: saysFor("this host's network is gone for %s")},
		Year: &Year{Ordinary: 4 * day, Hostile: 10 * time.Hour, Least: 5 * time.Second, Most: 10 * time.Minute, Unreachable: true, RESTDown: true, Patience: SlowReturn},
	},
	{
		Name: "no route", Faults: withCut("unreachable"),
		Demo: &Demo{Weight: 1, Loses: true, Least: 2 * time.Second, Most: 4 * time.Second, Says: saysFor("a cut, and for %s there is no route to Discord")},
		Year: &Year{
			Ordinary: 10 * day, Hostile: day, Least: 5 * time.Second, Most: 30 * time.Minute, Unreachable: true, RESTDown: true, Patience: SlowReturn,
			Faults: one("unreachable"),
		},
	},
	{
		Name: "DNS failure", Faults: withCut("dns"),
		Demo: &Demo{Weight: 2, Loses: true, Least: 2 * time.Second, Most: 4 * time.Second, Says: saysFor("a cut, and for %s no name resolves")},
		Year: &Year{Ordinary: 10 * day, Hostile: 15 * time.Hour, Least: 10 * time.Second, Most: time.Hour, Unreachable: true, RESTDown: true, Patience: SlowReturn},
	},
	{
		Name: "connections refused", Faults: withCut("refuse"),
		Year: &Year{Ordinary: 10 * day, Hostile: 15 * time.Hour, Least: 10 * time.Second, Most: 20 * time.Minute, Unreachable: true, RESTDown: true, Patience: SlowReturn},
	},
	{
		Name: "bad certificate", Faults: withCut("tls"),
		Demo: &Demo{Weight: 1, Loses: true, Least: time.Second, Most: 2 * time.Second, Says: saysFor("a cut, and for %s somebody shows an expired certificate")},
		Year: &Year{Ordinary: 60 * day, Hostile: 4 * day, Least: time.Minute, Most: 30 * time.Minute, Unreachable: true, RESTDown: true, Patience: SlowReturn},
	},
	{
		Name: "captive portal", Faults: withCut("upgrade-html"),
		Year: &Year{Ordinary: 30 * day, Hostile: 2 * day, Least: time.Minute, Most: 30 * time.Minute, Unreachable: true, RESTDown: true, Patience: SlowReturn},
	},
	{Name: "host asleep", Year: &Year{Ordinary: 7 * day, Hostile: day}},

	// REST.
	{
		Name: "REST errors", Faults: one("rest-5xx"),
		Demo: &Demo{
			Weight: 2, Least: time.Second, Most: 2 * time.Second, Draw: drawCode(500, 502, 503),
			Says: func(f discordsim.Fault) string {
				return fmt.Sprintf("REST answers %d for %s", f.Code, text.Seconds(f.For))
			},
		},
		Year: &Year{
			Ordinary: 2 * day, Hostile: 3 * time.Hour, Least: time.Minute, Most: 10 * time.Minute, RESTDown: true, Patience: SlowReturn,
			Faults: []discordsim.Fault{{Name: "rest-5xx", Code: 503, Probability: 0.3}},
		},
	},
	{
		Name: "429", Faults: limited("rest-429"),
		Demo: &Demo{Weight: 1, Least: 3 * time.Second, Most: 3 * time.Second, Says: says("a channel's rate limit is used up before its time")},
		Year: &Year{
			Ordinary: 2 * day, Hostile: 3 * time.Hour, Least: time.Minute, Most: 10 * time.Minute, RESTDown: true, Patience: SlowReturn,
			Faults: []discordsim.Fault{{Name: "rest-429", Delay: time.Second, Probability: 0.3}},
		},
	},
	{
		Name: "429 (shared)", Faults: limited("rest-429-shared"),
		Demo: &Demo{Weight: 1, Least: 3 * time.Second, Most: 3 * time.Second, Says: says("others have used up a channel's rate limit")},
	},
	{
		Name: "429 (bare)", Faults: limited("rest-429-bare"),
		Demo: &Demo{Weight: 1, Least: 3 * time.Second, Most: 3 * time.Second, Says: says("a rate limit is used up, and no header says which")},
	},
	{
		Name: "429 for all", Faults: limited("rest-429-global"),
		Demo: &Demo{Weight: 1, Least: 3 * time.Second, Most: 3 * time.Second, Says: says("all of REST has to pause for a second")},
		Year: &Year{
			Ordinary: 5 * day, Hostile: 9 * time.Hour, Least: time.Minute, Most: 5 * time.Minute, RESTDown: true, Patience: SlowReturn,
			Faults: []discordsim.Fault{{Name: "rest-429-global", Delay: 2 * time.Second, Probability: 0.2}},
		},
	},
	{
		Name: "answers swallowed", Faults: []discordsim.Fault{{Name: "rest-commit-then-drop", Route: postMessage}},
		Demo: &Demo{
			Weight: 3, Least: 3 * time.Second, Most: 3 * time.Second, Draw: drawCount(2, 4),
			Says: saysCount("Discord posts the next %s and cuts the line before saying so", "message", "messages"),
		},
		Year: &Year{
			Ordinary: 3 * day, Hostile: 4 * time.Hour, Least: time.Minute, Most: 10 * time.Minute, RESTDown: true, Patience: SlowReturn,
			Faults: []discordsim.Fault{{Name: "rest-commit-then-drop", Probability: 0.3}},
		},
	},
	{
		Name: "proxy in between", Faults: []discordsim.Fault{{Name: "rest-commit-then-502", Route: postMessage}},
		Demo: &Demo{
			Weight: 1, Least: 3 * time.Second, Most: 3 * time.Second, Draw: drawCount(2, 4),
			Says: saysCount("Discord posts the next %s and a proxy answers 502", "message", "messages"),
		},
	},
	{
		Name: "REST slow", Faults: []discordsim.Fault{{Name: "rest-slow", Delay: time.Second}},
		Year: &Year{Ordinary: 3 * day, Hostile: 6 * time.Hour, Least: time.Minute, Most: 10 * time.Minute, RESTDown: true, Patience: SlowReturn},
	},
	{
		Name: "REST resets", Faults: []discordsim.Fault{{Name: "rest-reset", Probability: 0.3}},
		Year: &Year{Ordinary: 4 * day, Hostile: 7 * time.Hour, Least: time.Minute, Most: 10 * time.Minute, RESTDown: true, Patience: SlowReturn},
	},

	// The process.
	{Name: "crash", Year: &Year{Ordinary: 12 * day, Hostile: 10 * time.Hour}},
	{Name: "crash loop", Year: &Year{Ordinary: 90 * day, Hostile: 4 * day}},
	{Name: "deploy of the bot", Year: &Year{Ordinary: 3 * day, Hostile: 9 * time.Hour}},

	// People.
	{Name: "burst", Year: &Year{Ordinary: day, Hostile: 3 * time.Hour}},
	{
		Name: "slow handler",
		Demo: &Demo{Weight: 2, Command: SlowCommand, Says: says("people use a command that takes " + text.Seconds(SlowCommandTakes))},
		Year: &Year{Ordinary: day, Hostile: 2 * time.Hour},
	},
	{
		Name: "crashing handler",
		Demo: &Demo{Weight: 1, Command: CrashCommand, Says: says("people use a command that panics")},
	},

	// A bot behind the proxy.
	{Name: "bot crashes", Year: &Year{Ordinary: day, Hostile: 3 * time.Hour, Proxied: true}},
	{Name: "bot in a crash loop", Year: &Year{Ordinary: 30 * day, Hostile: 2 * day, Proxied: true}},
	{Name: "bot hangs", Year: &Year{Ordinary: 2 * day, Hostile: 5 * time.Hour, Least: 2 * time.Second, Most: 10 * time.Minute, Proxied: true}},
	{Name: "bot reads slowly", Year: &Year{Ordinary: 4 * day, Hostile: 9 * time.Hour, Least: time.Minute, Most: 20 * time.Minute, Proxied: true}},
	{Name: "bot restarts", Year: &Year{Ordinary: 2 * day, Hostile: 6 * time.Hour, Proxied: true}},
	{Name: "rolling deploy of the bot", Year: &Year{Ordinary: 3 * day, Hostile: 8 * time.Hour, Proxied: true}},
	{Name: "bot away for long", Year: &Year{Ordinary: 30 * day, Hostile: 3 * day, Least: 10 * time.Minute, Most: 4 * time.Hour, Proxied: true}},
	{Name: "bot with other shards", Year: &Year{Ordinary: 10 * day, Hostile: 14 * time.Hour, Proxied: true}},
	{Name: "event that ends the bot", Year: &Year{Ordinary: 40 * day, Hostile: 2 * day, Proxied: true}},
	{Name: "wrong token in the bot", Year: &Year{Ordinary: 60 * day, Hostile: 4 * day, Proxied: true}},
	{Name: "bot loses its connection", Year: &Year{Ordinary: day, Hostile: 4 * time.Hour, Proxied: true}},
}
