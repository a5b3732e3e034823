package discordsim

import (
	"fmt"
	"time"
)

// Interval is one of Discord's times that [Config.Faster] shortens.
type Interval struct {
	// Name is what it is, for a person; Default how long it is in reality.
	Name    string
	Default time.Duration
	// Least is how short it becomes at the least, because of what a bot does in it and
	// nobody shortens.
	Least time.Duration

	of func(*Config) *time.Duration
}

// leastHeartbeat is the shortest heartbeat interval that [Config.Faster] makes: below it
// the time that a heartbeat and its answer take counts.
const leastHeartbeat = time.Second

// intervals is every interval of Discord's that is shortened. What is the bot's own is
// not: its backoffs and deadlines, and the time it may take for an answer.
var intervals = []Interval{
	{Name: "heartbeat interval", Least: leastHeartbeat, of: func(c *Config) *time.Duration { return &c.Heartbeat.Interval }},
	{Name: "grace of a heartbeat", Least: time.Second, of: func(c *Config) *time.Duration { return &c.Heartbeat.Grace }},
	{Name: "time for a heartbeat that op 1 asks for", Least: 3 * time.Second, of: func(c *Config) *time.Duration { return &c.Heartbeat.RequestedWithin }},
	{Name: "life of a session without a connection", Least: 20 * time.Second, of: func(c *Config) *time.Duration { return &c.Session.Lifetime }},
	{Name: "time from op 7 to the server's close", Least: 2 * time.Second, of: func(c *Config) *time.Duration { return &c.Session.ReconnectWait }},
	{Name: "time to the cut of a RESUME at the base address", Least: 5 * time.Second, of: func(c *Config) *time.Duration { return &c.Session.BaseResumeCut }},
	{Name: "least time between two op 7", Least: 5 * time.Second, of: func(c *Config) *time.Duration { return &c.Session.ReconnectMin }},
	{Name: "most time between two op 7", Least: 5 * time.Second, of: func(c *Config) *time.Duration { return &c.Session.ReconnectMax }},
	{Name: "time between two IDENTIFYs", Least: 100 * time.Millisecond, of: func(c *Config) *time.Duration { return &c.Identify.Window }},
	{Name: "time to the op 9 for an early IDENTIFY", Least: 100 * time.Millisecond, of: func(c *Config) *time.Duration { return &c.Identify.InvalidDelay }},
	{Name: "window of the budget of IDENTIFYs", Least: 10 * time.Second, of: func(c *Config) *time.Duration { return &c.Identify.StartsWindow }},
	{Name: "window of the send limit", Least: time.Second, of: func(c *Config) *time.Duration { return &c.Limits.SendWindow }},
	{Name: "window of the presence limit", Least: time.Second, of: func(c *Config) *time.Duration { return &c.Limits.PresenceWindow }},
	{Name: "time between two requests for the members of a guild", Least: time.Second, of: func(c *Config) *time.Duration { return &c.Limits.MembersWindow }},
	{Name: "window of invalid requests", Least: 10 * time.Second, of: func(c *Config) *time.Duration { return &c.REST.InvalidWindow }},
	{Name: "ban for invalid requests", Least: 10 * time.Second, of: func(c *Config) *time.Duration { return &c.REST.BanFor }},
}

// Intervals lists what [Config.Faster] shortens.
func Intervals() []Interval {
	all := make([]Interval, len(intervals))
	c := Config{}.withDefaults()
	c.REST = c.REST.withDefaults()
	for i, one := range intervals {
		one.Default = *one.of(&c)
		all[i] = one
	}
	return all
}

// Faster is the configuration with Discord's intervals divided by speed, which is at least
// 1, down to what [Intervals] says is the least. It fails where the heartbeat interval
// would become shorter than a second.
//
// Backoffs and deadlines of the bot are its own and take as long as ever; so do the 3 s for
// the answer to an interaction and AnswerGrace.
func (c Config) Faster(speed float64) (Config, error) {
	c = c.withDefaults()
	c.REST = c.REST.withDefaults()
	// Not a number is no speed either.
	if !(speed >= 1) {
		return c, fmt.Errorf("a speed of %g cannot be: it is at least 1, which is Discord's own", speed)
	}
	if most := float64(c.Heartbeat.Interval) / float64(leastHeartbeat); speed > max(1, most) {
		return c, fmt.Errorf("a speed of %g is too fast: heartbeats would come less than %s apart, and what they take on their way would count; at most %.3g is possible",
			speed, leastHeartbeat, max(1, float64(int(most))))
	}
	for _, one := range intervals {
		if d := one.of(&c); *d > 0 {
			*d = shorten(*d, one.Least, speed)
		}
	}
	return c, nil
}

// At is how long the interval is at a speed.
func (i Interval) At(speed float64) time.Duration { return shorten(i.Default, i.Least, speed) }

// shorten divides a time by speed. What is shorter than least stays what it is.
func shorten(d, least time.Duration, speed float64) time.Duration {
	return max(time.Duration(float64(d)/speed), min(d, least))
}
