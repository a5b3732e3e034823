package bot

import (
	"context"

	"evergreen/internal/text"
)

var uptimeCommand = Command{
	Name:    "uptime",
	Summary: "Says how long I have been running",
	Run: func(_ context.Context, r *Request) (Answer, error) {
		return Answer{Text: "I have been running for " + text.Elapsed(r.bot.health.Report().Uptime) + "."}, nil
	},
}
