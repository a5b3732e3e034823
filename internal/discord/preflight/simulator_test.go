package preflight

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/discord/rest"
	"evergreen/internal/process/config"
)

// Given the simulated Discord, a healthy bot passes, one whose switch is off is
// told which, and one whose token was reset is told so, without a breach of
// manners.
// Statements: G-001, G-004, G-096, G-125.
func TestCheckAgainstTheSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{Seed: 1})
		defer sim.Close()
		app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{sim.AddGuild("house")}})
		token := app.Token
		transport := rest.New(rest.Options{Base: sim.Transport()})
		defer transport.CloseIdleConnections()
		c, err := New(Options{
			HTTPClient: &http.Client{Transport: transport}, APIURL: sim.APIURL() + "/",
			Token: func() string { return token }, Intents: wants(wanted),
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Check(t.Context())
		if err != nil || !r.Reached || len(r.Warnings) != 0 || r.Limits.Total != 1000 || r.Application.Guilds != 1 {
			t.Errorf("report is %+v, %v", r, err)
		}
		sim.SetFlags(app, 1<<15)
		_, err = c.Check(t.Context())
		wantIn(t, err, "Message Content Intent is switched off", "/"+app.ID.String()+"/bot")
		sim.ResetToken(app)
		_, err = c.Check(t.Context())
		if failure, ok := errors.AsType[*config.Failure](err); !ok || !errors.Is(failure, gateway.ErrUnauthorized) {
			t.Errorf("error is %v", err)
		}
		for _, v := range sim.Verdict(app).Violations {
			t.Errorf("%s: %s", v.Statement, v.What)
		}
	})
}
