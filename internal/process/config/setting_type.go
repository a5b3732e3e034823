package config

import (
	"fmt"
	"strings"
	"time"

	"evergreen/internal/text"
)

// Setting describes one variable. The list of all of them is [Settings].
type Setting struct {
	// Name is the variable.
	Name string
	// Default is the value of a setting that is not set; empty: none.
	Default string
	// Meaning is one sentence or two, for a person who runs a bot.
	Meaning string
	// Allowed is what values may be.
	Allowed string
	// Group is the heading it stands under.
	Group string
	// Secret settings are never shown, and have no flag, because command lines
	// are visible to every user of a machine. Of a [Proxy] only the login is secret.
	Secret bool
	// Flag is the flag's name without dashes; empty: made from Name; noFlag: none.
	Flag string
	// Switch marks settings that are on or off.
	Switch bool
	// Blank marks settings for which an empty value is a choice. Elsewhere an
	// empty value counts as not set, as container tools pass many of them.
	Blank bool
	// Place marks paths and addresses: in a .env file a backslash in them stands for
	// itself, and no control character is allowed in them.
	Place bool

	// check says what is wrong with a value that could be read, or nothing.
	check func(*Config) string
}

// noFlag marks settings without a flag.
const noFlag = "-"

// FlagName is the name of the setting's flag without dashes, or empty.
func (s Setting) FlagName() string {
	switch {
	case s.Secret, s.Flag == noFlag:
		return ""
	case s.Flag != "":
		return s.Flag
	}
	name := strings.TrimPrefix(strings.TrimPrefix(s.Name, "DISCORD_"), "EVERGREEN_")
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}

// Settings returns the description of every setting, in the order of the
// documentation.
func Settings() []Setting { return append([]Setting(nil), table...) }

// find returns the description of a variable.
func find(name string) (Setting, bool) {
	for _, s := range table {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// durationBetween limits a duration. why, if not empty, says what the lower limit is
// there for.
func durationBetween(get func(*Config) time.Duration, low, high time.Duration, why string) func(*Config) string {
	return func(c *Config) string {
		switch d := get(c); {
		case d < low && why != "":
			return fmt.Sprintf("it is shorter than %s; %s", text.ShortDuration(low), why)
		case d < low:
			return fmt.Sprintf("it is shorter than %s", text.ShortDuration(low))
		case d > high:
			return fmt.Sprintf("it is longer than %s", text.ShortDuration(high))
		}
		return ""
	}
}

// durationOrNever is durationBetween for settings that [Never] switches off.
func durationOrNever(get func(*Config) time.Duration, low, high time.Duration, why string) func(*Config) string {
	limited := durationBetween(get, low, high, why)
	return func(c *Config) string {
		if get(c) == Never {
			return ""
		}
		return limited(c)
	}
}

// numberBetween limits a number.
func numberBetween(get func(*Config) int, low, high int) func(*Config) string {
	return func(c *Config) string {
		switch n := get(c); {
		case n < low:
			return fmt.Sprintf("it is less than %d", low)
		case n > high:
			return fmt.Sprintf("it is more than %d", high)
		}
		return ""
	}
}
