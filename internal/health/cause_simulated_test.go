package health

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// simulatedCause is the faults that lead to a cause, and what the incident then
// says. The runbook names the same faults.
type simulatedCause struct {
	cause  CauseID
	faults []discordsim.Fault
	says   string
}

// simulatedCauses are the causes that faults alone lead to.
var simulatedCauses = []simulatedCause{
	{RoutineReconnect, []discordsim.Fault{{Name: "op7"}}, "Discord asked for a reconnect (routine). Resumed, nothing was missed."},
	{ConnectionCut, []discordsim.Fault{{Name: "cut"}}, "the connection was cut without a close frame. Resumed, nothing was missed."},
	{ConnectionCut, []discordsim.Fault{{Name: "drop"}}, "the connection was cut without a close frame. Resumed, nothing was missed."},
	{DiscordClosed, []discordsim.Fault{{Name: "close", Code: 4000}}, "Discord had an unknown error (close code 4000). Resumed, nothing was missed."},
	{ClientMistake, []discordsim.Fault{{Name: "close", Code: 4002}}, "(close code 4002). Resumed"},
	{SendLimit, []discordsim.Fault{{Name: "close", Code: 4008}}, "too many payloads were sent on one connection (close code 4008)"},
	{Unknown, []discordsim.Fault{{Name: "close", Code: 4242}}, "Discord closed the connection with code 4242, for a reason that is not known"},
	{ClientOutdated, []discordsim.Fault{{Name: "close", Code: 4012}}, "(close code 4012)"},
	{HalfOpen, []discordsim.Fault{{Name: "half-open"}}, "the connection was half-open (nothing arrived for 24.5 s). Resumed, nothing was missed."},
	{HalfOpen, []discordsim.Fault{{Name: "black-hole", For: time.Minute}}, "the connection was half-open (nothing arrived for 24.5 s). Resumed, nothing was missed."},
	{HalfOpen, []discordsim.Fault{{Name: "zombie", For: time.Minute}}, "the connection was half-open (nothing arrived for 24.5 s). Resumed, nothing was missed."},
	{SessionEnded, []discordsim.Fault{{Name: "op9-false"}}, "Discord invalidated the session. A new session was started; events in between were not delivered."},
	{SessionEnded, []discordsim.Fault{{Name: "resume-op9-false", For: time.Minute}, {Name: "cut"}}, "the connection was cut without a close frame, then Discord invalidated the session."},
	{ReconnectLoop, []discordsim.Fault{{Name: "cut"}, {Name: "cut"}, {Name: "cut"}, {Name: "cut"}}, "the connection was cut without a close frame, then the 3rd time in a row, each soon after coming back. Resumed"},
	{ResumeDropped, []discordsim.Fault{{Name: "resume-silent", For: 2 * time.Minute}, {Name: "cut"}}, "the connection was cut without a close frame, then "},
	{GarbledStream, []discordsim.Fault{{Name: "corrupt"}}, "the compressed stream broke"},
	{DNSFailure, []discordsim.Fault{{Name: "dns", For: 30 * time.Second}, {Name: "cut"}}, "then the name of Discord's gateway did not resolve"},
	{NetworkDown, []discordsim.Fault{{Name: "refuse", For: 30 * time.Second}, {Name: "cut"}}, "then Discord's gateway could not be reached over the network"},
	{NetworkDown, []discordsim.Fault{{Name: "unreachable", For: time.Minute}}, "then Discord's gateway could not be reached over the network"},
	{CertificateBad, []discordsim.Fault{{Name: "tls", For: 30 * time.Second}, {Name: "cut"}}, "then the TLS handshake with Discord's gateway failed"},
	{ProxyBlocks, []discordsim.Fault{{Name: "no-wss", For: 30 * time.Second}, {Name: "cut"}}, "then Discord's gateway did not open a WebSocket (HTTP 403)"},
	{IPBanned, []discordsim.Fault{{Name: "upgrade-status", Code: 429, For: 30 * time.Second}, {Name: "cut"}}, "then Discord's gateway did not open a WebSocket (HTTP 429)"},
	{DiscordOutage, []discordsim.Fault{{Name: "outage", For: time.Minute}}, "then Discord's gateway did not open a WebSocket (HTTP 503)"},
	{DiscordOutage, []discordsim.Fault{{Name: "no-hello", For: time.Minute}, {Name: "cut"}}, "then Discord accepted the connection but never said HELLO"},
	{DiscordOutage, []discordsim.Fault{{Name: "no-ready", For: time.Minute}, {Name: "op9-false"}}, "then READY was slow to come"},
	{TokenRefused, []discordsim.Fault{{Name: "token-reset"}}, "token"},
	{IntentsRefused, []discordsim.Fault{{Name: "intents-off"}}, "intent"},
	{ShardingRequired, []discordsim.Fault{{Name: "always-close", Code: 4011}, {Name: "cut"}}, "(close code 4011)"},
}

// Given each cause that the simulator can stage, when its fault strikes a bot
// that is online, then an incident tells it by its name and in the right words,
// with what was seen and done, and its link leads into the runbook.
func TestEveryCauseIsToldByItsName(t *testing.T) {
	for _, c := range simulatedCauses {
		names := make([]string, len(c.faults))
		for n, f := range c.faults {
			names[n] = f.Name
		}
		t.Run(string(c.cause)+"/"+strings.Join(names, "+"), func(t *testing.T) {
			for _, name := range names {
				if !slices.Contains(faultNames(Lookup(c.cause).Reproduce), name) {
					t.Errorf("the runbook does not say that %s stages it: %s", name, Lookup(c.cause).Reproduce)
				}
			}
			synctest.Test(t, func(t *testing.T) { simulateCause(t, c.cause, c.faults, c.says) })
		})
	}
}

// simulateCause injects the faults into a live shard and checks the incident.
func simulateCause(t *testing.T, want CauseID, faults []discordsim.Fault, says string) {
	sim := discordsim.New(discordsim.Config{Seed: 1})
	defer sim.Close()
	app := sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{sim.AddGuild("house")}})
	tracker := NewTracker(Options{})
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: app.Token, Intents: gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentMessageContent},
		URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
		Dialer:      gateway.WebSocketDialer{DialContext: sim.DialContext},
		Handler:     gateway.HandlerFunc(func(context.Context, gateway.Event) {}),
		Observer:    tracker, Rand: func() float64 { return 0.5 },
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error)
	go func() { ran <- shard.Run(context.Background()) }()
	defer func() {
		if err := shard.Stop(t.Context(), gateway.KeepSession); err != nil {
			t.Error(err)
		}
		<-ran
	}()
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	if s := tracker.Snapshot(); s.Status != Online {
		t.Fatalf("before anything happens it is %s", s.Sentence())
	}
	for _, f := range faults {
		if _, err := sim.Inject(f); err != nil {
			t.Fatal(err)
		}
		if want == ReconnectLoop {
			time.Sleep(10 * time.Second)
		}
	}
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	var found *Incident
	for _, i := range tracker.Incidents(MemoryJournalSize) {
		if i.Cause == want {
			found = &i
		}
		t.Logf("%s: %s", i.Cause, i.Sentence(time.Now(), time.UTC))
	}
	if found == nil {
		t.Fatal("no incident has that cause")
	}
	if got := found.Sentence(time.Now(), time.UTC); !strings.Contains(got, says) {
		t.Errorf("it says\n%s\nwant in it\n%s", got, says)
	}
	if found.Evidence.Kind == "" || len(found.Actions) == 0 || found.Detected.Before(found.Start) {
		t.Errorf("evidence %+v, actions %v", found.Evidence, found.Actions)
	}
}
