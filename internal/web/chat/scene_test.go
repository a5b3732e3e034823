//go:build browser

package chat_test

import (
	"context"
	"testing"

	"evergreen/discordsim"
	"evergreen/internal/web/chat"
	"evergreen/internal/web/simapi"
)

// scene is a simulated Discord with people, a bot, and the page on a port.
type scene struct {
	sim   *discordsim.Sim
	app   *discordsim.App
	guild *discordsim.Guild
	ada   discordsim.User
	addr  string // where it is served
	stop  func() // ends the serving
}

// stage makes a scene that is served until the test ends.
func stage(t *testing.T) *scene {
	t.Helper()
	s := &scene{sim: discordsim.New(discordsim.Config{Seed: 1})}
	t.Cleanup(s.sim.Close)
	s.ada = s.sim.AddUser("ada")
	people := []discordsim.User{s.ada, s.sim.AddUser("grace"), s.sim.AddUser("สมชาย"), s.sim.AddUser("linus")}
	var guilds []*discordsim.Guild
	for _, name := range []string{"Reading Group", "ห้องวิจัย", "Café Sciences"} {
		g := s.sim.AddGuild(name, "general", "papers", "bots")
		s.sim.AddVoiceChannels(g, "voice")
		s.sim.AddMembers(g, people...)
		guilds = append(guilds, g)
	}
	s.guild = guilds[0]
	s.app = s.sim.AddApp(discordsim.AppConfig{Name: "ResearchBot", Guilds: guilds})
	startBot(t, s.sim, s.app)
	s.serve(t, "127.0.0.1:0")
	t.Cleanup(func() { s.stop() })
	return s
}

// serve serves the page and the control API at addr, until s.stop is called.
func (s *scene) serve(t *testing.T, addr string) {
	t.Helper()
	server, err := simapi.Listen(t.Context(), addr, simapi.Options{
		Sim: s.sim, Apps: []*discordsim.App{s.app}, Page: chat.New(chat.Options{Attachments: s.sim.Attachments()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Run(ctx)
	}()
	s.addr = server.Addr().String()
	s.stop = func() {
		stop()
		<-done
	}
}
