package app

import (
	"context"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/process/config"
	"evergreen/internal/simtest"
)

// harness is a simulated Discord in virtual time, and what is needed to run the bot
// against it.
type harness struct {
	*simtest.World
	channel discordsim.ID
	log     *simtest.Log
}

// run tells one story in virtual time: no bot runs yet.
func run(t *testing.T, flags *uint64, story func(*harness)) {
	t.Helper()
	runWorld(t, simtest.Options{
		Sim: discordsim.Config{Latency: 15 * time.Millisecond}, App: discordsim.AppConfig{Name: "ResearchBot", Flags: flags}, Guilds: 1,
	}, story)
}

// runWorld is run with a world of one's own.
func runWorld(t *testing.T, o simtest.Options, story func(*harness)) {
	t.Helper()
	simtest.Run(t, o, func(w *simtest.World) {
		s := &harness{World: w, channel: w.Guilds[0].Channels[0].ID, log: &simtest.Log{}}
		s.Describe = s.log.String
		story(s)
	})
}

// options are those of a bot in this world.
func (s *harness) options() Options {
	return Options{
		Config: config.Against(s.Sim.APIURL(), s.App.Token), Version: "0.0", Transport: s.Sim.Transport(), Dialer: gateway.WebSocketDialer{Transport: s.Sim.Transport()},
		Logger: s.log.Logger(),
	}
}

// runningBot is a bot that runs.
type runningBot struct {
	*App
	harness *harness
	ran     chan error
}

// start makes a bot and runs it.
func (s *harness) start(o Options) *runningBot {
	s.T.Helper()
	a, err := New(o)
	if err != nil {
		s.T.Fatal(err)
	}
	r := &runningBot{App: a, harness: s, ran: make(chan error, 1)}
	go func() { r.ran <- a.Run(context.Background()) }()
	return r
}

// online waits until the bot is.
func (r *runningBot) online() *runningBot {
	r.harness.T.Helper()
	r.harness.Until(time.Minute, "the bot is online", func() bool { return r.Tracker().Snapshot().Connected })
	return r
}

// stop stops the bot and returns how long that took.
func (r *runningBot) stop(mode gateway.StopMode) time.Duration {
	r.harness.T.Helper()
	began := time.Now()
	r.Stop(context.Background(), mode)
	took := time.Since(began)
	if err := <-r.ran; err != nil {
		r.harness.T.Errorf("Run returned %v, want nil after a stop", err)
	}
	return took
}

// ask lets the person say something the bot has to answer.
func (s *harness) ask(text string) discordsim.ID {
	return s.Sim.Say(s.channel, s.User.ID, text, discordsim.Expect()).ID
}

// answer waits for the answer to a message.
func (s *harness) answer(to discordsim.ID) string {
	s.T.Helper()
	var all []discordsim.Message
	s.Until(30*time.Second, "an answer", func() bool { all = s.Sim.Answers(to); return len(all) > 0 })
	return all[0].Content
}
