package trial

import "time"

// Pace is how fast Discord's clocks go.
type Pace struct {
	Name string
	// Heartbeat is the interval HELLO announces, Grace how long past it the
	// server waits, Session how long a session without a connection lives.
	Heartbeat, Grace, Session time.Duration
	// By is what the other long times of the scenarios are divided by.
	By float64
}

// Full is real time: everything as long as Discord has it.
var Full = Pace{Name: "full", Heartbeat: 41250 * time.Millisecond, Grace: 9 * time.Second, Session: 90 * time.Second, By: 1}

// Short is for a look in a few minutes: ten times as fast where Discord sets the
// time. The deadlines that libraries have of their own stay what they are.
var Short = Pace{Name: "short", Heartbeat: 4125 * time.Millisecond, Grace: 2 * time.Second, Session: 15 * time.Second, By: 10}

// of scales a time.
func (p Pace) of(d time.Duration) time.Duration {
	return time.Duration(float64(d) / p.By).Round(time.Millisecond)
}

// least is how long somebody is watched at the least: the libraries' own waits
// do not shrink.
const least = 25 * time.Second

// watch scales the time that somebody is watched.
func (p Pace) watch(d time.Duration) time.Duration { return min(d, max(p.of(d), least)) }
