package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/process/config"
)

// stage is a simulated Discord in memory and what is needed to run the bot
// against it.
type stage struct {
	t       *testing.T
	sim     *discordsim.Sim
	bot     *discordsim.App
	channel discordsim.ID
	person  discordsim.User
	log     *record
}

// onStage plays a story in virtual time.
func onStage(t *testing.T, flags *uint64, story func(*stage)) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{Latency: 15 * time.Millisecond})
		defer sim.Close()
		guild := sim.AddGuild("Reading Group")
		person := sim.AddUser("ada")
		sim.AddMembers(guild, person)
		bot := sim.AddApp(discordsim.AppConfig{Name: "ResearchBot", Guilds: []*discordsim.Guild{guild}, Flags: flags})
		story(&stage{t: t, sim: sim, bot: bot, channel: guild.Channels[0].ID, person: person, log: &record{}})
	})
}

// options are those of a bot on this stage.
func (s *stage) options() Options {
	return Options{
		Config: config.Against(s.sim.APIURL(), s.bot.Token), Version: "0.0", Transport: s.sim.Transport(), Dialer: gateway.WebSocketDialer{Transport: s.sim.Transport()},
		Logger: s.log.logger(),
	}
}

// running is a bot that runs.
type running struct {
	*App
	stage *stage
	ran   chan error
}

// start makes a bot and runs it.
func (s *stage) start(o Options) *running {
	s.t.Helper()
	a, err := New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	r := &running{App: a, stage: s, ran: make(chan error, 1)}
	go func() { r.ran <- a.Run(context.Background()) }()
	return r
}

// online waits until the bot is.
func (r *running) online() *running {
	r.stage.t.Helper()
	r.stage.until("the bot is online", time.Minute, func() bool { return r.Tracker().Snapshot().Connected })
	return r
}

// end stops the bot and returns how long that took.
func (r *running) end(mode gateway.StopMode) time.Duration {
	r.stage.t.Helper()
	began := time.Now()
	r.Stop(context.Background(), mode)
	took := time.Since(began)
	if err := <-r.ran; err != nil {
		r.stage.t.Errorf("Run returned %v, want nil after a stop", err)
	}
	return took
}

// until lets time pass until something is so.
func (s *stage) until(what string, most time.Duration, is func() bool) {
	s.t.Helper()
	for began := time.Now(); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > most {
			s.t.Fatalf("not within %s: %s\n%s", most, what, s.log)
		}
	}
}

// ask lets the person say something the bot has to answer.
func (s *stage) ask(text string) discordsim.ID {
	return s.sim.Say(s.channel, s.person.ID, text, discordsim.Expect()).ID
}

// answer waits for the answer to a message.
func (s *stage) answer(to discordsim.ID) string {
	s.t.Helper()
	var all []discordsim.Message
	s.until("an answer", 30*time.Second, func() bool { all = s.sim.Answers(to); return len(all) > 0 })
	return all[0].Content
}

// innocent fails the test if the bot has broken a rule.
func (s *stage) innocent() {
	s.t.Helper()
	for _, v := range s.sim.Verdict(s.bot).Violations {
		s.t.Errorf("the bot broke a rule: %s %s", v.Statement, v.What)
	}
}

// record is a log in memory.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(line)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *record) has(text string) bool { return strings.Contains(r.String(), text) }

func (r *record) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
