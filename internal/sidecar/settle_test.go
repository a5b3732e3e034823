package sidecar

import (
	"testing"
	"time"
)

func TestWhenALibraryIsSettled(t *testing.T) {
	at := func(d time.Duration) time.Time { return time.Unix(1_700_000_000, 0).Add(d) }
	for _, c := range []struct {
		name        string
		s           settling
		interaction time.Time
		want        time.Duration
	}{
		{"all is read", settling{began: at(0), lastGuild: at(0), confirmed: true}, time.Time{}, 0},
		{"the last guild is not read yet", settling{began: at(0)}, time.Time{}, confirmWait},
		{"members are outstanding", settling{began: at(0), confirmed: true, asked: at(time.Second)}, time.Time{}, requestWait + time.Second},
		{"discord.py waits for guilds", settling{began: at(0), lastGuild: at(0), confirmed: true, waits: true}, time.Time{}, libraryWait},
		{"and anew after members", settling{began: at(0), lastGuild: at(time.Second), confirmed: true, waits: true}, time.Time{}, libraryWait + time.Second},
		{"a fixed time", settling{began: at(0), fixed: time.Second}, time.Time{}, time.Second},
		{"an interaction cannot wait", settling{began: at(0), confirmed: true, waits: true, lastGuild: at(0)}, at(-time.Second), interactionWait - time.Second},
		{"an interaction changes nothing for a settled one", settling{began: at(0), confirmed: true}, at(0), 0},
	} {
		if got := c.s.left(at(0), c.interaction); max(got, 0) != c.want {
			t.Errorf("%s: %s left, want %s", c.name, got, c.want)
		}
	}
	for library, want := range map[string]bool{"discord.py": true, "Pycord": true, "nextcord": true, "disnake": true, "discord.js": false, "disgo": false, "": false} {
		if waitsForGuilds(library) != want {
			t.Errorf("%q waits for guilds: %t", library, !want)
		}
	}
}
