package discordsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// eventListener is a client of the gateway that only listens.
type eventListener struct {
	mu     sync.Mutex
	events []listenedEvent
}

type listenedEvent struct {
	name string
	data map[string]any
	at   time.Time
}

// listen identifies as the bot and collects what it is sent, until the test
// is over.
func (w *restHarness) listen(app *App, intents int64) *eventListener {
	w.t.Helper()
	e, ready, over := &eventListener{}, make(chan struct{}), make(chan struct{})
	client := &http.Client{Transport: w.Transport()}
	ws, _, err := websocket.Dial(w.t.Context(), "ws://gateway.discord.sim/?v=10&encoding=json", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		w.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	say := func(v any) { _ = ws.Write(w.t.Context(), websocket.MessageText, marshal(v)) }
	var work sync.WaitGroup
	work.Go(func() {
		defer close(over)
		for {
			_, raw, err := ws.Read(w.t.Context())
			if err != nil {
				return
			}
			var p struct {
				Op int
				T  string
				D  json.RawMessage
			}
			_ = json.Unmarshal(raw, &p)
			switch {
			case p.Op == 10:
				say(map[string]any{"op": 2, "d": map[string]any{
					"token": app.Token, "intents": intents, "properties": map[string]string{"os": "linux", "browser": "listener", "device": "ear"},
				}})
			case p.Op == 0:
				if objects.fields[p.T] != nil && len(w.Injected()) == 0 {
					checkEvent(w.t, p.T, p.D)
				}
				data := map[string]any{}
				_ = json.Unmarshal(p.D, &data)
				e.mu.Lock()
				e.events = append(e.events, listenedEvent{p.T, data, time.Now()})
				e.mu.Unlock()
				if p.T == "READY" {
					close(ready)
				}
			}
		}
	})
	work.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(30 * time.Second):
				say(map[string]any{"op": 1, "d": nil})
			}
		}
	})
	w.t.Cleanup(func() {
		_ = ws.CloseNow()
		client.CloseIdleConnections()
		work.Wait()
	})
	select {
	case <-ready:
	case <-time.After(time.Minute):
		w.t.Fatal("no READY")
	}
	time.Sleep(time.Second) // the guilds follow one by one
	synctest.Wait()
	return e
}

// named lists the events of one name.
func (e *eventListener) named(name string) (out []listenedEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.events {
		if event.name == name {
			out = append(out, event)
		}
	}
	return out
}

// names lists the names of the events that begin with a prefix.
func (e *eventListener) names(prefix string) (out []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.events {
		if strings.HasPrefix(event.name, prefix) {
			out = append(out, event.name)
		}
	}
	return out
}
