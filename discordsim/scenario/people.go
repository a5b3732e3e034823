package scenario

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"evergreen/discordsim"
)

// The messages that a step can be about.
const (
	onLast = "last"
	onOwn  = "own"
)

// deed is something a person does to a bot's app.
type deed struct {
	st      *Step
	app     *discordsim.App
	channel discordsim.ID
	person  discordsim.ID
	// asked is the message or the interaction that has come of it; 0 for what has no
	// answer.
	asked         discordsim.ID
	isInteraction bool
	wrong         error // why it could not be done the last time
}

// deeds is everything people do. Where as and in are left out, what begins something is
// done by the next in turn and the rest by who did the last step.
var deeds = []action{
	{key: "say", says: "says %q", with: with("times", "chatter", "contains"), deed: (*player).say},
	{key: "dm", says: "writes a direct message: %q", with: []string{"as", "times", "chatter", "contains"}, deed: (*player).dm},
	{key: "interact", says: "uses /%s", with: with("times", "answer", "contains"), deed: (*player).interact},
	{key: "use", says: "uses /%s", with: with("options", "target", "times", "answer", "contains"), deed: (*player).use},
	{key: "complete", says: "types /%s", with: with("options", "focused", "contains"), check: (*Step).checkComplete, deed: (*player).complete},
	{key: "press", says: "presses %q", with: with("on", "answer", "contains"), deed: (*player).press},
	{key: "choose", says: "chooses in %q", with: with("values", "on", "answer", "contains"), check: (*Step).checkChoose, deed: (*player).choose},
	{key: "submit", says: "fills in a modal", with: with("answer", "contains"), deed: (*player).submit},
	{key: "edit", says: "edits a message: %q", with: with(), deed: (*player).edit},
	{key: "delete", says: "deletes a message", with: with(), deed: (*player).remove},
	{key: "react", says: "reacts with %s", with: with("on"), deed: (*player).react},
	{key: "unreact", says: "takes %s away", with: with("on"), deed: (*player).unreact},
	{key: "vote", says: "votes for %s", with: with(), check: (*Step).checkVote, deed: (*player).vote},
	{key: "unvote", says: "takes the vote for %s back", with: with(), check: (*Step).checkVote, deed: (*player).unvote},
	{key: "type", says: "types", with: with(), deed: (*player).typing},
	{key: "join", says: "joins a guild", with: []string{"in"}, deed: (*player).join},
	{key: "leave", says: "leaves a guild", with: []string{"in"}, deed: (*player).leave},
	{key: "invite", says: "joins by an invite", with: []string{"in"}, deed: (*player).invite},
	{key: "join_voice", says: "joins %s", with: []string{"as"}, deed: (*player).joinVoice},
	{key: "leave_voice", says: "leaves the voice channel", with: []string{"as"}, deed: (*player).leaveVoice},
	{key: "thread", says: "starts a thread %q", with: with("on"), deed: (*player).thread},
}

// with are the fields of what one person does in one channel, and further ones.
func with(more ...string) []string { return append([]string{"as", "in"}, more...) }

// beginning are the deeds that begin something, unless they are about a message.
var beginning = []string{"say", "dm", "interact", "use", "complete", "type", "join_voice", "thread"}

// begins reports whether a step begins something, so that it is the next person's turn.
func (st *Step) begins() bool {
	return slices.Contains(beginning, st.action().key) && st.On == "" && st.Target != onLast && st.Target != onOwn
}

func (st *Step) checkComplete() []fieldMistake {
	if st.Focused == "" {
		return []fieldMistake{{"complete", `complete wants focused beside it: the option that is being typed`}}
	}
	return nil
}

func (st *Step) checkChoose() []fieldMistake {
	if len(st.Values) == 0 {
		return []fieldMistake{{"choose", "choose wants values beside it: what is chosen, such as values: [red]"}}
	}
	return nil
}

func (st *Step) checkVote() []fieldMistake {
	for _, vote := range []struct{ key, text string }{{"vote", st.Vote}, {"unvote", st.Unvote}} {
		if vote.text != "" && numberOf(vote.text, "") == 0 {
			return []fieldMistake{{vote.key, fmt.Sprintf("%s: %q is not the number of an answer, counted from 1", vote.key, vote.text)}}
		}
	}
	return nil
}

// said is what a person does, as a line of the diary.
func (st *Step) said() string {
	who, times := "somebody", ""
	switch n := numberOf(st.As, personPrefix); {
	case n > 0:
		who = fmt.Sprintf("%s%d", personPrefix, n)
	case st.As != "":
		who = st.As
	case !st.begins():
		who = "the same person"
	}
	if st.Times > 1 {
		times = fmt.Sprintf("%d times ", st.Times)
	}
	a := st.action()
	value := st.value(a.key)
	switch {
	case slices.Contains(moves, a.key):
		return value + " " + a.says
	case !strings.Contains(a.says, "%"):
		return times + who + " " + a.says
	}
	return times + who + " " + fmt.Sprintf(a.says, value)
}

// moves are the deeds of the person that the step names.
var moves = []string{"join", "leave", "invite"}

// tryEvery is how often a person tries again what cannot be done yet, such as to press a
// button of a message that has not come.
const tryEvery = 250 * time.Millisecond

// patience is how long a person tries, and waits for the answer that a step names.
func (p *player) patience() time.Duration { return max(tryEvery, p.sim.Config().AnswerGrace) }

// act lets people do a step. The caller holds mu.
func (p *player) act(st *Step) {
	p.note("%s", st.said())
	for range max(1, st.Times) {
		for _, app := range p.apps {
			if d := p.newDeed(st, app); d != nil {
				p.open[d] = true
				p.try(d, time.Now().Add(p.patience()))
			}
		}
		p.takeTurn(st)
	}
}

// newDeed says who does a step and where; nil where an app has no channel and no people.
func (p *player) newDeed(st *Step, app *discordsim.App) *deed {
	channels, people := p.channels[app], p.turn[app]
	if len(channels) == 0 || len(people) == 0 {
		return nil
	}
	d := &deed{st: st, app: app, channel: channels[p.next.channel%len(channels)], person: people[p.next.person%len(people)]}
	return d
}

// takeTurn makes it the turn of the next person, unless the step says who and where.
func (p *player) takeTurn(st *Step) {
	if !st.begins() {
		return
	}
	if st.In == "" {
		p.next.channel++
	}
	if st.As == "" {
		p.next.person++
	}
}

// try does a deed, or tries again soon until it is given up. The caller holds mu.
func (p *player) try(d *deed, until time.Time) {
	p.again(d, until, func() error {
		if err := p.place(d); err != nil {
			return err
		}
		return d.st.action().deed(p, d)
	}, func() {
		p.last[d.app] = d
		if d.isInteraction {
			p.asked[d.app] = append(p.asked[d.app], d)
			p.asked[d.app] = p.asked[d.app][max(0, len(p.asked[d.app])-maxAsked):]
		}
		if d.st.Answer == "" && d.st.Contains == "" {
			delete(p.open, d)
			return
		}
		p.again(d, time.Now().Add(p.patience()), func() error { return p.checkAnswer(d) }, func() { delete(p.open, d) })
	})
}

// maxAsked is how many interactions are remembered, for what is said to them later.
const maxAsked = 100

// again calls do until it succeeds or the time is over, and then done or undone.
func (p *player) again(d *deed, until time.Time, do func() error, done func()) {
	if d.wrong = do(); d.wrong == nil {
		done()
		return
	}
	if !time.Now().Before(until) {
		p.giveUp(d)
		return
	}
	p.at(time.Since(p.began)+tryEvery, func() { p.again(d, until, do, done) })
}

// giveUp counts a deed that could not be done.
func (p *player) giveUp(d *deed) {
	delete(p.open, d)
	what := fmt.Sprintf("%s: %v", d.st.said(), d.wrong)
	if d.st.line > 0 {
		what = fmt.Sprintf("line %d: %s", d.st.line, what)
	}
	p.note("not done: %s", what)
	p.undone[d.app] = append(p.undone[d.app], what)
}

// giveUpOpen counts what is still tried at the end.
func (p *player) giveUpOpen() {
	for _, d := range slices.SortedFunc(maps.Keys(p.open), func(a, b *deed) int {
		return strings.Compare(a.st.said(), b.st.said())
	}) {
		p.giveUp(d)
	}
}

// place says who and where: what the step says, else who did the last one, where that is
// due.
func (p *player) place(d *deed) error {
	if last := p.last[d.app]; last != nil && !d.st.begins() {
		d.channel, d.person = last.channel, last.person
	}
	if d.st.As != "" {
		id, known := p.person(d.app, d.st.As)
		if !known {
			return fmt.Errorf("there is nobody %q", d.st.As)
		}
		d.person = id
	}
	if key := d.st.action().key; d.st.In == "" || key == "join" || key == "leave" {
		return nil
	}
	if d.st.In == dmPlace {
		d.channel = p.sim.DMChannel(d.app, d.person)
		return nil
	}
	id, known := p.channel(d.app, d.st.In)
	if !known {
		return fmt.Errorf("there is no channel %q", d.st.In)
	}
	d.channel = id
	return nil
}

// person finds a person by name or number.
func (p *player) person(app *discordsim.App, name string) (discordsim.ID, bool) {
	if u, came := p.came[app][name]; came {
		return u.ID, true
	}
	if n := numberOf(name, personPrefix); within(n, len(p.people[app])) {
		return p.people[app][n-1], true
	}
	return 0, false
}

// channel finds a channel by name or number.
func (p *player) channel(app *discordsim.App, name string) (discordsim.ID, bool) {
	if id, known := p.places[app][name]; known {
		return id, true
	}
	if n := numberOf(name, ""); within(n, len(p.channels[app])) {
		return p.channels[app][n-1], true
	}
	return 0, false
}

// guild is the guild that a step names, or the first.
func (p *player) guild(d *deed) (*discordsim.Guild, error) {
	for i, g := range d.app.Guilds {
		if d.st.In == "" || d.st.In == g.Name || numberOf(d.st.In, guildPrefix) == i+1 {
			return g, nil
		}
	}
	return nil, fmt.Errorf("the bot is in no guild %q", d.st.In)
}

// value is what a step says for a key, as text.
func (st *Step) value(key string) string {
	v := reflect.ValueOf(st).Elem()
	fields, keys := fieldsOf(v.Type())
	return fmt.Sprint(v.FieldByIndex(fields[slices.Index(keys, key)].Index))
}
