package app

import (
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/process/config"
)

// parked waits until the shard waits for a person.
func (r *runningBot) parked() {
	r.harness.T.Helper()
	r.harness.Until(2*time.Minute, "the shard is parked", func() bool {
		for _, shard := range r.Fleet().Shards() {
			if _, is := shard.State().(gateway.Parked); is {
				return true
			}
		}
		return false
	})
}

// Given a token that is reset in mid-life, when the new one is written into the
// settings, then the parked bot asks Discord about it and is online again with
// exactly one IDENTIFY more, answers with it, and no token stands in the log.
//
// Statements: G-064, G-098.
func TestNewTokenBringsAParkedBotBack(t *testing.T) {
	run(t, nil, func(s *harness) {
		o := s.options()
		var told []string
		o.TokenChanged = func(token string) { told = append(told, token) }
		r := s.start(o).online()
		old := s.App.Token
		fresh := s.Sim.ResetToken(s.App)
		r.parked()
		time.Sleep(time.Hour)

		wrong := o.Config
		wrong.Token = config.NewSecret("wrong" + fresh)
		r.Reload(wrong)
		r.parked()
		o.Config.Token = config.NewSecret(fresh)
		r.Reload(o.Config)
		s.Until(time.Minute, "the bot is back", func() bool { return r.Tracker().Snapshot().Connected })
		s.answer(s.ask("!ping"))
		r.Reload(o.Config) // again: nothing is new
		v := s.Sim.Verdict(s.App)
		if v.Identifies != 2 {
			t.Errorf("%d IDENTIFYs were sent, want 2", v.Identifies)
		}
		if len(told) != 1 || told[0] != fresh {
			t.Errorf("of %d new tokens was told, want the good one", len(told))
		}
		r.stop(gateway.EndSession)
		if s.log.Has(fresh) || s.log.Has(old) {
			t.Error("a token can be read in the log")
		}
	})
}

// Given a bot that is online, when a new token is written that Discord refuses,
// then the bot goes on with the one it has; and with a good one it goes on
// without a new connection.
func TestReloadKeepsTheConnection(t *testing.T) {
	run(t, nil, func(s *harness) {
		o := s.options()
		r := s.start(o).online()
		o.Config.Token = config.NewSecret("refused" + s.App.Token)
		r.Reload(o.Config)
		s.answer(s.ask("!ping"))
		if !s.log.Has("cannot be used yet") {
			t.Errorf("the log does not say that the token was refused:\n%s", s.log)
		}
		o.Config.Token = config.NewSecret(s.App.Token)
		r.Reload(o.Config)
		s.answer(s.ask("!about"))
		r.stop(gateway.EndSession)
		r.Reload(o.Config) // after the end: nothing
		if v := s.Sim.Verdict(s.App); v.Identifies != 1 || v.Dials != 1 {
			t.Errorf("%d IDENTIFYs, %d connections; want 1 each", v.Identifies, v.Dials)
		}
	})
}

// Given an intent that is switched off in mid-life, when it is switched on again,
// then the parked bot comes back by itself, and at once if the operator touches
// the settings.
//
// Statements: G-094, G-096.
func TestIntentSwitchedOnBringsAParkedBotBack(t *testing.T) {
	for name, touched := range map[string]bool{"by itself": false, "touched": true} {
		t.Run(name, func(t *testing.T) {
			flags := uint64(1<<19 | 1<<15 | 1<<13)
			run(t, &flags, func(s *harness) {
				o := s.options()
				r := s.start(o).online()
				s.Sim.SetFlags(s.App, 0)
				if _, err := s.Sim.Inject(discordsim.Fault{Name: "close", Code: 4014}); err != nil {
					t.Fatal(err)
				}
				r.parked()
				time.Sleep(20 * time.Minute)
				r.parked()
				s.Sim.SetFlags(s.App, flags)
				most := 11 * time.Minute
				if touched {
					r.Reload(o.Config)
					most = 10 * time.Second
				}
				s.Until(most, "the bot is back", func() bool { return r.Tracker().Snapshot().Connected })
				s.answer(s.ask("!ping"))
				if v := s.Sim.Verdict(s.App); v.Identifies != 2 || v.RefusedIntents != 0 {
					t.Errorf("%d IDENTIFYs, %d refused; want 2 and none", v.Identifies, v.RefusedIntents)
				}
				if strings.Contains(s.log.String(), s.App.Token) {
					t.Error("the token can be read in the log")
				}
				r.stop(gateway.EndSession)
			})
		})
	}
}
