package disgogateway_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
	"github.com/gorilla/websocket"
)

// Given sessions that are kept, when a bot is paused and another made in its
// place, as after a deploy, then that one resumes without an IDENTIFY; and when
// it says goodbye, nothing is left to resume.
// Statements: G-090.
func TestKeptSessionsAreResumed(t *testing.T) {
	kept := &simtest.Sessions{}
	set := config{}
	set.own.Sessions = kept
	run(t, set, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		s.client.Gateway.CloseWithCode(s.T.Context(), websocket.CloseServiceRestart, "")
		next := s.anotherBot(disgogateway.Options{Sessions: kept})
		if err := next.OpenGateway(s.T.Context()); err != nil {
			t.Fatal(err)
		}
		if v := s.Sim.Verdict(s.App); v.Identifies != 1 || v.Resumed != 1 {
			t.Errorf("%d IDENTIFYs, %d resumed", v.Identifies, v.Resumed)
		}
		next.Close(s.T.Context())
		if left := kept.Session(gateway.ShardID{}); left.Resumable() {
			t.Error("after a goodbye a session is kept")
		}
		s.NoViolations()
	})
}

// anotherBot is the same bot once more.
func (s *harness) anotherBot(own disgogateway.Options, opts ...bot.ConfigOpt) *bot.Client {
	s.T.Helper()
	transport := s.Sim.Transport()
	transport.DisableKeepAlives = true
	own.API = s.Sim.APIURL()
	own.Dialer = gateway.WebSocketDialer{DialContext: s.Sim.DialContext}
	client, err := disgo.New(s.App.Token, append([]bot.ConfigOpt{
		own.WithGateway(s.App.Token, disgoway.WithIntents(intents)),
		bot.WithLogger(slog.New(slog.DiscardHandler)),
		bot.WithRestClientConfigOpts(rest.WithHTTPClient(&http.Client{Transport: transport})),
	}, opts...)...)
	if err != nil {
		s.T.Fatal(err)
	}
	return client
}

// countingLimiter is an identify limiter of disgo's that counts, and refuses at first.
type countingLimiter struct{ refuses, waits, unlocks atomic.Int32 }

func (*countingLimiter) Close(context.Context) {}

func (q *countingLimiter) Wait(context.Context, int) error {
	if q.refuses.Add(-1) >= 0 {
		return errors.New("not now")
	}
	q.waits.Add(1)
	return nil
}

func (q *countingLimiter) Unlock(int) { q.unlocks.Add(1) }

// Given disgo's own shard manager with our gateways, and an identify limiter of
// the bot's own, then every shard comes online and each grant taken is given back.
func TestDisgosOwnShardManagerTakesOurGateways(t *testing.T) {
	run(t, config{app: discordsim.AppConfig{Shards: 2, MaxConcurrency: 2}}, func(s *harness) {
		limiter := &countingLimiter{}
		own := disgogateway.Options{Dialer: gateway.WebSocketDialer{DialContext: s.Sim.DialContext}}
		m := sharding.New(s.App.Token, drop,
			sharding.WithLogger(slog.New(slog.DiscardHandler)),
			sharding.WithGatewayCreateFunc(own.New),
			sharding.WithShardCount(2), sharding.WithShardIDs(0, 1),
			sharding.WithIdentifyRateLimiter(limiter),
			sharding.WithGatewayConfigOpts(disgoway.WithIntents(intents), disgoway.WithURL("ws://gateway.discord.sim"), disgoway.WithLogger(slog.New(slog.DiscardHandler))),
		)
		m.Open(s.T.Context())
		shards := 0
		for g := range m.Shards() {
			shards++
			if g.Status() != disgoway.StatusReady || g.ShardCount() != 2 {
				t.Errorf("shard %d of %d is %s", g.ShardID(), g.ShardCount(), g.Status())
			}
		}
		m.Close(s.T.Context())
		if shards != 2 || limiter.waits.Load() != 2 || limiter.unlocks.Load() != 2 {
			t.Errorf("%d shards, %d turns taken, %d given back", shards, limiter.waits.Load(), limiter.unlocks.Load())
		}
		s.NoViolations()
	})
}

// Given an identify limiter of disgo's in the options of a gateway or of a shard manager,
// then each shard asks it before its IDENTIFY and gives the turn back, also after a
// refusal; one of Options comes first.
func TestDisgosIdentifyLimiterIsAsked(t *testing.T) {
	for _, manager := range []bool{false, true} {
		for _, own := range []bool{false, true} {
			limiter := &countingLimiter{}
			limiter.refuses.Store(1)
			set := config{gateway: []disgoway.ConfigOpt{disgoway.WithIdentifyRateLimiter(limiter)}}
			identifies := 1
			if manager {
				set = config{app: discordsim.AppConfig{MaxConcurrency: 2}, shards: []sharding.ConfigOpt{sharding.WithShardCount(2), sharding.WithIdentifyRateLimiter(limiter)}}
				identifies = 2
			}
			asked := identifies
			if own {
				set.own.IdentifyLimiter = identify.New(identify.Options{})
				asked = 0
			}
			run(t, set, func(s *harness) {
				s.open()
				s.Advance(time.Second)
				if waits, unlocks := int(limiter.waits.Load()), int(limiter.unlocks.Load()); waits != asked || unlocks != asked {
					t.Errorf("manager %t, own %t: %d turns taken, %d given back, want %d", manager, own, waits, unlocks, asked)
				}
				s.WantIdentifies(identifies)
			})
		}
	}
}

// Given no API of the options, then REST goes to Discord's.
func TestWithoutAnAPIRESTGoesToDiscord(t *testing.T) {
	a := &fakeREST{say: func(int, string) (int, map[string]string, string) { return 200, nil, "{}" }}
	client, err := disgo.New("MTIz.x.y", disgogateway.WithGateway("MTIz.x.y"), bot.WithRestClientConfigOpts(rest.WithHTTPClient(&http.Client{Transport: a})))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Rest.Do(rest.GetGateway.Compile(nil), nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := a.all(); len(got) != 1 || !strings.HasPrefix(got[0].url, rest.API) {
		t.Errorf("asked for %+v", got)
	}
}

// Given options that are given before and after ours, and a limiter of the bot's
// own, then all of them count.
func TestOptionsOfTheBotCount(t *testing.T) {
	run(t, config{bot: []bot.ConfigOpt{
		bot.WithGatewayConfigOpts(disgoway.WithIntents(disgoway.IntentDirectMessages)),
	}}, func(s *harness) {
		if got := s.client.Gateway.Intents(); got != intents|disgoway.IntentDirectMessages {
			t.Errorf("the intents are %d", got)
		}
		if _, ours := s.client.Rest.RateLimiter().(*disgogateway.RateLimiter); !ours {
			t.Errorf("the limiter is a %T", s.client.Rest.RateLimiter())
		}
		other := s.anotherBot(disgogateway.Options{}, bot.WithRestClientConfigOpts(rest.WithRateLimiter(rest.NewNoopRateLimiter())))
		if _, ours := other.Rest.RateLimiter().(*disgogateway.RateLimiter); ours {
			t.Error("the bot's own limiter does not count")
		}
	})
}

// Given no event handler, or options that Discord would refuse, then Open says
// what is wrong.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	for what, g := range map[string]disgoway.Gateway{
		"no handler":                disgogateway.New("token", nil),
		"no token":                  disgogateway.New("", drop),
		"a shard that is not there": disgogateway.New("token", drop, disgoway.WithShardID(3), disgoway.WithShardCount(2)),
	} {
		if err := g.Open(t.Context()); err == nil {
			t.Errorf("%s: Open succeeded", what)
		}
		g.Close(t.Context())
	}
	m := disgogateway.NewShardManager("token", nil, sharding.WithLogger(slog.New(slog.DiscardHandler)))
	if err := m.OpenShard(t.Context(), 0); err == nil {
		t.Error("a manager that knows no number of shards opened one")
	}
	m.Close(t.Context())
}
