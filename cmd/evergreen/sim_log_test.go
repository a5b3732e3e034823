package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"evergreen/discordsim"
	"evergreen/internal/demo"
)

// Given a bot that asks twice for a route the simulator does not have, then the log says
// so in one line.
func TestSimLogNamesARouteThatIsNotSimulatedOnce(t *testing.T) {
	world := demo.NewWorld(demo.WorldOptions{Sim: discordsim.Config{Seed: 1}, Guilds: 1, People: 1})
	defer world.Sim.Close()
	client := &http.Client{Transport: world.Sim.Transport()}
	defer client.CloseIdleConnections()
	var out bytes.Buffer
	log := newSimLog(world, &out)
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://discord.sim/api/v10/lobbies/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("User-Agent", "DiscordBot (https://example.org/bot, 1.0)")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		log.update()
	}
	if n := strings.Count(out.String(), "\n"); n != 1 || !strings.Contains(out.String(), "GET /lobbies/{id} is not simulated") {
		t.Errorf("the log says %d lines: %q", n, out.String())
	}
}
