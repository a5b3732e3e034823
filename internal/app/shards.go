package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"
)

// shardCount is the number of shards of the bot as far as the settings tell, or the
// sessions that are there to resume. 0 means that Discord has to be asked.
func (a *App) shardCount() int {
	if parts := a.parts.Load(); parts != nil {
		if known := parts.fleet.Assignment(); !known.Auto() {
			return known.Count
		}
	}
	if set := a.opts.Config.Shards; !set.Auto() {
		return set.Count
	}
	return a.savedShards()
}

// savedShards is the number of shards of the sessions that are there to resume,
// 0 without any.
func (a *App) savedShards() int {
	if a.opts.Sessions == nil {
		return 0
	}
	if n := a.opts.Sessions.Shards(); n <= fleet.MaxHere {
		return n
	}
	return 0
}

// assignShards decides which shards run here: those of the settings, of the saved
// sessions, or as many as Discord recommends. While REST does not answer it is one,
// provisionally.
func (a *App) assignShards(ctx context.Context) (fleet.Assignment, error) {
	if set := a.opts.Config.Shards; !set.Auto() {
		return set, nil
	}
	if n := a.savedShards(); n > 0 {
		return fleet.All(n), nil
	}
	n, err := a.preflight.Shards(ctx)
	if err == nil || errors.Is(err, gateway.ErrUnauthorized) || ctx.Err() != nil {
		return fleet.All(n), err
	}
	a.log.Warn("Discord does not say how many shards the bot needs; it starts with one and changes by itself once that is known",
		"error", err, "do", "Set SHARDS if one cannot be enough.")
	if !a.provisional.start() || !a.background(a.learnShardCount) {
		return fleet.Assignment{}, err
	}
	return fleet.All(1), nil
}

// makeShards makes the shards and tells the tracker how many there are.
func (a *App) makeShards(ctx context.Context, parts *botParts) error {
	assigned, err := parts.fleet.Assign(ctx)
	if err != nil {
		return fmt.Errorf("the shards cannot be set up: %w", err)
	}
	a.tracker.Expect(assigned.Count, len(assigned.IDs))
	return nil
}

// shardOperator is the [api.Operator]: a fleet that may be replaced, and a tracker that
// learns which shards are gone.
type shardOperator struct{ app *App }

func (o shardOperator) Snapshot() fleet.Snapshot { return o.app.Fleet().Snapshot() }

func (o shardOperator) Pause(ctx context.Context, id int) error { return o.app.Fleet().Pause(ctx, id) }

func (o shardOperator) Resume(ctx context.Context, id int) error {
	return o.app.Fleet().Resume(ctx, id)
}

func (o shardOperator) Restart(ctx context.Context, id int, mode gateway.StopMode) error {
	return o.app.Fleet().Restart(ctx, id, mode)
}

// MoveOut implements [api.Operator].
func (o shardOperator) MoveOut(ctx context.Context, id int) (fleet.Handover, error) {
	out, err := o.app.Fleet().MoveOut(ctx, id)
	if err == nil {
		snap := o.app.Fleet().Snapshot()
		o.app.tracker.Forget(out.Shard)
		o.app.tracker.Expect(snap.Assignment.Count, len(snap.Shards)-snap.Progress.MovedOut)
	}
	return out, err
}

// reshardRefusal is how long a re-shard is watched for a refusal before it counts as
// under way.
const reshardRefusal = 500 * time.Millisecond

// Reshard implements [api.Operator]: it lets the change go on in the background.
func (o shardOperator) Reshard(_ context.Context, count int) error {
	ended := make(chan error, 1)
	if !o.app.background(func() { ended <- o.app.Reshard(o.app.life.StopContext(), count) }) {
		return fleet.ErrStopped
	}
	timer := time.NewTimer(reshardRefusal)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return nil
	}
}

// background runs work that Run waits for at its end; false: it has ended.
func (a *App) background(work func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life.Stopping() {
		return false
	}
	a.work.Go(work)
	return true
}

// waitBackground waits for what runs in the background. The caller has stopped the app.
func (a *App) waitBackground() {
	a.requestStop(gateway.KeepSession)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.work.Wait()
}

// Reshard changes the number of shards without a gap, as [fleet.Fleet.Reshard]
// does, and keeps those who watch the bot in step with it.
func (a *App) Reshard(ctx context.Context, count int) error {
	a.log.Info("The number of shards is being changed", "from", a.Fleet().Assignment().Count, "to", count)
	err := a.Fleet().Reshard(ctx, count)
	now := a.Fleet().Assignment()
	a.tracker.Expect(now.Count, len(now.IDs))
	if err != nil {
		a.log.Error("The number of shards could not be changed as wanted", "shards", now.Count, "error", err)
		return err
	}
	a.log.Info("The number of shards was changed", "shards", now.Count)
	return nil
}

// anyShard is the fleet as the bot sees it: online as long as any shard is.
type anyShard struct{ *fleet.Fleet }

// State implements [bot.Shard].
func (c anyShard) State() gateway.State {
	for _, shard := range c.Shards() {
		if state := shard.State(); gateway.Online(state) {
			return state
		}
	}
	return c.Fleet.State()
}
