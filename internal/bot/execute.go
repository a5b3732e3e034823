package bot

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"evergreen/internal/text"
)

// outcome is how a command ended.
type outcome int

const (
	outcomeAnswered outcome = iota // there is an answer, if only an apology
	outcomeRejected                // the user made a mistake; the answer says which
	outcomeStopped                 // the bot stops; the next process gets the command
)

const (
	textFailed       = "Sorry, something went wrong on my side. It is in my log."
	textTimedOut     = "Sorry, that took me too long and I gave up."
	textBusy         = "Sorry, I am too busy right now. Please try again in a moment."
	textOwnerUnknown = "Sorry, I cannot find out right now who my owner is. Please try again in a moment."
	textNotOwner     = "Sorry, only my owner may use this command."
	textDone         = "Done."
)

// execute checks the user's cooldown, the arguments and the permission, waits for
// a free handler and runs the command. cooldown is what is left of the user's
// cooldown. A panic, an error and a command that does not end in time become an
// apology and a log line with the command's name. It returns within
// Options.HandlerTimeout.
func (b *Bot) execute(ctx context.Context, c *Command, r *Request, cooldown time.Duration) (Answer, outcome) {
	limited, cancel := context.WithTimeout(ctx, b.options.HandlerTimeout)
	defer cancel()

	if cooldown > 0 {
		return Answer{Text: fmt.Sprintf("Not so fast, please. You can use `%s` again in %s.", c.Name, text.Elapsed(cooldown+time.Second-1))}, outcomeRejected
	}
	if p := c.missingParameter(r.arguments); p != nil {
		return Answer{Text: fmt.Sprintf("I need `%s` (%s): `%s`", p.Name, p.Summary, c.usage(r.Prefix))}, outcomeRejected
	}
	if c.OwnerOnly {
		owner, err := b.isOwner(limited, r.User)
		switch {
		case ctx.Err() != nil:
			return Answer{}, outcomeStopped
		case err != nil:
			b.log.Warn("Owner of the bot could not be fetched", "command", c.Name, "error", err)
			return Answer{Text: textOwnerUnknown}, outcomeRejected
		case !owner:
			return Answer{Text: textNotOwner}, outcomeRejected
		}
	}

	select {
	case b.handlers <- struct{}{}:
	case <-limited.Done():
		if ctx.Err() != nil {
			return Answer{}, outcomeStopped
		}
		b.counters.timeouts.Add(1)
		b.log.Error("Command found no free handler within its time limit", "command", c.Name, "limit", b.options.HandlerTimeout, "running", cap(b.handlers))
		return Answer{Text: textBusy}, outcomeAnswered
	}
	results := make(chan commandResult, 1)
	b.running.Go(func() {
		defer func() { <-b.handlers }()
		results <- b.run(limited, c, r)
	})
	return b.awaitResult(ctx, limited, c, results)
}

// commandResult is what a command returned.
type commandResult struct {
	answer   Answer
	err      error
	panicked bool
}

// awaitResult waits until the command returns or limited ends.
func (b *Bot) awaitResult(ctx, limited context.Context, c *Command, results <-chan commandResult) (Answer, outcome) {
	start := time.Now()
	slow := time.NewTimer(b.options.SlowAfter)
	defer slow.Stop()
	for {
		select {
		case <-slow.C:
			b.counters.slow.Add(1)
			b.log.Warn("Command is slow", "command", c.Name, "running", time.Since(start))
			continue
		case done := <-results:
			if limited.Err() == nil || done.err == nil {
				took := time.Since(start)
				b.latencies.record(c.Name, took, done.panicked || done.err != nil)
				b.log.Debug("Command has run", "command", c.Name, "took", took, "error", done.err)
				return b.toAnswer(c, done), outcomeAnswered
			}
		case <-limited.Done():
		}
		if ctx.Err() != nil {
			return Answer{}, outcomeStopped
		}
		b.counters.timeouts.Add(1)
		b.latencies.record(c.Name, time.Since(start), true)
		b.log.Error("Command reached its time limit", "command", c.Name, "limit", b.options.HandlerTimeout)
		return Answer{Text: textTimedOut}, outcomeAnswered
	}
}

// toAnswer turns what a command returned into what the user is told.
func (b *Bot) toAnswer(c *Command, done commandResult) Answer {
	switch {
	case done.panicked:
		return Answer{Text: textFailed}
	case done.err != nil:
		b.log.Error("Command failed", "command", c.Name, "error", done.err)
		return Answer{Text: textFailed}
	case strings.TrimSpace(done.answer.Text) == "":
		done.answer.Text = textDone
	}
	return done.answer
}

// run calls the command and recovers its panic.
func (b *Bot) run(ctx context.Context, c *Command, r *Request) (done commandResult) {
	defer func() {
		if p := recover(); p != nil {
			b.counters.panics.Add(1)
			b.log.Error("Command panicked", "command", c.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			done = commandResult{panicked: true}
		}
	}()
	answer, err := c.Run(ctx, r)
	return commandResult{answer: answer, err: err}
}
