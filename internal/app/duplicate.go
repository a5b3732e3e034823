package app

import (
	"context"
	"fmt"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/process/logging"
)

// duplicateFor is how long the last sign of another program counts: it may have
// been started only for a moment.
const duplicateFor = time.Hour

// duplicate is the condition that another program uses the bot's token, as Discord's
// count of session starts shows. It holds only where all shards run here, for
// otherwise other programs are meant to.
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

// watchDuplicates asks Discord at every check how many session starts are left, and
// reports those that another program has spent. The answer also has the number of
// shards that Discord recommends.
func (a *App) watchDuplicates(ctx context.Context) {
	ticker := time.NewTicker(a.opts.Config.HealthCheckInterval)
	defer ticker.Stop()
	for said := 0; ; {
		if a.Fleet().Assignment().Whole() {
			a.limiter.RefreshSessionStartLimit(ctx)
			if others := a.limiter.ExternalUse(); others.Starts > said {
				logging.Component(a.opts.Logger, "Ledger").Warn("Another program uses the same token: " + a.duplicate().Trouble + ". " + health.Lookup(health.TwoInstances).Do)
				said = others.Starts
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
