package text

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Part is a number with its unit: "ms", "s", "min", "h" or "d".
type Part struct{ Number, Unit string }

// Parts splits a measured duration into at most two units, rounded to the
// smaller one. A part that is zero is left out; negative durations count as 0 s.
// It is for pages in other languages; [Duration] is the English text.
func Parts(d time.Duration) []Part {
	switch {
	case d < 0:
		return []Part{{"0", "s"}}
	case d < time.Second:
		return []Part{{strconv.FormatInt(d.Milliseconds(), 10), "ms"}}
	case d.Round(100*time.Millisecond) < time.Minute:
		return []Part{{strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64), "s"}}
	case d.Round(time.Second) < time.Hour:
		return twoParts(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	case d.Round(time.Minute) < 24*time.Hour:
		return twoParts(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	}
	return twoParts(d.Round(time.Hour), 24*time.Hour, "d", time.Hour, "h")
}

func twoParts(d, large time.Duration, largeUnit string, small time.Duration, smallUnit string) []Part {
	parts := []Part{{strconv.FormatInt(int64(d/large), 10), largeUnit}}
	if rest := int64(d % large / small); rest > 0 {
		parts = append(parts, Part{strconv.FormatInt(rest, 10), smallUnit})
	}
	return parts
}

// Duration formats a measured duration with at most two units, rounded: "240 ms",
// "16.2 s", "12 min 5 s", "3 h", "2 d 3 h". Negative durations are "0 s".
func Duration(d time.Duration) string {
	var b strings.Builder
	for i, p := range Parts(d) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.Number + " " + p.Unit)
	}
	return b.String()
}

// Elapsed formats a duration that is still growing: whole seconds, cut and not
// rounded, and always two units from a minute on: "42 s", "12 min 0 s",
// "3 h 12 min", "2 d 3 h". Negative durations are "0 s".
func Elapsed(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// ShortDuration formats a duration as settings and scenario files write it:
// [time.Duration.String] without the zero units at its end, such as "20m" or
// "1h30m".
func ShortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Seconds formats a duration in seconds, with one decimal where it is not zero:
// "0.4 s", "12 s". From a minute on it is [time.Duration.String] in whole seconds,
// such as "1m12s".
func Seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
}

// ParseDuration reads a time as people write it: seconds such as "30" or "2.5", or a Go
// duration such as "30s" or "1h30m". It is never negative.
func ParseDuration(s string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil && seconds >= 0 && seconds < 1e9 {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	parsed, err := time.ParseDuration(s)
	if err != nil || parsed < 0 {
		return 0, errors.New("want seconds (30) or a duration (90s, 5m, 1h30m)")
	}
	return parsed, nil
}
