package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// ownPace are the faults whose delay is the network's or the clock's and not Discord's:
// no speed changes it.
var ownPace = []string{"latency", "rest-slow", "rest-drip", "rest-skew"}

// Faster is the scenario with everything in it speed times as fast: Discord's intervals, as
// [discordsim.Config.Faster] divides them, the times of its steps and the pace of its
// people. What is expected stays: a bot's backoffs and deadlines are its own, so that its
// gaps are no shorter. It fails where the heartbeat interval would become too short.
func (sc *Scenario) Faster(speed float64) (*Scenario, error) {
	if _, err := sc.rules().Faster(speed); err != nil {
		return nil, fmt.Errorf("%s cannot be played so fast: %w", sc.Name, err)
	}
	out := *sc
	out.speed = speed
	out.World.CommandEvery = out.World.CommandEvery.over(speed)
	out.Steps = slices.Clone(sc.Steps)
	for i := range out.Steps {
		st := &out.Steps[i]
		for _, s := range []*Span{&st.Every, &st.Jitter, &st.Until, &st.For} {
			*s = s.over(speed)
		}
		if !slices.Contains(ownPace, st.Fault) {
			st.Delay = st.Delay.over(speed)
		}
		for _, s := range []**Span{&st.At, &st.After} {
			if *s != nil {
				shorter := (*s).over(speed)
				*s = &shorter
			}
		}
	}
	return &out, nil
}

// over is the span divided by speed, but not nothing where it was something.
func (s Span) over(speed float64) Span {
	if s <= 0 {
		return s
	}
	return max(1, Span(float64(s)/speed))
}

// lastWait is what the end of a faster scenario waits beyond its share, so that what
// people ask last can be answered: that takes the time it takes.
func (sc *Scenario) lastWait() time.Duration {
	if sc.speed <= 1 || sc.World.CommandEvery == 0 {
		return 0
	}
	grace := cmp.Or(sc.Config.AnswerGrace.d(), defaultAnswerGrace)
	whole := float64(max(0, grace) + lastMargin)
	return time.Duration(whole - whole/sc.speed)
}

// defaultAnswerGrace is that of [discordsim.Config].
const defaultAnswerGrace = 10 * time.Second
