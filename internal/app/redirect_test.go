package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergreen/fleet"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/doctor"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/process/config"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/web/api"
)

// Given a server that redirects every request to another host, then none of our
// clients takes credentials there: neither the bot's token nor that of the API, nor the
// secret address of an alert.
func TestNoClientFollowsARedirectWithCredentials(t *testing.T) {
	const secret = "a-secret-of-twenty-letters"
	var asked atomic.Int64
	var leaked atomic.Pointer[string]
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all strings.Builder
		_ = r.Write(&all)
		if strings.Contains(all.String(), secret) {
			said := all.String()
			leaked.Store(&said)
		}
		http.NotFound(w, r)
	}))
	defer elsewhere.Close()
	target := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, target+r.URL.Path+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
	}))
	defer server.Close()

	c := config.Against(server.URL+"/api/v10", secret)
	c.StateDir, c.Shards = t.TempDir(), fleet.All(1)
	bot, err := New(Options{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	defer bot.closeConnections()
	client := alert.NewClient()
	defer client.CloseIdleConnections()
	note := alert.Notification{}
	poller := statuspage.New(statuspage.Options{URL: server.URL + "/status"})
	for name, use := range map[string]func(context.Context){
		"REST": func(ctx context.Context) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.APIURL+"/users/@me/guilds", nil) // not asked by preflight: a route that was led astray pauses
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bot "+secret)
			if answer, err := bot.client.Do(r); err == nil {
				_ = answer.Body.Close()
			}
		},
		"preflight": func(ctx context.Context) { _, _ = bot.preflight.Check(ctx) },
		"gateway": func(ctx context.Context) {
			if socket, err := bot.opts.Dialer.Dial(ctx, strings.Replace(server.URL, "http", "ws", 1)+"/?token="+secret); err == nil {
				socket.Close(ctx, 1000, "")
			}
		},
		"webhook": func(ctx context.Context) {
			_ = alert.Webhook{URL: server.URL + "/" + secret, Client: client}.Send(ctx, note)
		},
		"Discord webhook": func(ctx context.Context) {
			_ = alert.Discord{URL: server.URL + "/" + secret, Client: client}.Send(ctx, note)
		},
		"ntfy": func(ctx context.Context) {
			_ = alert.Ntfy{URL: server.URL + "/" + secret, Token: secret, Client: client}.Send(ctx, note)
		},
		"dead man": func(ctx context.Context) {
			_ = alert.NewDeadMan(alert.DeadManOptions{
				URL: server.URL + "/" + secret, Client: client, Interval: time.Minute, After: time.Minute,
				Snapshot: func() health.Snapshot { return health.Snapshot{At: time.Now(), Ready: true, Connected: true} },
			}).Run(ctx)
		},
		"HTTP API": func(ctx context.Context) {
			client, _ := api.ClientOf(tokenlock.Holder{API: strings.TrimPrefix(server.URL, "http://")}, secret)
			_, _, _ = client.Status(ctx)
		},
		"doctor": func(ctx context.Context) {
			checks, end := doctor.Checks(doctor.Options{Loaded: &config.Loaded{Config: c, Origins: map[string]config.Origin{}}})
			defer end()
			doctor.Examine(ctx, checks, func(doctor.Result) {})
		},
		"status page": func(ctx context.Context) { _ = poller.Run(ctx) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		asked.Store(0)
		use(ctx)
		cancel()
		if asked.Load() == 0 {
			t.Errorf("%s asked nothing", name)
		}
		if text := leaked.Swap(nil); text != nil {
			t.Errorf("%s followed a redirect with what is secret:\n%s", name, *text)
		}
	}
}
