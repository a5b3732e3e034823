package line_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
)

// Given each compression, then messages of all sizes arrive whole and at once, in binary
// frames, as decoders read them that are not ours.
func TestCompression(t *testing.T) {
	for _, query := range []string{"", "compress=zlib-stream", "compress=zstd-stream"} {
		t.Run(query, func(t *testing.T) {
			run(t, config{query: query}, func(h *harness) {
				if got := h.client.take(); len(got) != 1 || got[0].Op != 10 || got[0].binary != (query != "") {
					h.Fatalf("received %+v", got)
				}
				if query != "" {
					h.line.UsePayloadCompression() // discord.py asks for both
				}
				random := rand.New(rand.NewPCG(1, 2))
				var seq int64
				for _, size := range []int{0, 1, 100, 125, 126, 1000, 4095, 4096, 4097, 8191, 8192, 32 << 10, 65535, 65536, 128 << 10, 200 << 10, 1 << 20} {
					for _, word := range []string{"channel and role ", fmt.Sprintf("%016x", random.Uint64())} {
						seq++
						d := fmt.Sprintf("%q", strings.Repeat(word, size/16+1)[:size])
						if err := h.line.Dispatch(h.Context(), "GUILD_CREATE", seq, []byte(d)); err != nil {
							h.Fatal(err)
						}
						synctest.Wait()
						got := h.client.take()
						if len(got) != 1 || string(got[0].D) != d || got[0].S != seq || got[0].binary != (query != "") {
							h.Fatalf("%d bytes: %.100v", size, got)
						}
					}
				}
			})
		})
	}
}

// Given messages whose length is where the header of a frame gets longer, then they arrive as
// any other, and count as many bytes as they have.
func TestLengthsOfFrames(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		h.client.setSilent(true)
		var seq, total int64
		for _, size := range []int{125, 126, 127, 65535, 65536, 65537} {
			seq++
			const around = len(`{"t":"X","s":1,"op":0,"d":""}`)
			d := fmt.Sprintf("%q", strings.Repeat("x", size-around))
			if err := h.line.Dispatch(h.Context(), "X", seq, []byte(d)); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
			total += int64(size)
			if got := h.client.take(); len(got) != 1 || string(got[0].D) != d {
				h.Errorf("%d bytes: %.100v", size, got)
			}
			if p := h.line.Progress(); p.UnconfirmedBytes != total {
				h.Errorf("%d bytes: progress %+v", size, p)
			}
		}
	})
}

// Given a message like the one before, then zlib-stream refers to that.
func TestStreamRefersToEarlierMessages(t *testing.T) {
	run(t, config{query: "compress=zlib-stream"}, func(h *harness) {
		h.identify()
		random := rand.New(rand.NewPCG(3, 4))
		var text strings.Builder
		for range 60 {
			fmt.Fprintf(&text, "%016x", random.Uint64())
		}
		d := fmt.Appendf(nil, "%q", text.String())
		var sizes []int64
		for seq := range int64(3) {
			before := h.client.received.Load()
			if err := h.line.Dispatch(h.Context(), "X", seq+1, d); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
			sizes = append(sizes, h.client.received.Load()-before)
		}
		if sizes[0] < 400 || sizes[1] > 100 || sizes[2] > 100 {
			h.Errorf("the same message took %d bytes", sizes)
		}
	})
}

// Given payload compression, then messages of more than 1 KiB come as a zlib stream of their
// own each, and smaller ones as text.
func TestPayloadCompression(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		large := fmt.Sprintf("%q", strings.Repeat("x", 2000))
		receive := func(seq int64, d string, binary bool) {
			h.Helper()
			if err := h.line.Dispatch(h.Context(), "X", seq, []byte(d)); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
			if got := h.client.take(); len(got) != 1 || string(got[0].D) != d || got[0].binary != binary {
				h.Errorf("received %.100v", got)
			}
		}
		receive(1, large, false)
		h.line.UsePayloadCompression()
		for seq := int64(2); seq < 6; seq += 2 {
			receive(seq, large, true)
			receive(seq+1, `"small"`, false)
		}
		frameOf := func(size int) string { // of a message with size bytes
			const around = len(`{"t":"X","s":9,"op":0,"d":""}`)
			return `"` + strings.Repeat("y", size-around) + `"`
		}
		receive(7, frameOf(1024), false)
		receive(8, frameOf(1025), true)
	})
}

// Given an event name that no JSON may hold as it is, then it is escaped.
func TestEventNameIsEscaped(t *testing.T) {
	run(t, config{}, func(h *harness) {
		h.identify()
		for seq, name := range []string{`A"B\`, "A\nB", strings.Repeat("LONG", 100)} {
			if err := h.line.Dispatch(h.Context(), name, int64(seq)+1, []byte("{}")); err != nil {
				h.Fatal(err)
			}
			synctest.Wait()
			if got := h.client.take(); len(got) != 1 || got[0].T != name {
				h.Errorf("received %v", got)
			}
		}
	})
}
