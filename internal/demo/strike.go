package demo

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"evergreen/internal/mishap"
	"evergreen/internal/text"
)

// strike is a kind of thing that is done to a bot behind the proxy.
type strike struct {
	name string
	// says tells a person what happens, given how long it lasts.
	says string
	// least and most bound how long it lasts.
	least, most time.Duration
	// hangs: the bot must be able to hang. overlaps: a new process is there before the old
	// one ends.
	hangs, overlaps bool
	// play does it to the bot, and returns when the bot may come back. nil: something goes
	// wrong between Evergreen and Discord instead.
	play func(ctx context.Context, b *proxied, lasts time.Duration) error
}

// strikes is the one table of what is done to a bot behind the proxy. %s stands for how long
// it lasts.
var strikes = []strike{
	{
		name: "bot killed", says: "kill -9; it is started again %s later", least: 2 * time.Second, most: 4 * time.Second,
		play: func(ctx context.Context, b *proxied, lasts time.Duration) error {
			b.kill()
			return b.startAfter(ctx, lasts)
		},
	},
	{
		name: "bot hangs", says: "for %s it reads, answers and sends nothing", least: 4 * time.Second, most: 6 * time.Second, hangs: true,
		play: func(ctx context.Context, b *proxied, lasts time.Duration) error {
			b.hang()
			defer b.goOn()
			return pause(ctx, lasts)
		},
	},
	{
		name: "bot redeployed", says: "a new process comes, and once it is there the old one is stopped", least: time.Second, most: 2 * time.Second, overlaps: true,
		play: func(ctx context.Context, b *proxied, lasts time.Duration) error {
			return b.redeploy(ctx, lasts)
		},
	},
	{
		name: "bot restarted", says: "it is stopped in order, and started again %s later", least: time.Second, most: 2 * time.Second,
		play: func(ctx context.Context, b *proxied, lasts time.Duration) error {
			b.stop(ctx)
			return b.startAfter(ctx, lasts)
		},
	},
	{
		name: "command to nobody", says: "it is stopped; a slash command is used while nobody is there", least: 3 * time.Second, most: 3 * time.Second,
		play: func(ctx context.Context, b *proxied, lasts time.Duration) error {
			b.stop(ctx)
			b.askNobody()
			return b.startAfter(ctx, lasts)
		},
	},
	{name: upstream},
	{name: upstream},
}

// upstream is the name of a row in the place of which something goes wrong between Evergreen
// and Discord: one of upstreamMishaps.
const upstream = ""

// upstreamMishaps are the rows of [mishap.Table] of which each costs the connection to
// Discord, and none the session.
var upstreamMishaps = []string{"cut link", "half-open link", "op 7"}

// pause waits, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	if !wait(ctx, d) {
		return ctx.Err()
	}
	return nil
}

// dealt is one strike with its parameters drawn.
type dealt struct {
	mishap.Occurrence
	strike strike
	lasts  time.Duration
}

// strikeDeck draws strikes out of a seed: a deck of the table that is shuffled anew when it
// has been dealt.
type strikeDeck struct {
	canHang bool
	rng     *rand.Rand
	mishaps *mishap.Schedule
	deck    []strike
	last    string
}

func newStrikeDeck(seed uint64, canHang bool) *strikeDeck {
	return &strikeDeck{
		canHang: canHang, rng: rand.New(rand.NewPCG(seed, 0xB07)),
		mishaps: mishap.NewSchedule(mishap.ScheduleOptions{Seed: seed, Only: upstreamMishaps}),
	}
}

// next draws the next strike. None comes twice in a row.
func (d *strikeDeck) next() dealt {
	if len(d.deck) == 0 {
		for _, s := range strikes {
			if !s.hangs || d.canHang {
				d.deck = append(d.deck, s)
			}
		}
		d.rng.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
	}
	at := 0
	for at < len(d.deck)-1 && d.deck[at].name == d.last {
		at++
	}
	d.deck[0], d.deck[at] = d.deck[at], d.deck[0]
	s := d.deck[0]
	d.deck, d.last = d.deck[1:], s.name
	if s.play == nil {
		return dealt{Occurrence: d.mishaps.Next(), strike: s}
	}
	const step = 100 * time.Millisecond
	lasts := s.least + step*time.Duration(d.rng.Int64N(int64((s.most-s.least)/step)+1))
	return dealt{Occurrence: mishap.Occurrence{Name: s.name, Says: s.sentence(lasts)}, strike: s, lasts: lasts}
}

// sentence says what happens.
func (s strike) sentence(lasts time.Duration) string {
	return strings.ReplaceAll(s.says, "%s", text.Seconds(lasts))
}
