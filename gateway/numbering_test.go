package gateway

import (
	"testing"

	"evergreen/internal/bounds"
)

// Given the numbers that servers give their events, then each event that is new is taken
// for new, and each that is not is not: wherever the numbers begin, whether they jump,
// and also where a server counts anew.
func TestNumbering(t *testing.T) {
	const (
		far  = 5_000_000_000
		step = bounds.SequenceStep
	)
	gap := func(last int64) (n numbering) { // the last number came, none before it
		n.advance(last)
		return n
	}
	// arrival is one dispatch: what it is, its number and how it is to be judged.
	type arrival struct {
		what string // "", "replay" or "resumed"
		seq  int64
		want place
	}
	for name, c := range map[string]struct {
		begin    numbering
		arrivals []arrival
		last     int64 // the highest number in the end
	}{
		"Discord":                       {readyNumbering(1), []arrival{{"", 2, placeNew}, {"", 3, placeNew}, {"", 3, placeAgain}, {"", 2, placeAgain}}, 3},
		"READY with 0":                  {readyNumbering(0), []arrival{{"", 1, placeNew}, {"", 2, placeNew}, {"", 1, placeAgain}}, 2},
		"READY without, events from 0":  {readyNumbering(0), []arrival{{"", 0, placeBeside}, {"", 1, placeNew}}, 1},
		"READY without, events from 2":  {readyNumbering(0), []arrival{{"", 2, placeNew}, {"", 1, placeNew}, {"", 2, placeAgain}}, 2},
		"READY is not counted":          {readyNumbering(1), []arrival{{"", 1, placeNew}, {"", 1, placeAgain}, {"", 2, placeNew}}, 2},
		"READY far from 0":              {readyNumbering(far), []arrival{{"", far + 1, placeNew}}, far + 1},
		"no numbers at all":             {readyNumbering(0), []arrival{{"", 0, placeBeside}, {"", -3, placeBeside}, {"", 0, placeBeside}}, 0},
		"begins far from 0":             {readyNumbering(0), []arrival{{"", far, placeNew}, {"", far + 1, placeNew}}, far + 1},
		"a gap":                         {newNumbering(10), []arrival{{"", 500, placeNew}, {"", 499, placeNew}, {"", 499, placeAgain}}, 500},
		"one jumps, the next does not":  {newNumbering(10), []arrival{{"", far, placeBeside}, {"", 11, placeNew}, {"", far, placeBeside}, {"", 12, placeNew}}, 12},
		"one jumps and they go on":      {newNumbering(10), []arrival{{"", far, placeBeside}, {"", far + 1, placeAnew}, {"", far + 2, placeNew}}, far + 2},
		"a gap of the most there are":   {newNumbering(10), []arrival{{"", 10 + step, placeNew}, {"", 11, placeAgain}}, 10 + step},
		"a gap of one more":             {newNumbering(10), []arrival{{"", 11 + step, placeBeside}, {"", 11, placeNew}}, 11},
		"one jumps twice":               {newNumbering(10), []arrival{{"", far, placeBeside}, {"", far, placeBeside}, {"", 11, placeNew}}, 11},
		"one jumps and 63 come not":     {newNumbering(10), []arrival{{"", far, placeBeside}, {"", far + 63, placeAnew}}, far + 63},
		"one jumps and 64 come not":     {newNumbering(10), []arrival{{"", far, placeBeside}, {"", far + 64, placeBeside}, {"", 11, placeNew}}, 11},
		"a jump is forgotten":           {newNumbering(10), []arrival{{"", far, placeBeside}, {"", 11, placeNew}, {"", far + 1, placeBeside}, {"", 12, placeNew}}, 12},
		"63 behind, and 64":             {gap(100), []arrival{{"", 37, placeNew}, {"", 37, placeAgain}, {"", 36, placeAgain}, {"", 35, placeAgain}}, 100},
		"each of 64 behind came":        {newNumbering(100), []arrival{{"", 100, placeAgain}, {"", 37, placeAgain}, {"", 36, placeAgain}}, 100},
		"62 further":                    {gap(37), []arrival{{"", 99, placeNew}, {"", 37, placeAgain}, {"", 36, placeNew}}, 99},
		"63 further":                    {gap(37), []arrival{{"", 100, placeNew}, {"", 37, placeAgain}, {"", 38, placeNew}, {"", 38, placeAgain}}, 100},
		"64 further":                    {gap(36), []arrival{{"", 100, placeNew}, {"", 36, placeAgain}, {"", 37, placeNew}, {"", 37, placeAgain}}, 100},
		"65 further":                    {gap(35), []arrival{{"", 100, placeNew}, {"", 35, placeAgain}, {"", 36, placeAgain}, {"", 37, placeNew}}, 100},
		"numbers fall":                  {newNumbering(1000), []arrival{{"", 3, placeAgain}, {"", 4, placeAgain}, {"", 1001, placeNew}}, 1001},
		"a replay begins too early":     {newNumbering(1000), []arrival{{"replay", 3, placeAgain}, {"replay", 4, placeAgain}, {"resumed", 1001, placeNew}, {"", 1002, placeNew}}, 1002},
		"a replay leaps":                {newNumbering(10), []arrival{{"replay", 400, placeNew}, {"resumed", 401, placeNew}}, 401},
		"RESUMED counts anew, soon":     {newNumbering(10), []arrival{{"replay", 11, placeNew}, {"resumed", 1, placeAnew}, {"", 2, placeNew}}, 2},
		"RESUMED counts anew, late":     {newNumbering(1000), []arrival{{"resumed", 1, placeAnew}, {"", 2, placeNew}, {"", 3, placeNew}, {"", 2, placeAgain}}, 3},
		"RESUMED repeats the last":      {newNumbering(10), []arrival{{"replay", 11, placeNew}, {"resumed", 11, placeAgain}, {"", 12, placeNew}, {"", 11, placeAgain}}, 12},
		"RESUMED repeats, no replay":    {newNumbering(10), []arrival{{"resumed", 10, placeAgain}, {"", 11, placeNew}}, 11},
		"RESUMED where it began, anew":  {newNumbering(10), []arrival{{"replay", 11, placeNew}, {"resumed", 10, placeAnew}, {"", 11, placeNew}}, 11},
		"RESUMED behind where it began": {newNumbering(10), []arrival{{"replay", 12, placeNew}, {"resumed", 11, placeNew}, {"resumed", 11, placeAgain}}, 12},
		"RESUMED is overtaken":          {newNumbering(10), []arrival{{"replay", 12, placeNew}, {"resumed", 11, placeNew}, {"", 12, placeAgain}, {"", 13, placeNew}}, 13},
		"RESUMED without, then anew":    {newNumbering(10), []arrival{{"resumed", 0, placeBeside}, {"", 10, placeAnew}, {"", 11, placeNew}}, 11},
		"RESUMED without, then far":     {newNumbering(1000), []arrival{{"resumed", 0, placeBeside}, {"", 1, placeAnew}, {"", 2, placeNew}}, 2},
		"RESUMED without, then replay":  {newNumbering(1000), []arrival{{"resumed", 0, placeBeside}, {"replay", 1000, placeAgain}, {"replay", 3, placeAgain}, {"replay", 1001, placeNew}}, 1001},
		"RESUMED without, then goes on": {newNumbering(10), []arrival{{"resumed", 0, placeBeside}, {"", 11, placeNew}, {"", 11, placeAgain}, {"", 10, placeAgain}}, 11},
	} {
		n := c.begin
		for i, a := range c.arrivals {
			var got place
			if a.what == "resumed" {
				got = n.placeResumed(a.seq)
			} else {
				got = n.place(a.seq, a.what == "replay")
			}
			if got != a.want {
				t.Errorf("%s: number %d (%s %d) was judged %d, want %d", name, i, a.what, a.seq, got, a.want)
			}
			switch got {
			case placeAnew:
				n = newNumbering(a.seq - 1)
				n.advance(a.seq)
			case placeNew:
				n.advance(a.seq)
			}
		}
		if n.accepted != c.last {
			t.Errorf("%s: the highest number is %d, want %d", name, n.accepted, c.last)
		}
	}
}
