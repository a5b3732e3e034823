package simapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"evergreen/discordsim"

	"github.com/coder/websocket"
)

// simBot is the harness' bot, connected: it answers every interaction with what answer
// makes of it.
type simBot struct {
	*harness
	client *http.Client
	answer func(interaction) any // nil: none is sent
}

// interaction is what a bot is told of one.
type interaction struct {
	ID, Token string
	Type      int
	Data      struct {
		Name     string
		CustomID string `json:"custom_id"`
	}
}

// connect lets the bot of the harness register commands and come online.
func (h *harness) connect(commands string, answer func(interaction) any) {
	h.Helper()
	transport := h.sim.Transport()
	b := &simBot{h, &http.Client{Transport: transport, Timeout: 10 * time.Second}, answer}
	if commands != "" {
		b.send(http.MethodPut, "/applications/"+h.app.ID.String()+"/commands", json.RawMessage(commands))
	}
	var gateway struct{ URL string }
	if err := json.Unmarshal(b.send(http.MethodGet, "/gateway/bot", nil), &gateway); err != nil {
		h.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ws, _, err := websocket.Dial(ctx, gateway.URL+"?v=10&encoding=json", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		h.Fatal(err)
	}
	ws.SetReadLimit(-1)
	var work sync.WaitGroup
	ready := make(chan struct{})
	work.Go(func() { b.read(ctx, ws, ready) })
	h.Cleanup(func() {
		cancel()
		_ = ws.CloseNow()
		work.Wait()
		transport.CloseIdleConnections()
	})
	select {
	case <-ready:
	case <-time.After(10 * time.Second):
		h.Fatal("the bot is not READY")
	}
}

// read identifies, and answers interactions until the connection ends.
func (b *simBot) read(ctx context.Context, ws *websocket.Conn, ready chan<- struct{}) {
	for {
		_, raw, err := ws.Read(ctx)
		if err != nil {
			return
		}
		var p struct {
			Op int
			T  string
			D  json.RawMessage
		}
		if json.Unmarshal(raw, &p) != nil {
			return
		}
		switch {
		case p.Op == 10:
			_ = ws.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"op":2,"d":{"token":%q,"intents":1,"properties":{"os":"linux","browser":"test","device":"test"}}}`, b.app.Token))
		case p.T == "READY":
			close(ready)
		case p.T == "INTERACTION_CREATE":
			var asked interaction
			if json.Unmarshal(p.D, &asked) != nil {
				return
			}
			if body := b.answer(asked); body != nil {
				b.send(http.MethodPost, "/interactions/"+asked.ID+"/"+asked.Token+"/callback", body)
			}
		}
	}
}

// send sends a REST request and returns the answer's body.
func (b *simBot) send(method, path string, body any) []byte {
	raw, err := json.Marshal(body)
	if err != nil {
		b.Error(err)
	}
	r, err := http.NewRequest(method, b.sim.APIURL()+path, bytes.NewReader(raw))
	if err != nil {
		b.Error(err)
		return nil
	}
	r.Header.Set("Authorization", "Bot "+b.app.Token)
	r.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	r.Header.Set("Content-Type", "application/json")
	answer, err := b.client.Do(r)
	if err != nil {
		return nil // the test is over
	}
	defer answer.Body.Close()
	var out bytes.Buffer
	_, _ = out.ReadFrom(answer.Body)
	if answer.StatusCode/100 != 2 && answer.StatusCode != http.StatusNotFound { // an interaction whose time is over
		b.Errorf("%s %s: %d %s", method, path, answer.StatusCode, out.Bytes())
	}
	return out.Bytes()
}

// await asks what came of an interaction until it is in a state.
func (h *harness) await(id discordsim.ID, state string) (body struct {
	State   string
	Type    int
	Message *struct {
		ID      discordsim.ID
		Content string
	}
	Modal   *struct{ Title string }
	Choices []discordsim.Choice
}) {
	h.Helper()
	watch := h.sim.Watch(100)
	defer watch.Close()
	limit := time.After(10 * time.Second)
	for {
		h.get("/sim/interactions/"+id.String(), &body)
		if body.State == state {
			return body
		}
		select {
		case <-watch.Changes():
		case <-time.After(50 * time.Millisecond): // for what is no change: that time is over
		case <-limit:
			h.Fatalf("the interaction is %+v and not %s", body, state)
		}
	}
}
