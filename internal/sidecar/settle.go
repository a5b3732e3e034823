package sidecar

import (
	"strings"
	"time"
)

// Limits of [settling].
const (
	// libraryWait covers the 2.0 s for which discord.py waits for another guild after
	// each one before it calls on_ready.
	libraryWait = 2300 * time.Millisecond
	// requestWait is how long members that a library has asked for are waited for.
	requestWait = 10 * time.Second
	// confirmWait is how long the confirmation of the guilds is waited for.
	confirmWait = 15 * time.Second
	// interactionWait is how old an interaction may become while a library settles:
	// Discord waits 3 s for the answer.
	interactionWait = 1500 * time.Millisecond
)

// settling decides when a library that has got READY and its guilds may get what
// happened since. Before that, some libraries run handlers before they are ready, and
// take a new guild for one that was there.
type settling struct {
	fixed     time.Duration // PROXY_SETTLE; 0: as the library needs
	waits     bool          // the library waits for further guilds
	began     time.Time     // when the last guild was written
	lastGuild time.Time     // when the last guild or members were written
	confirmed bool          // the client has read the last guild
	asked     time.Time     // when members were asked for that have not come; zero: none
}

// left returns how long to wait at most; 0 or less: the library is settled. interaction
// is when the oldest interaction came that waits behind; zero: none.
func (s settling) left(now, interaction time.Time) time.Duration {
	var until time.Time
	wait := func(t time.Time) {
		if t.After(until) {
			until = t
		}
	}
	switch {
	case s.fixed > 0:
		wait(s.began.Add(s.fixed))
	default:
		if !s.confirmed {
			wait(s.began.Add(confirmWait))
		}
		if !s.asked.IsZero() {
			wait(s.asked.Add(requestWait))
		}
		if s.waits {
			wait(s.lastGuild.Add(libraryWait))
		}
	}
	if !interaction.IsZero() && until.After(interaction.Add(interactionWait)) {
		until = interaction.Add(interactionWait)
	}
	return until.Sub(now)
}

// waitsForGuilds reports whether a library waits for further guilds after each one:
// discord.py and those that were made from it.
func waitsForGuilds(library string) bool {
	name := strings.ToLower(library)
	for _, one := range []string{"discord.py", "pycord", "py-cord", "nextcord", "disnake"} {
		if strings.Contains(name, one) {
			return true
		}
	}
	return false
}
