package app

import (
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/health"
)

// Given a Discord that refuses the list of slash commands, then the bot is online and
// degraded with Discord's own words, and answers commands by prefix.
func TestUnregisteredCommandsAreTold(t *testing.T) {
	run(t, nil, func(s *harness) {
		s.Inject(discordsim.Fault{Name: "rest-403", Route: "PUT /applications/{application}/commands"})
		r := s.start(s.options()).online()
		s.Until(time.Minute, "degraded", func() bool { return r.Tracker().Snapshot().Status == health.Degraded })
		snap := r.Tracker().Snapshot()
		if words := snap.Sentence(); !strings.Contains(words, "connected and working, but the slash commands could not be registered: PUT /applications/{application.id}/commands: Discord answered 403 (code 50001): Missing Access") || snap.Remedy == (health.Message{}) {
			t.Errorf("%s; remedy %q", words, snap.Remedy)
		}
		s.answer(s.ask("!ping"))
		r.stop(gateway.KeepSession)
	})
}

// Given an app with an Activity, when the bot starts, then its six slash commands stand
// beside the Entry Point command, which stays what it was; the next start sends nothing.
func TestAppWithAnEntryPointCommandRegisters(t *testing.T) {
	run(t, nil, func(s *harness) {
		s.App = s.Sim.AddApp(discordsim.AppConfig{Name: "Activity", Guilds: s.Guilds, EntryPoint: true})
		entry := *s.App.Commands[0]
		for range 2 {
			r := s.start(s.options()).online()
			s.Advance(time.Minute)
			if snap := r.Tracker().Snapshot(); snap.Status != health.Online {
				t.Errorf("%s", snap.Sentence())
			}
			r.stop(gateway.KeepSession)
		}
		puts := 0
		for _, q := range s.Sim.Requests(s.App) {
			if q.Route == "PUT /applications/{application}/commands" {
				puts++
			}
		}
		if puts != 1 || len(s.App.Commands) != 7 || s.log.Has("50240") {
			t.Errorf("%d PUTs, %d commands:\n%s", puts, len(s.App.Commands), s.log)
		}
		for _, c := range s.App.Commands {
			if c.Type == entry.Type && (c.ID != entry.ID || !strings.Contains(string(c.Raw), `"handler":2`)) {
				t.Errorf("the Entry Point command became %+v", c)
			}
		}
		s.NoViolations()
	})
}
