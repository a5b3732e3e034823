package identify

import "time"

// pace holds a shard back whose IDENTIFYs come to nothing.
type pace struct {
	last time.Time // when the shard last sent an IDENTIFY
	wait time.Duration
	// deaths counts sessions in a row that did not live for a minute,
	// refusals the IDENTIFYs in a row that brought no session at all.
	deaths, refusals int
	stalls           int     // grants in a row that came to no IDENTIFY
	open             *record // READY came and the session is not known to be over
}

// steps are the waits, from one IDENTIFY to the next, after so many
// unproductive ones in a row. The first three IDENTIFYs may leave within a
// minute; at the last step 92 leave in a day at the very most.
var steps = []struct{ from, to time.Duration }{
	{0, 0},
	{5 * time.Second, 10 * time.Second},
	{20 * time.Second, 40 * time.Second},
	{60 * time.Second, 90 * time.Second},
	{2 * time.Minute, 3 * time.Minute},
	{5 * time.Minute, 5*time.Minute + 30*time.Second},
	{10 * time.Minute, 12 * time.Minute},
	{17 * time.Minute, 23 * time.Minute},
}

// refusedTop is the last step for IDENTIFYs that were refused: Discord does
// not count those, so there is less to spare (G-084).
const refusedTop = 5

// died notes a session that ended soon after READY, for good.
func (p *pace) died(rand func() float64) {
	p.deaths++
	p.draw(rand)
}

// refuse notes an IDENTIFY that brought no session.
func (p *pace) refuse(rand func() float64) {
	p.refusals++
	p.draw(rand)
}

// ready notes that Discord grants sessions again, however long they live.
func (p *pace) ready() { p.refusals = 0 }

// worth notes a session that lived: the slate is clean.
func (p *pace) worth() { p.deaths, p.refusals, p.wait = 0, 0, 0 }

func (p *pace) draw(rand func() float64) {
	step := steps[max(min(p.deaths, len(steps)-1), min(p.refusals, refusedTop))]
	p.wait = step.from + time.Duration(rand()*float64(step.to-step.from))
}

// next is the earliest time of the shard's next IDENTIFY.
func (p *pace) next() time.Time {
	if p.last.IsZero() {
		return time.Time{}
	}
	return p.last.Add(p.wait)
}
