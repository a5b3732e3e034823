package app

import (
	"context"
	"fmt"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/logging"
)

// duplicateFor is how long the last session start of another program counts: it may have
// been a short test.
const duplicateFor = time.Hour

// duplicate returns the condition that another program uses the bot's token, as Discord's
// count of session starts shows; empty if none does.
func (a *App) duplicate() health.Condition {
	others := a.limiter.ExternalUse()
	if others.Starts == 0 || time.Since(others.Last) >= duplicateFor {
		return health.Condition{}
	}
	starts := "session start"
	if others.Starts > 1 {
		starts += "s"
	}
	return health.Condition{
		Cause:   health.TwoInstances,
		Trouble: fmt.Sprintf("Discord has counted %d %s of the last day that this one did not make", others.Starts, starts),
		Since:   others.Last,
	}
}

// watchDuplicates asks Discord every HEALTH_CHECK_INTERVAL how many session starts are
// left, and warns when another program has spent some. It asks only where all shards
// run here, because otherwise other programs are meant to. The answer also has the
// recommended number of shards.
func (a *App) watchDuplicates(ctx context.Context) {
	ticker := time.NewTicker(a.opts.Config.HealthCheckInterval)
	defer ticker.Stop()
	for reported := 0; ; {
		if a.Fleet().Assignment().Whole() {
			a.limiter.RefreshSessionStartLimit(ctx)
			if others := a.limiter.ExternalUse(); others.Starts > reported {
				logging.Component(a.opts.Logger, "Identify").Warn("Another program uses the same token",
					"reason", a.duplicate().Trouble, "do", health.Lookup(health.TwoInstances).Do)
				reported = others.Starts
			}
		}
		select {
		case <-ticker.C:
			a.adviseShards()
		case <-ctx.Done():
			return
		}
	}
}
