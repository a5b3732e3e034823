package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Given a live shard, when Discord closes with a code of the table, then the
// session is resumed, resumed once at most, or given up, as the table says.
// Statements: G-060, G-061, G-062, G-063, S-061, S-062.
func TestEveryCloseCode(t *testing.T) {
	for code, identifies := range map[int]bool{
		1000: false, 1001: false, 1011: false, 1012: false,
		4000: false, 4001: false, 4002: false, 4005: false, 4006: false, 4008: false, 4999: false,
		4007: true, 4009: true,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.startLive()
				h.Advance(time.Minute)
				h.Inject(discordsim.Fault{Name: "close", Code: code})
				h.Post("after the close")
				h.Advance(20 * time.Second)
				if !h.isLive() {
					t.Fatalf("the shard is %s", h.shard.State())
				}
				if identifies {
					h.WantIdentifies(2)
				} else {
					h.WantIdentifies(1)
					if h.shard.Stats().Resumed != 1 || len(h.eventsOf("MESSAGE_CREATE")) != 1 {
						t.Error("the session was not resumed")
					}
				}
				h.NoViolations()
			})
		})
	}
}

// Given a close with 1000, when the RESUME that follows is refused, then the
// shard identifies and does not resume again.
// Statements: G-062.
func TestNormalCloseResumesOnlyOnce(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "stuck-session", For: 20 * time.Second})
		h.Inject(discordsim.Fault{Name: "close", Code: 1000})
		h.Until(time.Minute, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		if n := h.shard.Stats().Resumes; n != 1 {
			t.Errorf("%d RESUMEs, want 1", n)
		}
	})
}

// Given a thousand drops of a resumable session, then each is resumed at once,
// no IDENTIFY is spent, no event is lost, and nothing of an old connection
// stays behind.
// Statements: G-030, G-059, G-073, G-074, G-075, G-076, G-088, S-054.
func TestThousandDrops(t *testing.T) {
	drops := 1000
	if testing.Short() {
		drops = 100
	}
	kinds := []discordsim.Fault{
		{Name: "cut"}, {Name: "drop"}, {Name: "op7"}, {Name: "close", Code: 4000}, {Name: "close", Code: 1001}, {Name: "corrupt"},
	}
	run(t, config{sim: discordsim.Config{Latency: 5 * time.Millisecond}}, func(h *harness) {
		h.startLive()
		said := 0
		for i := range drops {
			h.Advance(time.Duration(6000+i%1000) * time.Millisecond)
			h.Inject(kinds[i%len(kinds)])
			h.Post("in between")
			said++
			if took := h.untilResumed(10 * time.Second); took > 5*time.Second {
				t.Errorf("drop %d (%s): resumed after %s", i, kinds[i%len(kinds)].Name, took)
			}
		}
		h.Advance(time.Minute)
		if got := len(h.eventsOf("MESSAGE_CREATE")); got != said {
			t.Errorf("%d of %d messages arrived", got, said)
		}
		h.WantIdentifies(1)
		v := h.Sim.Verdict(h.App)
		for code := range v.CloseCodes {
			if code != 4900 {
				t.Errorf("the client closed with %d", code)
			}
		}
		for _, log := range h.Sim.Connections(h.App) {
			for _, f := range log.Frames {
				if !log.Closed.IsZero() && f.At.After(log.Closed) {
					t.Fatal("a payload was sent after the end of a connection")
				}
			}
		}
		h.NoViolations()
	})
}

// Given a replay that is cut in the middle again and again, then each RESUME
// goes on from where the last came to, and every event arrives once and in
// order.
// Statements: G-067, G-068, S-046, S-054.
func TestReplayIsCutInTheMiddle(t *testing.T) {
	run(t, config{sim: discordsim.Config{Latency: 2 * time.Millisecond, LinkWindow: 4096}}, func(h *harness) {
		h.startLive()
		h.Inject(discordsim.Fault{Name: "offline", For: 2 * time.Second})
		for i := range 2000 {
			h.Post(fmt.Sprint(i))
		}
		for range 30 {
			h.Advance(130 * time.Millisecond)
			h.Inject(discordsim.Fault{Name: "cut"})
		}
		h.Until(time.Minute, "the session is resumed", func() bool { return h.shard.Stats().Resumed > 0 && h.isLive() })
		h.Advance(5 * time.Second)
		var got []int64
		for _, e := range h.eventsOf("MESSAGE_CREATE") {
			got = append(got, e.Seq)
		}
		if len(got) != 2000 || !slices.IsSorted(got) {
			t.Errorf("%d events, in order: %t", len(got), slices.IsSorted(got))
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a resumed session, then the shard is live without READY or guilds, has
// sent its presence again, and events that follow come after those replayed.
// Statements: G-066, G-067, G-069, S-047, S-055.
func TestResumedIsLive(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(6 * time.Second) // a presence follows the one before no sooner
		guilds := len(h.eventsOf("GUILD_CREATE"))
		presences := len(observed[gateway.PresenceSent](h))
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Post("one")
		h.untilResumed(5 * time.Second)
		h.Post("two")
		h.Advance(time.Second)
		if len(h.eventsOf("READY")) != 1 || len(h.eventsOf("GUILD_CREATE")) != guilds {
			t.Error("a resume brought READY or guilds")
		}
		events := h.eventsOf("MESSAGE_CREATE")
		if len(events) != 2 || !events[0].Replayed || events[1].Replayed || events[0].Seq >= events[1].Seq {
			t.Errorf("events %v", events)
		}
		if len(observed[gateway.PresenceSent](h)) != presences+1 {
			t.Error("the presence was not sent again")
		}
		r := observed[gateway.Resumed](h)
		if len(r) != 1 || r[0].Replayed != 1 || r[0].Gap <= 0 {
			t.Errorf("observed %+v", r)
		}
	})
}

// Given a session that Discord has forgotten, when the shard resumes, then op 9
// leads to one IDENTIFY on the base URL after one to five seconds.
// Statements: G-009, G-082, G-086, S-050, S-063.
func TestLostSessionIsIdentifiedAnew(t *testing.T) {
	for _, name := range []string{"session-loss", "op9-false"} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.startLive()
				h.Advance(time.Minute)
				start := time.Now()
				h.Inject(discordsim.Fault{Name: name})
				h.Until(10*time.Second, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
				if took := time.Since(start); took < time.Second || took > 7*time.Second {
					t.Errorf("it took %s", took)
				}
				if len(observed[gateway.SessionLost](h)) != 1 {
					t.Error("the loss of the session was not observed once")
				}
				h.WantIdentifies(2)
				h.NoViolations()
			})
		})
	}
}

// Given op 9 with d true on a live session, then the session is kept and
// resumed after one to five seconds; more than three in a row count as false.
// Statements: G-081, G-085, G-086, S-057.
func TestResumableInvalidSession(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		start := time.Now()
		h.Inject(discordsim.Fault{Name: "op9-true"})
		h.untilResumed(10 * time.Second)
		if took := time.Since(start); took < time.Second || took > 6*time.Second {
			t.Errorf("resumed after %s", took)
		}
		h.WantIdentifies(1)

		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "resume-op9-true", Count: 2})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.untilResumed(20 * time.Second)
		h.WantIdentifies(1)

		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "resume-op9-true", Count: 10})
		h.Inject(discordsim.Fault{Name: "cut"})
		h.Until(time.Minute, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		h.NoViolations()
	})
}

// Given a Discord that answers every IDENTIFY with op 9, then IDENTIFYs are at
// least five seconds apart and the pauses grow.
// Statements: G-083, G-084.
func TestRefusedIdentifiesSlowDown(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "ready-op9"})
		h.start()
		h.Advance(10 * time.Minute)
		early := h.Sim.Verdict(h.App).Identifies
		h.Advance(2 * time.Hour)
		v := h.Sim.Verdict(h.App)
		if v.MinIdentifySpacing < 5*time.Second {
			t.Errorf("two IDENTIFYs were %s apart", v.MinIdentifySpacing)
		}
		if late := v.Identifies - early; late > 30 {
			t.Errorf("%d IDENTIFYs in ten minutes, %d more in two hours", early, late)
		}
		h.Sim.LiftAll()
		h.Until(25*time.Minute, "the shard is live", h.isLive)
		h.NoViolations()
	})
}

// Given a session whose RESUMEs are all cut off, then the shard gives it up
// within 90 s and identifies.
// Statements: G-072, S-056.
func TestStuckSessionIsGivenUp(t *testing.T) {
	run(t, config{sim: discordsim.Config{Session: discordsim.SessionConfig{Lifetime: time.Hour}}}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "stuck-session"})
		h.Inject(discordsim.Fault{Name: "cut"})
		took := h.Until(2*time.Minute, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		if took > 95*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// Given op 7 on a live shard, then a new connection is prepared while the old
// one serves on, the session moves without backoff, and events in between are
// neither lost nor doubled.
// Statements: G-077, G-080, G-088, S-059.
func TestReconnectRequestMovesTheSession(t *testing.T) {
	run(t, config{sim: discordsim.Config{Latency: 30 * time.Millisecond}}, func(h *harness) {
		h.startLive()
		h.Advance(10 * time.Second)
		h.Inject(discordsim.Fault{Name: "op7"})
		for range 20 {
			h.Post("on the way")
			h.Advance(20 * time.Millisecond)
		}
		h.Until(2*time.Second, "the session is resumed", func() bool { return h.shard.Stats().Resumed == 1 && h.isLive() })
		h.Advance(10 * time.Second)
		if got := len(h.eventsOf("MESSAGE_CREATE")); got != 20 {
			t.Errorf("%d of 20 events arrived", got)
		}
		if gap := observed[gateway.Resumed](h)[0].Gap; gap > 200*time.Millisecond {
			t.Errorf("nothing was heard for %s", gap)
		}
		if n := h.shard.Stats().Resumes; n != 1 {
			t.Errorf("%d RESUMEs, want 1", n)
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given op 7 twice in a row, between HELLO and READY, and with a server that
// closes at once, then exactly one resume follows each.
// Statements: G-078, G-079.
func TestReconnectRequestsInAwkwardMoments(t *testing.T) {
	// With a latency no request finds the connection that the one before has led to.
	run(t, config{sim: discordsim.Config{Latency: 10 * time.Millisecond}}, func(h *harness) {
		h.startLive()
		h.Advance(10 * time.Second)
		h.Inject(discordsim.Fault{Name: "op7"})
		h.Inject(discordsim.Fault{Name: "malformed", Text: `{"op":7,"d":null,"s":null,"t":null}`})
		h.untilResumed(3 * time.Second)
		h.Advance(10 * time.Second)
		if n := h.shard.Stats().Resumes; n != 1 {
			t.Errorf("two op 7 led to %d RESUMEs", n)
		}
		h.Inject(discordsim.Fault{Name: "op7"})
		h.Inject(discordsim.Fault{Name: "close", Code: 1001, Text: "Discord WebSocket requesting client reconnect."})
		h.untilResumed(3 * time.Second)
		h.Advance(10 * time.Second)
		if n := h.shard.Stats().Resumes; n != 2 {
			t.Errorf("%d RESUMEs, want 2", n)
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
	// With a latency no request finds the connection that the one before has led to.
	run(t, config{sim: discordsim.Config{Latency: 10 * time.Millisecond}}, func(h *harness) {
		outage := h.Inject(discordsim.Fault{Name: "no-ready"})
		h.start()
		h.Until(10*time.Second, "IDENTIFY is sent", func() bool { return h.shard.Stats().Identifies == 1 })
		h.Advance(time.Second)
		h.Sim.Lift(outage) // READY comes; the next session is asked to move before it is live
		h.Until(time.Minute, "the shard is live", h.isLive)
		h.Inject(discordsim.Fault{Name: "op7-first", Count: 2})
		h.Inject(discordsim.Fault{Name: "op7"})
		h.untilResumed(10 * time.Second)
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given a live session that is invalidated with 4003, then the credentials are
// inspected once; when they are good, one IDENTIFY follows, when the token was
// reset, the shard parks and dials no more until it is mended.
// Statements: G-064, G-094, G-098, S-064.
func TestInvalidatedSessionIsVerified(t *testing.T) {
	var inspected atomic.Int32
	var bad atomic.Bool
	options := func(o *gateway.Options) {
		o.CredentialChecker = checkerFunc(func(_ context.Context, _ gateway.Reason, c gateway.Credentials) (gateway.Credentials, error) {
			inspected.Add(1)
			if bad.Load() {
				return c, gateway.ErrUnauthorized
			}
			return c, nil
		})
	}
	run(t, config{options: options}, func(h *harness) {
		h.startLive()
		h.Advance(2 * time.Minute)
		h.Inject(discordsim.Fault{Name: "close", Code: 4003})
		h.Until(20*time.Second, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		if n := inspected.Load(); n != 1 {
			t.Errorf("the credentials were inspected %d times", n)
		}
		h.Advance(5 * time.Minute)
		bad.Store(true)
		fresh := h.Sim.ResetToken(h.App)
		h.Advance(20 * time.Second)
		parked, is := h.shard.State().(gateway.Parked)
		if !is || parked.Reason.Kind != gateway.ReasonFatal {
			t.Fatalf("the shard is %s", h.shard.State())
		}
		dials := h.shard.Stats().Dials
		h.Advance(time.Hour)
		if h.shard.Stats().Dials != dials {
			t.Error("a parked shard dialled")
		}
		if err := h.shard.Reconfigure(gateway.Credentials{Token: fresh, Intents: intents}); err != nil {
			t.Fatal(err)
		}
		h.Until(10*time.Second, "the shard is live", h.isLive)
		h.NoViolations()
	})
}

type checkerFunc func(context.Context, gateway.Reason, gateway.Credentials) (gateway.Credentials, error)

func (f checkerFunc) CheckCredentials(ctx context.Context, cause gateway.Reason, c gateway.Credentials) (gateway.Credentials, error) {
	return f(ctx, cause, c)
}

// Given credentials or a shard pair that Discord refuses for good, then the
// shard parks after one IDENTIFY, with the cause and its remedy, and comes back
// by itself once an inspection finds them mended.
// Statements: G-047, G-094, G-098, S-019, S-021, S-022, S-023.
func TestFatalCloseCodesPark(t *testing.T) {
	none := uint64(0)
	for name, c := range map[string]struct {
		set  config
		code gateway.CloseCode
		mend func(*harness) gateway.Credentials
	}{
		"wrong token": {
			config{options: func(o *gateway.Options) { o.Token = "wrong" }}, gateway.CloseAuthFailed,
			func(h *harness) gateway.Credentials { return gateway.Credentials{Token: h.App.Token, Intents: intents} },
		},
		"refused intents": {
			config{app: discordsim.AppConfig{Flags: &none}}, gateway.CloseDisallowedIntents,
			func(h *harness) gateway.Credentials {
				h.Sim.SetFlags(h.App, 1<<19)
				return gateway.Credentials{Token: h.App.Token, Intents: intents}
			},
		},
		"too many guilds": {
			config{sim: discordsim.Config{Identify: discordsim.IdentifyConfig{MaxGuilds: 1}}}, gateway.CloseShardingRequired,
			func(h *harness) gateway.Credentials {
				h.Sim.Leave(h.App, h.Guild)
				return gateway.Credentials{Token: h.App.Token, Intents: intents}
			},
		},
		"wrong shard count": {
			config{
				app:     discordsim.AppConfig{LargeMultiple: 4},
				options: func(o *gateway.Options) { o.Shard = gateway.ShardID{ID: 0, Count: 3} },
			}, gateway.CloseInvalidShard, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var mended atomic.Pointer[gateway.Credentials]
			options := c.set.options
			c.set.options = func(o *gateway.Options) {
				if options != nil {
					options(o)
				}
				o.CredentialChecker = checkerFunc(func(_ context.Context, _ gateway.Reason, now gateway.Credentials) (gateway.Credentials, error) {
					if m := mended.Load(); m != nil {
						return *m, nil
					}
					return now, gateway.ErrUnauthorized
				})
			}
			run(t, c.set, func(h *harness) {
				if name == "too many guilds" {
					h.Sim.Join(h.App, h.Sim.AddGuild("another"))
				}
				h.start()
				h.Advance(time.Hour)
				parked, is := h.shard.State().(gateway.Parked)
				if !is || parked.Reason.Code != c.code {
					t.Fatalf("the shard is %s by %s", h.shard.State(), h.reasons())
				}
				if c.code.Meaning() == "" || c.code.Remedy() == "" {
					t.Error("the table has no words for it")
				}
				if n := h.shard.Stats().Identifies; n != 1 {
					t.Errorf("%d IDENTIFYs were sent", n)
				}
				if c.mend != nil {
					m := c.mend(h)
					mended.Store(&m)
					h.Until(11*time.Minute, "the shard is live", h.isLive)
				}
			})
		})
	}
}

// Given a session of an earlier run, then the shard resumes it first, also when
// it is of the wrong kind: Discord's refusal leads to one IDENTIFY.
// Statements: G-053, G-065.
func TestStartsWithTheSessionOfAnEarlierRun(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.stop(gateway.KeepSession)
		h.Post("between two runs")
		h.restart(h.shard.Session())
		h.Until(time.Second, "the message has come", func() bool { return len(h.eventsOf("MESSAGE_CREATE")) == 1 })
		if n := h.shard.Stats().Resumed; n != 1 {
			t.Errorf("%d RESUMEs were answered, want 1", n)
		}
		h.WantIdentifies(1)
		h.NoViolations()
	})
	run(t, config{options: func(o *gateway.Options) {
		o.Session = gateway.Session{ID: "gone", ResumeURL: "ws://resume.discord.sim", Seq: 7}
	}}, func(h *harness) {
		h.startLive()
		h.WantIdentifies(1)
	})
}

// Given op 9 whose d is missing or no boolean, then it counts as false.
// Statements: G-087.
func TestInvalidSessionWithoutAnAnswer(t *testing.T) {
	for _, text := range []string{`{"op":9}`, `{"op":9,"d":null}`, `{"op":9,"d":"true"}`, `{"op":9,"d":1}`, `{"op":9,"d":{"resumable":true}}`} {
		run(t, config{}, func(h *harness) {
			h.startLive()
			h.Advance(time.Minute)
			h.injectRaw(text)
			h.Until(20*time.Second, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
			if n := h.shard.Stats().Resumes; n != 0 {
				t.Errorf("%s led to a RESUME", text)
			}
		})
	}
}
