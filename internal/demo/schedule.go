package demo

import (
	"math/rand/v2"
	"slices"
	"time"
)

// ScheduleOptions configures a [Schedule].
type ScheduleOptions struct {
	// Seed decides everything: the same seed, the same strikes.
	Seed uint64
	// Scale stretches all times; 1 suits a world ten times as fast as reality,
	// 10 the real one. Default 1.
	Scale float64
	// Commands lets people use bad commands too. Only the demo's bot has them.
	Commands bool
	// Every is how many strikes apart those are that cost the session. Each
	// makes the bot spend an IDENTIFY, and no more than twenty are to be had in
	// an hour. Default 20.
	Every int
}

// Schedule draws strikes out of a seed. Every kind comes before one comes for
// the second time too often: it is a deck of cards, shuffled anew when it has
// been dealt.
type Schedule struct {
	opts    ScheduleOptions
	dice    dice
	deck    []trouble
	last    string
	dealt   int
	costsAt int // the strike that costs a session next
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
	return s
}

// Next draws the next strike.
func (s *Schedule) Next() Strike {
	t := s.deal(s.dealt == s.costsAt)
	if t.costs {
		s.costsAt = s.dealt + s.opts.Every + s.dice.number(0, 2)
	}
	s.dealt++
	s.last = t.name
	strike := Strike{Name: t.name, Loses: t.loses, Until: t.until, Costs: t.costs, Command: t.command}
	if t.command != "" {
		strike.People = s.dice.number(3, 6)
	}
	strike.Says, strike.Faults = t.draw(s.dice)
	return strike
}

// deal takes the next card: one of those that cost the session, which are drawn
// apart, or one from the deck.
func (s *Schedule) deal(costly bool) trouble {
	if costly {
		choice := s.cards(true)
		return choice[s.dice.rng.IntN(len(choice))]
	}
	// The same thing twice in a row would look like one, so whatever comes next
	// changes places with it, out of a new deck if need be.
	other := func(t trouble) bool { return t.name != s.last }
	at := slices.IndexFunc(s.deck, other)
	if at < 0 {
		fresh := s.cards(false)
		s.dice.rng.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
		s.deck = append(s.deck, fresh...)
		at = slices.IndexFunc(s.deck, other)
	}
	s.deck[0], s.deck[at] = s.deck[at], s.deck[0]
	t := s.deck[0]
	s.deck = s.deck[1:]
	return t
}

// cards lists the rows of the table, each as often as its weight says.
func (s *Schedule) cards(costly bool) (cards []trouble) {
	for _, t := range troubles {
		if t.costs != costly || (t.command != "" && !s.opts.Commands) {
			continue
		}
		for range t.weight {
			cards = append(cards, t)
		}
	}
	return cards
}

// sessionPrice is the time between two strikes that cost a session: an hour's
// worth of IDENTIFYs, spent evenly, with room to spare.
const sessionPrice = 200 * time.Second

// CostlyEvery is how many strikes apart those have to be that cost a session,
// when one strike comes about so often.
func CostlyEvery(strikes time.Duration) int {
	return max(5, int(sessionPrice/max(time.Second, strikes))+1)
}
