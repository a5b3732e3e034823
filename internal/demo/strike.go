package demo

import (
	"fmt"
	"math/rand/v2"
	"time"

	"evergreen/discordsim"
)

// Strike is one thing that goes wrong, with its parameters drawn.
type Strike struct {
	// Name is short, Says what happens, for a person.
	Name, Says string
	// Faults go to the simulator.
	Faults []discordsim.Fault
	// Command is a bad command instead: so many people use it at once.
	Command string
	People  int
	// Loses means that the bot cannot but lose its connection.
	Loses bool
	// Until ends the faults as soon as the bot has noticed.
	Until noticing
	// Costs means that the session is lost, so that an IDENTIFY follows.
	Costs bool
}

// noticing says whether a fault is over once the bot has given up the
// connection it struck.
type noticing bool

const (
	overWhenNoticed noticing = true
	overInTime      noticing = false
)

// lasts is how long the longest of the faults lasts at most, or the command.
func (s Strike) lasts() (d time.Duration) {
	for _, f := range s.Faults {
		d = max(d, f.For, f.Delay)
	}
	if s.Command == slowCommand {
		d = slowTakes
	}
	return d
}

// trouble is a row of the table: a kind of [Strike].
type trouble struct {
	name string
	// weight is how often it comes, compared with the others.
	weight int
	loses  bool
	until  noticing
	costs  bool
	// draw chooses the parameters. Times are for a world in which everything is
	// ten times as fast as in reality.
	draw func(d dice) (says string, faults []discordsim.Fault)
	// command stands for what people do to the bot instead.
	command string
}

// dice draw parameters out of a seed. scale stretches times.
type dice struct {
	rng   *rand.Rand
	scale float64
}

// between is a time from one to another, in steps of a tenth of the first.
func (d dice) between(low, high time.Duration) time.Duration {
	step := low / 10
	drawn := low + step*time.Duration(d.rng.Int64N(int64((high-low)/step)+1))
	return time.Duration(float64(drawn) * d.scale)
}

// scaled is a time that is not drawn.
func (d dice) scaled(t time.Duration) time.Duration { return time.Duration(float64(t) * d.scale) }

// number is one from low to high.
func (d dice) number(low, high int) int { return low + d.rng.IntN(high-low+1) }

func one[T any](d dice, of ...T) T { return of[d.rng.IntN(len(of))] }

// faults is shorthand for a list of them.
func faults(all ...discordsim.Fault) []discordsim.Fault { return all }

// cut and lasting are the two shapes most faults have.
var cut = discordsim.Fault{Name: "cut"}

func lasting(name string, d time.Duration) discordsim.Fault {
	return discordsim.Fault{Name: name, For: d}
}

// troubles is everything that goes wrong in the demo. Each row says what a
// person should read; what the bot does about it is not written anywhere, it is
// seen.
var troubles = []trouble{
	{name: "half-open link", weight: 3, loses: true, until: overWhenNoticed, draw: func(d dice) (string, []discordsim.Fault) {
		return "the connection carries nothing any more, either way, and says nothing", faults(lasting("half-open", d.scaled(15*time.Second)))
	}},
	{name: "black hole", weight: 2, loses: true, until: overWhenNoticed, draw: func(d dice) (string, []discordsim.Fault) {
		return "what Discord sends never arrives; what the bot sends does", faults(lasting("black-hole", d.scaled(15*time.Second)))
	}},
	{name: "zombie", weight: 3, loses: true, until: overWhenNoticed, draw: func(d dice) (string, []discordsim.Fault) {
		return "heartbeats stay unanswered while events keep coming", faults(lasting("zombie", d.scaled(15*time.Second)))
	}},
	{name: "cut link", weight: 3, loses: true, draw: func(dice) (string, []discordsim.Fault) {
		return "the connection is reset", faults(cut)
	}},
	{name: "dropped link", weight: 2, loses: true, draw: func(dice) (string, []discordsim.Fault) {
		return "the connection ends without a close frame", faults(discordsim.Fault{Name: "drop"})
	}},
	{name: "op 7", weight: 3, loses: true, draw: func(dice) (string, []discordsim.Fault) {
		return "Discord asks to reconnect elsewhere", faults(discordsim.Fault{Name: "op7"})
	}},
	{name: "op 7 first", weight: 1, loses: true, draw: func(dice) (string, []discordsim.Fault) {
		return "a cut, and the next host sends the bot away before saying HELLO", faults(discordsim.Fault{Name: "op7-first", Count: 1}, cut)
	}},
	{name: "op 9 (resumable)", weight: 2, loses: true, draw: func(dice) (string, []discordsim.Fault) {
		return "Discord interrupts the session and says it may be resumed", faults(discordsim.Fault{Name: "op9-true"})
	}},
	{name: "op 9 on RESUME", weight: 1, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		n := d.number(1, 2)
		return fmt.Sprintf("a cut, and the next %s refused for the moment", times(n, "RESUME is", "RESUMEs are")),
			faults(discordsim.Fault{Name: "resume-op9-true", Count: n}, cut)
	}},
	{name: "op 9 (final)", weight: 2, loses: true, costs: true, draw: func(dice) (string, []discordsim.Fault) {
		return "Discord declares the session invalid", faults(discordsim.Fault{Name: "op9-false"})
	}},
	{name: "session lost", weight: 2, loses: true, costs: true, draw: func(dice) (string, []discordsim.Fault) {
		return "Discord loses the session and cuts the connection", faults(discordsim.Fault{Name: "session-loss"})
	}},
	{name: "close code", weight: 3, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		code := one(d, 4000, 4000, 1001, 1011, 1012)
		return fmt.Sprintf("Discord closes the connection with code %d", code), faults(discordsim.Fault{Name: "close", Code: code})
	}},
	{name: "outage", weight: 2, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(2*time.Second, 5*time.Second)
		return "Discord is down for " + seconds(t) + ": gateway and REST answer 503", faults(lasting("outage", t))
	}},
	{name: "network gone", weight: 2, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(4*time.Second, 6*time.Second)
		return "this host's network is gone for " + seconds(t), faults(lasting("offline", t))
	}},
	{name: "no route", weight: 1, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(2*time.Second, 4*time.Second)
		return "a cut, and for " + seconds(t) + " there is no route to Discord", faults(cut, lasting("unreachable", t))
	}},
	{name: "DNS failure", weight: 2, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(2*time.Second, 4*time.Second)
		return "a cut, and for " + seconds(t) + " no name resolves", faults(lasting("dns", t), cut)
	}},
	{name: "bad certificate", weight: 1, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(time.Second, 2*time.Second)
		return "a cut, and for " + seconds(t) + " somebody shows an expired certificate", faults(lasting("tls", t), cut)
	}},
	{name: "resume host dead", weight: 2, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(3*time.Second, 5*time.Second)
		return "a cut, and for " + seconds(t) + " the address to resume at refuses connections", faults(lasting("resume-dead", t), cut)
	}},
	{name: "no HELLO", weight: 2, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(2*time.Second, 3*time.Second)
		return "a cut, and for " + seconds(t) + " Discord accepts connections and says nothing", faults(lasting("no-hello", t), cut)
	}},
	{name: "RESUME unanswered", weight: 1, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(time.Second, 2*time.Second)
		return "a cut, and for " + seconds(t) + " RESUMEs are never answered", faults(lasting("resume-silent", t), cut)
	}},
	{name: "upgrade refused", weight: 1, loses: true, draw: func(d dice) (string, []discordsim.Fault) {
		t, code := d.between(time.Second, 3*time.Second), one(d, 502, 503, 520)
		return fmt.Sprintf("a cut, and for %s WebSockets are refused with HTTP %d", seconds(t), code),
			faults(discordsim.Fault{Name: "upgrade-status", Code: code, For: t}, cut)
	}},
	{name: "corrupt stream", weight: 2, loses: true, draw: func(dice) (string, []discordsim.Fault) {
		return "the compressed stream breaks", faults(discordsim.Fault{Name: "corrupt"})
	}},
	{name: "malformed payload", weight: 2, draw: func(d dice) (string, []discordsim.Fault) {
		text := one(d, "", `{"op":0,"t":"MESSAGE_CREATE","s":null,"d":[[["no message"]]]}`, `{"op":null}`)
		return "Discord sends a payload that makes no sense", faults(discordsim.Fault{Name: "malformed", Text: text})
	}},
	{name: "heartbeat demanded", weight: 1, draw: func(dice) (string, []discordsim.Fault) {
		return "Discord asks for a heartbeat", faults(discordsim.Fault{Name: "server-beat"})
	}},
	{name: "stall", weight: 2, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(400*time.Millisecond, 800*time.Millisecond)
		return "nothing passes for " + seconds(t) + ", then all of it", faults(discordsim.Fault{Name: "stall", Delay: t})
	}},
	{name: "slow network", weight: 2, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(2*time.Second, 4*time.Second)
		return "for " + seconds(t) + " everything takes 150 ms longer, give or take 100", faults(discordsim.Fault{
			Name: "latency", For: t, Delay: 150 * time.Millisecond, Text: "100ms",
		})
	}},
	{name: "events twice", weight: 1, draw: func(d dice) (string, []discordsim.Fault) {
		t := d.between(2*time.Second, 3*time.Second)
		return "for " + seconds(t) + " half of the events come twice", faults(discordsim.Fault{Name: "duplicate", For: t, Probability: 0.5})
	}},
	{name: "REST errors", weight: 2, draw: func(d dice) (string, []discordsim.Fault) {
		t, code := d.between(time.Second, 2*time.Second), one(d, 500, 502, 503)
		return fmt.Sprintf("REST answers %d for %s", code, seconds(t)), faults(discordsim.Fault{Name: "rest-5xx", Code: code, For: t})
	}},
	{name: "answers swallowed", weight: 3, draw: func(d dice) (string, []discordsim.Fault) {
		n := d.number(2, 4)
		return fmt.Sprintf("Discord posts the next %s and cuts the line before saying so", times(n, "message", "messages")), faults(discordsim.Fault{
			Name: "rest-commit-then-drop", Route: postMessage, Count: n, For: d.scaled(3 * time.Second),
		})
	}},
	{name: "proxy in between", weight: 1, draw: func(d dice) (string, []discordsim.Fault) {
		n := d.number(2, 4)
		return fmt.Sprintf("Discord posts the next %s and a proxy answers 502", times(n, "message", "messages")), faults(discordsim.Fault{
			Name: "rest-commit-then-502", Route: postMessage, Count: n, For: d.scaled(3 * time.Second),
		})
	}},
	{name: "429", weight: 1, draw: func(d dice) (string, []discordsim.Fault) {
		return "a channel's rate limit is used up before its time", faults(limited("rest-429", d))
	}},
	{name: "429 (shared)", weight: 1, draw: func(d dice) (string, []discordsim.Fault) {
		return "others have used up a channel's rate limit", faults(limited("rest-429-shared", d))
	}},
	{name: "429 (bare)", weight: 1, draw: func(d dice) (string, []discordsim.Fault) {
		return "a rate limit is used up, and no header says which", faults(limited("rest-429-bare", d))
	}},
	{name: "429 for all", weight: 1, draw: func(d dice) (string, []discordsim.Fault) {
		return "all of REST has to pause for a second", faults(limited("rest-429-global", d))
	}},
	{name: "slow handler", weight: 2, command: slowCommand, draw: func(d dice) (string, []discordsim.Fault) {
		return "people use a command that takes " + seconds(slowTakes), nil
	}},
	{name: "crashing handler", weight: 1, command: crashCommand, draw: func(d dice) (string, []discordsim.Fault) {
		return "people use a command that panics", nil
	}},
}

// postMessage is the route of the bot's answers.
const postMessage = "POST /channels/{channel}/messages"

// limited is a rate limit that is used up for a second when the bot next
// answers.
func limited(name string, d dice) discordsim.Fault {
	return discordsim.Fault{Name: name, Route: postMessage, Count: 1, Delay: time.Second, For: d.scaled(3 * time.Second)}
}

// times says a number with its noun.
func times(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// seconds says a time the way the demo does: "0.4 s", "12 s".
func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	text := fmt.Sprintf("%.1f", d.Seconds())
	if len(text) > 2 && text[len(text)-2:] == ".0" {
		text = text[:len(text)-2]
	}
	return text + " s"
}
