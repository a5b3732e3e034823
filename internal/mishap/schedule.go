package mishap

import (
	"math/rand/v2"
	"slices"
	"time"

	"evergreen/discordsim"
)

// Occurrence is one mishap of the demo with its parameters drawn.
type Occurrence struct {
	// Name is short, Says what happens, for a person.
	Name, Says string
	// Faults go to the simulator.
	Faults []discordsim.Fault
	// Command is a command that misbehaves instead: so many people use it at once.
	Command string
	People  int
	// Loses, Costs and UntilNoticed are as in [Demo].
	Loses, Costs, UntilNoticed bool
}

// Lasts is how long the longest of the faults lasts at most, or the command.
func (o Occurrence) Lasts() (d time.Duration) {
	for _, f := range o.Faults {
		d = max(d, f.For, f.Delay)
	}
	if o.Command == SlowCommand {
		d = SlowCommandTakes
	}
	return d
}

// dice draw parameters out of a seed. scale stretches times.
type dice struct {
	rng   *rand.Rand
	scale float64
}

// between is a time from one to another, in steps of a tenth of the first.
func (d dice) between(low, high time.Duration) time.Duration {
	if low < high {
		step := low / 10
		low += step * time.Duration(d.rng.Int64N(int64((high-low)/step)+1))
	}
	return time.Duration(float64(low) * d.scale)
}

// number is one from low to high.
func (d dice) number(low, high int) int { return low + d.rng.IntN(high-low+1) }

func oneOf[T any](d dice, of ...T) T { return of[d.rng.IntN(len(of))] }

// ScheduleOptions configures a [Schedule].
type ScheduleOptions struct {
	// Seed decides everything: the same seed, the same mishaps.
	Seed uint64
	// Scale stretches all times; 1 suits a world ten times as fast as reality,
	// 10 the real one. Default 1.
	Scale float64
	// Commands lets people use commands that misbehave. Only the demo's bot has them.
	Commands bool
	// Only names the mishaps that are drawn. Default: all that the demo has.
	Only []string
	// Every is how many mishaps apart those are that cost the session. Each
	// makes the bot spend an IDENTIFY, and no more than twenty are to be had in
	// an hour. Default 20.
	Every int
}

// Schedule draws mishaps out of a seed. Every kind comes before one comes for
// the second time too often: it is a deck of cards, shuffled anew when it has
// been dealt.
type Schedule struct {
	opts    ScheduleOptions
	dice    dice
	deck    []*Mishap
	last    string
	dealt   int
	costsAt int // the mishap that costs a session next; -1: none does
}

// NewSchedule makes a schedule.
func NewSchedule(o ScheduleOptions) *Schedule {
	if o.Scale <= 0 {
		o.Scale = 1
	}
	if o.Every <= 0 {
		o.Every = 20
	}
	s := &Schedule{opts: o, dice: dice{rng: rand.New(rand.NewPCG(o.Seed, 0xFA17)), scale: o.Scale}}
	s.costsAt = s.dice.number(5, 8)
	if len(s.cards(true)) == 0 {
		s.costsAt = -1
	}
	return s
}

// Next draws the next mishap.
func (s *Schedule) Next() Occurrence {
	m := s.deal(s.dealt == s.costsAt)
	d := m.Demo
	if d.Costs {
		s.costsAt = s.dealt + s.opts.Every + s.dice.number(0, 2)
	}
	s.dealt++
	s.last = m.Name
	o := Occurrence{Name: m.Name, Loses: d.Loses, Costs: d.Costs, UntilNoticed: d.UntilNoticed, Command: d.Command}
	if d.Command != "" {
		o.People = s.dice.number(3, 6)
	}
	var first discordsim.Fault
	if o.Faults = slices.Clone(m.Faults); len(o.Faults) > 0 {
		f := &o.Faults[0]
		f.For = s.dice.between(d.Least, d.Most)
		if d.Draw != nil {
			d.Draw(s.dice, f)
		}
		first = *f
	}
	o.Says = d.Says(first)
	return o
}

// deal takes the next card: one of those that cost the session, which are drawn
// apart, or one from the deck.
func (s *Schedule) deal(costly bool) *Mishap {
	if costly {
		return oneOf(s.dice, s.cards(true)...)
	}
	// The same thing twice in a row would look like one. So it changes places with what
	// comes next, out of a new deck if need be.
	other := func(m *Mishap) bool { return m.Name != s.last }
	at := slices.IndexFunc(s.deck, other)
	if at < 0 {
		fresh := s.cards(false)
		s.dice.rng.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
		s.deck = append(s.deck, fresh...)
		at = slices.IndexFunc(s.deck, other)
	}
	s.deck[0], s.deck[at] = s.deck[at], s.deck[0]
	m := s.deck[0]
	s.deck = s.deck[1:]
	return m
}

// cards lists the rows of the table, each as often as its weight says.
func (s *Schedule) cards(costly bool) (cards []*Mishap) {
	for i := range Table {
		m := &Table[i]
		if m.Demo == nil || m.Demo.Costs != costly || (m.Demo.Command != "" && !s.opts.Commands) || (len(s.opts.Only) > 0 && !slices.Contains(s.opts.Only, m.Name)) {
			continue
		}
		for range m.Demo.Weight {
			cards = append(cards, m)
		}
	}
	return cards
}

// sessionPrice is the time between two mishaps that cost a session: an hour's
// worth of IDENTIFYs, spent evenly, with room to spare.
const sessionPrice = 200 * time.Second

// CostlyEvery is how many mishaps apart those have to be that cost a session,
// when one comes about so often.
func CostlyEvery(interval time.Duration) int {
	return max(5, int(sessionPrice/max(time.Second, interval))+1)
}
