package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergreen/internal/process/host"
	"evergreen/internal/sidecar"
	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// phaseWords say how far a bot behind evergreen proxy is.
var phaseWords = map[sidecar.Phase]string{
	sidecar.PhaseAway:     "away",
	sidecar.PhaseWaiting:  "waiting until Evergreen is connected",
	sidecar.PhaseSnapshot: "getting its servers",
	sidecar.PhaseSettling: "getting ready with its servers",
	sidecar.PhaseReplay:   "getting what it has missed",
	sidecar.PhaseAttached: "attached",
	sidecar.PhaseStalled:  "attached, and reads nothing",
	sidecar.PhaseStandby:  "taking over from the process before it",
}

// addBots adds how the bots behind evergreen proxy are.
func (r reading) addBots(b api.Bots, add func(name, text string)) {
	if len(b.Consumers) == 0 {
		add("Bots", "none has ever connected to "+b.Gateway+"; start it with evergreen proxy -- COMMAND, or make its one setting: evergreen proxy setup")
		return
	}
	name := "Bots"
	for _, c := range b.Consumers {
		for _, line := range r.botLines(c, b.Backlog.LimitBytes, len(b.Consumers) > 1) {
			add(name, line)
			name = ""
		}
	}
}

// botLines are how one bot is: how far, what waits, and what was counted.
func (r reading) botLines(c api.Consumer, limit int64, named bool) []string {
	now := r.At
	first := strings.TrimSpace(c.Library + " " + c.Version)
	if first == "" {
		first = "a bot"
	}
	if named {
		first = c.Consumer + " " + first
	}
	phase, known := phaseWords[sidecar.Phase(c.Phase)]
	if !known {
		phase = c.Phase
	}
	first += ": " + phase
	if c.Since != nil {
		first += " for " + text.Elapsed(now.Sub(*c.Since))
	}
	if c.Standby > 0 {
		first += fmt.Sprintf(", %d on standby", c.Standby)
	}
	if c.Starts1h > 0 {
		first += ", " + text.Count(c.Starts1h, "start") + " within the hour"
		if c.LastStart != nil {
			first += ", the last " + ago(now, *c.LastStart)
		}
	}
	lines := []string{first}
	if w := c.Waiting; w.Events > 0 {
		line := text.Count(w.Events, "event") + " " + plural(w.Events, "waits", "wait") + ": " + host.Size(w.Bytes) + " of " + host.Size(limit)
		if w.Oldest != nil {
			line += ", the oldest came " + ago(now, *w.Oldest)
		}
		lines = append(lines, line)
	}
	if c.Unconfirmed > 0 {
		lines = append(lines, fmt.Sprintf("written and not confirmed: %d, for %s", c.Unconfirmed, text.Duration(time.Duration(c.LagMS)*time.Millisecond)))
	}
	n := c.Counts
	counts := "delivered " + strconv.FormatInt(n.Delivered, 10)
	for _, one := range []struct {
		n    int64
		says string
	}{{n.Again, "again "}, {n.Lost, "lost "}, {n.SetAside, "set aside "}, {n.Told, "slash commands answered for it "}} {
		if one.n > 0 {
			counts += ", " + one.says + strconv.FormatInt(one.n, 10)
		}
	}
	return append(lines, counts)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
