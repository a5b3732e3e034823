package line_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/sidecar/line"
)

// Given a new line, then HELLO comes at once and first, with the interval of the options.
func TestHelloComesFirst(t *testing.T) {
	run(t, config{}, func(h *harness) {
		got := h.client.take()
		if len(got) != 1 || got[0].Op != 10 || !strings.Contains(string(got[0].D), `"heartbeat_interval":41250`) {
			h.Errorf("received %v", got)
		}
	})
	interval := func() time.Duration { return 30 * time.Second }
	run(t, config{options: line.Options{HeartbeatInterval: interval}}, func(h *harness) {
		if got := h.client.take(); !strings.Contains(string(got[0].D), `"heartbeat_interval":30000,`) {
			h.Errorf("received %v", got)
		}
	})
}

// Given a client that sends IDENTIFY right behind its upgrade request, before it can have read
// HELLO, as JDA may, then that is handled.
func TestIdentifyBeforeHelloIsRead(t *testing.T) {
	run(t, config{behind: frame(1, []byte(`{"op":2,"d":{}}`))}, func(h *harness) {
		if got := h.handled(); !slices.Equal(got, []string{"2 {}"}) {
			h.Errorf("the handler got %q", got)
		}
	})
}

// Given a payload in each phase of a line, then the handler gets it, or the line is closed
// with the code that Discord's documentation names.
func TestWhichPayloadIsAllowedWhen(t *testing.T) {
	identify, resume := `{"op":2,"d":{}}`, `{"op":6,"d":{}}`
	padded := func(op, size int) string {
		frame := `{"op":` + fmt.Sprint(op) + `,"d":""}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
	}
	for name, row := range map[string]struct {
		before []string
		send   string
		code   int      // 0: the line goes on
		gets   []string // what the handler gets of it
	}{
		"IDENTIFY":                          {send: identify, gets: []string{"2 {}"}},
		"RESUME":                            {send: resume, gets: []string{"6 {}"}},
		"a presence before IDENTIFY":        {send: `{"op":3,"d":{}}`, code: 4003},
		"an unknown opcode before IDENTIFY": {send: `{"op":99}`, code: 4003},
		"a dispatch before IDENTIFY":        {send: `{"op":0}`, code: 4003},
		"a heartbeat before IDENTIFY":       {send: `{"op":1,"d":null}`},
		"IDENTIFY twice":                    {before: []string{identify}, send: identify, code: 4005},
		"RESUME after IDENTIFY":             {before: []string{identify}, send: resume, code: 4005},
		"IDENTIFY after RESUME":             {before: []string{resume}, send: identify, code: 4005},
		"a presence":                        {before: []string{identify}, send: `{"d":{"a":1},"op":3}`, gets: []string{`3 {"a":1}`}},
		"a payload without d":               {before: []string{identify}, send: `{"op":8}`, gets: []string{"8 "}},
		"an unknown opcode":                 {before: []string{identify}, send: `{"op":99,"d":[1]}`, gets: []string{"99 [1]"}},
		"an unknown key":                    {before: []string{identify}, send: `{"op":4,"d":{},"nonce":7}`, gets: []string{"4 {}"}},
		"4096 bytes":                        {before: []string{identify}, send: padded(3, 4096), gets: []string{padded(3, 4096)}},
		"4097 bytes":                        {before: []string{identify}, send: padded(3, 4097), code: 4002},
		"a heartbeat of 4097 bytes":         {send: padded(1, 4097), code: 4002},
		"IDENTIFY with 15 KiB":              {send: padded(2, 15<<10), gets: []string{padded(2, 15<<10)}},
		"IDENTIFY with more":                {send: padded(2, 15<<10+1), code: 4002},
		"100 KiB":                           {send: padded(2, 100<<10), code: 4002},
		"text that is no JSON":              {send: `{"op":2,`, code: 4002},
		"two values":                        {send: identify + identify, code: 4002},
		"an array":                          {send: `[2]`, code: 4002},
		"null":                              {send: `null`, code: 4002},
		"nothing":                           {send: ``, code: 4002},
		"no opcode":                         {send: `{"d":{}}`, code: 4002},
		"an opcode that is text":            {send: `{"op":"2"}`, code: 4002},
		"an opcode that is a fraction":      {send: `{"op":2.5}`, code: 4002},
		"an opcode without end":             {send: `{"op":99999999999999999999}`, code: 4002},
		"the opcode twice":                  {send: `{"op":2,"op":3}`, code: 4002},
		"a name twice within d":             {send: `{"op":2,"d":{"a":1,"a":2}}`, code: 4002},
		"invalid UTF-8":                     {send: "{\"op\":2,\"d\":\"\xff\"}", code: 4002},
		"half a surrogate pair":             {send: `{"op":2,"d":"\ud800"}`, code: 4002},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				for _, payload := range row.before {
					h.client.send(payload)
				}
				synctest.Wait()
				before := len(h.handled())
				h.client.send(row.send)
				if row.code != 0 {
					closed := h.wantClosed(0, row.code)
					if large := len(row.send) > 4096; closed != nil && strings.Contains(closed.Reason, "too large") != large {
						h.Errorf("the reason is %q", closed.Reason)
					}
				} else {
					synctest.Wait()
					h.wantAlive()
				}
				got := h.handled()[before:]
				if len(row.gets) == 1 && strings.HasPrefix(row.gets[0], "{") { // a long one
					var p struct {
						Op int
						D  json.RawMessage
					}
					_ = json.Unmarshal([]byte(row.gets[0]), &p)
					row.gets[0] = fmt.Sprintf("%d %s", p.Op, p.D)
				}
				if !slices.Equal(got, row.gets) {
					h.Errorf("the handler got %.200q", got)
				}
			})
		})
	}
}

// Given a message in several frames, with a ping between them, then it is read as one.
func TestFragmentsAreOneMessage(t *testing.T) {
	run(t, config{}, func(h *harness) {
		first, rest := frame(1, []byte(`{"op":2,`)), frame(0, []byte(`"d":{}}`))
		first[0] &^= 1 << 7
		h.client.write(slices.Concat(first, frame(9, []byte("hello")), rest))
		synctest.Wait()
		if got := h.handled(); !slices.Equal(got, []string{"2 {}"}) {
			h.Errorf("the handler got %q", got)
		}
	})
}

// Given INVALID SESSION, then IDENTIFY is allowed again on the same line, what the client had
// sent meanwhile is ignored, and numbers begin anew.
func TestIdentifyIsAllowedAfterInvalidSession(t *testing.T) {
	for _, resumable := range []bool{false, true} {
		run(t, config{}, func(h *harness) {
			h.identify()
			h.dispatch(101, 103)
			h.wait(time.Second)
			if p := h.line.Progress(); p.Confirmed != 103 {
				h.Errorf("progress %+v", p)
			}
			h.dispatch(104, 104)
			if err := h.line.InvalidateSession(h.Context(), resumable); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
			got := h.client.take()
			if last := got[len(got)-1]; last.Op != 9 || string(last.D) != fmt.Sprint(resumable) {
				h.Errorf("received %v", last)
			}
			if p := h.line.Progress(); p != (line.Progress{Pongs: true}) {
				h.Errorf("progress %+v", p)
			}
			h.client.send(`{"op":3,"d":{}}`)
			h.client.send(`{"op":2,"d":{"again":true}}`)
			h.client.send(`{"op":3,"d":{"new":true}}`)
			synctest.Wait()
			if got := h.handled()[1:]; !slices.Equal(got, []string{`2 {"again":true}`, `3 {"new":true}`}) {
				h.Errorf("the handler got %q", got)
			}
			h.dispatch(1, 2)
			// The client may still mean the old session.
			h.client.send(`{"op":1,"d":2}`)
			synctest.Wait()
			if p := h.line.Progress(); p.Written != 2 || p.Confirmed != 0 {
				h.Errorf("progress %+v", p)
			}
			h.wait(250 * time.Millisecond)
			if p := h.line.Progress(); p.Confirmed != 2 || p.UnconfirmedCount != 0 {
				h.Errorf("progress %+v", p)
			}
			h.dispatch(3, 3)
			h.client.send(`{"op":1,"d":3}`)
			synctest.Wait()
			if p := h.line.Progress(); p.Confirmed != 3 {
				h.Errorf("progress %+v", p)
			}
			h.client.send(`{"op":2,"d":{}}`)
			h.wantClosed(0, line.CloseAlreadyAuthenticated)
		})
	}
}

// Given a ping of a session that is gone, when its pong comes late, then it says nothing of the
// new session, and heartbeats are not believed for it either.
func TestPongOfAnEarlierSessionConfirmsNothing(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.setSilent(true)
		h.dispatch(1, 5)
		h.wait(time.Second)
		if err := h.line.InvalidateSession(h.Context(), false); err != nil {
			h.Fatal(err)
		}
		h.client.send(`{"op":2,"d":{}}`)
		h.dispatch(1, 5)
		h.client.setSilent(false)
		h.client.send(`{"op":1,"d":5}`)
		synctest.Wait()
		if p := h.line.Progress(); p.Confirmed != 0 || p.UnconfirmedCount != 5 {
			h.Errorf("progress %+v", p)
		}
		h.wait(time.Second)
		if p := h.line.Progress(); p.Confirmed != 5 {
			h.Errorf("progress %+v", p)
		}
	})
}

// Given a client that says nothing, then it is closed with 4000 after 60 s; heartbeats alone
// do not help. The same holds after INVALID SESSION, and not once it has identified.
func TestIdentifyHasToComeWithinAMinute(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.wait(59 * time.Second)
		h.client.send(`{"op":1,"d":null}`)
		h.wantAlive()
		h.wantClosed(time.Second, line.CloseUnknownError)
	})
	run(t, config{}, func(h *harness) {
		h.identify()
		h.wait(time.Hour)
		h.wantAlive()
		if err := h.line.InvalidateSession(h.Context(), false); err != nil {
			h.Fatal(err)
		}
		h.wait(59 * time.Second)
		h.wantAlive()
		h.wantClosed(time.Second, line.CloseUnknownError)
	})
}

// Given a handler that returns an error or panics, then the line is closed with its code, or
// with 4000, and the handler gets nothing more.
func TestHandlerClosesTheLine(t *testing.T) {
	cause := errors.New("cause")
	for name, row := range map[string]struct {
		handle func(int, json.RawMessage) error
		code   int
		is     error
	}{
		"with a code": {func(int, json.RawMessage) error {
			return &line.CloseError{Code: 4004, Reason: "Authentication failed."}
		}, 4004, nil},
		"with a wrapped one": {func(int, json.RawMessage) error {
			return fmt.Errorf("identify: %w", &line.CloseError{Code: 4010, Err: cause})
		}, 4010, cause},
		"with an error": {func(int, json.RawMessage) error { return cause }, 4000, cause},
		"with a panic":  {func(int, json.RawMessage) error { panic("no") }, 4000, nil},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{handle: row.handle}, func(h *harness) {
				h.client.write(slices.Concat(frame(1, []byte(`{"op":2}`)), frame(1, []byte(`{"op":3}`))))
				err := h.wantEnd(0)
				closed, ok := errors.AsType[*line.CloseError](err)
				if !ok || closed.Code != row.code || row.is != nil && !errors.Is(err, row.is) || h.client.closeCode() != row.code {
					h.Errorf("Run: %v; the client was closed with %d", err, h.client.closeCode())
				}
				if got := h.handled(); len(got) != 1 {
					h.Errorf("the handler got %q", got)
				}
			})
		})
	}
}

// Given a handler that takes long, then payloads wait in order, and heartbeats and pings are
// answered all the same.
func TestSlowHandlerDelaysNoHeartbeat(t *testing.T) {
	slow := func(int, json.RawMessage) error { time.Sleep(10 * time.Second); return nil }
	run(t, config{handle: slow}, func(h *harness) {
		h.client.send(`{"op":2}`)
		for n := range 8 {
			h.client.send(fmt.Sprintf(`{"op":3,"d":%d}`, n))
		}
		h.client.take()
		h.client.send(`{"op":1,"d":null}`)
		h.dispatch(1, 1)
		h.wait(time.Second)
		if got := h.client.take(); len(got) != 2 || got[1].Op != 11 {
			h.Errorf("received %v", got)
		}
		if p := h.line.Progress(); p.Confirmed != 1 || len(h.handled()) != 1 {
			h.Errorf("progress %+v, handled %q", p, h.handled())
		}
		h.wait(2 * time.Minute)
		if got := h.handled(); len(got) != 9 || got[8] != "3 7" {
			h.Errorf("handled %q", got)
		}
	})
}

// Given a payload that the handler is busy with, when a heartbeat behind it confirms, then
// that can be seen, and the end of the handling is told.
func TestConfirmationMayOvertakeThePayloadBeforeIt(t *testing.T) {
	slow := func(int, json.RawMessage) error { time.Sleep(10 * time.Second); return nil }
	run(t, config{handle: slow}, func(h *harness) {
		h.dispatch(1, 1)
		h.client.send(`{"op":2}`)
		h.client.send(`{"op":8}`)
		h.client.send(`{"op":1,"d":1}`)
		h.wait(time.Second)
		if p := h.line.Progress(); p.Confirmed != 1 || !h.line.Handling() {
			h.Errorf("progress %+v, handling: %t", p, h.line.Handling())
		}
		for len(h.line.Changed()) > 0 {
			<-h.line.Changed()
		}
		h.wait(20 * time.Second)
		if h.line.Handling() || len(h.line.Changed()) != 1 {
			h.Errorf("handling: %t, told %d times", h.line.Handling(), len(h.line.Changed()))
		}
	})
}
