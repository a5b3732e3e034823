package judge_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"evergreen/discordsim"
	"evergreen/discordsim/judge"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/discord/preflight"
	"evergreen/internal/discord/rest"
	"evergreen/internal/simtest"
)

// ownShards runs shards of ours with one account of IDENTIFYs, until stop is
// called.
func ownShards(t *testing.T, sim *discordsim.Sim, application *discordsim.App) (stop func()) {
	t.Helper()
	const agent = "DiscordBot (https://github.com/evergreen, 0)"
	const intents = gateway.IntentGuilds | gateway.IntentGuildPresences
	random := simtest.Rand("judge", 5)
	client := &http.Client{Transport: rest.New(rest.Options{Base: sim.Transport(), UserAgent: agent, Rand: random})}
	check, err := preflight.New(preflight.Options{
		HTTPClient: client, APIURL: sim.APIURL(), UserAgent: agent, Token: func() string { return application.Token }, Intents: func() gateway.Intents { return intents },
	})
	if err != nil {
		t.Fatal(err)
	}
	account := identify.New(identify.Options{SessionStartLimit: check.Limits, Rand: random})
	var shards []*gateway.Shard
	var running sync.WaitGroup
	for id := range application.Shards {
		s, err := gateway.New(gateway.Options{
			Credentials: gateway.Credentials{Token: application.Token, Intents: intents}, Shard: gateway.ShardID{ID: id, Count: application.Shards},
			URLSource: check, CredentialChecker: check, IdentifyLimiter: account, Dialer: gateway.WebSocketDialer{Transport: sim.Transport()}, Rand: random,
		})
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, s)
		running.Go(func() { _ = s.Run(context.Background()) })
	}
	return func() {
		for _, s := range shards {
			_ = s.Stop(context.Background(), gateway.KeepSession)
		}
		running.Wait()
		client.CloseIdleConnections()
	}
}

// Given a bot with three shards that asks for presences, when it is led through
// the programme, then it breaks nothing, and what only such a bot can be put to
// was exercised.
func TestOurShardsBreakNothing(t *testing.T) {
	var report judge.Report
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(judge.Config(1))
		defer sim.Close()
		application := sim.AddApp(discordsim.AppConfig{Name: "shards", Shards: 3})
		defer ownShards(t, sim, application)()
		var err error
		if report, err = judge.Run(t.Context(), judge.Options{Sim: sim, App: application, Thorough: true}); err != nil {
			t.Fatal(err)
		}
	})
	if report.Broken > 0 || report.Lost != "" {
		t.Errorf("%d statements were broken, lost in %q:\n%s", report.Broken, report.Lost, text(t, report))
	}
	for _, f := range report.Findings {
		if (f.Statement == "G-122" || f.Statement == "G-119") && f.Verdict != judge.Kept {
			t.Errorf("%s: %s", f.Statement, f.Verdict)
		}
	}
}
