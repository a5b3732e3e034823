package app

import (
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/store"
)

// Given a bot that is asked while its answers cannot leave, whatever stops them, then it is
// degraded and says why, while its connection stays; and once they leave, the questions are
// answered, each once, and it is online again.
func TestAnswersThatCannotLeaveAreTold(t *testing.T) {
	const reply = "POST /channels/{channel}/messages"
	for _, c := range []struct {
		fault discordsim.Fault
		says  string
		lost  bool // what was asked meanwhile is not answered
	}{
		{discordsim.Fault{Name: "rest-cloudflare", For: time.Minute}, "Discord (Cloudflare, error 1020) blocks this address for a while, until ", true},
		{discordsim.Fault{Name: "rest-429-odd", Text: "inf", Route: reply, For: time.Minute}, "something between this host and Discord answers in its place (HTTP 429), until ", false},
		{discordsim.Fault{Name: "rest-429-odd", Text: "date", Delay: 50 * time.Second, Route: reply, Count: 1}, "something between this host and Discord answers in its place (HTTP 429), until ", false},
		{discordsim.Fault{Name: "rest-redirect", For: time.Minute}, "something between this host and Discord answers in its place (HTTP 302)", false},
		{discordsim.Fault{Name: "rest-html", Code: 200, For: time.Minute}, "something between this host and Discord answers in its place (HTTP 200)", false},
		{discordsim.Fault{Name: "rest-429-global", Delay: time.Minute, Count: 1}, "Discord's global rate limit, until ", false},
		{discordsim.Fault{Name: "rest-429", Delay: time.Minute, Route: reply, Count: 1}, "a rate limit of Discord, until ", false},
		{discordsim.Fault{Name: "rest-5xx", Code: 503, Route: reply, For: time.Minute}, "Discord's REST API answers HTTP 503", false},
		{discordsim.Fault{Name: "rest-reset", For: time.Minute}, "Discord's REST API does not answer", false},
		{discordsim.Fault{Name: "rest-endless", Text: "header", For: time.Minute}, "Discord's REST API does not answer", false},
		{discordsim.Fault{Name: "rest-endless", For: 50 * time.Second}, "what Discord's REST API seems to answer has no end", true},
	} {
		t.Run(strings.TrimSpace(c.fault.Name+" "+c.fault.Text), func(t *testing.T) {
			run(t, nil, func(s *harness) {
				r := s.start(s.options()).online()
				s.answer(s.ask("!ping"))
				if _, err := s.Sim.Inject(c.fault); err != nil {
					s.T.Fatal(err)
				}
				asked := s.ask("!ping")
				time.Sleep(8 * time.Second)
				second := s.ask("!uptime")
				time.Sleep(34 * time.Second)
				snap := r.Tracker().Snapshot()
				if want := "answers are not getting through: " + c.says; snap.Status != health.Degraded || !strings.HasPrefix(snap.Reason.String(), want) || snap.Work.OK || !snap.Connected {
					s.T.Errorf("it is %s", snap.Sentence())
				}
				if seen := s.seenAs(); seen != "idle" {
					s.T.Errorf("people see it as %s", seen)
				}
				if !c.lost {
					s.Until(3*time.Minute, "both are answered", func() bool { return len(s.Sim.Answers(asked)) == 1 && len(s.Sim.Answers(second)) == 1 })
				}
				time.Sleep(11 * time.Minute)
				s.answer(s.ask("!ping"))
				time.Sleep(time.Second) // until the bot knows that it got out
				if snap = r.Tracker().Snapshot(); snap.Status != health.Online {
					s.T.Errorf("afterwards it is %s", snap.Sentence())
				}
				if time.Sleep(15 * time.Second); s.seenAs() != "online" {
					s.T.Errorf("afterwards people see it as %s", s.seenAs())
				}
				r.stop(gateway.KeepSession)
			})
		})
	}
}

// seenAs is the status that people see.
func (s *harness) seenAs() string {
	all := s.Sim.StatusHistory(s.App)
	return all[len(all)-1].Status
}

// Given a limit that holds, when the process dies and starts again within it, then nothing
// is sent before its end, however often.
//
// Statements: G-130.
func TestLimitsSurviveACrashLoop(t *testing.T) {
	run(t, nil, func(s *harness) {
		f := newStateFolder(s)
		r := s.start(f.kept(s.options())).online()
		s.answer(s.ask("!ping"))
		if _, err := s.Sim.Inject(discordsim.Fault{Name: "rest-429-global", Delay: time.Minute, Count: 1}); err != nil {
			s.T.Fatal(err)
		}
		asked := s.ask("!ping")
		time.Sleep(5 * time.Second)
		for range 3 {
			r.stop(gateway.KeepSession)
			f.shut(store.EndSessionKept)
			time.Sleep(2 * time.Second)
			r = s.start(f.kept(s.options())).online()
			s.ask("!uptime")
			time.Sleep(2 * time.Second)
		}
		s.Until(2*time.Minute, "the question is answered", func() bool { return len(s.Sim.Answers(asked)) == 1 })
		s.NoViolations()
		r.stop(gateway.KeepSession)
		f.shut(store.EndSessionKept)
	})
}
