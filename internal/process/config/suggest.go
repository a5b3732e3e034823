package config

import (
	"fmt"
	"slices"
	"strings"
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
		if d := distance(upper, s.Name); d <= limit && d < nearest {
			best, nearest = s.Name, d
		}
	}
	return best
}

// slips warns of names that are not settings but look like one. In the
// environment, which is full of other programs' variables, only names with a
// prefix of ours count.
func slips(dotenv, environ values) (warnings []string) {
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

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn one name into the other.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
