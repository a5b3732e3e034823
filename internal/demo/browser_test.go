//go:build browser

package demo

import (
	"context"
	"os"
	"strings"
	"testing"

	"evergreen/internal/web/browsertest"
)

// herald tells where the dashboard is.
type herald struct {
	noScreen
	at chan string
}

func (h herald) Begin(heading []string) {
	for _, line := range heading {
		if _, address, ok := strings.Cut(line, "http://"); ok {
			h.at <- "http://" + strings.Fields(address)[0]
		}
	}
}

// Given a demo with its dashboard open in a browser, when its faults strike, then
// the dot goes from green to reconnecting and back by itself, the timeline tells
// what happened, and the page neither complains nor asks another host.
func TestBrowserSeesRealFaults(t *testing.T) {
	h := herald{at: make(chan string, 1)}
	stop, end := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		_, err := Run(stop, t.Context(), Options{Seed: 1, Screen: h, Dashboard: "127.0.0.1:0"})
		ran <- err
	}()
	defer func() {
		end()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	address := <-h.at

	w := browsertest.NewWindow(t, browsertest.Start(t), strings.TrimSuffix(address, "/"))
	w.Size(1280, 900)
	w.Open("/?theme=light")
	w.Until(`document.documentElement.dataset.state === "online" && !document.getElementById("livemark").hidden`)
	w.Until(`document.documentElement.dataset.state === "reconnecting"`)
	w.Picture("demo-reconnecting")
	w.Until(`document.documentElement.dataset.state === "online" && document.querySelectorAll(".incident:not(.open)").length >= 2`)
	if os.Getenv(browsertest.Shots) != "" {
		w.Until(`document.querySelectorAll(".incident:not(.open)").length >= 5 && document.documentElement.dataset.state === "online"`)
		w.Size(1280, 1180)
		w.Picture("dashboard-light")
		w.Size(390, 1180)
		w.Open("/?theme=dark&lang=th")
		w.Until(`document.documentElement.dataset.theme === "dark" && document.documentElement.dataset.state === "online"`)
		w.Picture("dashboard-dark-thai")
	}
	w.Clean()
}
