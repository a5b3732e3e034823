package main

import (
	"errors"
	"strconv"
	"time"

	"evergreen/internal/text"
)

// duration is a time on the command line: plain seconds or a Go duration, as in
// the settings.
type duration time.Duration

// UnmarshalText reads "30", "2.5", "30s" or "5m".
func (d *duration) UnmarshalText(given []byte) error {
	parsed, err := text.ParseDuration(string(given))
	*d = duration(parsed)
	return err
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
