package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	evergreen "evergreen/gateway"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/rest"
)

// Whatever goes wrong for half a minute, everybody who says thanks is answered
// exactly once, and the bot breaks none of Discord's rules. Each case is over in
// milliseconds: the simulator is in memory and time is virtual.
func TestEverybodyIsAnsweredOnce(t *testing.T) {
	for _, fault := range []string{"cut", "half-open", "op7", "op9-false", "duplicate", "offline", "zombie"} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := discordsim.New(discordsim.Config{Seed: 1})
				defer sim.Close()
				guild := sim.AddGuild("library")
				ada := sim.AddUser("ada")
				sim.AddMembers(guild, ada)
				app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
				defer start(t, sim, app)()

				time.Sleep(time.Minute)
				if _, err := sim.Inject(discordsim.Fault{Name: fault, For: 30 * time.Second}); err != nil {
					t.Fatal(err)
				}
				for range 10 {
					sim.Say(guild.Channels[0].ID, ada.ID, "!thanks", discordsim.Expect())
					time.Sleep(3 * time.Second)
				}
				time.Sleep(2 * time.Minute)

				v := sim.Verdict(app)
				if v.Answered != v.Asked || v.Lost+v.Twice > 0 {
					t.Errorf("of %d commands %d were answered once, %d twice, %d not at all", v.Asked, v.Answered, v.Twice, v.Lost)
				}
				for _, violation := range v.Violations {
					// A note is advice. disgo cannot take one of them: it has no way to
					// say that a reply should not fail when its message is gone.
					if !strings.HasPrefix(violation.What, "note: ") {
						t.Errorf("the bot broke %s: %s", violation.Statement, violation.What)
					}
				}
			})
		})
	}
}

// start runs the bot against the simulator, in memory, and returns what ends it.
func start(t *testing.T, sim *discordsim.Sim, app *discordsim.App) (end func()) {
	t.Helper()
	own := disgogateway.Options{API: sim.APIURL(), Dialer: evergreen.WebSocketDialer{DialContext: sim.DialContext}}
	transport := sim.Transport()
	client, err := disgo.New(app.Token,
		own.WithGateway(app.Token, intents),
		bot.WithRestClientConfigOpts(rest.WithHTTPClient(&http.Client{Transport: transport})),
		bot.WithLogger(slog.New(slog.DiscardHandler)),
		bot.WithEventListenerFunc(newCounter().hear),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.OpenGateway(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		client.Close(ctx)
		transport.CloseIdleConnections()
	}
}
