//go:build unix

package disgogateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	"evergreen/gateway"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/sharding"
)

// Given a bot that is run, when the process gets a SIGTERM, then the bot is closed and Run
// returns without an error; with sessions that are kept the session stays, and without
// them it is over. A bot that cannot be opened returns why. Signals need real time.
func TestABotRunsUntilASignal(t *testing.T) {
	for name, test := range map[string]struct {
		manager, keeps bool
		prepare        func(*discordsim.Sim, *discordsim.App)
		stopAt         string // online, opening; empty: no signal comes
		fails          bool
		codes          []int
	}{
		"a gateway":                           {stopAt: "online", codes: []int{1000}},
		"a gateway that keeps its session":    {keeps: true, stopAt: "online", codes: []int{4900}},
		"a shard manager":                     {manager: true, stopAt: "online", codes: []int{1000}},
		"a shard manager that keeps sessions": {manager: true, keeps: true, stopAt: "online", codes: []int{4900}},
		"stopped while it is opened": {stopAt: "opening", prepare: func(s *discordsim.Sim, _ *discordsim.App) {
			_, _ = s.Inject(discordsim.Fault{Name: "no-hello"}) // there is such a fault
		}},
		"refused": {fails: true, prepare: func(s *discordsim.Sim, app *discordsim.App) { s.SetFlags(app, 0) }},
	} {
		t.Run(name, func(t *testing.T) {
			sim := discordsim.New(discordsim.Config{})
			defer sim.Close()
			app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{sim.AddGuild("library")}})
			if test.prepare != nil {
				test.prepare(sim, app)
			}
			dialled := make(chan struct{}, 100)
			own := disgogateway.Options{API: sim.APIURL(), Dialer: dialerThatTells{gateway.WebSocketDialer{DialContext: sim.DialContext}, dialled}}
			kept := &simtest.Sessions{}
			if test.keeps {
				own.Sessions = kept
			}
			connection := own.WithGateway(app.Token, disgoway.WithIntents(intents))
			if test.manager {
				connection = own.WithShardManager(app.Token, sharding.WithGatewayConfigOpts(disgoway.WithIntents(intents)))
			}
			transport := sim.Transport()
			defer transport.CloseIdleConnections()
			online, returned := make(chan struct{}, 1), make(chan error, 1)
			go func() {
				returned <- own.Run(app.Token, connection, bot.WithLogger(slog.New(slog.DiscardHandler)),
					bot.WithRestClientConfigOpts(rest.WithHTTPClient(&http.Client{Transport: transport})),
					bot.WithEventListenerFunc(func(*events.Ready) { online <- struct{}{} }))
			}()
			if waits := map[string]chan struct{}{"online": online, "opening": dialled}[test.stopAt]; waits != nil {
				select {
				case <-waits:
				case err := <-returned:
					t.Fatal(err)
				}
				if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case err := <-returned:
				if (err != nil) != test.fails {
					t.Errorf("Run returned %v", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Run did not return")
			}
			if got := keys(sim.Verdict(app).CloseCodes); !slices.Equal(got, test.codes) {
				t.Errorf("the bot closed with %v, want %v", got, test.codes)
			}
			if sim.Attached(app) {
				t.Error("a connection is left")
			}
			if left := kept.Session(gateway.ShardID{Count: 1}).Resumable() || kept.Session(gateway.ShardID{}).Resumable(); left != (test.keeps && !test.fails) {
				t.Errorf("a session to resume is left: %t", left)
			}
		})
	}
}

// dialerThatTells tells of each connection that it opens.
type dialerThatTells struct {
	gateway.WebSocketDialer
	opened chan struct{}
}

// Dial implements [gateway.Dialer].
func (d dialerThatTells) Dial(ctx context.Context, url string) (gateway.Socket, error) {
	socket, err := d.WebSocketDialer.Dial(ctx, url)
	d.opened <- struct{}{}
	return socket, err
}

// Given no connection in the options, or a token that is none, then Run says so at once.
func TestABotWithoutAConnectionDoesNotRun(t *testing.T) {
	if err := disgogateway.Run("MTIz.x.y", bot.WithRestClientConfigOpts(rest.WithRateLimiter(disgogateway.NewRateLimiter()))); err == nil {
		t.Error("a bot without a gateway ran")
	}
	if err := disgogateway.Run("", disgogateway.WithGateway("")); err == nil {
		t.Error("a bot without a token ran")
	}
}
