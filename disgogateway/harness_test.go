package disgogateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	"evergreen/gateway"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is one disgo bot in front of a simulated Discord, in virtual time.
type harness struct {
	*simtest.World
	client   *bot.Client
	recorder simtest.Recorder
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
	simtest.Run(t, simtest.Options{Sim: c.sim, App: c.app, Guilds: max(1, c.guilds)}, func(w *simtest.World) {
		s := &harness{World: w}
		transport := s.Sim.Transport()
		defer transport.CloseIdleConnections()
		own := c.own
		own.Dialer = s.Dialer()
		own.Observer = &s.recorder
		connection := own.WithGateway(s.App.Token, append([]disgoway.ConfigOpt{disgoway.WithIntents(intents)}, c.gateway...)...)
		if c.shards != nil {
			connection = own.WithShardManager(s.App.Token,
				append([]sharding.ConfigOpt{sharding.WithGatewayConfigOpts(append([]disgoway.ConfigOpt{disgoway.WithIntents(intents)}, c.gateway...)...)}, c.shards...)...)
		}
		var err error
		s.client, err = disgo.New(s.App.Token, append([]bot.ConfigOpt{
			bot.WithLogger(slog.New(slog.DiscardHandler)),
			bot.WithRestClientConfigOpts(rest.WithURL(s.Sim.APIURL()), rest.WithHTTPClient(&http.Client{Transport: transport})),
			connection,
		}, c.bot...)...)
		if err != nil {
			s.T.Fatal(err)
		}
		defer s.close()
		story(s)
	})
}

// open opens the bot.
func (s *harness) open() {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), 5*time.Minute)
	defer cancel()
	if s.client.HasShardManager() {
		if err := s.client.OpenShardManager(ctx); err != nil {
			s.T.Fatal(err)
		}
		return
	}
	if err := s.client.OpenGateway(ctx); err != nil {
		s.T.Fatal(err)
	}
}

func (s *harness) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s.client.Close(ctx)
}

// gateway is the bot's only one.
func (s *harness) gateway() *disgogateway.Gateway { return s.client.Gateway.(*disgogateway.Gateway) }

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

// countObserved counts the observations of one kind.
func countObserved[T gateway.ShardEvent](s *harness) int {
	return len(simtest.Observed[T](&s.recorder))
}

// frames lists what the bot sent of an opcode, on all its connections.
func (s *harness) frames(op int) (count int) {
	for _, c := range s.Sim.Connections(s.App) {
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

// drop drops an event.
func drop(disgoway.Gateway, disgoway.EventType, int, disgoway.EventData) {}

// another is a second gateway of the same bot.
func (s *harness) another(handler disgoway.EventHandlerFunc, opts ...disgoway.ConfigOpt) disgoway.Gateway {
	own := disgogateway.Options{Dialer: gateway.WebSocketDialer{DialContext: s.Sim.DialContext}}
	return own.New(s.App.Token, handler, append([]disgoway.ConfigOpt{
		disgoway.WithIntents(intents), disgoway.WithURL("ws://gateway.discord.sim"), disgoway.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
}

// cut is a connection that ends without a word.
var cut = discordsim.Fault{Name: "cut"}
