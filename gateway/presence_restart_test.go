package gateway_test

import (
	"context"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/simtest"
)

// Given a bot that crashes every few seconds, then every process resumes the session of
// the one before, and all of them together send no more presences over it than Discord
// takes; the connection may break besides. A presence that has changed is shown as soon
// as a process lives long enough.
// Statements: G-101, S-055, S-076.
func TestPresencesOfACrashLoopStayWithinTheLimit(t *testing.T) {
	for _, lives := range []time.Duration{500 * time.Millisecond, 2 * time.Second, 4 * time.Second, 5200 * time.Millisecond, 7 * time.Second} {
		for _, flaps := range []bool{false, true} {
			simtest.Run(t, simtest.Options{Guilds: 1}, func(w *simtest.World) {
				var saved simtest.Sessions
				live := func(name string, until time.Duration) {
					options := w.ShardOptions(intents)
					options.Presence = &gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: name, Type: gateway.ActivityWatching}}}
					options.Session, options.SessionStore = saved.Session(gateway.ShardID{}), saved.SessionStore(gateway.ShardID{})
					shard, err := gateway.New(options)
					if err != nil {
						t.Fatal(err)
					}
					ran := make(chan error, 1)
					go func() { ran <- shard.Run(context.Background()) }()
					for ; until > 0; until -= time.Second {
						w.Advance(min(time.Second, until))
						if flaps {
							w.Inject(discordsim.Fault{Name: "cut"})
						}
					}
					// Discord sees no difference between this and a process that is killed.
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					defer cancel()
					if err := shard.Stop(ctx, gateway.KeepSession); err != nil {
						t.Error(err)
					}
					if err := <-ran; err != nil {
						t.Error(err)
					}
				}
				live("at work", 10*time.Second)
				for range 20 {
					live("changed", lives)
				}
				if !flaps {
					live("changed", 8*time.Second)
					if history := w.Sim.StatusHistory(w.App); history[len(history)-1].Activity != "changed" {
						t.Errorf("lives of %s: the bot shows %q", lives, history[len(history)-1].Activity)
					}
				}
				if v := w.Sim.Verdict(w.App); v.MaxPresences > 5 || v.Identifies != 1 || v.Resumes < 20 {
					t.Errorf("lives of %s, broken connections %t: %d presences in 20 s, %d IDENTIFYs, %d RESUMEs", lives, flaps, v.MaxPresences, v.Identifies, v.Resumes)
				}
				w.NoViolations()
			})
		}
	}
}
