package bot

import (
	"context"
	"fmt"
	"runtime"
)

var aboutCommand = Command{
	Name:    "about",
	Summary: "Says what I am",
	Run: func(_ context.Context, r *Request) (Answer, error) {
		version := r.bot.options.Version
		if version != "" {
			version = " " + version
		}
		return Answer{Text: fmt.Sprintf(
			"I am ResearchBot. Evergreen%s keeps me online (%s). Ask `%shelp` for what I can do.",
			version, runtime.Version(), r.Prefix,
		)}, nil
	},
}
