package scenario

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"evergreen/discordsim"
)

// action is one of the things a step can do. A step does it that has its key.
type action struct {
	key string
	// with are the further fields it takes, lasting means that for is one.
	with    []string
	lasting bool
	check   func(*Step) []fieldMistake
	// deed is how a person does it, says how it reads in the diary, with the value of the
	// key for its verb; nil for what nobody does.
	deed func(*player, *deed) error
	says string
}

// fieldMistake is what is wrong with one field of a step.
type fieldMistake struct{ key, what string }

// actions is everything a step can do.
var actions []action

func init() { // not at once: the checks lead back here
	actions = append([]action{
		{key: "fault", lasting: true, with: []string{"count", "probability", "code", "delay", "text", "host", "route", "shard"}, check: (*Step).checkFault},
		{key: "outage", lasting: true, check: (*Step).checkOutage},
		{key: "event", with: []string{"times", "text", "megabytes"}, check: (*Step).checkEvent},
		{key: "intents"},
		{key: "lift"},
		{key: "end"},
	}, deeds...)
}

// action is what a step does, given that it does one thing.
func (st *Step) action() *action {
	given := st.given()
	for i := range actions {
		if slices.Contains(given, actions[i].key) {
			return &actions[i]
		}
	}
	return &action{}
}

// timing are the fields that say when.
var timing = []string{"at", "after", "every", "jitter", "until"}

// Check says what is wrong with a scenario that was made in Go; one that was
// read has been checked. The error is [Mistakes].
func (sc *Scenario) Check() error {
	if all := sc.mistakes(); len(all) > 0 {
		return Mistakes(all)
	}
	return nil
}

// mistakes is everything in a scenario that can be written and cannot be.
func (sc *Scenario) mistakes() (all []Mistake) {
	say := func(line int, format string, args ...any) {
		all = append(all, Mistake{Line: line, What: fmt.Sprintf(format, args...)})
	}
	if strings.TrimSpace(sc.Name) == "" || strings.TrimSpace(sc.Says) == "" {
		say(sc.line, "a scenario needs a name and a sentence that says what happens")
	}
	o, w := sc.Config, sc.World
	switch {
	case o.ReconnectMax > 0 && o.ReconnectMin > o.ReconnectMax:
		say(sc.lineOf("config"), "reconnect_min is longer than reconnect_max")
	case o.ReconnectMin > 0 && o.ReconnectMax == 0:
		say(sc.lineOf("config"), "reconnect_min wants reconnect_max beside it")
	}
	if w.CommandEvery == 0 && len(w.Commands)+len(w.Slash) > 0 {
		say(sc.lineOf("world"), "commands and slash want command_every beside them, or nobody uses them")
	}
	for _, many := range []struct {
		key  string
		n    int
		most int
	}{{"guilds", w.Guilds, 10_000}, {"channels", w.Channels, 500}, {"people", w.People, 100_000}, {"shards", w.Shards, 10_000}, {"voice_channels", w.Voice, 500}} {
		if many.n < 0 || many.n > many.most {
			say(sc.lineOf("world"), "%s: %d is not between 0 and %d", many.key, many.n, many.most)
		}
	}
	names := sc.names()
	var before *Step
	endless := false
	for i := range sc.Steps {
		st := &sc.Steps[i]
		for _, c := range append(st.mistakes(before), names.mistakes(st)...) {
			say(st.lineOf(c.key), "%s", c.what)
		}
		endless = endless || (st.Every > 0 && st.Until == 0)
		before = st
	}
	ends := slices.IndexFunc(sc.Steps, func(st Step) bool { return st.End })
	switch {
	case ends >= 0 && ends < len(sc.Steps)-1:
		say(sc.Steps[ends].line, "the end comes last; there are steps after it")
	case ends < 0 && (endless || sc.World.CommandEvery > 0 || len(sc.Steps) == 0):
		say(sc.lineOf("steps"), `something goes on without end here: the last step has to be "end: true", with at or after`)
	}
	return all
}

// mistakes is what is wrong with one step, given the one above.
func (st *Step) mistakes(before *Step) (all []fieldMistake) {
	var does []action
	var names []string
	given := st.given()
	for _, a := range actions {
		names = append(names, a.key)
		if slices.Contains(given, a.key) {
			does = append(does, a)
		}
	}
	if len(does) != 1 {
		return []fieldMistake{{"", fmt.Sprintf("a step does exactly one thing, this one does %d; there are: %s", len(does), strings.Join(names, ", "))}}
	}
	a := does[0]
	may := slices.Concat(timing, []string{a.key}, a.with)
	if a.lasting {
		may = append(may, "for")
	}
	for _, key := range given {
		if !slices.Contains(may, key) {
			all = append(all, fieldMistake{key, fmt.Sprintf("%q means nothing beside %q; there it can have: %s", key, a.key, strings.Join(may, ", "))})
		}
	}
	all = append(all, st.when(before)...)
	if a.check != nil {
		all = append(all, a.check(st)...)
	}
	return all
}

// given lists the keys of a step that are set.
func (st *Step) given() (keys []string) {
	v := reflect.ValueOf(st).Elem()
	fields, names := fieldsOf(v.Type())
	for i, f := range fields {
		if !v.FieldByIndex(f.Index).IsZero() {
			keys = append(keys, names[i])
		}
	}
	return keys
}

// when checks the moment of a step.
func (st *Step) when(before *Step) (all []fieldMistake) {
	say := func(key, what string) { all = append(all, fieldMistake{key, what}) }
	switch {
	case st.At != nil && st.After != nil:
		say("after", "a step has at or after, not both")
	case st.At == nil && st.After == nil && st.Every == 0:
		say("", "a step says when: at, after or every")
	case st.After != nil && before != nil && before.Every > 0 && before.Until == 0:
		say("after", "the step above is never over, so nothing comes after it; write at")
	case st.After != nil && before != nil && before.endless():
		say("after", "the step above says neither for nor count, so nobody knows when it is over; write at")
	}
	switch {
	case st.Every == 0 && (st.Jitter > 0 || st.Until > 0):
		say("", "jitter and until belong to every")
	case st.Jitter > 0 && st.Jitter >= st.Every:
		say("jitter", "jitter has to be shorter than every")
	case st.Every > 0 && st.End:
		say("every", "the end comes once")
	case st.Every > 0 && st.Until > 0 && st.At != nil && st.Until < *st.At:
		say("until", "it is over before it begins")
	}
	return all
}

// endless reports whether nothing says how long what a step begins will last.
func (st *Step) endless() bool {
	if st.Outage != "" {
		return st.For == 0
	}
	return discordsim.DescribeFault(st.Fault).Description != "" && !discordsim.DescribeFault(st.Fault).Momentary && st.For == 0 && st.Count == 0
}

// checkFault checks a fault.
func (st *Step) checkFault() (all []fieldMistake) {
	say := func(key, format string, args ...any) {
		all = append(all, fieldMistake{key, fmt.Sprintf(format, args...)})
	}
	info := discordsim.DescribeFault(st.Fault)
	if info.Description == "" {
		say("fault", "there is no fault %q%s", st.Fault, suggest(st.Fault, discordsim.Faults()))
		return all
	}
	if info.Momentary && (st.For > 0 || st.Count > 0 || st.Probability > 0) {
		say("fault", "%s happens at one moment: for, count and probability mean nothing beside it", st.Fault)
	}
	if st.Probability > 1 {
		say("probability", "probability: %g is more than certain; it is above 0 and at most 1", st.Probability)
	}
	if st.Host != "" && (info.Side != "network" || st.Fault == "resume-dead") {
		say("host", "%s is no fault of the network: a host means nothing beside it", st.Fault)
	}
	if st.Host != "" && !slices.Contains([]string{"api", "gateway", "resume"}, st.Host) {
		say("host", "there is no host %q; there are: api, gateway, resume", st.Host)
	}
	if st.Route != "" {
		routes := discordsim.Routes()
		switch {
		case info.Side != "rest":
			say("route", "%s is no fault of the REST API: a route means nothing beside it", st.Fault)
		case !slices.Contains(routes, st.Route):
			say("route", "there is no route %q%s", st.Route, suggest(st.Route, routes))
		}
	}
	if err := st.fault().Check(); err != nil {
		say("fault", "%v", err)
	}
	return all
}

// fault is what the step injects.
func (st *Step) fault() discordsim.Fault {
	return discordsim.Fault{
		Name: st.Fault, Shard: st.Shard, Host: st.Host, Route: st.Route, For: st.For.d(), Count: st.Count,
		Probability: st.Probability, Code: st.Code, Delay: st.Delay.d(), Text: st.Text,
	}
}

// outages are the parts of the world that can be gone, and the faults that do
// it. A guild is no fault: it is unavailable.
var outages = map[string][]discordsim.Fault{
	"all":     {{Name: "outage"}},
	"gateway": {{Name: "upgrade-status", Code: 503, Host: "gateway"}, {Name: "upgrade-status", Code: 503, Host: "resume"}, {Name: "cut"}},
	"rest":    {{Name: "rest-5xx", Code: 503}},
	"resume":  {{Name: "resume-dead"}},
	"network": {{Name: "offline"}},
	"guild":   nil,
}

func (st *Step) checkOutage() []fieldMistake {
	if _, known := outages[st.Outage]; !known {
		return []fieldMistake{{"outage", fmt.Sprintf("outage: %q is not one of all, gateway, rest, resume, network, guild", st.Outage)}}
	}
	return nil
}

// mostMegabytes bounds an event: a gateway has never been seen to send more.
const mostMegabytes = 64

func (st *Step) checkEvent() (all []fieldMistake) {
	if st.Text != "" && !json.Valid([]byte(st.Text)) {
		all = append(all, fieldMistake{"text", "the text of an event is its d, and this is not JSON"})
	}
	if st.Text != "" && st.Size > 0 {
		all = append(all, fieldMistake{"megabytes", "an event has a text of its own or a size, not both"})
	}
	if st.Size > mostMegabytes {
		all = append(all, fieldMistake{"megabytes", fmt.Sprintf("megabytes: %g is more than %d", st.Size, mostMegabytes)})
	}
	if st.Event != strings.ToUpper(st.Event) {
		all = append(all, fieldMistake{"event", fmt.Sprintf("event: types are written in capitals, such as %s", strings.ToUpper(st.Event))})
	}
	return all
}
