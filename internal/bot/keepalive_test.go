package bot

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
)

// TestKeepAlive: every 300 s, give or take five percent, the presence is
// refreshed and the line is logged word for word.
func TestKeepAlive(t *testing.T) {
	story(t, func(w *world) {
		jitters := []float64{0, 0.999999, 0.5}
		turn := 0
		w.start(func(o *Options) {
			o.KeepCommands = true
			o.Rand = func() float64 { turn++; return jitters[(turn-1)%3] }
		})
		w.deliver("READY", `{"user":{"id":"1198622483471925248"},"guilds":[{"id":"1"},{"id":"2"},{"id":"3"}]}`)
		began := time.Now()
		w.run()
		w.wait(165 * time.Second)
		w.say("hello")
		w.wait(735 * time.Second)
		w.logged(1, "DEBUG Keep-alive ping - Latency: 45ms, Guilds: 3, Last activity: 120s ago")
		w.logged(3, "DEBUG Keep-alive ping - Latency: 45ms, Guilds: 3, Last activity: ")
		if len(w.shard.presences) != 3 {
			t.Fatalf("the presence was refreshed %d times", len(w.shard.presences))
		}
		before := began
		for i, want := range []time.Duration{285 * time.Second, 315 * time.Second, 300 * time.Second} {
			if got := w.shard.presences[i].Sub(before).Round(time.Millisecond); got != want {
				t.Errorf("refresh %d came after %v, want %v", i, got, want)
			}
			before = w.shard.presences[i]
		}
	})
}

// TestKeepAliveWithoutConnection: while the shard is not online the presence is
// left alone, and the log says where the connection stands.
func TestKeepAliveWithoutConnection(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		w.shard.become(gateway.Connecting{Resuming: true}, 0, nil)
		w.run()
		w.wait(301 * time.Second)
		if len(w.shard.presences) != 0 {
			t.Error("the presence was sent into the void")
		}
		w.logged(1, "WARN keep-alive found no connection to Discord; the gateway is working on it state=connecting to resume")
		w.logged(1, "Keep-alive ping - Latency: unknown, Guilds: 0, Last activity: 300s ago")

		w.shard.become(gateway.Suspect{}, 0, errors.New("too large"))
		w.wait(300 * time.Second)
		w.logged(1, "WARN the presence could not be refreshed error=too large")
		w.shard.become(gateway.Live{}, 0, gateway.ErrStopped)
		w.wait(300 * time.Second)
		w.logged(1, "could not be refreshed")
	})
}

// TestSilenceIsNoticed: thirty minutes without anybody are a warning, word for
// word, and every thirty more; a message, a command, a member or a READY count as
// activity, a bot's message does not.
func TestSilenceIsNoticed(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		w.run()
		w.wait(29*time.Minute + 59*time.Second)
		w.logged(0, "No activity")
		w.wait(time.Second)
		w.logged(1, "WARN No activity for 30.0 minutes")
		w.wait(30 * time.Minute)
		w.logged(1, "WARN No activity for 60.0 minutes")

		// Each sign of life, 20 minutes apart, keeps the warning away.
		slash, _ := w.slash(askerID, "about")
		for _, sign := range []func(){
			func() { w.say("hello") },
			func() { w.deliver("GUILD_MEMBER_ADD", `{"guild_id":"1","user":{"id":"5"}}`) },
			func() { w.deliver("INTERACTION_CREATE", slash) },
			func() { w.say("!about") },
			func() { w.deliver("MESSAGE_CREATE", w.message("", fields{"type": 7})) },
			func() { w.deliver("READY", `{"user":{"id":"1198622483471925248"}}`) },
		} {
			sign()
			w.wait(20 * time.Minute)
		}
		w.logged(2, "No activity")
		w.deliver("MESSAGE_CREATE", w.message("beep", fields{"author": fields{"id": "9", "bot": true}}))
		w.wait(11 * time.Minute)
		w.logged(2, "WARN No activity for 30.0 minutes")

		a := w.bot.Activity()
		if a.Message.IsZero() || a.Command.IsZero() || a.Last != a.Ready || !a.Message.After(a.Command) {
			t.Errorf("activity: %+v", a)
		}
	})
}

// TestKeepAliveSwitchedOff: negative times switch the two loops off.
func TestKeepAliveSwitchedOff(t *testing.T) {
	story(t, func(w *world) {
		w.start(func(o *Options) { o.KeepaliveInterval, o.ActivityWarningAfter = -1, -1 })
		w.run()
		w.wait(24 * time.Hour)
		w.logged(0, "Keep-alive")
		w.logged(0, "No activity")
	})
}

// TestAttemptsExhausted: the gateway's giving up hope is an error in the bot's
// log, word for word; its other observations are not the bot's business.
func TestAttemptsExhausted(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		w.bot.Observe(gateway.Observation{Event: gateway.Resumed{}})
		w.logged(0, "reconnection")
		w.bot.Observe(gateway.Observation{Event: gateway.AttemptsExhausted{Failures: 10}})
		w.logged(1, "ERROR Max reconnection attempts reached")
	})
}

// TestRunEndsWithTheBot: Run ends when its context does or the bot is stopped,
// also in the middle of a request or a wait, and leaves nothing behind.
func TestRunEndsWithTheBot(t *testing.T) {
	for name, f := range map[string]fault{
		"hanging": {on: "GET", times: -1, hang: true},
		"waiting": {on: "GET", times: -1, cut: true},
		"settled": {},
	} {
		for _, byStop := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				story(t, func(w *world) {
					w.make()
					w.discord.fail(f)
					ctx, cancel := context.WithCancel(context.Background())
					ended := make(chan error)
					go func() { ended <- w.bot.Run(ctx) }()
					w.deliver("RESUMED", `null`)
					w.wait(3 * time.Second)
					if byStop {
						if err := w.bot.Stop(context.Background()); err != nil {
							t.Error(err)
						}
					} else {
						cancel()
					}
					synctest.Wait()
					select {
					case err := <-ended:
						if err != nil {
							t.Error(err)
						}
					default:
						t.Error("Run goes on")
						cancel()
						<-ended
					}
					cancel()
				})
			})
		}
	}
}
