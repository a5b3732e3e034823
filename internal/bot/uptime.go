package bot

import (
	"context"
	"fmt"
	"time"
)

var uptimeCommand = Command{
	Name:    "uptime",
	Summary: "Says how long I have been running",
	Run: func(_ context.Context, r *Request) (Answer, error) {
		return Answer{Text: "I have been running for " + span(r.bot.health.Report().Uptime) + "."}, nil
	},
}

// span says a duration with its two largest units, such as "3 h 12 min".
func span(d time.Duration) string {
	seconds := int64(max(d, 0) / time.Second)
	minutes, hours, days := seconds/60, seconds/3600, seconds/86400
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours%24)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes%60)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds%60)
	}
	return fmt.Sprintf("%d s", seconds)
}
