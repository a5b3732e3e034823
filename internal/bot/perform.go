package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"evergreen/internal/text"

	"github.com/disgoorg/snowflake/v2"
)

// outcome is how a command ended.
type outcome int

const (
	// answered: there is an answer, if only an apology.
	answered outcome = iota
	// refused: the user made a mistake; the answer says which.
	refused
	// cutOff: the bot stops; the command belongs to the next run.
	cutOff
)

const (
	sayPanicked = "Sorry, something went wrong on my side. It is in my log."
	sayTimedOut = "Sorry, that took me too long and I gave up."
	sayBusy     = "Sorry, I am too busy right now. Please try again in a moment."
	sayNoOwner  = "Sorry, I cannot find out right now who my owner is. Please try again in a moment."
	sayNotOwner = "Sorry, only my owner may use this command."
	sayNothing  = "Done."
)

// perform runs a command within its limits: the user's cooldown (wait is what is
// left of it, see cool) and permission, the number of commands at once, the time limit. A panic, an error and a
// command that does not end each become an apology and a line in the log with
// the command's name. It returns within Options.HandlerTimeout.
func (b *Bot) perform(ctx context.Context, c *Command, r *Request, wait time.Duration) (Answer, outcome) {
	limited, cancel := context.WithTimeout(ctx, b.options.HandlerTimeout)
	defer cancel()

	if wait > 0 {
		return Answer{Text: fmt.Sprintf("Not so fast, please. You can use `%s` again in %s.", c.Name, text.Elapsed(wait+time.Second-1))}, refused
	}
	if p := c.missing(r.arguments); p != nil {
		return Answer{Text: fmt.Sprintf("I need `%s` (%s): `%s`", p.Name, p.Summary, c.usage(r.Prefix))}, refused
	}
	if c.OwnerOnly {
		owner, err := b.owns(limited, r.User)
		switch {
		case ctx.Err() != nil:
			return Answer{}, cutOff
		case err != nil:
			b.log.Warn("cannot find out who owns the bot", "command", c.Name, "error", err)
			return Answer{Text: sayNoOwner}, refused
		case !owner:
			return Answer{Text: sayNotOwner}, refused
		}
	}

	select {
	case b.handlers <- struct{}{}:
	case <-limited.Done():
		if ctx.Err() != nil {
			return Answer{}, cutOff
		}
		b.counters.timeouts.Add(1)
		b.log.Error("a command found no room to run within its time limit", "command", c.Name, "limit", b.options.HandlerTimeout, "running", cap(b.handlers))
		return Answer{Text: sayBusy}, answered
	}
	results := make(chan result, 1)
	b.running.Go(func() {
		defer func() { <-b.handlers }()
		results <- b.contained(limited, c, r)
	})
	return b.await(ctx, limited, c, results)
}

// result is what a command returned.
type result struct {
	answer   Answer
	err      error
	panicked bool
}

// await waits for a command that runs.
func (b *Bot) await(ctx, limited context.Context, c *Command, results <-chan result) (Answer, outcome) {
	start := time.Now()
	slow := time.NewTimer(b.options.SlowAfter)
	defer slow.Stop()
	for {
		select {
		case <-slow.C:
			b.counters.slow.Add(1)
			b.log.Warn("a command is slow", "command", c.Name, "running", time.Since(start))
			continue
		case done := <-results:
			if limited.Err() == nil || done.err == nil {
				took := time.Since(start)
				b.times.note(c.Name, took, done.panicked || done.err != nil)
				b.log.Debug("a command has run", "command", c.Name, "took", took, "error", done.err)
				return b.spoken(c, done), answered
			}
		case <-limited.Done():
		}
		if ctx.Err() != nil {
			return Answer{}, cutOff
		}
		b.counters.timeouts.Add(1)
		b.times.note(c.Name, time.Since(start), true)
		b.log.Error("a command was cut off at its time limit", "command", c.Name, "limit", b.options.HandlerTimeout)
		return Answer{Text: sayTimedOut}, answered
	}
}

// spoken makes an answer of whatever a command returned.
func (b *Bot) spoken(c *Command, done result) Answer {
	switch {
	case done.panicked:
		return Answer{Text: sayPanicked}
	case done.err != nil:
		b.log.Error("a command failed", "command", c.Name, "error", done.err)
		return Answer{Text: sayPanicked}
	case strings.TrimSpace(done.answer.Text) == "":
		done.answer.Text = sayNothing
	}
	return done.answer
}

// contained runs a command and turns a panic into a result.
func (b *Bot) contained(ctx context.Context, c *Command, r *Request) (done result) {
	defer func() {
		if p := recover(); p != nil {
			b.counters.panics.Add(1)
			b.log.Error("a command panicked", "command", c.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			done = result{panicked: true}
		}
	}()
	answer, err := c.Run(ctx, r)
	return result{answer: answer, err: err}
}

// use is one user's use of one command.
type use struct {
	user    snowflake.ID
	command string
}

// savedUp is how many uses a user may make at once before the cooldown counts.
const savedUp = 5

// cool notes a use and returns how long the user has to wait for it; 0 means go
// on. Uses are dated by Discord's clock, so that commands that were asked calmly
// and arrive together after an outage are not taken for haste. They have to be
// noted in the order in which they were asked.
func (b *Bot) cool(c *Command, user snowflake.ID, at time.Time) (wait time.Duration) {
	every, allowed := b.options.Cooldown, savedUp
	if c.Cooldown > 0 {
		every, allowed = c.Cooldown, 1
	}
	if every < 0 {
		return 0
	}
	b.cooldown.update(use{user, c.Name}, time.Now(), func(free time.Time, _ bool) time.Time {
		// free is when all saved-up uses will be there again.
		if free.Before(at) {
			free = at
		}
		next := free.Add(every)
		if wait = next.Sub(at) - time.Duration(allowed)*every; wait > 0 {
			return free
		}
		return next
	})
	return max(wait, 0)
}
