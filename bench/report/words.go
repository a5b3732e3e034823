package report

import (
	"fmt"
	"time"

	"evergreen/bench/trial"
)

// Line is how a cell went, in a few words.
func Line(f trial.Figures) string {
	if f.NotRun != "" {
		return "not run: " + f.NotRun
	}
	text := fmt.Sprintf("back %s, risk %s, lost %d of %d, IDENTIFY %d, dials %d, violations %d, exit %s",
		green(f), span(f.Risk), f.Lost+f.Waiting+f.Unheard, f.Asked+f.Unheard, f.Identifies, f.Dials, f.Violations, f.Exit)
	if f.PerEvent > 0 {
		text += fmt.Sprintf(", %.2f us an event", float64(f.PerEvent)/1e3)
	}
	return text
}

// green is the time to green in words.
func green(f trial.Figures) string {
	if !f.Back {
		return "not in " + span(f.Watched)
	}
	return span(f.Green)
}

// span writes a time as short as it makes sense.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "never"
	case d == 0:
		return "0"
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// mega writes bytes in MB.
func mega(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
