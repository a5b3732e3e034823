package disgogateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	"evergreen/gateway"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println("goroutines are left over:", err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// harness is one disgo bot in front of a simulated Discord, in virtual time.
type harness struct {
	t      *testing.T
	sim    *discordsim.Sim
	app    *discordsim.App
	guilds []*discordsim.Guild
	ada    discordsim.User
	client *bot.Client

	recorder recorder
}

// config is what a test may choose of its bot and its simulator.
type config struct {
	sim    discordsim.Config
	app    discordsim.AppConfig
	guilds int // default 1
	own    disgogateway.Options
	// gateway are disgo's options of the connection; shards, if any, make the
	// bot one with a shard manager.
	gateway []disgoway.ConfigOpt
	shards  []sharding.ConfigOpt
	bot     []bot.ConfigOpt
}

// intents are what the bots of the tests ask for.
const intents = disgoway.IntentGuilds | disgoway.IntentGuildMembers | disgoway.IntentGuildMessages | disgoway.IntentMessageContent | disgoway.IntentGuildVoiceStates

// run tells one story in virtual time: the bot is made but not yet opened. When
// it is over, bot and simulator must end without leaving anything behind.
func run(t *testing.T, c config, story func(*harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &harness{t: t, sim: discordsim.New(c.sim)}
		defer s.sim.Close()
		s.ada = s.sim.AddUser("ada")
		for range max(1, c.guilds) {
			g := s.sim.AddGuild("reading room")
			s.sim.AddMembers(g, s.ada)
			s.guilds = append(s.guilds, g)
		}
		c.app.Guilds = s.guilds
		s.app = s.sim.AddApp(c.app)
		transport := s.sim.Transport()
		defer transport.CloseIdleConnections()
		own := c.own
		own.Dialer = gateway.WebSocketDialer{DialContext: s.sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"}
		own.Observer = &s.recorder
		connection := own.WithGateway(s.app.Token, append([]disgoway.ConfigOpt{disgoway.WithIntents(intents)}, c.gateway...)...)
		if c.shards != nil {
			connection = own.WithShardManager(s.app.Token,
				append([]sharding.ConfigOpt{sharding.WithGatewayConfigOpts(append([]disgoway.ConfigOpt{disgoway.WithIntents(intents)}, c.gateway...)...)}, c.shards...)...)
		}
		var err error
		s.client, err = disgo.New(s.app.Token, append([]bot.ConfigOpt{
			bot.WithLogger(slog.New(slog.DiscardHandler)),
			bot.WithRestClientConfigOpts(rest.WithURL(s.sim.APIURL()), rest.WithHTTPClient(&http.Client{Transport: transport})),
			connection,
		}, c.bot...)...)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		story(s)
	})
}

// open opens the bot.
func (s *harness) open() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	if s.client.HasShardManager() {
		if err := s.client.OpenShardManager(ctx); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	if err := s.client.OpenGateway(ctx); err != nil {
		s.t.Fatal(err)
	}
}

func (s *harness) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s.client.Close(ctx)
}

// gateway is the bot's only one.
func (s *harness) gateway() *disgogateway.Gateway { return s.client.Gateway.(*disgogateway.Gateway) }

// post makes ada say something in the first guild.
func (s *harness) post(text string) discordsim.Message {
	return s.sim.Say(s.guilds[0].Channels[0].ID, s.ada.ID, text)
}

// inject lets something go wrong.
func (s *harness) inject(f discordsim.Fault) {
	s.t.Helper()
	if _, err := s.sim.Inject(f); err != nil {
		s.t.Fatal(err)
	}
}

// until lets virtual time pass until something holds, and returns how long that
// took.
func (s *harness) until(limit time.Duration, what string, holds func() bool) time.Duration {
	s.t.Helper()
	start := time.Now()
	for step := time.Millisecond; !holds(); {
		if time.Since(start) > limit {
			s.t.Fatalf("after %s still not: %s", limit, what)
		}
		time.Sleep(step)
		synctest.Wait()
		step = min(2*step, 20*time.Millisecond)
	}
	return time.Since(start)
}

// advance lets virtual time pass.
func (s *harness) advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// noViolations fails the story when the simulator saw a protocol violation.
func (s *harness) noViolations() {
	s.t.Helper()
	for _, v := range s.sim.Verdict(s.app).Violations {
		s.t.Errorf("the bot broke %s: %s", v.Statement, v.What)
	}
}

// list collects what listeners were told.
type list[T any] struct {
	mu     sync.Mutex
	values []T
}

func (l *list[T]) add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = append(l.values, v)
}

func (l *list[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.values)
}

func (l *list[T]) len() int { return len(l.all()) }

// recorder is an observer that a test reads afterwards.
type recorder struct{ list[gateway.Observation] }

func (r *recorder) Observe(o gateway.Observation) { r.add(o) }

// countObserved counts the observations of one kind.
func countObserved[T gateway.ShardEvent](s *harness) (count int) {
	for _, n := range s.recorder.all() {
		if _, ok := n.Event.(T); ok {
			count++
		}
	}
	return count
}

// frames lists what the bot sent of an opcode, on all its connections.
func (s *harness) frames(op int) (count int) {
	for _, c := range s.sim.Connections(s.app) {
		for _, f := range c.Frames {
			if !f.Sent && f.Op == op {
				count++
			}
		}
	}
	return count
}

// none leaves the shards to Discord's recommendation.
var none = []sharding.ConfigOpt{sharding.WithDefault()}

// another is a second gateway of the same bot, whose events nobody hears.
func (s *harness) another(opts ...disgoway.ConfigOpt) disgoway.Gateway {
	own := disgogateway.Options{Dialer: gateway.WebSocketDialer{DialContext: s.sim.DialContext}}
	nobody := func(disgoway.Gateway, disgoway.EventType, int, disgoway.EventData) {}
	return own.New(s.app.Token, nobody, append([]disgoway.ConfigOpt{
		disgoway.WithIntents(intents), disgoway.WithURL("ws://gateway.discord.sim"), disgoway.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
}

// cut is a connection that ends without a word.
var cut = discordsim.Fault{Name: "cut"}
