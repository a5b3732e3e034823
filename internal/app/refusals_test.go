package app

import (
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/health"
)

// Given a channel in which the bot loses a permission, when a command is asked there, then
// the user is told in a direct message, the operator in the log and beside the status,
// which stays online; when the permission is given back, the next command is answered.
func TestChannelThatRefusesIsTold(t *testing.T) {
	for _, test := range []struct{ fault, why string }{
		{"no-send", "the permission Send Messages is missing"},
		{"timed-out", "the bot is timed out there until "},
	} {
		t.Run(test.fault, func(t *testing.T) {
			run(t, nil, func(s *harness) {
				r := s.start(s.options()).online()
				s.answer(s.ask("!ping"))
				dm := s.Sim.DM(s.App, s.User.ID, "hello")
				fault := s.Inject(discordsim.Fault{Name: test.fault, Delay: time.Hour})
				s.Sim.Say(s.channel, s.User.ID, "!about")
				s.Advance(5 * time.Second)
				snap := r.Tracker().Snapshot()
				told := snap.Condition(health.ChannelPermission)
				if snap.Status != health.Online || !strings.HasPrefix(told.Trouble, "#"+s.Guilds[0].Channels[0].Name+" ("+s.Guilds[0].Name+"): "+test.why) {
					t.Errorf("%s; %+v", snap.Sentence(), told)
				}
				if strings.Contains(r.Report().State, s.Guilds[0].Name) {
					t.Errorf("a user is told of another server's channel: %s", r.Report().State)
				}
				var direct []string
				for _, m := range s.Sim.Messages(dm.Channel.ID) {
					if m.Author.ID != s.User.ID {
						direct = append(direct, m.Content)
					}
				}
				if len(direct) != 1 || !strings.Contains(direct[0], test.why) {
					t.Errorf("the user was told %q", direct)
				}
				s.Sim.Lift(fault)
				s.Advance(time.Second)
				if c := r.Tracker().Snapshot().Condition(health.ChannelPermission); c.Trouble != "" {
					t.Errorf("the permission is there again, and still: %+v", c)
				}
				s.answer(s.ask("!uptime"))
				if !s.log.Has("tried again at the next command") || !s.log.Has("guild_name="+s.Guilds[0].Name) && !s.log.Has(`guild_name="`+s.Guilds[0].Name) {
					t.Errorf("the log:\n%s", s.log)
				}
				if len(r.Tracker().Incidents(10)) != 0 {
					t.Error("it was an incident")
				}
				s.NoViolations()
				r.stop(gateway.KeepSession)
			})
		})
	}
}
