package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Given a live shard, when nothing gets through any more in either direction,
// then the loss is noticed and the session resumed within 25 s, at whatever
// moment of the heartbeat interval it strikes and whatever the compression.
// Statements: G-024, G-059, G-073, G-075, G-088, S-039.
func TestHalfOpenLinkIsResumedWithin25Seconds(t *testing.T) {
	for i := range 24 {
		t.Run(fmt.Sprint("phase ", i), func(t *testing.T) {
			run(t, config{sim: discordsim.Config{Seed: uint64(i), Latency: 40 * time.Millisecond}}, func(s *harness) {
				s.startLive()
				s.advance(time.Duration(i) * interval / 12)
				s.inject(discordsim.Fault{Name: "half-open"})
				s.post("is anybody there?")
				took := s.untilResumed(time.Minute)
				if took > 25*time.Second {
					t.Errorf("it took %s from the fault to RESUMED", took)
				}
				s.until(time.Second, "the message has come", func() bool { return len(s.eventsOf("MESSAGE_CREATE")) == 1 })
				s.wantReason(gateway.ReasonSilent)
				s.wantIdentifies(1)
				s.noViolations()
			})
		})
	}
}

// Given a live shard on a slow and unsteady link, when the link also stalls
// for five seconds now and then, then no connection is ever given up.
// Statements: G-025.
func TestSlowLinkAndStallsCauseNoReconnect(t *testing.T) {
	slow := discordsim.Config{Seed: 7, Latency: 100 * time.Millisecond, Jitter: 400 * time.Millisecond}
	run(t, config{sim: slow}, func(s *harness) {
		s.startLive()
		for range 60 {
			s.advance(47 * time.Second)
			s.inject(discordsim.Fault{Name: "stall", Delay: 5 * time.Second})
		}
		s.advance(time.Minute)
		if got := s.shard.Stats().Connects; got != 1 {
			t.Errorf("%d connections were made, want 1: %q", got, s.reasons())
		}
		s.noViolations()
	})
}

// Given a live shard, when its network is gone for 20 s, then the session is
// resumed within 5 s of its return, and nothing is lost.
// Statements: G-011, G-059, G-068, G-151.
func TestOutageOfTheNetworkEndsInResume(t *testing.T) {
	for _, kind := range []string{"offline", "unreachable"} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprint(kind, " ", seed), func(t *testing.T) {
				run(t, config{sim: discordsim.Config{Seed: seed}}, func(s *harness) {
					s.startLive()
					s.advance(time.Duration(seed+1) * 7 * time.Second)
					s.inject(discordsim.Fault{Name: kind, For: 20 * time.Second})
					s.post("said in the dark")
					s.advance(20 * time.Second)
					s.until(5*time.Second, "the message has come", func() bool { return len(s.eventsOf("MESSAGE_CREATE")) == 1 && s.isLive() })
					s.wantIdentifies(1)
					s.noViolations()
				})
			})
		}
	}
}

// Given a new session, when READY does not come although heartbeats are
// answered, then the shard says so after 15 s, waits, keeps its heart beating
// and spends no second IDENTIFY for at least two minutes.
// Statements: G-027, G-044, S-032.
func TestReadyNeverComes(t *testing.T) {
	run(t, config{}, func(s *harness) {
		outage := s.inject(discordsim.Fault{Name: "no-ready"})
		s.start()
		s.advance(20 * time.Second)
		if len(observed[gateway.SlowReady](s)) != 1 {
			t.Error("the delay was not noted")
		}
		s.advance(100 * time.Second)
		s.wantIdentifies(1)
		if acks := s.shard.Stats().ACKs; acks < 2 {
			t.Errorf("%d heartbeats were answered while READY was outstanding", acks)
		}
		s.sim.Lift(outage)
		s.until(time.Second, "the shard is live", s.isLive)
		s.wantIdentifies(1)
		s.noViolations()
	})
}

// Given an outage that swallows IDENTIFYs for hours, then few of them are
// spent, and the shard is live soon after it ends.
// Statements: G-044, G-043.
func TestReadyNeverComesForHours(t *testing.T) {
	run(t, config{}, func(s *harness) {
		outage := s.inject(discordsim.Fault{Name: "no-ready"})
		s.start()
		s.advance(6 * time.Hour)
		if n := s.sim.Verdict(s.app).Identifies; n > 60 {
			t.Errorf("%d IDENTIFYs were spent in six hours", n)
		}
		s.wantReason(gateway.ReasonNoReady)
		s.sim.Lift(outage)
		s.until(25*time.Minute, "the shard is live", s.isLive)
		s.noViolations()
	})
}

// Given a session, when RESUME is never answered, then the shard gives up after
// three tries and identifies.
// Statements: G-071.
func TestResumedNeverComes(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		silent := s.inject(discordsim.Fault{Name: "resume-silent"})
		s.inject(discordsim.Fault{Name: "cut"})
		s.until(2*time.Minute, "a second session has begun", func() bool { return s.shard.Stats().Identifies == 2 && s.isLive() })
		s.wantReason(gateway.ReasonNoResumed)
		if n := s.sim.Verdict(s.app).Resumes; n != 3 {
			t.Errorf("%d RESUMEs were tried, want 3", n)
		}
		s.sim.Lift(silent)
		s.noViolations()
	})
}

// Given servers that accept connections and say nothing, then each attempt
// ends after ten seconds and the shard is live soon after they speak again.
// Statements: G-015, G-014.
func TestHelloNeverComes(t *testing.T) {
	run(t, config{}, func(s *harness) {
		mute := s.inject(discordsim.Fault{Name: "no-hello"})
		s.start()
		s.advance(3 * time.Minute)
		failed := observed[gateway.ConnectFailed](s)
		if len(failed) < 5 {
			t.Errorf("%d attempts in three minutes", len(failed))
		}
		for _, f := range failed {
			if f.Reason.Kind != gateway.ReasonNoHello {
				t.Errorf("an attempt failed by %q", f.Reason)
			}
		}
		s.sim.Lift(mute)
		s.until(45*time.Second, "the shard is live", s.isLive)
		s.wantIdentifies(1)
		s.noViolations()
	})
}

// Given a session, when the host of its resume URL is dead, then the shard
// resumes over the base URL and loses nothing.
// Statements: G-008, G-010, S-053.
func TestDeadResumeURLFallsBackToTheBase(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		s.inject(discordsim.Fault{Name: "resume-dead"})
		s.inject(discordsim.Fault{Name: "cut"})
		s.post("while away")
		if took := s.untilResumed(time.Minute); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		s.until(time.Second, "the message has come", func() bool { return len(s.eventsOf("MESSAGE_CREATE")) == 1 })
		s.wantIdentifies(1)
		s.noViolations()
	})
}

// Given op 7 as the first payload of new connections, then the shard survives
// it, both when it starts and when it resumes.
// Statements: G-078, S-059.
func TestReconnectAsFirstPacket(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.inject(discordsim.Fault{Name: "op7-first", Count: 2})
		s.startLive()
		s.inject(discordsim.Fault{Name: "op7-first", Count: 2})
		s.inject(discordsim.Fault{Name: "cut"})
		if took := s.untilResumed(time.Minute); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		s.wantIdentifies(1)
		s.noViolations()
	})
}

// Given a Discord that closes every session with 4000, then the shard dials no
// more than once in two seconds after its first five attempts, and comes back
// soon after it stops.
// Statements: G-060, G-151, G-152.
func TestAlways4000(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		closing := s.inject(discordsim.Fault{Name: "always-close", Code: 4000})
		s.inject(discordsim.Fault{Name: "cut"})
		s.until(time.Minute, "five dials are made", func() bool { return s.shard.Stats().Dials >= 6 })
		before, start := s.shard.Stats().Dials, time.Now()
		s.advance(30 * time.Minute)
		rate := float64(s.shard.Stats().Dials-before) / time.Since(start).Seconds()
		if rate > 0.5 {
			t.Errorf("%.2f dials a second", rate)
		}
		s.sim.Lift(closing)
		s.until(25*time.Minute, "the shard is live", s.isLive)
		if n := s.sim.Verdict(s.app).Identifies; n > 12 {
			t.Errorf("%d IDENTIFYs were spent", n)
		}
		s.noViolations()
	})
}

// Given a Discord that answers READY and drops the connection and the session
// at once, for a whole day, then fewer than 100 IDENTIFYs are spent, and never
// two within five seconds.
// Statements: G-038, G-043, G-152.
func TestReadyThenDropForADay(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.inject(discordsim.Fault{Name: "ready-drop", Delay: 100 * time.Millisecond})
		s.inject(discordsim.Fault{Name: "resume-op9-false"})
		s.start()
		s.advance(24 * time.Hour)
		v := s.sim.Verdict(s.app)
		if n := len(observed[gateway.Ready](s)); n != v.Identifies {
			t.Errorf("%d IDENTIFYs led to READY %d times", v.Identifies, n)
		}
		if v.Identifies >= 100 {
			t.Errorf("%d IDENTIFYs were spent in a day", v.Identifies)
		}
		if v.MinIdentifySpacing < 5*time.Second {
			t.Errorf("two IDENTIFYs were %s apart", v.MinIdentifySpacing)
		}
		s.noViolations()
	})
}

// Given a handler that blocks for ten minutes and 130 payloads waiting to be
// sent, then every heartbeat is on time and the connection stays.
// Statements: G-029, G-099, S-013, S-035.
func TestBlockedHandlerAndManySendsDelayNoHeartbeat(t *testing.T) {
	handle := func(ctx context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			timer := time.NewTimer(10 * time.Minute)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
	}
	run(t, config{handle: handle}, func(s *harness) {
		s.startLive()
		s.post("block")
		for range 130 {
			go func() {
				_ = s.shard.Send(context.Background(), gateway.OpVoiceStateUpdate, map[string]any{"guild_id": s.guild.ID.String(), "channel_id": nil, "self_mute": false, "self_deaf": false})
			}()
		}
		s.advance(11 * time.Minute)
		v := s.sim.Verdict(s.app)
		if s.shard.Stats().Connects != 1 || v.MissedHeartbeats != 0 {
			t.Errorf("%d connections, %d missed heartbeats: %q", s.shard.Stats().Connects, v.MissedHeartbeats, s.reasons())
		}
		if v.MaxSends > 120 {
			t.Errorf("%d payloads in one minute", v.MaxSends)
		}
		wantHeartbeatsOnTime(t, s)
		s.noViolations()
	})
}

// wantHeartbeatsOnTime fails the story unless the regular heartbeats of the newest
// connection are one interval apart.
func wantHeartbeatsOnTime(t *testing.T, s *harness) {
	t.Helper()
	logs := s.sim.Connections(s.app)
	var beats []time.Time
	for _, f := range logs[len(logs)-1].Frames {
		if !f.Sent && f.Op == 1 {
			beats = append(beats, f.At)
		}
	}
	if len(beats) < 3 {
		t.Fatalf("%d heartbeats were seen", len(beats))
	}
	for i, at := range beats[1:] {
		if gap := at.Sub(beats[i]); gap > interval+time.Second {
			t.Errorf("heartbeats were %s apart", gap)
		}
	}
}

// Given a shard in any phase of its life, when Stop is called, then it ends
// within two seconds, for good, and dials no more.
// Statements: G-090, G-092.
func TestStopIsFinalInEveryPhase(t *testing.T) {
	phases := map[string]func(*harness){
		"dial": func(s *harness) { s.inject(discordsim.Fault{Name: "offline"}); s.start(); s.advance(time.Second) },
		"backoff": func(s *harness) {
			s.inject(discordsim.Fault{Name: "upgrade-status", Code: 503})
			s.start()
			s.until(time.Hour, "the shard waits for long", func() bool {
				w, is := s.shard.State().(gateway.Waiting)
				return is && time.Until(w.Until) > 15*time.Second
			})
		},
		"hello": func(s *harness) { s.inject(discordsim.Fault{Name: "no-hello"}); s.start(); s.advance(time.Second) },
		"ready": func(s *harness) { s.inject(discordsim.Fault{Name: "no-ready"}); s.start(); s.advance(3 * time.Second) },
		"resume": func(s *harness) {
			s.startLive()
			s.inject(discordsim.Fault{Name: "resume-silent"})
			s.inject(discordsim.Fault{Name: "cut"})
			s.advance(3 * time.Second)
		},
		"live": func(s *harness) { s.startLive() },
		"suspect": func(s *harness) {
			s.startLive()
			s.inject(discordsim.Fault{Name: "half-open"})
			s.until(time.Minute, "the shard is suspicious", func() bool { _, is := s.shard.State().(gateway.Suspect); return is })
		},
		"moving": func(s *harness) { s.startLive(); s.inject(discordsim.Fault{Name: "op7"}); s.advance(time.Millisecond) },
		"parked": func(s *harness) {
			s.startLive()
			s.inject(discordsim.Fault{Name: "token-reset"})
			s.advance(time.Minute)
		},
	}
	for name, prepare := range phases {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(s *harness) {
				prepare(s)
				start := time.Now()
				s.stop(gateway.KeepSession)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("Stop took %s", took)
				}
				dials := s.shard.Stats().Dials
				s.sim.LiftAll()
				s.advance(time.Hour)
				if s.shard.Stats().Dials != dials {
					t.Error("the shard dialled after Stop")
				}
			})
		})
	}
}

// Given a live shard, when it pauses, then the session stays at Discord; when
// it says goodbye, then the dot is grey at once.
// Statements: G-089, G-090, S-044, S-045.
func TestPauseKeepsTheSessionAndGoodbyeEndsIt(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.startLive()
		kept := s.shard.Session()
		s.stop(gateway.KeepSession)
		if !s.sim.Online(s.app) || s.sim.Sessions(s.app) != 1 || !kept.Resumable() {
			t.Error("the session did not survive the pause")
		}
		if codes := s.sim.Verdict(s.app).CloseCodes; codes[4900] != 1 || len(codes) != 1 {
			t.Errorf("close codes %v", codes)
		}
	})
	run(t, config{}, func(s *harness) {
		s.startLive()
		s.stop(gateway.EndSession)
		if s.sim.Online(s.app) || s.sim.Sessions(s.app) != 0 {
			t.Error("the dot is still green after goodbye")
		}
		if codes := s.sim.Verdict(s.app).CloseCodes; codes[1000] != 1 || len(codes) != 1 {
			t.Errorf("close codes %v", codes)
		}
	})
}

// Given a shard that was stopped before it ran, then it never runs.
// Statements: G-092.
func TestStopBeforeRun(t *testing.T) {
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: "x", Intents: intents}, URLSource: gateway.FixedURL("ws://gateway.discord.sim"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := shard.Stop(context.Background(), gateway.KeepSession); err != nil {
		t.Fatal(err)
	}
	if err := shard.Run(context.Background()); err == nil {
		t.Error("Run did not refuse")
	}
	if shard.Stats().Dials != 0 {
		t.Error("the shard dialled")
	}
}
