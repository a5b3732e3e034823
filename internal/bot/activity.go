package bot

import (
	"context"
	"sync"
	"time"
)

// activity is when people last used the bot. A bot that is connected and not used
// may be cut off in a way that the connection does not show.
type activity struct {
	mu      sync.Mutex
	latest  time.Time // of all
	message time.Time
	asked   time.Time
	shown   time.Time
}

// Activity is when the bot last saw what. A zero time means never.
type Activity struct {
	Message time.Time // a person's message, or a member who joined
	Command time.Time
	Ready   time.Time
	// Last is the latest of the three, or the start of the bot.
	Last time.Time
}

// Activity returns when the bot last saw what.
func (b *Bot) Activity() Activity {
	a := &b.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	return Activity{Message: a.message, Command: a.asked, Ready: a.shown, Last: a.latest}
}

func (a *activity) touch(now time.Time)   { a.set(&a.message, now) }
func (a *activity) command(now time.Time) { a.set(&a.asked, now) }
func (a *activity) ready(now time.Time)   { a.set(&a.shown, now) }

func (a *activity) set(which *time.Time, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*which, a.latest = now, now
}

// last returns the latest activity.
func (a *activity) last() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.latest
}

// onMemberAdd counts a new member as activity.
func (b *Bot) onMemberAdd(context.Context, incomingEvent) error {
	b.activity.touch(time.Now())
	return nil
}
