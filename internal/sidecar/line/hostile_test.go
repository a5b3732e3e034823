package line_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/sidecar/line"
)

// Given a client that asks "are you there" without end and reads nothing, then only the last
// of its pings is answered, and memory stays bounded.
func TestPingFloodIsAnsweredOnce(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		resume := h.client.stopReading()
		h.dispatch(1, 1) // the client takes one more
		h.dispatch(2, 2)
		large := fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte("x"), 40<<10))
		if err := h.line.Dispatch(h.Context(), "X", 3, large); err != nil {
			h.Fatal(err)
		}
		for n := range 2000 {
			h.client.write(frame(9, fmt.Appendf(nil, "%d", n)))
		}
		synctest.Wait()
		var pongs []string
		h.client.mu.Lock()
		h.client.onPong = func(payload []byte) { pongs = append(pongs, string(payload)) }
		h.client.mu.Unlock()
		resume()
		synctest.Wait()
		if !slices.Equal(pongs, []string{"1999"}) {
			h.Errorf("pongs %.100q", pongs)
		}
	})
}

// Given a client that sends as fast as it can, then after the first megabyte it is read at
// 64 KiB a second, and the line serves it as before.
func TestFloodIsSlowedDown(t *testing.T) {
	for name, raw := range map[string][]byte{
		"heartbeats":   frame(1, []byte(`{"op":1,"d":null}`)),
		"presences":    frame(1, []byte(`{"op":3,"d":{"status":"idle"}}`)),
		"empty frames": {0x00, 0x80, 0, 0, 0, 0},
		"pings":        frame(9, []byte("x")),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, config{}, func(h *harness) {
				h.identify()
				if raw[0] == 0 {
					first := frame(1, []byte(" "))
					first[0] &^= 1 << 7
					h.client.write(first)
				}
				begun := time.Now()
				batch := bytes.Repeat(raw, 64<<10/len(raw))
				for sent := 0; sent < 5<<18; sent += len(batch) {
					h.client.write(batch)
				}
				if took := time.Since(begun); took < 3*time.Second || took > 5*time.Second {
					h.Errorf("1.25 MiB took %v", took)
				}
				h.wait(time.Minute)
				if raw[0] == 0 {
					h.client.write(frame(0, []byte(`{"op":1,"d":null}`)))
				}
				h.dispatch(1, 1)
				h.wait(time.Second)
				h.wantAlive()
				if p := h.line.Progress(); p.Confirmed != 1 {
					h.Errorf("progress %+v", p)
				}
			})
		})
	}
}

// Given a message of a gigabyte in small frames, then no more of it is kept than a payload
// may have, and the line ends with 4002.
func TestEndlessMessageIsNotKept(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		part := frame(0, bytes.Repeat([]byte("x"), 60<<10))
		part[0] &^= 1 << 7
		first := frame(1, []byte(`{"op":3,"d":"`))
		first[0] &^= 1 << 7
		h.client.write(first)
		for range 17 { // 1 MiB is read at once
			h.client.write(part)
		}
		h.client.write(frame(0, []byte(`"}`)))
		h.wantClosed(5*time.Second, line.CloseDecodeError)
	})
}

// Given any message and then any bytes from a client, in pieces, then nothing but its own line
// is the worse for it: Run returns, and what the handler gets is valid JSON.
func FuzzClient(f *testing.F) {
	identify := frame(1, []byte(`{"op":2,"d":{"token":"t"}}`))
	for _, seed := range [][]byte{
		nil,
		identify,
		slices.Concat(identify, frame(1, []byte(`{"op":1,"d":1}`)), frame(8, []byte{0x03, 0xe8})),
		slices.Concat(identify, identify),
		slices.Concat(identify, frame(2, []byte(`{"op":3,"d":{"since":null}}`)), frame(10, []byte("1")), frame(9, []byte("x"))),
		frame(1, bytes.Repeat([]byte("["), 5000)),
		frame(1, []byte(`{"op":6,"d":{"session_id":"\ud83d\ude00","seq":1e3}}`)),
		{0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4},
		{0x81, 0xfe, 0x00, 0x01, 1, 2, 3, 4, 5},
		{0x89, 0x80},
		[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	} {
		f.Add([]byte(`{"op":1,"d":1}`), seed, 1)
		f.Add([]byte(`{"op":2,"d":{"shard":[0,1]}}`), seed, 7)
	}
	f.Fuzz(func(t *testing.T, message, raw []byte, step int) {
		valid := func(op int, d json.RawMessage) error {
			if len(d) > 0 && !json.Valid(d) {
				t.Errorf("op %d: %q", op, d)
			}
			return nil
		}
		run(t, config{handle: valid}, func(h *harness) {
			raw = slices.Concat(frame(1, message), raw)
			step = max(1, len(raw)/1000, min(step, len(raw)))
			h.client.group.Go(func() {
				for part := range slices.Chunk(raw, step) {
					if _, err := h.client.conn.Write(part); err != nil {
						return
					}
				}
			})
			_ = h.line.Dispatch(h.Context(), "X", 1, nil)
			h.wait(10 * time.Second)
			h.client.conn.Close()
			err := h.wantEnd(2 * time.Second)
			_, lost := errors.AsType[*line.LostError](err)
			_, theirs := errors.AsType[*line.ClientCloseError](err)
			_, ours := errors.AsType[*line.CloseError](err)
			if !lost && !theirs && !ours {
				h.Errorf("Run: %v", err)
			}
			if lost && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
				h.Errorf("Run: %v", err)
			}
		})
	})
}
