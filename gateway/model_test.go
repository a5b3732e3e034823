package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/clock"
	"evergreen/gateway"
	"evergreen/internal/simtest"

	"pgregory.net/rapid"
)

// action is one thing the server, the network or the bot does in a random story.
type action struct {
	do   string
	n    int // seconds, how many, or a code
	text string
}

func (a action) String() string { return strings.TrimSpace(fmt.Sprintf("%s %d %s", a.do, a.n, a.text)) }

// anyAction are all there are, the simplest first: a story shrinks towards them.
var anyAction = rapid.Custom(func(t *rapid.T) action {
	a := action{do: rapid.SampledFrom([]string{
		"wait", "event", "op 7", "op 9 true", "op 9 false", "close", "cut", "silence", "withhold", "no HELLO", "refuse",
		"ask for a beat", "jump", "old event", "strange", "no JSON", "stall", "host sleeps", "send", "presence", "stop", "goodbye",
	}).Draw(t, "do")}
	switch a.do {
	case "wait", "stall", "host sleeps":
		a.n = rapid.SampledFrom([]int{1, 2, 4, 11, 26, 50, 100, 200}).Draw(t, "seconds")
	case "close":
		a.n = rapid.SampledFrom([]int{4000, 1000, 1001, 1011, 1012, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011, 4012, 4013, 4014, 4999}).Draw(t, "code")
	case "strange":
		a.text = rapid.SampledFrom([]string{
			`{"op":77,"d":{}}`, `{"op":0,"t":"NEW","s":null,"d":null}`, `{"op":11,"d":{"x":[]}}`, `{"op":0,"t":"MESSAGE_CREATE","s":-4,"d":[]}`,
			`{"op":0,"t":"READY","s":null,"d":{"v":10}}`, `{"op":10,"d":{"heartbeat_interval":"soon"}}`, `{"t":null,"s":null,"d":null,"op":null}`,
		}).Draw(t, "text")
	case "event", "jump", "refuse", "ask for a beat", "send", "presence", "withhold":
		a.n = rapid.IntRange(1, 8).Draw(t, "times")
	}
	return a
})

// Given any sequence of what servers, networks and bots do, when a shard lives
// through it step by step, then it never does what a small model of the protocol
// (protocol_test.go) says a correct client does not do, and it is live again
// once the world is well. A failure shrinks to the shortest story that shows
// it. A long run: go test ./gateway -run Model -rapid.checks=50000
// Statements: G-014, G-019, G-020, G-037, G-065, G-075, G-076, G-088, G-104, G-156.
func TestModelOfTheProtocol(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		story := rapid.SliceOfN(anyAction, 1, 25).Draw(rt, "story")
		seed := rapid.Uint64Range(0, 9).Draw(rt, "seed")
		var wrong []string
		synctest.Test(t, func(*testing.T) { wrong = playStory(story, seed) })
		if len(wrong) > 0 {
			rt.Fatalf("%s", strings.Join(wrong, "\n"))
		}
	})
}

// modelServer is the server of a random story: it does what it is told and keeps
// the model informed.
type modelServer struct {
	mu      sync.Mutex
	model   protocol
	wires   map[*modelConn]*modelSocket
	refuses int  // dials
	mute    int  // connections that get no HELLO
	held    int  // READYs and RESUMEDs that do not come
	stalled bool // what is sent waits
	slept   time.Duration
	begun   int
	alive   string // the session Discord has; the client need not know
	seq     int64
	past    []int64 // its numbers
}

// modelSocket is one connection of it, as the client's socket.
type modelSocket struct {
	d       *modelServer
	l       *modelConn
	in      chan func() ([]byte, error)
	late    []func() ([]byte, error)
	gone    chan struct{}
	once    sync.Once
	silent  bool
	carries string // the session
}

var errCut = errors.New("the connection was cut")

func (d *modelServer) Dial(_ context.Context, url string) (gateway.Socket, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuses > 0 {
		d.refuses--
		return nil, &gateway.ConnectError{Kind: gateway.ReasonDial, Err: errors.New("connection refused")}
	}
	w := &modelSocket{d: d, l: d.model.dial(url), in: make(chan func() ([]byte, error), 4096), gone: make(chan struct{})}
	d.wires[w.l] = w
	w.l.excused = d.stalled
	if d.mute > 0 {
		d.mute--
		w.l.excused, w.l.leaveBy = true, time.Now().Add(20*time.Second)
		return w, nil
	}
	w.l.phase = greeted
	w.send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
	return w, nil
}

func (w *modelSocket) Read(buf []byte, _ int64, received func(n int)) ([]byte, int64, bool, error) {
	select {
	case next := <-w.in:
		raw, err := next()
		if err != nil {
			return buf, 0, false, err
		}
		received(len(raw))
		return append(buf, raw...), int64(len(raw)), false, nil
	case <-w.gone:
		return buf, 0, false, errCut
	}
}

func (w *modelSocket) Write(_ context.Context, raw []byte) error {
	d := w.d
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-w.gone:
		return errCut
	default:
	}
	op, body := d.model.onPayload(w.l, time.Now(), raw)
	if w.silent {
		return nil
	}
	switch op {
	case 1:
		w.send(`{"op":11}`)
	case 2, 6:
		d.answer(w, op, body)
	}
	return nil
}

// answer is READY or RESUMED, unless it is withheld.
func (d *modelServer) answer(w *modelSocket, op int, body []byte) {
	switch {
	case d.held > 0:
		d.held--
		w.l.excused = true
	case op == 2:
		d.begun++
		d.alive, d.seq, d.past = fmt.Sprint("session-", d.begun), 1, []int64{1}
		w.carries = d.alive
		d.model.ready(w.l, d.alive)
		w.send(fmt.Sprintf(`{"op":0,"t":"READY","s":1,"d":{"v":10,"session_id":%q,"resume_gateway_url":%q,"user":{"id":"1"},"guilds":[]}}`, d.alive, resumeAddress))
	case !strings.Contains(string(body), d.alive) || d.alive == "":
		d.model.invalid(w.l, time.Now(), false)
		w.send(`{"op":9,"d":false}`)
	default:
		var from int64
		_, _ = fmt.Sscanf(string(body[strings.Index(string(body), `"seq":`)+6:]), "%d", &from)
		w.carries = d.alive
		for _, seq := range d.past {
			if seq > from {
				d.model.event(seq)
				w.send(event("MESSAGE_CREATE", seq))
			}
		}
		d.model.resumed(w.l)
		d.next(w, "RESUMED", 1)
	}
}

func event(typ string, seq int64) string {
	return fmt.Sprintf(`{"op":0,"t":%q,"s":%d,"d":{"id":"%d"}}`, typ, seq, seq)
}

// next sends an event of the session; ahead of more than 1 leaves numbers out.
func (d *modelServer) next(w *modelSocket, typ string, ahead int64) {
	d.seq += ahead
	d.past = append(d.past, d.seq)
	if !w.silent {
		d.model.event(d.seq)
		w.send(event(typ, d.seq))
	}
}

func (w *modelSocket) send(text string) {
	w.push(func() ([]byte, error) { return []byte(text), nil })
}

func (w *modelSocket) push(next func() ([]byte, error)) {
	switch {
	case w.silent:
	case w.d.stalled:
		w.late = append(w.late, next)
	default:
		w.in <- next
	}
}

// Close and Drop are the client leaving.
func (w *modelSocket) Close(_ context.Context, code gateway.CloseCode, _ string) { w.leave(int(code)) }
func (w *modelSocket) Drop()                                                     { w.leave(0) }

func (w *modelSocket) leave(code int) {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	w.d.model.onClientClose(w.l, code)
	w.once.Do(func() { close(w.gone) })
}

// each visits the connections that are open and have come as far as from.
func (d *modelServer) each(from phase, visit func(*modelSocket)) {
	for _, l := range d.model.lines {
		if w := d.wires[l]; w != nil && l.phase >= from && l.phase != over && !w.silent {
			visit(w)
		}
	}
}

// plays lets one act happen.
func (d *modelServer) perform(a action) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	switch a.do {
	case "event":
		d.each(live, func(w *modelSocket) {
			for range a.n {
				d.next(w, "MESSAGE_CREATE", 1)
			}
		})
	case "jump":
		d.each(live, func(w *modelSocket) { d.next(w, "MESSAGE_CREATE", int64(a.n)*100) })
	case "old event":
		d.each(live, func(w *modelSocket) { w.send(event("MESSAGE_CREATE", 1)) })
	case "op 7":
		d.each(dialled, func(w *modelSocket) {
			w.l.excused, w.l.leaveBy = true, now.Add(10*time.Second)
			w.send(`{"op":7,"d":null}`)
		})
	case "op 9 true", "op 9 false":
		d.each(asked, func(w *modelSocket) {
			if a.do == "op 9 false" {
				d.alive = ""
			}
			d.model.invalid(w.l, now, a.do == "op 9 true")
			w.send(`{"op":9,"d":` + strings.TrimPrefix(a.do, "op 9 ") + `}`)
		})
	case "close": // a close code answers a connection that has asked for something
		d.each(asked, func(w *modelSocket) { d.end(w, a.n, &gateway.CloseError{Code: gateway.CloseCode(a.n)}) })
	case "cut":
		d.each(dialled, func(w *modelSocket) { d.end(w, 0, errCut) })
	case "silence":
		d.each(dialled, func(w *modelSocket) {
			patience := 26 * time.Second
			if w.l.excused {
				patience = 76 * time.Second // it may have shown itself to be slow (rule 4)
			}
			w.silent, w.l.excused, w.l.leaveBy = true, true, now.Add(patience)
		})
	case "withhold":
		d.held += a.n
	case "no HELLO":
		d.mute++
	case "refuse":
		d.refuses += a.n
	case "ask for a beat":
		d.each(greeted, func(w *modelSocket) {
			if w.l.phase >= asked {
				for range a.n {
					w.send(`{"op":1,"d":null}`)
				}
			}
		})
	case "strange":
		d.each(live, func(w *modelSocket) { w.send(a.text) })
	case "no JSON":
		d.each(live, func(w *modelSocket) {
			w.l.excused = true
			w.send("}{")
		})
	case "host sleeps":
		d.slept += time.Duration(a.n) * time.Second
		d.each(dialled, func(w *modelSocket) { w.l.excused = true })
	}
}

// end ends a connection from this side.
func (d *modelServer) end(w *modelSocket, code int, err error) {
	d.model.onServerClose(w.l, code)
	w.in <- func() ([]byte, error) { return nil, err }
}

// stall holds everything up for a while.
func (d *modelServer) stall(span time.Duration) {
	d.mu.Lock()
	d.stalled = true
	if span >= 5*time.Second {
		d.each(dialled, func(w *modelSocket) { w.l.excused = true })
	}
	d.mu.Unlock()
	time.Sleep(span)
	synctest.Wait()
	d.mu.Lock()
	d.stalled = false
	for _, l := range d.model.lines {
		if w := d.wires[l]; w != nil {
			for _, next := range w.late {
				w.in <- next
			}
			w.late = nil
		}
	}
	d.mu.Unlock()
}

// checkStep ends a step and reports what was wrong so far.
func (d *modelServer) checkStep() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.model.checkIdle(time.Now())
	d.model.step()
	return d.model.violations
}

// playStory tells a story to a shard and returns what was wrong.
func playStory(story []action, seed uint64) []string {
	d := &modelServer{wires: map[*modelConn]*modelSocket{}}
	slept := func() (time.Duration, bool) { d.mu.Lock(); defer d.mu.Unlock(); return d.slept, true }
	wall := func() time.Time { slept, _ := slept(); return time.Now().Add(slept) }
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: goodToken, Intents: intents},
		URLSource:   gateway.FixedURL(baseAddress), Dialer: d, Compression: gateway.CompressNone,
		Presence: &gateway.Presence{Status: gateway.StatusOnline}, Rand: simtest.Rand("model", seed), Clock: clock.New(clock.Source{Wall: wall, Slept: slept}),
	})
	if err != nil {
		return []string{err.Error()}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); _ = shard.Run(ctx) }()
	var sends sync.WaitGroup
	defer sends.Wait()
	defer func() { cancel(); <-ran }()
	for i, a := range append([]action{{do: "wait", n: 2}}, story...) {
		switch a.do {
		case "wait":
			time.Sleep(time.Duration(a.n) * time.Second)
		case "stall":
			d.stall(time.Duration(a.n) * time.Second)
		case "send":
			for range a.n * 20 {
				sends.Go(func() { _ = shard.Send(ctx, gateway.OpRequestGuildMembers, map[string]any{"guild_id": "1"}) })
			}
		case "presence":
			for range a.n {
				_ = shard.SetPresence(gateway.Presence{Status: gateway.StatusIdle})
				time.Sleep(time.Second)
			}
		case "stop", "goodbye":
			return d.stopAndCheck(shard, ran, a.do == "goodbye")
		default:
			d.perform(a)
		}
		if wrong := d.checkStep(); len(wrong) > 0 {
			return append(wrong, fmt.Sprintf("in step %d: %s", i, a))
		}
	}
	return d.recoverAndCheck(shard)
}

// stopAndCheck stops the shard, and sees that it stays stopped.
func (d *modelServer) stopAndCheck(shard *gateway.Shard, ran chan struct{}, goodbye bool) []string {
	d.mu.Lock()
	d.model.goodbye = goodbye
	d.each(dialled, func(w *modelSocket) { w.l.excused = true })
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	mode := gateway.KeepSession
	if goodbye {
		mode = gateway.EndSession
	}
	if err := shard.Stop(ctx, mode); err != nil {
		return []string{"Stop: " + err.Error()}
	}
	<-ran
	d.mu.Lock()
	d.model.stopped = true
	d.mu.Unlock()
	time.Sleep(time.Hour)
	return d.checkStep()
}

// recoverAndCheck makes the world well and waits for the shard to be live: what was
// refused for good a person mends, and IDENTIFYs that came to nothing may make
// it wait for up to twenty minutes.
func (d *modelServer) recoverAndCheck(shard *gateway.Shard) []string {
	d.mu.Lock()
	d.refuses, d.mute, d.held = 0, 0, 0
	d.model.refused = false
	d.mu.Unlock()
	_ = shard.Reconfigure(gateway.Credentials{Token: goodToken, Intents: intents})
	for end := time.Now().Add(30 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Second) {
		if wrong := d.checkStep(); len(wrong) > 0 {
			return append(wrong, "while the world was well again")
		}
		well := false
		d.mu.Lock()
		d.each(live, func(*modelSocket) { well = true })
		d.mu.Unlock()
		if _, is := shard.State().(gateway.Live); is && well {
			return nil
		}
	}
	return []string{"the world is well, and the shard is not live: " + shard.State().String()}
}
