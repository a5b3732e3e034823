package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/disgoorg/snowflake/v2"
)

// identity is who the bot is: its user, its application and who owns that. READY
// tells the first two, but a run that begins with a RESUME sees no READY, so
// all of it is also asked for over REST.
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

// learn takes in what READY or REST told.
func (i *identity) learn(self id, app application, loaded bool) {
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
		return // it told nothing about the application
	case loaded || !i.loaded:
		i.app, i.loaded = app, loaded
		return
	}
	// READY knows less than REST did, but its flags are newer.
	i.app.Flags, i.app.FlagsNew = app.Flags, app.FlagsNew
}

// application returns what is known of the application.
func (i *identity) application() (app application, loaded bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.app, i.loaded
}

// wait waits until the bot's own id is known.
func (i *identity) wait(ctx context.Context, limit time.Duration) (id, error) {
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

// introduce asks Discord who the bot is.
func (b *Bot) introduce(ctx context.Context) (application, error) {
	limited, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	app, err := b.api.application(limited)
	if err != nil {
		return app, err
	}
	b.identity.learn(app.Bot.Value.ID, app, true)
	return app, nil
}

// owns reports whether the user may use owner-only commands.
func (b *Bot) owns(ctx context.Context, user snowflake.ID) (bool, error) {
	if slices.Contains(b.options.Owners, user) {
		return true, nil
	}
	app, loaded := b.identity.application()
	if !loaded {
		var err error
		if app, err = b.introduce(ctx); err != nil {
			return false, err
		}
	}
	return slices.Contains(app.owners(), id(user)), nil
}
