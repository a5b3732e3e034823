package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"evergreen/gateway"
)

// keepAlive refreshes the presence and logs the connection every
// Options.KeepaliveInterval, give or take five percent.
func (b *Bot) keepAlive(ctx context.Context) {
	every := b.options.KeepaliveInterval
	if every < 0 {
		return
	}
	for sleep(ctx, jittered(every, b.options.Rand())) == nil {
		b.keepAliveOnce(time.Now())
	}
}

func jittered(every time.Duration, random float64) time.Duration {
	return every + time.Duration((random-0.5)*0.1*float64(every))
}

func (b *Bot) keepAliveOnce(now time.Time) {
	shard := b.shard()
	state := shard.State()
	if gateway.Online(state) {
		b.refreshPresence(true)
	} else {
		b.log.Warn("Keep-alive found no connection to Discord; the gateway is reconnecting", "state", state.String())
	}
	latency := "unknown"
	if l := shard.Latency(); l > 0 {
		latency = milliseconds(l)
	}
	b.log.Debug(fmt.Sprintf("Keep-alive ping - Latency: %s, Guilds: %d, Last activity: %ds ago",
		latency, b.guilds.count(), int64(now.Sub(b.activity.last())/time.Second)))
}

// shownPresence is what the last presence said.
type shownPresence struct {
	mu          sync.Mutex
	undelivered bool
}

// refreshPresence sends the presence: always, or only if it has changed since the last
// one. It is idle while answers do not get out: people see that the bot is there and will
// not answer.
func (b *Bot) refreshPresence(always bool) {
	b.shown.mu.Lock()
	defer b.shown.mu.Unlock()
	undelivered := b.options.Undelivered()
	if !always && undelivered == b.shown.undelivered {
		return
	}
	b.shown.undelivered = undelivered
	p := b.options.Presence
	if undelivered && p.Status == gateway.StatusOnline {
		p.Status = gateway.StatusIdle
	}
	if err := b.shard().SetPresence(p); err != nil && !errors.Is(err, gateway.ErrStopped) {
		b.log.Warn("Presence could not be refreshed", "error", err)
	}
}

// undeliveredInterval is the time between two looks whether answers get out, and so the
// least between two presences that say so.
const undeliveredInterval = 15 * time.Second

// watchUndelivered changes the presence when answers do not get out, and when they do
// again.
func (b *Bot) watchUndelivered(ctx context.Context) {
	for sleep(ctx, undeliveredInterval) == nil {
		b.refreshPresence(false)
	}
}

// watchActivity warns when there was no activity for Options.ActivityWarningAfter,
// and again after as long.
func (b *Bot) watchActivity(ctx context.Context) {
	after := b.options.ActivityWarningAfter
	if after < 0 {
		return
	}
	wait := after - time.Since(b.activity.last())
	for sleep(ctx, wait) == nil {
		idle := time.Since(b.activity.last())
		if wait = after - idle; wait > 0 {
			continue
		}
		b.log.Warn(fmt.Sprintf("No activity for %.1f minutes", idle.Minutes()))
		wait = after
	}
}

// sleep sleeps, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
