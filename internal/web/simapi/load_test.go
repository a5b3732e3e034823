package simapi

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Given many people who act at the same time, readers of the live stream that come and go,
// and readers of everything else, when the server stops in the middle of it, then nothing
// is left running, and what was answered before was right.
func TestManyPeopleAndWatchers(t *testing.T) {
	h := newHarness(t)
	h.connect(commandsOfBot, answers)
	url, stop := h.serve(func(o *Options) { o.Streams, o.Write = 64, time.Second })
	ctx, cancel := context.WithCancel(t.Context())
	var all, people sync.WaitGroup
	for n := range 8 {
		name := fmt.Sprint("newcomer-", n)
		people.Go(func() {
			h.post("/sim/members", `{"guild":"Reading Group","name":"`+name+`"}`, nil)
			for i := range 40 {
				var m struct{ ID string }
				h.post("/sim/say", `{"channel":"papers","as":"`+name+`","content":"hello"}`, &m)
				for _, body := range [][2]string{
					{"/sim/edit", `{"message":"` + m.ID + `","as":"` + name + `","content":"bye"}`},
					{"/sim/react", `{"message":"` + m.ID + `","as":"` + name + `","emoji":"👍"}`},
					{"/sim/voice", `{"guild":"Reading Group","as":"` + name + `","channel":"voice"}`},
					{"/sim/type", `{"channel":"papers","as":"` + name + `"}`},
					{"/sim/use", `{"channel":"papers","as":"` + name + `","command":"ping"}`},
					{"/sim/faults", `{"fault":"latency","for":"10ms","delay":0.001}`},
				} {
					if a := h.ask(http.MethodPost, body[0], body[1]); a.status/100 != 2 {
						t.Errorf("%s %s: %d %s", body[0], body[1], a.status, a.body)
					}
				}
				if i%2 == 0 {
					h.post("/sim/delete", `{"message":"`+m.ID+`","as":"`+name+`"}`, nil)
				}
			}
		})
	}
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				watchFor(ctx, url, 20*time.Millisecond)
			}
		})
		all.Go(func() {
			for _, path := range []string{"/sim/world", "/sim/members?guild=Reading+Group", "/sim/messages?channel=papers", "/sim/verdict", "/sim/faults", "/sim/commands?channel=papers"} {
				h.get(path, nil)
			}
		})
	}
	people.Wait()
	stop()
	cancel()
	all.Wait()
}

// watchFor reads the live stream for a while. Its end is the test's.
func watchFor(ctx context.Context, url string, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/sim/events", nil)
	if err != nil {
		return
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	buffer := make([]byte, 4096)
	for err == nil {
		_, err = answer.Body.Read(buffer)
	}
}
