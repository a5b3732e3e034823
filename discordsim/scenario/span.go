package scenario

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"evergreen/internal/text"
)

// Span is a time as scenario files write it: 90s, 1m30s, 20m, 1d12h, or plain
// seconds such as 2.5.
type Span time.Duration

func (s Span) d() time.Duration { return time.Duration(s) }

// String writes the span as a person would: 20m rather than 20m0s.
func (s Span) String() string {
	if s == never {
		return "never"
	}
	return text.ShortDuration(s.d())
}

// spanPattern is what a span looks like, for the schema.
const spanPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$`

// longestSpan keeps sums of spans from overflowing: about ten years.
const longestSpan = 10 * 366 * 24 * time.Hour

// parseSpan reads a span. Negative ones are refused.
func parseSpan(given string) (Span, error) {
	var d time.Duration
	if n, err := strconv.ParseFloat(given, 64); err == nil {
		if math.IsNaN(n) || math.IsInf(n, 0) || math.Abs(n) > longestSpan.Seconds() {
			return 0, errors.New("the time is too long")
		}
		d = time.Duration(n * float64(time.Second))
	} else if d, err = parseDays(given); err != nil {
		return 0, errors.New("it is no time: write 90s, 1m30s, 20m, 2h or 1d")
	}
	switch {
	case d < 0:
		return 0, errors.New("a time cannot be negative")
	case d > longestSpan:
		return 0, errors.New("the time is too long")
	}
	return Span(d), nil
}

// parseDays is [time.ParseDuration] with days in front.
func parseDays(given string) (time.Duration, error) {
	days, rest, with := strings.Cut(given, "d")
	if !with {
		return time.ParseDuration(given)
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || math.Abs(n) > longestSpan.Hours()/24 {
		return 0, errors.New("no number of days")
	}
	d := time.Duration(n * 24 * float64(time.Hour))
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if d < 0 {
		more = -more
	}
	return d + more, err
}
