//go:build browser

package demo

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/app"
	"evergreen/internal/process/config"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
	"evergreen/internal/web/browsertest"
)

// resident is the bot with its dashboard and a state folder that outlives it.
type resident struct {
	t     *testing.T
	world *World
	dir   string
	app   *app.App
	store *store.Store
	ran   chan error
}

// start runs the bot as a new process would and returns where its dashboard is.
func (r *resident) start() string {
	r.t.Helper()
	c := config.Against(r.world.Sim.APIURL(), r.world.Bot.Token)
	c.APIAddr = "127.0.0.1:0"
	s, err := store.Open(r.t.Context(), store.Options{Dir: r.dir, Fingerprint: tokenlock.FingerprintOf(r.world.Bot.Token)})
	if err != nil {
		r.t.Fatal(err)
	}
	listening := make(chan net.Addr, 1)
	r.store = s
	r.app, err = app.New(app.Options{
		Config: c, Transport: r.world.Sim.Transport(), Dialer: gateway.WebSocketDialer{Transport: r.world.Sim.Transport()},
		PreviousDowntime: s.Downtime(s.BeginRun()), Sessions: s, Storage: s.Identifies(), Journal: s.Journal(), History: s.History(), Alerts: s.Alerts(),
		API: true, Listening: func(at net.Addr) { listening <- at },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.ran = make(chan error, 1)
	go func() { r.ran <- r.app.Run(context.Background()) }()
	return "http://" + (<-listening).String()
}

// stop is the end of the process, as by a deploy.
func (r *resident) stop() {
	r.t.Helper()
	r.app.Stop(context.Background(), gateway.KeepSession)
	if err := <-r.ran; err != nil {
		r.t.Error(err)
	}
	r.store.EndRun(store.EndSessionKept, "")
	if err := r.store.Close(context.Background()); err != nil {
		r.t.Error(err)
	}
}

// Given a bot that lost its network for some seconds, when it is stopped and
// started again from its state folder, then the dashboard of the new process
// tells in its bars and its timeline what happened to the old one, and of the
// restart itself.
func TestBrowserSeesThePastAfterARestart(t *testing.T) {
	world := NewWorld(WorldOptions{Guilds: 2, People: 6})
	defer world.Sim.Close()
	r := &resident{t: t, world: world, dir: t.TempDir()}
	w := browsertest.NewWindow(t, browsertest.Start(t), r.start())
	w.Size(1280, 1000)
	w.Open("/?theme=light")
	w.Until(`document.documentElement.dataset.state === "online" && !document.getElementById("livemark").hidden`)
	refused, err := world.Sim.Inject(discordsim.Fault{Name: "refuse"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := world.Sim.Inject(discordsim.Fault{Name: "cut"}); err != nil {
		t.Fatal(err)
	}
	w.Until(`document.documentElement.dataset.state === "reconnecting" && document.querySelector(".incident.open .sentence").textContent.includes("could not be reached")`)
	world.Sim.Lift(refused)
	w.Until(`document.documentElement.dataset.state === "online" && document.querySelectorAll(".incident:not(.open)").length === 1`)
	w.Clean()
	w.Leave()
	r.stop()

	w.Base = r.start()
	defer r.stop()
	w.Open("/?theme=light")
	w.Until(`document.documentElement.dataset.state === "online" && document.querySelectorAll(".incident:not(.open)").length === 2`)
	for n, says := range []string{"stopped as asked", "could not be reached over the network"} {
		if got := browsertest.Ask[string](w, fmt.Sprintf(`document.querySelector(".incident:nth-of-type(%d) .sentence").innerText`, n+1)); !strings.Contains(got, says) {
			t.Errorf("incident %d reads %q, want in it %q", n+1, got, says)
		}
	}
	w.Until(`document.querySelector(".bar:last-child").dataset.text.includes("2 incidents")`)
	w.Picture("dashboard-after-restart")
	w.Clean()
	if v := world.Sim.Verdict(world.Bot); v.Identifies != 1 {
		t.Errorf("%d IDENTIFYs", v.Identifies)
	}
}
