package clients

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"evergreen/discordsim"
)

// Crashes is what came of a bot that was killed at random while people asked.
type Crashes struct {
	Name, Version string
	// Behind: it ran behind Evergreen, else directly at Discord.
	Behind bool
	// Kills counts kill -9, Ends how often it ended by itself.
	Kills, Ends int
	Asked       int
	Answers     Answers
	// Identifies counts the IDENTIFYs at Discord after the first.
	Identifies int
	// Grey is how long other users saw it offline, Detached how long Discord had no
	// connection of it.
	Grey, Detached time.Duration
}

// The rhythm of a run with crashes, in which the same seed kills at the same times.
const (
	askEvery        = 500 * time.Millisecond
	killAfterLeast  = 8 * time.Second
	killAfterMost   = 20 * time.Second
	startAfterLeast = 500 * time.Millisecond
	startAfterMost  = 4 * time.Second
	// settleWithin is how long answers are waited for in the end.
	settleWithin = 30 * time.Second
)

// Crash lets two commands a second be asked for a time, kills the bot now and then, and
// starts it again. With evergreenToo every second kill is one of Evergreen.
func Crash(ctx context.Context, b *Builder, c *Client, folder string, lasting time.Duration, behind, evergreenToo bool) (f Crashes, err error) {
	f.Name, f.Version, f.Behind = c.Name, c.Version, behind
	var w *World
	if behind {
		w, err = NewWorld(ctx, b, c, folder, discordsim.Config{})
	} else {
		w, err = NewBareWorld(b, c, folder, discordsim.Config{})
	}
	if err != nil {
		return f, err
	}
	defer w.Close()
	if err := w.StartBot(); err != nil {
		return f, err
	}
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := w.Bot.Await(starting, "ready", 1); err != nil {
		return f, err
	}
	if err := w.crash(ctx, &f, lasting, evergreenToo); err != nil {
		return f, err
	}
	settling, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	_ = w.AwaitAnswers(settling) // Answers tells those that have none
	v := w.Sim.Verdict(w.App)
	f.Asked, f.Answers, f.Identifies, f.Grey, f.Detached = len(w.asked), w.Answers(), v.Identifies-1, v.Offline, v.Detached
	return f, ctx.Err()
}

// crash asks, kills and starts for a time, and ends with a bot that runs.
func (w *World) crash(ctx context.Context, f *Crashes, lasting time.Duration, evergreenToo bool) error {
	random := rand.New(rand.NewPCG(1, 1))
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(random.Int64N(int64(most-least)))
	}
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	over := time.NewTimer(lasting)
	defer over.Stop()
	next := time.NewTimer(between(killAfterLeast, killAfterMost))
	defer next.Stop()
	for {
		ended := w.Bot.Ended()
		if !w.Bot.Alive() {
			ended = nil // next starts it again
		}
		select {
		case <-ask.C:
			w.Ask()
		case <-ended:
			f.Ends++
			next.Reset(startAfterLeast)
		case <-next.C:
			began, err := w.startMissing(ctx)
			switch {
			case err != nil:
				return err
			case began:
				next.Reset(between(killAfterLeast, killAfterMost))
			default:
				f.Kills++
				if evergreenToo && f.Kills%2 == 0 {
					w.KillEvergreen()
				} else {
					w.KillBot()
				}
				next.Reset(between(startAfterLeast, startAfterMost))
			}
		case <-over.C:
			_, err := w.startMissing(ctx)
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startMissing starts what does not run and reports whether there was any.
func (w *World) startMissing(ctx context.Context) (began bool, err error) {
	if w.Evergreen != nil && !w.Evergreen.Alive() {
		began = true
		err = w.StartEvergreen(ctx)
	}
	if err == nil && !w.Bot.Alive() {
		began = true
		err = w.StartBot()
	}
	return began, err
}

// Markdown is a table of runs.
func Markdown(runs []Crashes) string {
	var b strings.Builder
	b.WriteString("| bot | | killed | asked | answered once | again, within 1 s of a crash | twice | never | IDENTIFYs after the first | no connection | grey |\n")
	b.WriteString("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, f := range runs {
		where := "alone"
		if f.Behind {
			where = "behind Evergreen"
		}
		fmt.Fprintf(&b, "| %s %s | %s | %d | %d | %d | %d | %d | %d | %d | %.0f s | %.0f s |\n", f.Name, f.Version, where, f.Kills+f.Ends,
			f.Asked, f.Answers.Once, f.Answers.Again, f.Answers.Twice, f.Answers.None, f.Identifies, f.Detached.Seconds(), f.Grey.Seconds())
	}
	return b.String()
}
