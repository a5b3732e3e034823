package main

import (
	"context"
	"fmt"
	"time"

	"evergreen/fleet"
)

const (
	// redrawEvery is how often the bar is redrawn, lineEvery how often a line says the
	// same in a pipe.
	redrawEvery = 200 * time.Millisecond
	lineEvery   = 10 * time.Second
	barWidth    = 30
)

// showProgress shows how many shards are online until all are, the others are parked,
// or ctx ends. On a terminal it is a bar; in a pipe there is a line when something has
// changed. For one shard it shows nothing.
func (p *process) showProgress(ctx context.Context, snapshot func() fleet.Snapshot) {
	_, live := p.terminal()
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	began := time.Now()
	said, last := began, ""
	for drawn := false; ; {
		progress := snapshot().Progress
		line := "Shards: " + progress.String()
		switch {
		case progress.Total+progress.Paused == 1:
			return
		case progress.Done():
			if live && drawn {
				fmt.Fprint(p.stdout, "\x1b[K")
			}
			if drawn || said != began {
				fmt.Fprintf(p.stdout, "All %d shards are online after %s.\n", progress.Online, time.Since(began).Round(time.Second))
			}
			return
		case progress.Total > 0 && progress.Online+progress.Parked == progress.Total:
			if live && drawn {
				fmt.Fprint(p.stdout, "\x1b[K")
			}
			fmt.Fprintln(p.stdout, line)
			return
		case progress.Total == 0: // Discord is being asked how many there are
		case live:
			// The cursor stays at the start of the line, so that log lines replace it.
			fmt.Fprint(p.stdout, progressBar(progress)+"\x1b[K\r")
			drawn = true
		case time.Since(said) >= lineEvery && line != last:
			fmt.Fprintln(p.stdout, line)
			said, last = time.Now(), line
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// progressBar is the progress as a bar with its text.
func progressBar(p fleet.Progress) string {
	return bar(float64(p.Online)/float64(max(1, p.Total))) + " " + p.String()
}
