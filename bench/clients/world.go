package clients

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"evergreen/bench/peer"
	"evergreen/bench/trial"
	"evergreen/discordsim"
	"evergreen/internal/freeport"
)

// World is a simulated Discord, Evergreen in front of it, and a bot.
type World struct {
	Sim    *discordsim.Sim
	App    *discordsim.App
	Client *Client
	// Evergreen and Bot are the processes; nil before they are started.
	Evergreen, Bot *Program
	// Env is added to what the bot finds in its environment.
	Env []string

	program  string
	folder   string
	api      string // of the simulated Discord
	address  string // of evergreen proxy
	relay    *relay
	rest     *httptest.Server // Discord's REST API by https
	channels []discordsim.ID
	people   []discordsim.ID
	asked    []discordsim.Message
	kills    []time.Time
}

// newWorld makes a world. The simulated Discord listens at addr.
func newWorld(b *Builder, c *Client, folder, addr string, rules discordsim.Config) (*World, error) {
	rules.Seed = 1
	sim := discordsim.New(rules)
	app := trial.NewWorld(sim).App
	w := &World{Sim: sim, App: app, Client: c, program: b.Evergreen, folder: folder, channels: sim.Channels(app), people: sim.People(app)}
	if err := os.MkdirAll(filepath.Join(folder, "bot"), 0o755); err != nil {
		return nil, err
	}
	listener, err := sim.Listen(addr)
	if err != nil {
		sim.Close()
		return nil, err
	}
	w.api = listener.APIURL()
	return w, nil
}

// NewWorld starts a simulated Discord and Evergreen in front of it. The folder is for
// their files. End it with Close.
func NewWorld(ctx context.Context, b *Builder, c *Client, folder string, rules discordsim.Config) (*World, error) {
	w, err := newWorld(b, c, folder, "127.0.0.1:0", rules)
	if err != nil {
		return nil, err
	}
	w.address = c.Address
	return w, w.started(w.StartEvergreen(ctx))
}

// NewRelayedWorld is NewWorld with a relay between the bot and Evergreen, which can cut
// their connections.
func NewRelayedWorld(ctx context.Context, b *Builder, c *Client, folder string, rules discordsim.Config) (*World, error) {
	w, err := newWorld(b, c, folder, "127.0.0.1:0", rules)
	if err != nil {
		return nil, err
	}
	if w.address, err = freeport.Address(); err == nil {
		w.relay, err = newRelay(c.Address, w.address)
	}
	if err == nil {
		err = w.StartEvergreen(ctx)
	}
	return w, w.started(err)
}

// NewBareWorld starts a simulated Discord where the bot looks for Evergreen.
func NewBareWorld(b *Builder, c *Client, folder string, rules discordsim.Config) (*World, error) {
	return newWorld(b, c, folder, c.Address, rules)
}

// started ends a world that could not be started.
func (w *World) started(err error) error {
	if err != nil {
		w.Close()
	}
	return err
}

// Close ends all of it.
func (w *World) Close() {
	for _, one := range []*Program{w.Bot, w.Evergreen} {
		if one != nil {
			one.Kill()
		}
	}
	if w.relay != nil {
		w.relay.close()
	}
	if w.rest != nil {
		w.rest.CloseClientConnections()
		w.rest.Close()
	}
	w.Sim.Close()
}

// StartEvergreen starts evergreen proxy and waits until bots can connect.
func (w *World) StartEvergreen(ctx context.Context) error {
	if err := w.startEvergreen(); err != nil {
		return err
	}
	return until(ctx, "Evergreen serves bots", func() bool {
		conn, err := net.DialTimeout("tcp", w.address, time.Second)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

// TakeOver starts another Evergreen in the place of the one that runs, and waits until that
// one has ended.
func (w *World) TakeOver(ctx context.Context) error {
	before := w.Evergreen
	if err := w.startEvergreen("--take-over"); err != nil {
		return err
	}
	select {
	case <-before.Ended():
		before.reading.Wait()
		return nil
	case <-ctx.Done():
		return errors.New("the Evergreen before does not end")
	}
}

// startEvergreen starts evergreen proxy.
func (w *World) startEvergreen(args ...string) (err error) {
	command := peer.Command{Path: w.program, Args: append([]string{"proxy", "--no-api"}, args...)}
	w.Evergreen, err = start(command, w.folder, "DISCORD_TOKEN="+w.App.Token, "DISCORD_API_URL="+w.api, "PROXY_ADDR="+w.address)
	return err
}

// StartBot starts the bot.
func (w *World) StartBot() error {
	env, err := w.botEnv()
	if err != nil {
		return err
	}
	w.Bot, err = start(w.Client.Command, filepath.Join(w.folder, "bot"), env...)
	return err
}

// botEnv returns what the bot finds in its environment.
func (w *World) botEnv() ([]string, error) {
	api, err := url.Parse(w.api)
	if err != nil {
		return nil, err
	}
	rest := "http://" + api.Host
	if w.Client.overTLS {
		if w.rest == nil {
			w.rest = httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: api.Host}))
		}
		rest = w.rest.URL
	}
	return append([]string{"DISCORD_TOKEN=" + w.App.Token, "DISCORD_REST=" + rest}, w.Env...), nil
}

// Ask lets somebody ask !ping, each time another one in another channel.
func (w *World) Ask() {
	turn := len(w.asked)
	m := w.Sim.Say(w.channels[turn%len(w.channels)], w.people[turn%len(w.people)], "!ping", discordsim.Expect())
	w.asked = append(w.asked, m)
}

// Say lets somebody say what is not answered.
func (w *World) Say(text string) { w.Sim.Say(w.channels[0], w.people[0], text) }

// DeleteChannel deletes a channel over REST.
func (w *World) DeleteChannel(ctx context.Context, id discordsim.ID) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, fmt.Sprintf("%s/channels/%v", w.api, id), http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bot "+w.App.Token)
	r.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("the channel cannot be deleted: " + response.Status)
	}
	return nil
}

// KillBot kills the bot, as kill -9 does.
func (w *World) KillBot() { w.kill(w.Bot) }

// KillEvergreen kills Evergreen.
func (w *World) KillEvergreen() { w.kill(w.Evergreen) }

func (w *World) kill(victim *Program) {
	victim.Kill()
	w.kills = append(w.kills, time.Now())
}

// Answers counts commands by how they were answered.
type Answers struct {
	None, Once int
	// Again counts those that were answered more than once because the bot, or Evergreen,
	// was killed within a second of the first answer; Twice all others.
	Again, Twice int
}

// doubt is how long before a crash what was answered may be answered again.
const doubt = time.Second

// Answers counts the commands so far.
func (w *World) Answers() (a Answers) {
	for _, m := range w.asked {
		switch answers := w.Sim.Answers(m.ID); {
		case len(answers) == 0:
			a.None++
		case len(answers) == 1:
			a.Once++
		case w.killedAfter(answers[0].Timestamp):
			a.Again++
		default:
			a.Twice++
		}
	}
	return a
}

// killedAfter reports whether a process was killed shortly after a moment.
func (w *World) killedAfter(at time.Time) bool {
	for _, kill := range w.kills {
		if after := kill.Sub(at); after > -doubt && after < doubt {
			return true
		}
	}
	return false
}

// AwaitAnswers waits until every command is answered.
func (w *World) AwaitAnswers(ctx context.Context) error {
	if err := until(ctx, "every command is answered", func() bool { return w.Answers().None == 0 }); err != nil {
		return fmt.Errorf("%w: %+v", err, w.Answers())
	}
	return nil
}

// Presence is how other users see the bot: its status and its activity.
func (w *World) Presence() (status, activity string) {
	history := w.Sim.StatusHistory(w.App)
	if len(history) == 0 {
		return "offline", ""
	}
	last := history[len(history)-1]
	return last.Status, last.Activity
}

// until waits until something holds.
func until(ctx context.Context, what string, holds func() bool) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waited in vain until %s", what)
		}
	}
	return nil
}
