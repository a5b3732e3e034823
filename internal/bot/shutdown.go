package bot

import "context"

var shutdownCommand = Command{
	Name:      "shutdown",
	Summary:   "Shuts me down",
	Details:   "I leave at once and stay offline until somebody starts me again.",
	OwnerOnly: true,
	Run: func(_ context.Context, r *Request) (Answer, error) {
		r.bot.log.Warn("Shutdown requested", "user", r.User, "name", r.UserName)
		return Answer{Text: "Goodbye.", Then: r.bot.options.Shutdown}, nil
	},
}
