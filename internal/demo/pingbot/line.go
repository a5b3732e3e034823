package pingbot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Gateway opcodes (G-010).
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opResume         = 6
	opReconnect      = 7
	opInvalidSession = 9
	opHello          = 10
)

// intents are guilds, their messages, direct messages and the content of all of them.
const intents = 1<<0 | 1<<9 | 1<<12 | 1<<15

// line is one connection to the gateway.
type line struct {
	conn *websocket.Conn
	// mu guards writing: heartbeats come from a goroutine of their own.
	mu  sync.Mutex
	seq int64 // what heartbeats confirm
}

// payload is what goes over the gateway.
type payload struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  int64           `json:"s"`
	Type string          `json:"t"`
}

// refusedError is the end of a connection after which another try is of no use.
type refusedError struct{ code websocket.StatusCode }

func (e *refusedError) Error() string {
	return fmt.Sprintf("it has refused this bot with close code %d", e.code)
}

// serve connects and handles what comes until the connection ends. It reports whether the
// bot has become ready.
func (b *bot) serve(ctx context.Context) (ready bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialing, dialed := context.WithTimeout(ctx, dialTimeout)
	address := b.opts.GatewayURL
	if b.session != "" {
		address = b.resume
	}
	conn, _, err := websocket.Dial(dialing, strings.TrimSuffix(address, "/")+"/?v=10&encoding=json", &websocket.DialOptions{HTTPClient: b.client})
	dialed()
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1)
	l := &line{conn: conn}
	var beating sync.WaitGroup
	defer beating.Wait()
	defer cancel()
	for {
		_, message, err := conn.Read(ctx)
		if code := websocket.CloseStatus(err); code == 4004 || code >= 4010 && code <= 4014 {
			return ready, &refusedError{code}
		}
		if err != nil {
			return ready, err
		}
		var p payload
		if err := json.Unmarshal(message, &p); err != nil {
			return ready, err
		}
		switch p.Op {
		case opHello:
			beating.Go(func() { l.beat(ctx, p.Data) })
			err = b.greet(ctx, l)
		case opDispatch:
			l.confirm(p.Seq)
			ready = ready || p.Type == "READY" || p.Type == "RESUMED"
			err = b.handle(ctx, l, p)
		case opHeartbeat:
			err = l.heartbeat(ctx)
		case opInvalidSession:
			if string(p.Data) != "true" {
				b.session = ""
			}
			err = errors.New("the session is invalid")
		case opReconnect:
			err = errors.New("the gateway asks to connect again")
		}
		if err != nil {
			return ready, err
		}
	}
}

// greet identifies, or resumes the session of an earlier connection.
func (b *bot) greet(ctx context.Context, l *line) error {
	if b.session != "" {
		return l.send(ctx, opResume, map[string]any{"token": b.opts.Token, "session_id": b.session, "seq": b.seq})
	}
	return l.send(ctx, opIdentify, map[string]any{
		"token": b.opts.Token, "intents": intents,
		"properties": map[string]string{"os": "any", "browser": "ping bot", "device": "ping bot"},
	})
}

// handle handles one event, unless the bot has been stopped: then it counts as not read.
func (b *bot) handle(ctx context.Context, l *line, p payload) error {
	b.handling.Lock()
	defer b.handling.Unlock()
	if b.stopped {
		return context.Canceled
	}
	b.line, b.seq = l, p.Seq
	switch p.Type {
	case "READY":
		var ready struct {
			Session string `json:"session_id"`
			Resume  string `json:"resume_gateway_url"`
		}
		if err := json.Unmarshal(p.Data, &ready); err != nil {
			return err
		}
		b.session, b.resume = ready.Session, ready.Resume
	case "MESSAGE_CREATE":
		return b.onMessage(ctx, p.Data)
	case "INTERACTION_CREATE":
		return b.onInteraction(ctx, p.Data)
	}
	return nil
}

// beat sends heartbeats at the interval that HELLO names until ctx ends.
func (l *line) beat(ctx context.Context, hello []byte) {
	var d struct {
		Interval int64 `json:"heartbeat_interval"`
	}
	if json.Unmarshal(hello, &d) != nil || d.Interval <= 0 {
		return
	}
	ticker := time.NewTicker(time.Duration(d.Interval) * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if l.heartbeat(ctx) != nil {
			return // the reader finds out, too
		}
	}
}

func (l *line) confirm(seq int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq = seq
}

func (l *line) heartbeat(ctx context.Context) error {
	l.mu.Lock()
	seq := l.seq
	l.mu.Unlock()
	if seq == 0 {
		return l.send(ctx, opHeartbeat, nil)
	}
	return l.send(ctx, opHeartbeat, seq)
}

func (l *line) send(ctx context.Context, op int, d any) error {
	raw, err := json.Marshal(map[string]any{"op": op, "d": d})
	if err != nil {
		return err
	}
	return l.conn.Write(ctx, websocket.MessageText, raw)
}

// close says goodbye. It returns when the gateway has answered, within a few seconds.
func (l *line) close() { _ = l.conn.Close(websocket.StatusNormalClosure, "") }
