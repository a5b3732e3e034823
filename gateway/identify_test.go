package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"

	"github.com/coder/websocket"
)

// recordingServer is a Discord that writes down every payload of a client. It
// speaks just enough to let a session begin and end.
type recordingServer struct {
	mu       sync.Mutex
	received []map[string]json.RawMessage
	urls     []string
}

func (e *recordingServer) serve(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	e.mu.Lock()
	e.urls = append(e.urls, r.URL.String())
	e.mu.Unlock()
	ctx := r.Context()
	say := func(text string) { _ = ws.Write(ctx, websocket.MessageText, []byte(text)) }
	say(`{"op":10,"d":{"heartbeat_interval":60000}}`)
	for {
		_, raw, err := ws.Read(ctx)
		if err != nil {
			return
		}
		var p map[string]json.RawMessage
		_ = json.Unmarshal(raw, &p)
		e.mu.Lock()
		e.received = append(e.received, p)
		e.mu.Unlock()
		switch string(p["op"]) {
		case "1":
			say(`{"op":11}`)
		case "2":
			say(`{"op":0,"s":1,"t":"READY","d":{"v":10,"session_id":"abc","resume_gateway_url":"ws://resume.test/","user":{"id":"42","username":"ada","unknown":[null]},"guilds":[{"id":"1","unavailable":true},{"id":"2"}],"application":{"id":"7","flags":8,"flags_new":"565248"},"shard":null,"_trace":7,"auth":null}}`)
			say(`{"op":0,"s":2,"t":"NEW_EVENT","d":null}`)
			say(`{"op":0,"s":5,"t":"OTHER","d":{}}`)
			say(`{"op":1,"d":null}`)
		case "6":
			say(`{"op":0,"s":6,"t":"RESUMED","d":{}}`)
		}
	}
}

// payloads lists what was sent with an opcode.
func (e *recordingServer) payloads(op string) (all []map[string]json.RawMessage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.received {
		if string(p["op"]) == op {
			all = append(all, p)
		}
	}
	return all
}

// Given a new session and then a resumed one, then IDENTIFY and RESUME carry
// exactly what Discord asks for, heartbeats carry null and then the newest
// sequence number, and nothing else is sent.
// Statements: G-006, G-008, G-019, G-020, G-022, G-033, G-034, G-036, G-037, G-048, G-049, G-065, G-066.
func TestWhatAClientSays(t *testing.T) {
	e := &recordingServer{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(e.serve)}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	events := make(chan gateway.Observation, 1000)
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: "the.raw.token", Intents: intents},
		URLSource:   gateway.FixedURL("ws://base.test"),
		Shard:       gateway.ShardID{ID: 3, Count: 16},
		Presence:    &gateway.Presence{Status: gateway.StatusIdle, Activities: []gateway.Activity{{Name: "x", Type: gateway.ActivityWatching}}},
		Observer:    gateway.ObserverFunc(func(n gateway.Observation) { events <- n }),
		Dialer: gateway.WebSocketDialer{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
		}},
		Compression: gateway.CompressNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = shard.Run(context.Background()) }()
	await := func(what string, is func(gateway.ShardEvent) bool) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for {
			select {
			case n := <-events:
				if is(n.Event) {
					return
				}
			case <-deadline:
				t.Fatal("never came: " + what)
			}
		}
	}
	await("an answered heartbeat", func(o gateway.ShardEvent) bool { _, is := o.(gateway.HeartbeatACK); return is })
	session := shard.Session()
	if session.ID != "abc" || session.ResumeURL != "ws://resume.test/" || session.Seq != 5 {
		t.Errorf("session %+v", session)
	}
	_ = shard.Stop(context.Background(), gateway.KeepSession)
	<-done

	next, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: "the.raw.token", Intents: intents},
		URLSource:   gateway.FixedURL("ws://base.test"), Session: session,
		Observer: gateway.ObserverFunc(func(n gateway.Observation) { events <- n }),
		Dialer: gateway.WebSocketDialer{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
		}},
		Compression: gateway.CompressNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	done = make(chan struct{})
	go func() { defer close(done); _ = next.Run(context.Background()) }()
	await("RESUMED", func(o gateway.ShardEvent) bool { _, is := o.(gateway.Resumed); return is })
	_ = next.Stop(context.Background(), gateway.EndSession)
	<-done

	var identify struct {
		Token      string
		Intents    uint64
		Properties map[string]string
		Shard      []int
		Presence   map[string]json.RawMessage
		Compress   *bool
	}
	sent := e.payloads("2")
	if len(sent) != 1 {
		t.Fatalf("%d IDENTIFYs", len(sent))
	}
	if err := json.Unmarshal(sent[0]["d"], &identify); err != nil {
		t.Fatal(err)
	}
	if identify.Token != "the.raw.token" || identify.Intents != uint64(intents) || identify.Compress != nil ||
		!slices.Equal(identify.Shard, []int{3, 16}) || len(identify.Presence) != 4 {
		t.Errorf("IDENTIFY %s", sent[0]["d"])
	}
	for _, name := range []string{"os", "browser", "device"} {
		if identify.Properties[name] == "" {
			t.Errorf("IDENTIFY lacks the property %s", name)
		}
	}
	if resumes := e.payloads("6"); len(resumes) != 1 || string(resumes[0]["d"]) != `{"token":"the.raw.token","session_id":"abc","seq":5}` {
		t.Errorf("RESUME %s", resumes)
	}
	var beats []string
	for _, p := range e.payloads("1") {
		beats = append(beats, string(p["d"]))
	}
	if len(beats) == 0 || !slices.Contains(beats, "5") {
		t.Errorf("heartbeats carried %v", beats)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.received {
		if op := string(p["op"]); !slices.Contains([]string{"1", "2", "3", "6"}, op) {
			t.Errorf("opcode %s was sent", op)
		}
	}
	for _, url := range e.urls {
		if url != "/?encoding=json&v=10" {
			t.Errorf("dialled %s", url)
		}
	}
}

// Given READY, then the observer knows the bot, and a new READY replaces all of
// the old session at once.
// Statements: G-048, G-050, G-158.
func TestReadyReplacesTheSession(t *testing.T) {
	var kept []gateway.Session
	var mu sync.Mutex
	options := func(o *gateway.Options) {
		o.SessionStore = storeFunc(func(s gateway.Session) { mu.Lock(); kept = append(kept, s); mu.Unlock() })
	}
	run(t, config{options: options}, func(h *harness) {
		h.startLive()
		for range 5 {
			h.Post("x")
		}
		h.Advance(time.Minute)
		first := h.shard.Session()
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.Until(20*time.Second, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		h.Advance(time.Second)
		second := h.shard.Session()
		if first.ID == second.ID || second.Seq >= first.Seq {
			t.Errorf("the sessions are %+v and %+v", first, second)
		}
		ready := observed[gateway.Ready](h)
		if len(ready) != 2 || ready[0].UserID != h.App.Bot.ID.String() || ready[0].ApplicationID != h.App.ID.String() ||
			ready[0].ApplicationFlags != h.App.Flags || ready[0].Guilds != 1 || ready[0].SessionID != first.ID {
			t.Errorf("observed %+v", ready)
		}
		mu.Lock()
		defer mu.Unlock()
		highest := map[string]int64{}
		for _, k := range kept {
			if k.Seq < highest[k.ID] {
				t.Errorf("the kept sequence number went back: %+v", k)
			}
			highest[k.ID] = k.Seq
		}
		if highest[first.ID] > first.Seq || highest[second.ID] > second.Seq {
			t.Errorf("kept numbers that never came: %v", highest)
		}
	})
}

type storeFunc func(gateway.Session)

func (f storeFunc) Save(s gateway.Session) { f(s) }

// Given events that are held by their handlers, then the kept session stays
// below the oldest of them until its handling is over.
// Statements: G-052.
func TestKeptSequenceIsTheHandledOne(t *testing.T) {
	var mu sync.Mutex
	var releases []func()
	handle := func(_ context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			mu.Lock()
			releases = append(releases, e.Hold())
			mu.Unlock()
		}
	}
	run(t, config{handle: handle}, func(h *harness) {
		h.startLive()
		h.Advance(time.Second)
		before := h.shard.Session().Seq
		for range 5 {
			h.Post("x")
		}
		h.Advance(time.Second)
		if got := h.shard.Session().Seq; got != before {
			t.Errorf("kept %d while event %d is not handled", got, before+1)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, i := range []int{4, 2, 1, 0} {
			releases[i]()
		}
		if got := h.shard.Session().Seq; got != before+3 {
			t.Errorf("kept %d while event %d is not handled", got, before+4)
		}
		releases[3]()
		if got := h.shard.Session().Seq; got != before+5 {
			t.Errorf("kept %d, all up to %d are handled", got, before+5)
		}
	})
}

// Given a READY that never comes and heartbeats that stay unanswered, then the
// connection is given up as a dead one.
// Statements: G-045.
func TestSilenceBeforeReadyIsDeadly(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "no-ready"})
		h.Inject(discordsim.Fault{Name: "zombie"})
		h.start()
		h.Advance(2 * time.Minute)
		h.wantReason(gateway.ReasonSilent)
		h.Sim.LiftAll()
		h.Until(10*time.Minute, "the shard is live", h.isLive)
		h.NoViolations()
	})
}

// Given dials that fail in every way there is, then each is retried with its
// cause named, the process goes on, and after ten failures in a row it says so
// once and still goes on.
// Statements: G-005, G-011, G-012, G-013, S-065.
func TestEveryFailedDialIsRetried(t *testing.T) {
	for name, want := range map[string]gateway.ReasonKind{
		"dns": gateway.ReasonDNS, "refuse": gateway.ReasonDial, "unreachable": gateway.ReasonDial, "offline": gateway.ReasonDial, "tls": gateway.ReasonTLS,
		"upgrade-status": gateway.ReasonUpgrade, "upgrade-html": gateway.ReasonUpgrade, "upgrade-stall": gateway.ReasonUpgrade, "no-wss": gateway.ReasonUpgrade,
		"no-hello": gateway.ReasonNoHello, "op7-first": gateway.ReasonReconnect,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.Inject(discordsim.Fault{Name: name})
				h.start()
				h.Advance(10 * time.Minute)
				failed := observed[gateway.ConnectFailed](h)
				if len(failed) < 10 {
					t.Fatalf("%d attempts in ten minutes", len(failed))
				}
				if asked := len(observed[gateway.ReconnectRequested](h)); want == gateway.ReasonReconnect && asked < len(failed) {
					t.Errorf("op 7 was told of %d times in %d attempts", asked, len(failed))
				}
				for _, f := range failed {
					if f.Reason.Kind != want {
						t.Errorf("an attempt failed by %q, want %q", f.Reason, want)
						break
					}
				}
				if n := len(observed[gateway.AttemptsExhausted](h)); n != 1 {
					t.Errorf("exhausted attempts were noted %d times", n)
				}
				h.Sim.LiftAll()
				h.Until(35*time.Second, "the shard is live", h.isLive)
				h.WantIdentifies(1)
				h.NoViolations()
			})
		})
	}
}

// Given a locator that is told of a base URL that failed, then it is asked again
// only after a failure, and its own failures are retried; a refused token parks
// without any dial.
// Statements: G-002, G-004, G-005.
func TestURLSource(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	fail := errors.New("503")
	options := func(o *gateway.Options) {
		o.URLSource = urlSourceFunc(func(_ context.Context, failed string) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, failed)
			if len(asked) <= 2 {
				return "", fail
			}
			return "ws://gateway.discord.sim/", nil
		})
	}
	run(t, config{options: options}, func(h *harness) {
		h.startLive()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.Until(20*time.Second, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 2 && h.isLive() })
		if refused := observed[gateway.AddressRefused](h); len(refused) > 0 {
			t.Errorf("what the source has named is held against something else: %v", refused)
		}
		mu.Lock()
		for _, failed := range asked {
			if failed != "" {
				t.Errorf("told that %q failed", failed)
			}
		}
		asked = asked[:2]
		mu.Unlock()
		h.Advance(time.Minute)
		h.Inject(discordsim.Fault{Name: "refuse", For: 20 * time.Second})
		h.Inject(discordsim.Fault{Name: "session-loss"})
		h.Until(time.Minute, "a new session has begun", func() bool { return h.shard.Stats().Identifies == 3 && h.isLive() })
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(asked, "ws://gateway.discord.sim/") {
			t.Errorf("the locator was not told of the failure: %q", asked)
		}
	})
	fail = gateway.ErrUnauthorized
	asked = nil
	run(t, config{options: options}, func(h *harness) {
		h.start()
		h.Advance(time.Second)
		parked, is := h.shard.State().(gateway.Parked)
		if !is || !errors.Is(parked.Reason.Err, gateway.ErrUnauthorized) || h.shard.Stats().Dials != 0 {
			t.Errorf("the shard is %s for %v after %d dials", h.shard.State(), parked.Reason.Err, h.shard.Stats().Dials)
		}
	})
}

type urlSourceFunc func(context.Context, string) (string, error)

func (f urlSourceFunc) GatewayURL(ctx context.Context, failed string) (string, error) {
	return f(ctx, failed)
}

// Given a handler that panics, then it costs that event, is observed with its
// stack, and the shard goes on.
// Statements: G-158.
func TestHandlerPanicIsContained(t *testing.T) {
	handle := func(_ context.Context, e gateway.Event) {
		if strings.Contains(string(e.Data), "boom") {
			panic("boom")
		}
	}
	run(t, config{handle: handle}, func(h *harness) {
		h.startLive()
		h.Post("boom")
		h.Post("fine")
		h.Advance(time.Second)
		p := observed[gateway.HandlerPanicked](h)
		if len(p) != 1 || p[0].Type != "MESSAGE_CREATE" || p[0].Value != "boom" || !strings.Contains(p[0].Stack, "goroutine") {
			t.Errorf("observed %+v", p)
		}
		if len(h.eventsOf("MESSAGE_CREATE")) != 2 || !h.isLive() || h.shard.Stats().Panics != 1 {
			t.Error("the shard did not go on")
		}
	})
}

// Given a handler that panics although it has taken the event over, or with READY, which
// holds no number, then the saved number moves past the event: nothing waits for it.
// Statements: G-052.
func TestEventOfAPanicCountsAsHandled(t *testing.T) {
	handle := func(_ context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			e.Hold()
		}
		panic("boom")
	}
	run(t, config{handle: handle}, func(h *harness) {
		h.startLive()
		h.Post("one")
		h.Post("two")
		h.Advance(time.Second)
		events := h.eventsOf("MESSAGE_CREATE")
		if len(events) != 2 || len(h.eventsOf("READY")) != 1 {
			t.Fatalf("%d messages were handed over", len(events))
		}
		if got := h.shard.Session().Seq; got < events[1].Seq {
			t.Errorf("the session is kept with number %d, want at least %d", got, events[1].Seq)
		}
		if stats := h.shard.Stats(); stats.Panics != stats.Handled || stats.Panics != int64(len(observed[gateway.HandlerPanicked](h))) {
			t.Errorf("%d panics and %d handled events are counted", stats.Panics, stats.Handled)
		}
	})
}

// Given a handler that blocks until the queue is full, then what does not fit is
// left with Discord and fetched by a RESUME: nothing is lost, nothing twice.
// Statements: G-029.
func TestFullQueueLeavesEventsWithDiscord(t *testing.T) {
	open := make(chan struct{})
	handle := func(ctx context.Context, e gateway.Event) {
		if e.Type == "MESSAGE_CREATE" {
			select {
			case <-open:
			case <-ctx.Done():
			}
		}
	}
	options := func(o *gateway.Options) { o.QueueBytes = 50_000 }
	run(t, config{options: options, handle: handle}, func(h *harness) {
		open = make(chan struct{})
		h.startLive()
		for range 500 {
			h.Post("one of many")
			h.Advance(10 * time.Millisecond)
		}
		if len(observed[gateway.QueueFull](h)) == 0 || h.shard.Stats().QueuedBytes > 50_000 {
			t.Errorf("the queue holds %d bytes", h.shard.Stats().QueuedBytes)
		}
		close(open)
		h.Advance(time.Minute)
		seen := map[int64]bool{}
		for _, e := range h.eventsOf("MESSAGE_CREATE") {
			if seen[e.Seq] {
				t.Errorf("event %d came twice", e.Seq)
			}
			seen[e.Seq] = true
		}
		if len(seen) != 500 {
			t.Errorf("%d of 500 events were handled", len(seen))
		}
		h.wantReason(gateway.ReasonOverflow)
		h.WantIdentifies(1)
		h.NoViolations()
	})
}

// Given an observer, a log and every fault of the story, then the token appears
// in none of what they show.
// Statements: G-157.
func TestTokenIsNeverShown(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.startLive()
		for _, f := range []string{"cut", "dns", "tls", "upgrade-html", "op9-false", "close", "corrupt"} {
			h.Inject(discordsim.Fault{Name: f, For: 3 * time.Second})
			h.Advance(40 * time.Second)
		}
		var text strings.Builder
		log := slog.New(slog.NewTextHandler(&text, nil))
		for _, n := range h.recorder.All() {
			log.Info("note", "what", n.Event)
		}
		if strings.Contains(text.String(), h.App.Token) {
			t.Error("the token was shown")
		}
	})
}

// dialerFunc is a dialer that is a function.
type dialerFunc func(ctx context.Context, url string) (gateway.Socket, error)

func (f dialerFunc) Dial(ctx context.Context, url string) (gateway.Socket, error) { return f(ctx, url) }

// An error of a dialer that says nothing of how far it came counts as a failed dial, and so
// does an address that is none; the shard goes on.
func TestDialsThatFailOddly(t *testing.T) {
	for name, options := range map[string]func(*gateway.Options){
		"error without a kind": func(o *gateway.Options) {
			o.Dialer = dialerFunc(func(context.Context, string) (gateway.Socket, error) {
				time.Sleep(2 * time.Second)
				return nil, errors.New("no")
			})
		},
		"status that looks like a close code": func(o *gateway.Options) {
			o.Dialer = dialerFunc(func(context.Context, string) (gateway.Socket, error) {
				return nil, &gateway.ConnectError{Kind: gateway.ReasonDial, Status: 4004, Err: errors.New("no")}
			})
		},
		"no address": func(o *gateway.Options) { o.URLSource = gateway.FixedURL("ws://[") },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{options: options}, func(h *harness) {
				h.start()
				h.Until(time.Minute, "it is tried again", func() bool { return len(observed[gateway.ConnectFailed](h)) > 1 })
				if got := observed[gateway.ConnectFailed](h)[0].Reason; got.Kind != gateway.ReasonDial || got.Err == nil {
					t.Errorf("the dial failed by %s", got)
				}
			})
		})
	}
}

// waitingSource and waitingLimiter answer when their context ends.
type waitingSource struct{}

func (waitingSource) GatewayURL(ctx context.Context, _ string) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

type waitingLimiter struct{ gateway.IdentifyLimiter }

func (waitingLimiter) Acquire(ctx context.Context, _ gateway.ShardID, _ func(time.Time, string)) (identify.Grant, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (waitingLimiter) Stopped(gateway.ShardID) {}

// Given a shard that waits for an address or for its turn, when it is stopped, then it ends
// at once, and that is told as no failure.
func TestStopWhileWaitingForOthersIsNoFailure(t *testing.T) {
	for name, options := range map[string]func(*gateway.Options){
		"address": func(o *gateway.Options) { o.URLSource = waitingSource{} },
		"turn":    func(o *gateway.Options) { o.IdentifyLimiter = waitingLimiter{} },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{options: options}, func(h *harness) {
				h.start()
				h.Advance(time.Second)
				began := time.Now()
				h.stop(gateway.KeepSession)
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %s", took)
				}
				if failed := observed[gateway.ConnectFailed](h); len(failed) != 0 {
					t.Errorf("told as a failure: %v", failed)
				}
				if dials := h.shard.Stats().Dials; dials != 0 {
					t.Errorf("%d connections were dialled", dials)
				}
			})
		})
	}
}
