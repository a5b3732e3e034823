package config

import (
	"fmt"
	"slices"
	"strings"

	"evergreen/internal/text"
)

// tokenAliases are names that other bots and templates give the token.
var tokenAliases = []string{"TOKEN", "BOT_TOKEN", "DISCORD_BOT_TOKEN", "DISCORD_API_TOKEN", "DISCORD_KEY", "DISCORD_SECRET", "CLIENT_TOKEN", "DISCORD_CLIENT_TOKEN"}

// suggest returns the setting that an unknown name was probably meant to be,
// or nothing. A name that differs in case, or in about one character of five
// (at most three), is taken for a slip.
func suggest(name string) string {
	upper := strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(name), "-", "_"))
	if slices.Contains(tokenAliases, upper) {
		return "DISCORD_TOKEN"
	}
	best, nearest := "", 4
	for _, s := range table {
		limit := min(3, max(1, len(s.Name)/5))
		if d := text.Distance(upper, s.Name); d <= limit && d < nearest {
			best, nearest = s.Name, d
		}
	}
	return best
}

// misspelled warns of names that are not settings but look like one. In the
// environment, which is full of other programs' variables, only names with a
// prefix of ours count.
func misspelled(dotenv, environ values) (warnings []string) {
	check := func(source values, ours func(string) bool) {
		for name, v := range source {
			if _, known := find(name); known || !ours(name) {
				continue
			}
			if meant := suggest(name); meant != "" {
				warnings = append(warnings, fmt.Sprintf("%s (%s) is not a setting and is ignored; did you mean %s?", name, v.origin, meant))
			}
		}
	}
	check(dotenv, func(string) bool { return true })
	check(environ, func(name string) bool {
		upper := strings.ToUpper(name)
		return strings.HasPrefix(upper, "DISCORD_") || strings.HasPrefix(upper, "EVERGREEN_")
	})
	slices.Sort(warnings)
	return warnings
}
