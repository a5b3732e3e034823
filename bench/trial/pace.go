package trial

import "time"

// Pace is how fast Discord's intervals are.
type Pace struct {
	Name string
	// Heartbeat is the interval HELLO announces, Grace how long past it the
	// server waits, Session how long a session without a connection lives.
	Heartbeat, Grace, Session time.Duration
	// By is what the other long times of the scenarios are divided by.
	By float64
}

// Full has Discord's intervals.
var Full = Pace{Name: "full", Heartbeat: 41250 * time.Millisecond, Grace: 9 * time.Second, Session: 90 * time.Second, By: 1}

// Short is for a result in a few minutes: Discord's intervals are divided by ten.
// The libraries' own deadlines stay what they are.
var Short = Pace{Name: "short", Heartbeat: 4125 * time.Millisecond, Grace: 2 * time.Second, Session: 15 * time.Second, By: 10}

// of scales a time.
func (p Pace) of(d time.Duration) time.Duration {
	return time.Duration(float64(d) / p.By).Round(time.Millisecond)
}

// minWatch is the least time a bot is watched: the libraries' own waits do not
// shrink.
const minWatch = 25 * time.Second

// watch scales the time that a bot is watched.
func (p Pace) watch(d time.Duration) time.Duration { return min(d, max(p.of(d), minWatch)) }
