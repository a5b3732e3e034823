package sidecar

import (
	"context"
	"testing"
	"time"

	"evergreen/gateway"
)

// The first bot says which intents Evergreen's own session needs; a later one that asks for
// more is told what to do, once, and one that asks for less changes nothing.
func TestFirstBotSaysWhichIntentsAreNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		set  gateway.Intents // by the operator
		want gateway.Intents // after bots with 1, 1 and 1|512 have identified
		do   string
	}{
		"from the bot":      {0, 1 | 512, "Restart Evergreen"},
		"from the settings": {1, 1, "PROXY_INTENTS"},
		"more than enough":  {1 | 512 | 4096, 1 | 512 | 4096, ""},
	} {
		runAlone(t, Options{Intents: c.set}, 1, func(h *harness) {
			known := make(chan Identity, 1)
			go func() {
				identity, err := h.sidecar.AwaitIdentity(context.Background())
				if err != nil {
					t.Error(err)
				}
				known <- identity
			}()
			h.Advance(time.Minute)
			if len(known) == 1 != (c.set != 0) {
				t.Errorf("%s: before a bot has come it is known: %t", name, len(known) == 1)
			}
			var bots []*bot
			for _, intents := range []gateway.Intents{1, 1, 1 | 512} {
				bots = append(bots, h.connect().identify(map[string]any{"intents": intents, "large_threshold": 250}))
				h.Advance(time.Second)
				if told := h.log.Has("more intents"); told != (c.do != "" && intents != 1) {
					t.Errorf("%s: after %d the log says:\n%s", name, intents, h.log.String())
				}
			}
			if first := <-known; first.Intents != c.set && first.Intents != 1 {
				t.Errorf("%s: asked for were %d", name, first.Intents)
			}
			if got := h.sidecar.Known(); got.Intents != c.want || !got.Known || got.LargeThreshold != 250 {
				t.Errorf("%s: known is %+v", name, got)
			}
			if !h.log.Has(c.do) {
				t.Errorf("%s: the log says:\n%s", name, h.log.String())
			}
			for _, b := range bots {
				b.kill()
			}
		})
	}
}

// A bot whose intents Discord does not allow is closed with the code that says so, and the
// next one is asked again. Bots that are not waiting notice nothing.
func TestNextBotIsAskedAfterARefusal(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		greeted := h.connect()
		first := h.connect().identify(map[string]any{"intents": 1 << 8})
		h.Advance(time.Second)
		h.sidecar.Refuse(gateway.CloseDisallowedIntents)
		h.Advance(2 * time.Second)
		if first.code() != 4014 || greeted.code() != -1 {
			t.Errorf("who waits is closed with %d, who has not identified with %d", first.code(), greeted.code())
		}
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if identity, err := h.sidecar.AwaitIdentity(short); err == nil {
			t.Errorf("before the next bot comes known is %+v", identity)
		}
		greeted.identify(map[string]any{"intents": 1})
		h.Advance(time.Second)
		identity, err := h.sidecar.AwaitIdentity(context.Background())
		if err != nil || identity.Intents != 1 {
			t.Errorf("known is %+v, %v", identity, err)
		}
		h.attach()
		h.Until(20*time.Second, "the guilds", func() bool { return len(greeted.events("GUILD_CREATE")) == 3 })
		greeted.kill()
	})
}

// What a bot has asked for is known to the next process of Evergreen, so that it connects
// before the bot comes.
func TestIdentitySurvivesARestart(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.connect().identify(map[string]any{"intents": 1 | 512, "large_threshold": 250, "presence": map[string]any{"status": "dnd", "afk": false, "activities": []any{}}})
		h.Advance(5 * time.Second)
		b.kill()
		h.restart()
		got, err := h.sidecar.AwaitIdentity(h.T.Context())
		if err != nil || got.Intents != 1|512 || got.LargeThreshold != 250 || got.Presence == nil || got.Presence.Status != gateway.StatusDND {
			t.Errorf("known is %+v, %v", got, err)
		}
	})
}
