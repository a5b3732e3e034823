package discordsim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"

	"github.com/coder/websocket"
)

// sendPayloads opens a connection, sends payloads one after another and leaves.
func sendPayloads(t *testing.T, sim *discordsim.Sim, url string, payloads ...string) {
	t.Helper()
	client := &http.Client{Transport: sim.Transport()}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			if _, _, err := ws.Read(ctx); err != nil {
				return
			}
		}
	}()
	for _, p := range payloads {
		time.Sleep(time.Second)
		if ws.Write(ctx, websocket.MessageText, []byte(p)) != nil {
			break
		}
	}
	time.Sleep(3 * time.Second)
	_ = ws.Close(4900, "")
	<-over
}

// Given a client, when it beats, identifies and resumes, then the log says what
// it said without saying a secret.
//
// Statements: S-008.
func TestLogHoldsClientPayloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{WebSocket: discordsim.WebSocketConfig{PingEvery: time.Second}})
		defer sim.Close()
		app := sim.AddApp(discordsim.AppConfig{})
		token := app.Token
		sendPayloads(t, sim, "ws://gateway.discord.sim/?v=10&encoding=json",
			`{"op":1,"d":null}`,
			`{"op":2,"d":{"token":"`+token+`","intents":513,"shard":[0,1],"properties":{"os":"a","browser":"b","device":"c"},"presence":{"since":null,"activities":[],"status":"online","afk":false}}}`,
			`{"op":1,"d":1}`, `{"op":1,"d":"x"}`)
		first := sim.Connections(app)[0]
		sendPayloads(t, sim, "ws://resume.discord.sim/?v=10&encoding=json", `{"op":6,"d":{"token":"Bot `+token+`","session_id":"`+first.Session+`","seq":1}}`)
		sim.ResetToken(app)
		sendPayloads(t, sim, "ws://resume.discord.sim/?v=9&encoding=json", `{"op":6,"d":{"token":"`+token+`","session_id":"gone","seq":2}}`)
		sendPayloads(t, sim, "ws://gateway.discord.sim/?v=10&encoding=json", `{"op":2,"d":{"token":"nobody's","intents":0,"compress":true}}`)

		var said []discordsim.ClientPayload
		all := sim.Connections(nil)
		for _, c := range all {
			for _, f := range c.Frames {
				if f.Client != nil {
					said = append(said, *f.Client)
				}
			}
		}
		want := []discordsim.ClientPayload{
			{Null: true, Seq: -1},
			{Seq: -1, Token: "raw", Intents: 513, Shard: []int{0, 1}, Presence: true, Properties: true},
			{Seq: 1},
			{Seq: -1},
			{Seq: 1, Token: "prefixed", Session: first.Session},
			{Seq: 2, Token: "former", Session: "gone"},
			{Seq: -1, Token: "wrong", Compress: true},
		}
		got, _ := json.Marshal(said)
		wanted, _ := json.Marshal(want)
		if string(got) != string(wanted) {
			t.Errorf("said:\n%s\nwant\n%s", got, wanted)
		}
		if first.Session == "" || all[1].Session != first.Session || all[0].Version != "10" || all[2].Version != "9" || all[0].Encoding != "json" {
			t.Errorf("the connections: %+v", all)
		}
		if first.Pings == 0 || first.Pongs == 0 {
			t.Errorf("%d pings, %d pongs", first.Pings, first.Pongs)
		}
		if log, _ := json.Marshal(all); strings.Contains(string(log), token) {
			t.Error("the log holds the token")
		}
	})
}

// Given requests good and bad, the log says what was asked and what came of it.
func TestRequestsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{})
		defer sim.Close()
		app := sim.AddApp(discordsim.AppConfig{})
		client := &http.Client{Transport: sim.Transport(), Timeout: time.Minute}
		defer client.CloseIdleConnections()
		get := func(path, token, agent string) {
			req, err := http.NewRequestWithContext(t.Context(), "GET", sim.APIURL()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", token)
			req.Header.Set("User-Agent", agent)
			if resp, err := client.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		}
		const agent = "DiscordBot (https://example.com, 1)"
		get("/gateway/bot", "Bot "+app.Token, agent)
		get("/users/@me", "Bot wrong", "curl")
		if _, err := sim.Inject(discordsim.Fault{Name: "rest-429-global", Count: 1}); err != nil {
			t.Fatal(err)
		}
		get("/users/@me", "Bot "+app.Token, agent)
		time.Sleep(2 * time.Second)
		if _, err := sim.Inject(discordsim.Fault{Name: "rest-reset", Count: 1}); err != nil {
			t.Fatal(err)
		}
		get("/users/@me", "Bot "+app.Token, agent)
		var got []discordsim.Request
		for _, q := range sim.Requests(nil) {
			q.At = time.Time{}
			got = append(got, q)
		}
		want := []discordsim.Request{
			{App: app.ID, Route: "GET /gateway/bot", Status: 200, Agent: true, Authorized: true},
			{Route: "GET /users/@me", Status: 401},
			{App: app.ID, Route: "GET /users/@me", Status: 429, Scope: "global", Agent: true, Authorized: true},
			{App: app.ID, Route: "GET /users/@me", Lost: true, Agent: true, Authorized: true},
		}
		if len(got) > len(want) {
			got = got[:len(want)] // net/http may send a GET again by itself
		}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Errorf("request %d: got %+v, want %+v", i, got, want[i])
			}
		}
		if n := len(sim.Requests(app)); n < 3 {
			t.Errorf("%d requests of the app are logged", n)
		}
	})
}
