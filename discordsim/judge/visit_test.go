package judge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// visit is one connection of the client.
type visit struct {
	*client
	ws     *websocket.Conn
	ctx    context.Context
	resume bool
	fresh  bool // nothing has been dispatched yet on a new session
	ready  bool

	beatMu     sync.Mutex
	acked      bool
	unanswered int // heartbeats in a row
	ackedAt    time.Time
}

type envelope struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  *int64          `json:"s"`
	T  string          `json:"t"`
}

func (v *visit) send(op int, d any) {
	raw, _ := json.Marshal(map[string]any{"op": op, "d": d})
	ctx, cancel := context.WithTimeout(v.ctx, 5*time.Second)
	defer cancel()
	_ = v.ws.Write(ctx, websocket.MessageText, raw)
}

func (v *visit) leave() {
	code := websocket.StatusCode(4900)
	if v.bad.goodbye {
		code = 1000
	}
	_ = v.ws.Close(code, "")
}

func (v *visit) read(limit time.Duration) (e envelope, err error) {
	ctx, cancel := context.WithTimeout(v.ctx, limit)
	defer cancel()
	_, raw, err := v.ws.Read(ctx)
	if err != nil {
		return e, err
	}
	if v.bad.ponders && len(raw) > 1<<20 {
		pause(v.ctx, 4*time.Second)
	}
	if json.Unmarshal(raw, &e) != nil {
		return e, errGarbled
	}
	return e, nil
}

var errGarbled = errors.New("no JSON")

func (v *visit) live() (wait time.Duration, over bool) {
	if v.bad.hastyHello {
		v.introduce()
	}
	limit := 12 * time.Second
	if v.bad.patient {
		limit = 10 * time.Minute
	}
	if v.bad.waitsHello {
		limit = 24 * time.Hour
	}
	if v.bad.lateHello {
		limit = time.Minute
	}
	hello, err := v.read(limit)
	if v.bad.hangs && err == nil && hello.Op != 10 {
		<-v.ctx.Done()
	}
	if err != nil || hello.Op != 10 {
		v.leave()
		v.failures++
		return v.backoff(), false
	}
	var in struct {
		Interval int64 `json:"heartbeat_interval"`
	}
	_ = json.Unmarshal(hello.D, &in)
	interval := time.Duration(in.Interval) * time.Millisecond
	if v.bad.fixed {
		interval = 2 * time.Second
	}
	v.work.Go(func() { v.beat(interval) })
	if v.bad.doubled {
		v.work.Go(func() { v.beat(interval) })
	}
	if !v.bad.hastyHello {
		v.introduce()
	}
	if v.bad.twice {
		v.introduce()
	}
	patience := time.Now().Add(20 * time.Second) // with RESUMED
	switch {
	case v.bad.waits:
		patience = time.Now().Add(time.Hour)
	case v.bad.impatient:
		patience = time.Now().Add(2 * time.Second)
	case !v.resume:
		patience = time.Now().Add(5 * time.Minute)
	}
	for {
		limit := time.Until(patience)
		if v.ready {
			limit = time.Hour
		}
		e, err := v.read(limit)
		if v.bad.shrugs && errors.Is(err, errGarbled) {
			continue
		}
		if err != nil {
			return v.ended(err)
		}
		if wait, done := v.take(e); done {
			return wait, false
		}
	}
}

func (v *visit) introduce() {
	token := v.token
	if v.bad.prefix {
		token = "Bot " + token
	}
	if v.resume {
		v.mu.Lock()
		seq := v.seq
		v.mu.Unlock()
		if v.bad.stale {
			seq = max(0, seq-5)
		}
		v.send(6, map[string]any{"token": token, "session_id": v.session, "seq": seq})
		return
	}
	v.identified = time.Now()
	v.send(2, map[string]any{
		"token": token, "intents": 1<<0 | 1<<9 | 1<<15,
		"properties": map[string]string{"os": "linux", "browser": "simple", "device": "simple"},
	})
}

// ended is the end of a connection.
func (v *visit) ended(err error) (wait time.Duration, over bool) {
	code := websocket.CloseStatus(err)
	if !v.ready {
		v.failures++
		if v.resume {
			v.refusals++
		}
	}
	switch code {
	case 4003, 4004, 4010, 4011, 4012, 4013, 4014:
		return v.backoff(), !v.bad.stubborn
	case 4007, 4009:
		if !v.bad.clings {
			v.forget()
		}
	case -1:
		v.leave()
	}
	return v.backoff(), false
}

// beat is the timer of the heartbeats.
func (v *visit) beat(interval time.Duration) {
	v.beatMu.Lock()
	v.acked, v.ackedAt = true, time.Now()
	v.beatMu.Unlock()
	first := v.jitter(0, interval)
	if v.bad.noJitter || v.bad.rareJitter && v.visits%10 != 0 {
		first = interval
	}
	if v.bad.holdsBack && v.visits%2 == 0 {
		first = 5 * time.Second
	}
	for wait := first; pause(v.ctx, wait); wait = interval {
		v.beatMu.Lock()
		answered := v.acked
		v.acked = false
		if v.unanswered++; answered {
			v.unanswered = 0
		}
		answered = answered || v.bad.slowToNotice && v.unanswered < 3 || v.bad.ownPatience && time.Since(v.ackedAt) < time.Minute
		shy := v.bad.shy && !v.ready
		v.beatMu.Unlock()
		if shy {
			continue
		}
		if !answered && !v.bad.trusting && !v.bad.doubled {
			v.leave()
			return
		}
		v.beatOnce()
	}
}

func (v *visit) beatOnce() {
	v.mu.Lock()
	seq := v.seq
	v.mu.Unlock()
	if seq == 0 || v.bad.nulls {
		v.send(1, nil)
		return
	}
	v.send(1, seq)
}

// take acts on one payload; done ends the connection.
func (v *visit) take(e envelope) (wait time.Duration, done bool) {
	switch e.Op {
	case 0:
		v.dispatch(e)
	case 1:
		if !v.bad.mute {
			v.beatOnce()
		}
	case 7:
		if !v.bad.deafTo7 {
			v.leave()
			return 0, true
		}
	case 9:
		resumable := string(e.D) == "true"
		wait = v.jitter(time.Second, 4*time.Second)
		if v.bad.hastyOn9 {
			wait = 0
		}
		if !resumable && !v.bad.holdsOnOn9 {
			v.forget()
		}
		if !v.ready {
			v.failures++
			v.refusals++
		}
		if v.bad.clings {
			v.failures, v.refusals = 0, 0
		}
		if v.bad.reuses && v.ready {
			v.resume = resumable
			if !resumable {
				wait = max(wait, 5200*time.Millisecond-time.Since(v.identified))
			}
			pause(v.ctx, wait)
			v.introduce()
			return 0, false
		}
		v.leave()
		return wait, true
	case 11:
		v.beatMu.Lock()
		v.acked, v.ackedAt = true, time.Now()
		v.beatMu.Unlock()
		if v.bad.op11 {
			v.send(11, nil)
		}
	default:
		if v.bad.fragile {
			v.leave()
			return 0, true
		}
	}
	return 0, false
}

func (v *visit) dispatch(e envelope) {
	if e.S != nil {
		v.mu.Lock()
		v.seq = max(v.seq, *e.S)
		v.mu.Unlock()
	}
	switch e.T {
	case "READY":
		var in struct {
			Session string `json:"session_id"`
			Resume  string `json:"resume_gateway_url"`
		}
		_ = json.Unmarshal(e.D, &in)
		v.session, v.resumeURL = in.Session, in.Resume
		v.begun()
	case "RESUMED":
		v.begun()
	case "MESSAGE_CREATE":
		v.work.Go(func() { v.message(e.D) })
	}
}

func (v *visit) begun() {
	v.beatMu.Lock()
	v.ready = true
	v.beatMu.Unlock()
	v.failures, v.refusals = 0, 0
	if v.bad.strange {
		v.send(77, nil)
	}
	if v.bad.presences {
		v.work.Go(func() {
			for range 8 {
				v.send(3, map[string]any{"since": nil, "activities": []any{}, "status": "online", "afk": false})
				if !pause(v.ctx, 300*time.Millisecond) {
					return
				}
			}
		})
	}
}

// message answers !ping, once for each message.
func (v *visit) message(d json.RawMessage) {
	var m struct {
		ID, ChannelID, Content string
		Type                   int
		Author                 struct{ Bot bool }
	}
	var ids struct {
		Channel string `json:"channel_id"`
	}
	if json.Unmarshal(d, &m) != nil || json.Unmarshal(d, &ids) != nil || m.Content != "!ping" {
		return
	}
	v.mu.Lock()
	again := v.seen[m.ID]
	v.seen[m.ID] = true
	v.mu.Unlock()
	if !v.bad.answersAll && (m.Author.Bot || (m.Type != 0 && m.Type != 19)) || again && !v.bad.answersAgain {
		return
	}
	nonce := fmt.Sprintf(`"nonce":%q,"enforce_nonce":true,`, m.ID)
	if v.bad.answersAgain {
		nonce = ""
	}
	body := fmt.Sprintf(`{%s"content":"pong","allowed_mentions":{"parse":[],"replied_user":false},"message_reference":{"message_id":%q,"fail_if_not_exists":false}}`, nonce, m.ID)
	if v.bad.pingsAll {
		body = fmt.Sprintf(`{%s"content":"pong","message_reference":{"message_id":%q}}`, nonce, m.ID)
	}
	for range 5 {
		status, answer := v.request(context.WithoutCancel(v.ctx), "POST", "/channels/"+ids.Channel+"/messages", body)
		if status == 200 {
			return
		}
		var limited struct {
			After float64 `json:"retry_after"`
		}
		_ = json.Unmarshal(answer, &limited)
		time.Sleep(time.Duration(limited.After*float64(time.Second)) + 700*time.Millisecond)
	}
}
