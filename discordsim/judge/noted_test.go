package judge_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/discordsim/judge"

	"github.com/coder/websocket"
)

// blind identifies and beats without looking at what comes, so that it needs to understand
// no compression.
func blind(ctx context.Context, sim *discordsim.Sim, identify string) {
	ws, _, err := websocket.Dial(ctx, "ws://gateway.discord.sim/?v=10&encoding=json&compress=zlib-stream", &websocket.DialOptions{HTTPClient: newClient(sim, "", habits{}).http})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(-1)
	reading, stop := context.WithCancel(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			if _, _, err := ws.Read(reading); err != nil {
				return
			}
		}
	}()
	defer func() { stop(); <-read }()
	pause(ctx, time.Second) // HELLO comes
	for _, text := range []string{identify, `{"op":1,"d":null}`} {
		_ = ws.Write(ctx, websocket.MessageText, []byte(text))
	}
	for pause(ctx, 2500*time.Millisecond) {
		_ = ws.Write(ctx, websocket.MessageText, []byte(`{"op":1,"d":2}`)) // of the READY and of the guild
	}
}

// Given an IDENTIFY that asks for compression of payloads beside that of the transport, with
// the presence that common libraries send and fields that Discord ignores, then that is noted,
// with what shows it, and nobody fails for it.
func TestIdentifyThatDiscordTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(judge.Config(1))
		defer sim.Close()
		app := sim.AddApp(discordsim.AppConfig{Name: "blind"})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			blind(ctx, sim, `{"op":2,"d":{"token":"`+app.Token+`","intents":513,"compress":true,"large_threshold":250,"v":3,"synced_guilds":[],
				"properties":{"os":"linux","browser":"x","device":"x","$referrer":""},"presence":{"status":null,"game":{"name":"x","type":0},"since":0,"afk":false}}}`)
		}()
		defer func() { cancel(); <-ended }()
		report, err := judge.Run(t.Context(), judge.Options{Sim: sim, App: app, Only: []string{"quiet"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{"G-036", "G-102"} {
			if f := finding(report, statement); f.Verdict != judge.Noted || len(f.Evidence) == 0 {
				t.Errorf("%s is %s", statement, f.Verdict)
			}
		}
		if report.Broken > 0 || report.ExitCode() != 0 {
			t.Errorf("%s", text(t, report))
		}
	})
}
