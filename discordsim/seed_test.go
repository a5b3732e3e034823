package discordsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// seededClient is a client without a will of its own: it beats, resumes when its
// connection ends, and identifies when there is nothing to resume.
type seededClient struct {
	sc         *clientHarness
	shard      []int
	session    string
	url        string
	seq        int64
	identifies time.Time
}

func (m *seededClient) run(ctx context.Context) {
	for ctx.Err() == nil {
		m.connection(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second + time.Duration(m.shard[0])*time.Millisecond):
		}
	}
}

func (m *seededClient) connection(ctx context.Context) {
	url := inMemory
	if m.session != "" {
		url = m.url + query
	}
	dialling, cancel := context.WithTimeout(ctx, 10*time.Second)
	transport := m.sc.Transport()
	defer transport.CloseIdleConnections()
	ws, _, err := websocket.Dial(dialling, url+"&compress=zlib-stream", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	cancel()
	if err != nil {
		return
	}
	c := &client{sc: m.sc, t: m.sc.t, ws: ws, http: nil, got: make(chan packet, 1000)}
	c.work.Go(func() { c.listen("zlib-stream") })
	defer func() {
		_ = ws.CloseNow()
		c.work.Wait()
	}()
	send := func(op int, d any) {
		_ = ws.Write(ctx, websocket.MessageText, marshal(map[string]any{"op": op, "d": d}))
	}
	beat := time.NewTicker(30 * time.Second)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			send(1, m.seq)
		case p, open := <-c.got:
			switch {
			case !open, p.Op == 7:
				return
			case p.Op == 9 && string(p.D) == "false":
				m.session = ""
				return
			case p.Op == 9:
				return
			case p.Op == 1:
				send(1, m.seq)
			case p.Op == 10 && m.session != "":
				send(6, map[string]any{"token": m.sc.app.Token, "session_id": m.session, "seq": m.seq})
			case p.Op == 10:
				time.Sleep(time.Until(m.identifies.Add(6 * time.Second)))
				m.identifies = time.Now()
				send(2, m.sc.identifyData(map[string]any{"shard": m.shard}))
			case p.T == "READY":
				m.session, m.url, m.seq = p.object()["session_id"].(string), p.object()["resume_gateway_url"].(string), 0
			}
			m.seq = max(m.seq, p.S)
		}
	}
}

// diary is everything a run left behind.
func diary(t *testing.T, seed uint64) (out []any) {
	cfg := Config{
		Seed:      seed,
		Latency:   20 * time.Millisecond,
		Jitter:    80 * time.Millisecond,
		WebSocket: WebSocketConfig{SplitFrames: 5},
		Session:   SessionConfig{ReconnectMin: 5 * time.Minute, ReconnectMax: 20 * time.Minute},
	}
	inSimBubble(t, cfg, func(t *testing.T, s *Sim) {
		var guilds []*Guild
		for range 40 {
			guilds = append(guilds, s.AddGuild("one of many"))
		}
		sc := newClientHarness(t, s, AppConfig{Guilds: guilds, MaxConcurrency: 3})
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan struct{}, 3)
		for id := range 3 {
			m := &seededClient{sc: sc, shard: []int{id, 3}}
			go func() {
				time.Sleep(time.Duration(id) * time.Microsecond)
				m.run(ctx)
				ran <- struct{}{}
			}()
		}
		chance := rand.New(rand.NewPCG(7, 7))
		faults := []Fault{
			{Name: "cut"}, {Name: "op7"}, {Name: "op9-true"}, {Name: "op9-false"}, {Name: "close", Code: 4001}, {Name: "session-loss"},
			{Name: "duplicate", Probability: 0.5, For: time.Minute}, {Name: "lost", Probability: 0.2, For: time.Minute}, {Name: "reorder", Probability: 0.5, For: time.Minute},
			{Name: "resume-op9-true", Probability: 0.5, For: time.Minute}, {Name: "resume-dead", Probability: 0.5, For: time.Minute},
			{Name: "ready-drop", Probability: 0.5, For: time.Minute}, {Name: "latency", Delay: 300 * time.Millisecond, Text: "200ms", For: time.Minute},
			{Name: "half-open", For: time.Minute}, {Name: "stall"}, {Name: "no-hello", For: time.Minute},
		}
		for range 100 {
			wait(time.Duration(chance.IntN(40_000)+1) * time.Millisecond)
			sc.Say(guilds[chance.IntN(len(guilds))].Channels[0].ID, sc.ada.ID, "hello")
			synctest.Wait()
			sc.inject(faults[chance.IntN(len(faults))])
			synctest.Wait()
		}
		cancel()
		for range 3 {
			<-ran
		}
		v := sc.Verdict(sc.app)
		out = append(out, v, sc.StatusHistory(sc.app))
		for _, l := range sc.Connections(nil) {
			out = append(out, l)
		}
		for _, a := range sc.Injected() {
			out = append(out, fmt.Sprint(a.Name, a.Struck, a.Began, a.Ended))
		}
	})
	return out
}

// Given three shards with a will-less client each, when a hundred faults strike
// them, by chance and on a network with jitter, then a second run with the same
// seed is the same to the last frame, and one with another seed is not.
//
// Statements: S-099, S-101.
func TestSeedReproducesARun(t *testing.T) {
	first, second, other := diary(t, 1), diary(t, 1), diary(t, 2)
	if len(first) != len(second) {
		t.Fatalf("%d and %d entries", len(first), len(second))
	}
	for i := range first {
		if !reflect.DeepEqual(first[i], second[i]) {
			t.Fatalf("entry %d differs:\n%+v\n%+v", i, first[i], second[i])
		}
	}
	if len(first) < 150 {
		t.Errorf("the diary has only %d entries", len(first))
	}
	if reflect.DeepEqual(first, other) {
		t.Error("another seed gave the same run")
	}
}
