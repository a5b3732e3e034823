package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// identity is the bot's user, its application and that application's owners. READY
// has the first two, but a process that begins with a RESUME sees no READY, so all
// of it is also fetched over REST.
type identity struct {
	mu     sync.Mutex
	self   id
	app    application
	loaded bool          // app came from REST, with its owners
	known  chan struct{} // closed once self is known
}

// user returns the bot's own id; 0 while unknown.
func (i *identity) user() id {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.self
}

// update sets what READY or REST (loaded) has told.
func (i *identity) update(self id, app application, loaded bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if self != 0 {
		if i.self == 0 {
			close(i.known)
		}
		i.self = self
	}
	switch {
	case app.ID == 0:
		return // nothing about the application
	case loaded || !i.loaded:
		i.app, i.loaded = app, loaded
		return
	}
	// READY has less than REST had, but its flags are newer.
	i.app.Flags, i.app.FlagsNew = app.Flags, app.FlagsNew
}

// application returns what is known of the application; loaded means that it has its
// owners.
func (i *identity) application() (app application, loaded bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.app, i.loaded
}

// waitForSelf waits until the bot's own id is known.
func (i *identity) waitForSelf(ctx context.Context, limit time.Duration) (id, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-i.known:
		return i.user(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-timer.C:
		return 0, errors.New("Discord has not told within " + limit.String())
	}
}

// fetchApplication fetches the application, with the bot's user and the owners.
func (b *Bot) fetchApplication(ctx context.Context) (application, error) {
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	app, err := b.api.application(limited)
	if err != nil {
		return app, err
	}
	b.identity.update(app.Bot.Value.ID, app, true)
	return app, nil
}

// isOwner reports whether the user may use owner-only commands.
func (b *Bot) isOwner(ctx context.Context, user snowflake.ID) (bool, error) {
	if slices.Contains(b.options.Owners, user) {
		return true, nil
	}
	app, loaded := b.identity.application()
	if !loaded {
		var err error
		if app, err = b.fetchApplication(ctx); err != nil {
			return false, err
		}
	}
	return slices.Contains(app.owners(), id(user)), nil
}
