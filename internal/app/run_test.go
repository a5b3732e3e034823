package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/bot"
	"evergreen/internal/process/config"
)

// Given a good token, when the bot is started, then it is online with its
// presence within seconds, answers a command, and can say how it is.
//
// Statements: G-001, G-034.
func TestStartsAndAnswers(t *testing.T) {
	run(t, nil, func(s *harness) {
		r := s.start(s.options()).online()
		if got := s.answer(s.ask("!ping")); !strings.HasPrefix(got, "Pong!") {
			t.Errorf("!ping was answered %q", got)
		}
		got := s.answer(s.ask("!status"))
		for _, want := range []string{"Online: connected", "identifies: 1", "Guilds: 1", "Last incident: none"} {
			if !strings.Contains(got, want) {
				t.Errorf("!status was answered %q, without %q", got, want)
			}
		}
		if !s.Sim.Online(s.App) {
			t.Error("the dot is grey")
		}
		r.stop(gateway.EndSession)
		s.NoViolations()
	})
}

// Given a bot that is online, when it is stopped with its session kept, then it closes with a private
// code, Discord keeps its session and the dot stays green. When the next run is
// given that session, it resumes and answers what was asked in between, without
// an IDENTIFY.
//
// Statements: G-090.
func TestPauseKeepsTheSession(t *testing.T) {
	run(t, nil, func(s *harness) {
		first := s.start(s.options()).online()
		first.stop(gateway.KeepSession)
		v := s.Sim.Verdict(s.App)
		if v.CloseCodes[4900] != 1 || v.CloseCodes[1000] != 0 {
			t.Errorf("the bot closed with %v, want 4900 once", v.CloseCodes)
		}
		if s.Sim.Sessions(s.App) != 1 || !s.Sim.Online(s.App) {
			t.Errorf("%d sessions are left, green %v; want one, green", s.Sim.Sessions(s.App), s.Sim.Online(s.App))
		}

		between := s.ask("!ping")
		time.Sleep(20 * time.Second)
		o := s.options()
		o.Sessions = savedSession{session: first.Shard().Session()}
		second := s.start(o).online()
		s.answer(between)
		v = s.Sim.Verdict(s.App)
		if v.Identifies != 1 || v.Resumed != 1 {
			t.Errorf("%d IDENTIFYs and %d resumed, want 1 and 1", v.Identifies, v.Resumed)
		}
		second.stop(gateway.EndSession)
		s.NoViolations()
	})
}

// savedSession is the session an earlier run left behind. It does not keep the next.
type savedSession struct {
	session gateway.Session
	intents gateway.Intents
}

func (l savedSession) Sessions(gateway.Intents) fleet.Sessions           { return l }
func (l savedSession) Session(gateway.ShardID) gateway.Session           { return l.session }
func (l savedSession) SessionStore(gateway.ShardID) gateway.SessionStore { return nil }
func (l savedSession) Resumable([]gateway.ShardID, gateway.Intents) bool {
	return l.session.Resumable()
}
func (l savedSession) Intents() gateway.Intents { return l.intents }

func (l savedSession) Shards() int {
	if l.session.Resumable() {
		return 1
	}
	return 0
}

// Given a bot that is online, when it says goodbye, then it closes with 1000 and
// the dot turns grey at once.
//
// Statements: G-089.
func TestGoodbyeTurnsTheDotGrey(t *testing.T) {
	run(t, nil, func(s *harness) {
		s.start(s.options()).online().stop(gateway.EndSession)
		if codes := s.Sim.Verdict(s.App).CloseCodes; codes[1000] != 1 {
			t.Errorf("the bot closed with %v, want 1000 once", codes)
		}
		if s.Sim.Online(s.App) {
			t.Error("the dot is still green")
		}
		s.NoViolations()
	})
}

// Given a bot that is online, when its owner tells it to shut down, then the
// answer stands, the bot says goodbye and Run returns as after any stop.
func TestOwnerShutsItDown(t *testing.T) {
	run(t, nil, func(s *harness) {
		r := s.start(s.options()).online()
		asked := s.Sim.Say(s.channel, s.App.Owner, "!shutdown", discordsim.Expect()).ID
		if err := <-r.ran; err != nil {
			t.Errorf("Run returned %v, want nil", err)
		}
		if got := s.answer(asked); got != "Goodbye." {
			t.Errorf("!shutdown was answered %q", got)
		}
		if codes := s.Sim.Verdict(s.App).CloseCodes; codes[1000] != 1 {
			t.Errorf("the bot closed with %v, want 1000 once", codes)
		}
	})
}

// Given a wrong token, when the bot is started, then it stops before it opens a
// WebSocket, with exit code 78 and with where to get another token.
//
// Statements: G-004.
func TestWrongTokenEndsTheStart(t *testing.T) {
	run(t, nil, func(s *harness) {
		o := s.options()
		o.Config.Token = config.NewSecret("wrong" + s.App.Token)
		r := s.start(o)
		err := <-r.ran
		if failure, ok := errors.AsType[*config.Failure](err); !ok || failure.Code != config.ExitConfig {
			t.Fatalf("Run returned %v, want a config.Failure with code 78", err)
		}
		for _, want := range []string{"token", "https://discord.com/developers/applications", "Reset Token", "DISCORD_TOKEN"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q: %v", want, err)
			}
		}
		if strings.Contains(err.Error(), s.App.Token) || s.log.Has(s.App.Token) {
			t.Error("the token can be read in the error or in the log")
		}
		if n := len(s.Sim.Connections(nil)); n != 0 {
			t.Errorf("%d WebSockets were opened, want none", n)
		}
	})
}

// Given an application whose privileged intents are switched off, when the bot
// is started, then it stops with exit code 78 and the names of the switches,
// without an IDENTIFY.
//
// Statements: G-096.
func TestSwitchedOffIntentsEndTheStart(t *testing.T) {
	run(t, new(uint64), func(s *harness) {
		err := <-s.start(s.options()).ran
		if failure, ok := errors.AsType[*config.Failure](err); !ok || failure.Code != config.ExitConfig {
			t.Fatalf("Run returned %v, want a config.Failure with code 78", err)
		}
		for _, want := range []string{"Message Content Intent", "Server Members Intent", s.App.ID.String() + "/bot"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q: %v", want, err)
			}
		}
		if v := s.Sim.Verdict(s.App); v.Identifies != 0 || v.RefusedIntents != 0 {
			t.Errorf("%d IDENTIFYs were sent, want none", v.Identifies)
		}
	})
}

// Given switched-off intents that may be missing, when the bot is started, then
// it comes online without them, says so, and still answers slash commands.
func TestStartsWithoutOptionalIntents(t *testing.T) {
	run(t, new(uint64), func(s *harness) {
		o := s.options()
		o.Config.OptionalIntents = gateway.IntentGuildMembers | gateway.IntentMessageContent
		r := s.start(o).online()
		if !s.log.Has("the bot starts without, degraded") {
			t.Errorf("the log does not say what is missing:\n%s", s.log)
		}
		s.answer(s.Sim.Interact(s.App, s.channel, s.User.ID, "ping"))
		r.stop(gateway.EndSession)
		if v := s.Sim.Verdict(s.App); v.RefusedIntents != 0 || v.Identifies != 1 {
			t.Errorf("%d IDENTIFYs, %d refused; want 1 and none", v.Identifies, v.RefusedIntents)
		}
		s.NoViolations()
	})
}

// Given REST that fails for the first minute, when the bot is started, then it
// does not give up, and is online soon after REST is back.
//
// Statements: G-005.
func TestRESTDownIsNotFatal(t *testing.T) {
	run(t, nil, func(s *harness) {
		if _, err := s.Sim.Inject(discordsim.Fault{Name: "rest-5xx", Code: 503, For: time.Minute}); err != nil {
			t.Fatal(err)
		}
		r := s.start(s.options())
		time.Sleep(time.Minute)
		r.harness.Until(30*time.Second, "the bot is online", func() bool { return r.Tracker().Snapshot().Connected })
		r.stop(gateway.EndSession)
	})
}

// Given REST that answers nothing at all, when the bot is stopped while it still
// asks its questions, then it stops at once.
func TestStopCutsThePreflightShort(t *testing.T) {
	run(t, nil, func(s *harness) {
		if _, err := s.Sim.Inject(discordsim.Fault{Name: "rest-timeout", For: time.Hour}); err != nil {
			t.Fatal(err)
		}
		r := s.start(s.options())
		time.Sleep(2 * time.Second)
		if took := r.stop(gateway.KeepSession); took > time.Second {
			t.Errorf("the stop took %s", took)
		}
	})
}

// Given an app that was stopped before it ran, when it is run, then it does
// nothing; and one that has run does not run again.
func TestStopIsFinal(t *testing.T) {
	run(t, nil, func(s *harness) {
		a, err := New(s.options())
		if err != nil {
			t.Fatal(err)
		}
		a.Stop(context.Background(), gateway.KeepSession)
		if err := a.Run(context.Background()); err != nil {
			t.Errorf("Run after Stop returned %v, want nil", err)
		}
		if n := len(s.Sim.Connections(nil)); n != 0 {
			t.Errorf("%d WebSockets were opened, want none", n)
		}
	})
}

// ponder is a command that takes a while.
func ponder(takes time.Duration) bot.Command {
	return bot.Command{Name: "ponder", Summary: "Thinks", Run: func(context.Context, *bot.Request) (bot.Answer, error) {
		time.Sleep(takes)
		return bot.Answer{Text: "Done thinking."}, nil
	}}
}

// Given a command that takes two seconds, when the bot is stopped meanwhile, then
// the answer stands before the connection is closed.
func TestStopLetsCommandsFinish(t *testing.T) {
	run(t, nil, func(s *harness) {
		o := s.options()
		o.Commands = []bot.Command{ponder(2 * time.Second)}
		r := s.start(o).online()
		asked := s.ask("!ponder")
		time.Sleep(time.Second)
		r.stop(gateway.KeepSession)
		if all := s.Sim.Answers(asked); len(all) != 1 || all[0].Content != "Done thinking." {
			t.Errorf("the command was answered %v, want once", all)
		}
	})
}

// Given a command that blocks for a minute, when the bot is told to stop, then
// it has closed with the private code within five seconds and is gone within
// the grace; the next run gets the command again and answers it.
//
// Statements: G-092.
func TestBlockedHandlerDoesNotHoldUpTheStop(t *testing.T) {
	run(t, nil, func(s *harness) {
		o := s.options()
		o.Commands = []bot.Command{ponder(time.Minute)}
		r := s.start(o).online()
		asked := s.ask("!ponder")
		time.Sleep(time.Second)
		began := time.Now()
		stopped := make(chan time.Duration, 1)
		go func() { stopped <- r.stop(gateway.KeepSession) }()
		s.Until(time.Minute, "a close with 4900", func() bool { return s.Sim.Verdict(s.App).CloseCodes[4900] == 1 })
		if took := time.Since(began); took > 5200*time.Millisecond {
			t.Errorf("the close frame came after %s", took)
		}
		if took := <-stopped; took > o.Config.ShutdownGrace+time.Second {
			t.Errorf("the stop took %s, the grace is %s", took, o.Config.ShutdownGrace)
		}
		o.Commands = []bot.Command{ponder(0)}
		o.Sessions = savedSession{session: r.Shard().Session()}
		next := s.start(o).online()
		s.answer(asked)
		next.stop(gateway.EndSession)
		time.Sleep(time.Minute) // the blocked handler ends
		if n := len(s.Sim.Answers(asked)); n != 1 {
			t.Errorf("the command was answered %d times", n)
		}
	})
}

// Given options that cannot work, New says so.
func TestNewNamesWhatIsMissing(t *testing.T) {
	for name, spoil := range map[string]func(*Options){
		"no token":      func(o *Options) { o.Config.Token = config.Secret{} },
		"long activity": func(o *Options) { o.Config.Activity.Name = strings.Repeat("x", 200) },
		"taken command": func(o *Options) { o.Commands = []bot.Command{{Name: "ping", Summary: "x", Run: ponder(0).Run}} },
	} {
		t.Run(name, func(t *testing.T) {
			c := config.Defaults()
			c.Token = config.NewSecret("token")
			o := Options{Config: c}
			spoil(&o)
			if _, err := New(o); err == nil {
				t.Error("New accepted it")
			}
		})
	}
}
