package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
)

// Given a crowd that writes into three channels of the simulated Discord while
// every second request meets a fault, each message stands exactly once, and
// Discord has nothing to complain about.
// Statements: G-125, G-127, G-128, G-129, G-130, G-136, G-137.
func TestMessagesStandOnceOnASickDiscord(t *testing.T) {
	for _, fault := range []discordsim.Fault{
		{},
		{Name: "rest-skew", Delay: -time.Hour},
		{Name: "rest-reset"},
		{Name: "rest-5xx", Code: 503},
		{Name: "rest-html"},
		{Name: "rest-429", Delay: 700 * time.Millisecond},
		{Name: "rest-429-shared"},
		{Name: "rest-429-global"},
		{Name: "rest-429-bare"},
		{Name: "rest-429-odd", Text: "1"},
		{Name: "rest-429-odd", Text: "date", Delay: 2 * time.Second},
		{Name: "rest-commit-then-drop"},
		{Name: "rest-commit-then-502"},
		{Name: "rest-truncated"},
		{Name: "rest-truncated", Text: "json"},
		{Name: "rest-drip", Delay: time.Second},
		{Name: "rest-timeout", Delay: 30 * time.Second},
	} {
		t.Run(strings.TrimSpace(fault.Name+" "+fault.Text), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { standOnce(t, fault) })
		})
	}
}

func standOnce(t *testing.T, fault discordsim.Fault) {
	const each = 8
	sim := discordsim.New(discordsim.Config{Seed: 7, Latency: 40 * time.Millisecond, Jitter: 60 * time.Millisecond})
	defer sim.Close()
	guild := sim.AddGuild("house", "one", "two", "three")
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
	if fault.Name != "" {
		fault.Probability = 0.5
		fault.For = 20 * time.Second
		if _, err := sim.Inject(fault); err != nil {
			t.Fatal(err)
		}
	}
	transport := New(Options{Base: sim.Transport(), Timeout: 5 * time.Minute})
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	create := func(ctx context.Context, channel discordsim.ID, n int) (int, error) {
		body := fmt.Sprintf(`{"content":"number %d","nonce":"%d-%d","enforce_nonce":true}`, n, channel, n)
		req, err := http.NewRequestWithContext(ctx, "POST", fmt.Sprintf("%s/channels/%d/messages", sim.APIURL(), channel), strings.NewReader(body))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Authorization", "Bot "+app.Token)
		resp, err := client.Do(req)
		if err != nil {
			return 0, Plain(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return 0, err
		}
		return resp.StatusCode, nil
	}
	var group sync.WaitGroup
	for _, channel := range guild.Channels {
		for n := range each {
			group.Go(func() {
				for try := 0; ; try++ { // the patience above a Transport is the caller's
					status, err := create(t.Context(), channel.ID, n)
					if status == 200 && err == nil {
						return
					}
					if try == 10 {
						t.Errorf("message %d: %d, %v", n, status, err)
						return
					}
					time.Sleep(5 * time.Second)
				}
			})
		}
	}
	group.Wait()
	for _, channel := range guild.Channels {
		if stand := sim.Messages(channel.ID); len(stand) != each {
			t.Errorf("%d messages stand, want %d", len(stand), each)
		}
	}
	for _, v := range sim.Verdict(app).Violations {
		t.Errorf("%s: %s", v.Statement, v.What)
	}
	if s := transport.Stats(); fault.Name == "" && s.Limited+s.Global+s.Shared != 0 {
		t.Errorf("met 429: %+v", s)
	}
}

// Given 200 requests at once, then a ban, then a token that was reset, the
// simulated Discord sees no request it had ruled out before.
// Statements: G-131, G-132, G-135.
func TestSimulatorFindsNoBadManners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{Seed: 3, Latency: 30 * time.Millisecond})
		defer sim.Close()
		guild := sim.AddGuild("house")
		app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{guild}})
		token := app.Token
		transport := New(Options{Base: sim.Transport()})
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		ask := func(path string) {
			req, err := http.NewRequest("GET", sim.APIURL()+path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bot "+token)
			if resp, err := client.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		}
		var group sync.WaitGroup
		for range 200 {
			group.Go(func() { ask("/gateway/bot") })
		}
		group.Wait()
		if s := transport.Stats(); s.Sent != 200 || s.Global != 0 {
			t.Errorf("stats are %+v", s)
		}
		if _, err := sim.Inject(discordsim.Fault{Name: "rest-ban", For: 10 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			ask("/users/@me")
			time.Sleep(10 * time.Second)
		}
		sim.ResetToken(app)
		for range 100 {
			ask("/users/@me")
			ask("/users/@me/guilds")
			time.Sleep(time.Second)
		}
		for _, v := range sim.Verdict(app).Violations {
			t.Errorf("%s: %s", v.Statement, v.What)
		}
		if s := transport.Stats(); s.Bans != 1 || s.Invalid != 1 {
			t.Errorf("stats are %+v", s)
		}
	})
}
