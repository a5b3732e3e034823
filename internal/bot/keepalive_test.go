package bot

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
)

// TestKeepAlive: every 300 s, give or take five percent, the presence is
// refreshed and the line is logged word for word.
func TestKeepAlive(t *testing.T) {
	run(t, func(h *harness) {
		jitters := []float64{0, 0.999999, 0.5}
		turn := 0
		h.start(func(o *Options) {
			o.KeepCommands = true
			o.Rand = func() float64 { turn++; return jitters[(turn-1)%3] }
		})
		h.deliver("READY", `{"user":{"id":"1198622483471925248"},"guilds":[{"id":"1"},{"id":"2"},{"id":"3"}]}`)
		began := time.Now()
		h.run()
		h.wait(165 * time.Second)
		h.say("hello")
		h.wait(735 * time.Second)
		h.logged(1, "DEBUG Keep-alive ping - Latency: 45ms, Guilds: 3, Last activity: 120s ago")
		h.logged(3, "DEBUG Keep-alive ping - Latency: 45ms, Guilds: 3, Last activity: ")
		h.logged(0, "could not be refreshed")
		if len(h.shard.presences) != 3 {
			t.Fatalf("the presence was refreshed %d times", len(h.shard.presences))
		}
		before := began
		for i, want := range []time.Duration{285 * time.Second, 315 * time.Second, 300 * time.Second} {
			if got := h.shard.presences[i].at.Sub(before).Round(time.Millisecond); got != want {
				t.Errorf("refresh %d came after %v, want %v", i, got, want)
			}
			before = h.shard.presences[i].at
		}
	})
}

// TestKeepAliveWithoutConnection: while the shard is not online the presence is
// left alone, and the log says where the connection stands.
func TestKeepAliveWithoutConnection(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.shard.become(gateway.Connecting{Resuming: true}, 0, nil)
		h.run()
		h.wait(301 * time.Second)
		if len(h.shard.presences) != 0 {
			t.Error("the presence was sent into the void")
		}
		h.logged(1, "WARN Keep-alive found no connection to Discord; the gateway is reconnecting state=connecting to resume")
		h.logged(1, "Keep-alive ping - Latency: unknown, Guilds: 0, Last activity: 300s ago")

		h.shard.become(gateway.Suspect{}, 0, errors.New("too large"))
		h.wait(300 * time.Second)
		h.logged(1, "WARN Presence could not be refreshed error=too large")
		h.shard.become(gateway.Live{}, 0, gateway.ErrStopped)
		h.wait(300 * time.Second)
		h.logged(1, "could not be refreshed")
	})
}

// TestPresenceIsIdleWhileAnswersDoNotGetOut: people see an idle bot while its answers do
// not get out, and an online one again soon after they do, with the rest of the presence
// as it is. A presence that was chosen to be other than online stays.
func TestPresenceIsIdleWhileAnswersDoNotGetOut(t *testing.T) {
	const online, idle, dnd = gateway.StatusOnline, gateway.StatusIdle, gateway.StatusDND
	const keepAlive = 292 * time.Second // between two looks, at 285 s and 300 s
	type sent struct {
		after  int // seconds
		status gateway.Status
	}
	for _, test := range []struct {
		name    string
		chosen  gateway.Status
		changes []int  // seconds: when answers stop getting out, and when they do again, in turn
		want    []sent // in the first ten minutes
	}{
		{"answers get out", online, nil, []sent{{292, online}, {584, online}}},
		{"for two minutes", online, []int{10, 130}, []sent{{15, idle}, {135, online}, {292, online}, {584, online}}},
		{"beyond a keep-alive", online, []int{10, 310}, []sent{{15, idle}, {292, idle}, {315, online}, {584, online}}},
		{"seen by the keep-alive alone", online, []int{288, 294}, []sent{{292, idle}, {300, online}, {584, online}}},
		{"an end seen by the keep-alive alone", online, []int{10, 288, 294}, []sent{{15, idle}, {292, online}, {300, idle}, {584, idle}}},
		{"between two looks", online, []int{16, 29}, []sent{{292, online}, {584, online}}},
		{"another status", dnd, []int{10, 130}, []sent{{15, dnd}, {135, dnd}, {292, dnd}, {584, dnd}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(t, func(h *harness) {
				var undelivered atomic.Bool
				h.start(func(o *Options) {
					o.KeepCommands, o.KeepaliveInterval = true, keepAlive
					o.Undelivered = undelivered.Load
					o.Presence = gateway.Presence{Status: test.chosen, Activities: []gateway.Activity{{Name: "papers"}}}
				})
				began := time.Now()
				h.run()
				for i, at := range test.changes {
					h.wait(time.Until(began.Add(time.Duration(at) * time.Second)))
					undelivered.Store(i%2 == 0)
				}
				h.wait(time.Until(began.Add(10 * time.Minute)))
				var got []sent
				for _, p := range h.shard.presences {
					got = append(got, sent{int(p.at.Sub(began) / time.Second), p.Status})
					if len(p.Activities) != 1 || p.Activities[0].Name != "papers" {
						t.Errorf("the presence is %+v", p.Presence)
					}
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("presences %v, want %v", got, test.want)
				}
				h.logged(0, "could not be refreshed")
			})
		})
	}
}

// TestPresenceChangesSeldom: however often answers stop and go on getting out, presences
// stay far below Discord's limit of five in twenty seconds.
//
// Statements: G-101.
func TestPresenceChangesSeldom(t *testing.T) {
	run(t, func(h *harness) {
		var looks atomic.Int64
		h.start(func(o *Options) {
			o.KeepCommands, o.KeepaliveInterval = true, 20*time.Second
			o.Undelivered = func() bool { return looks.Add(1)%2 == 1 }
		})
		h.run()
		h.wait(time.Hour)
		for i, p := range h.shard.presences[3:] {
			if within := p.at.Sub(h.shard.presences[i].at); within < 20*time.Second {
				t.Fatalf("four presences in %v", within)
			}
		}
		if n := len(h.shard.presences); n < 180 {
			t.Errorf("%d presences in an hour", n)
		}
	})
}

// TestChangedPresenceThatIsRefused: a presence that the gateway refuses is told; that of a
// bot that stops is not.
func TestChangedPresenceThatIsRefused(t *testing.T) {
	for err, lines := range map[error]int{errors.New("too large"): 1, gateway.ErrStopped: 0, nil: 0} {
		run(t, func(h *harness) {
			h.start(func(o *Options) { o.KeepaliveInterval, o.Undelivered = Never, func() bool { return true } })
			h.shard.become(gateway.Live{}, 0, err)
			h.run()
			h.wait(time.Minute)
			if len(h.shard.presences) != 1 {
				t.Errorf("%v: %d presences", err, len(h.shard.presences))
			}
			h.logged(lines, "WARN Presence could not be refreshed error=too large")
			h.logged(lines, "could not be refreshed")
		})
	}
}

// TestSilenceIsNoticed: thirty minutes without a user are a warning, word for
// word, and every thirty more; a message, a command, a member or a READY count as
// activity, a bot's message does not.
func TestSilenceIsNoticed(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.run()
		h.wait(29*time.Minute + 59*time.Second)
		h.logged(0, "No activity")
		h.wait(time.Second)
		h.logged(1, "WARN No activity for 30.0 minutes")
		h.wait(30 * time.Minute)
		h.logged(1, "WARN No activity for 60.0 minutes")

		// Each sign of life, 20 minutes apart, keeps the warning away.
		slash, _ := h.slash(askerID, "about")
		for _, sign := range []func(){
			func() { h.say("hello") },
			func() { h.deliver("GUILD_MEMBER_ADD", `{"guild_id":"1","user":{"id":"5"}}`) },
			func() { h.deliver("INTERACTION_CREATE", slash) },
			func() { h.say("!about") },
			func() { h.deliver("MESSAGE_CREATE", h.message("", fields{"type": 7})) },
			func() { h.deliver("READY", `{"user":{"id":"1198622483471925248"}}`) },
		} {
			sign()
			h.wait(20 * time.Minute)
		}
		h.logged(2, "No activity")
		h.deliver("MESSAGE_CREATE", h.message("beep", fields{"author": fields{"id": "9", "bot": true}}))
		h.wait(11 * time.Minute)
		h.logged(2, "WARN No activity for 30.0 minutes")

		a := h.bot.Activity()
		if a.Message.IsZero() || a.Command.IsZero() || a.Last != a.Ready || !a.Message.After(a.Command) {
			t.Errorf("activity: %+v", a)
		}
	})
}

// TestSilenceFromTheStart: a bot that nothing has reached, not even a READY, is warned
// about half an hour after its start. Nothing is warned about twice in half an hour, and
// activity a moment after a warning starts the half hour again.
func TestSilenceFromTheStart(t *testing.T) {
	run(t, func(h *harness) {
		h.make(func(o *Options) { o.KeepCommands = true })
		if a := h.bot.Activity(); a.Last != h.bot.started || !a.Ready.IsZero() || !a.Message.IsZero() || !a.Command.IsZero() {
			t.Errorf("activity at the start: %+v", a)
		}
		h.wait(10 * time.Minute) // from New to Run
		h.run()
		h.wait(20*time.Minute - time.Second)
		h.logged(0, "No activity")
		h.wait(time.Second)
		h.logged(1, "WARN No activity for 30.0 minutes")
		h.wait(time.Second)
		h.say("hello")
		h.wait(30*time.Minute - time.Second)
		h.logged(1, "No activity")
		h.wait(time.Second)
		h.logged(2, "WARN No activity for 30.0 minutes")
	})
}

// TestUnattachedBotIsOffline: a bot whose shard does not exist yet counts as offline.
func TestUnattachedBotIsOffline(t *testing.T) {
	run(t, func(h *harness) {
		h.unattached = true
		h.start(func(o *Options) { o.KeepCommands = true })
		h.run()
		h.wait(DefaultKeepaliveInterval)
		h.logged(1, "WARN Keep-alive found no connection to Discord; the gateway is reconnecting state=")
		h.logged(1, "Keep-alive ping - Latency: unknown")
		h.bot.Attach(h.shard)
		h.wait(DefaultKeepaliveInterval)
		h.logged(1, "Keep-alive ping - Latency: 45ms")
	})
}

// TestKeepAliveSwitchedOff: negative times switch the two loops off.
func TestKeepAliveSwitchedOff(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.KeepaliveInterval, o.ActivityWarningAfter = -1, -1 })
		h.run()
		h.wait(24 * time.Hour)
		h.logged(0, "Keep-alive")
		h.logged(0, "No activity")
	})
}

// TestAttemptsExhausted: the gateway's giving up hope is an error in the bot's
// log, word for word; its other observations are not the bot's business.
func TestAttemptsExhausted(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.bot.Observe(gateway.Observation{Event: gateway.Resumed{}})
		h.logged(0, "reconnection")
		h.bot.Observe(gateway.Observation{Event: gateway.AttemptsExhausted{Failures: 10}})
		h.logged(1, "ERROR Max reconnection attempts reached")
	})
}

// TestRunEndsWithTheBot: Run ends when its context does or the bot is stopped,
// also in the middle of a request or a wait, and leaves nothing behind.
func TestRunEndsWithTheBot(t *testing.T) {
	for name, f := range map[string]fault{
		"hanging": {on: "GET", times: -1, hang: true, after: time.Second},
		"waiting": {on: "GET", times: -1, cut: true},
		"settled": {},
	} {
		for _, byStop := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				run(t, func(h *harness) {
					h.make()
					h.discord.fail(f)
					ctx, cancel := context.WithCancel(context.Background())
					ended := make(chan error)
					go func() { ended <- h.bot.Run(ctx) }()
					h.deliver("RESUMED", `null`)
					h.wait(3 * time.Second)
					if byStop {
						if err := h.bot.Stop(context.Background()); err != nil {
							t.Error(err)
						}
					} else {
						cancel()
					}
					synctest.Wait()
					if f.hang {
						select {
						case <-ended:
							t.Fatal("Run has ended while its request goes on")
						default:
						}
					}
					h.wait(f.after)
					h.logged(0, "ERROR")
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
