package main

import (
	"errors"
	"strconv"
	"time"
)

// duration is a time on the command line: plain seconds or a Go duration, as in
// the settings.
type duration time.Duration

// UnmarshalText reads "30", "2.5", "30s" or "5m".
func (d *duration) UnmarshalText(text []byte) error {
	if seconds, err := strconv.ParseFloat(string(text), 64); err == nil && seconds >= 0 && seconds < 1e9 {
		*d = duration(seconds * float64(time.Second))
		return nil
	}
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed < 0 {
		return errors.New("want seconds (30) or a duration (90s, 5m, 1h30m)")
	}
	*d = duration(parsed)
	return nil
}

// maxRate is how many commands a second the simulated users may ask: Discord
// takes no more than 50 requests a second from one bot.
const maxRate = 40

// checkRate refuses a rate that no bot may keep up with.
func checkRate(rate float64) error {
	if !(rate >= 0 && rate <= maxRate) {
		return errors.New("--rate: want 0 to " + strconv.Itoa(maxRate) + " commands a second; Discord takes at most 50 requests a second from one bot")
	}
	return nil
}
