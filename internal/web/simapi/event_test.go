package simapi

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
)

// serve runs a server of the harness' world until the test ends or the function it returns
// is called.
func (h *harness) serve(change ...func(*Options)) (url string, stop func()) {
	h.Helper()
	o := h.handler.opts
	for _, one := range change {
		one(&o)
	}
	s, err := Listen(h.Context(), "127.0.0.1:0", o)
	if err != nil {
		h.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		s.Run(ctx)
	}()
	stop = func() { end(); <-ran }
	h.Cleanup(stop)
	return s.URL(), stop
}

// stream is a client of the live stream.
type stream struct {
	*harness
	answer *http.Response
	lines  *bufio.Reader
	last   string // id of the newest event
}

// follow opens the live stream, behind an event that was seen, if any, and waits until it
// has begun.
func (h *harness) follow(url, seen string) *stream {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), 30*time.Second)
	h.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/sim/events", nil)
	if err != nil {
		h.Fatal(err)
	}
	if seen != "" {
		r.Header.Set("Last-Event-ID", seen)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = answer.Body.Close() })
	s := &stream{harness: h, answer: answer, lines: bufio.NewReader(answer.Body)}
	if answer.StatusCode == http.StatusOK && seen == "" {
		s.block() // its place
	}
	return s
}

// block reads one block of the stream; false at its end.
func (s *stream) block() (kind, data string, ok bool) {
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return "", "", false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			s.last = value
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if value == "" && line == "\n" {
				return kind, data, true
			}
		}
	}
}

// next expects an event of a kind with something in its data.
func (s *stream) next(kind, has string) {
	s.Helper()
	for {
		got, data, ok := s.block()
		if ok && got == "" {
			continue // a comment, or the beginning
		}
		if !ok || got != kind || !strings.Contains(data, has) {
			s.Fatalf("the stream tells %q %s (%v), want %q with %s", got, data, ok, kind, has)
		}
		return
	}
}

// Given a reader of the live stream, when people act and things go wrong, then it is told
// of each, with the object and the ids it needs.
func TestStreamTellsEveryChange(t *testing.T) {
	h := newHarness(t)
	url, _ := h.serve()
	s := h.follow(url, "")
	reading := h.app.Guilds[0]
	h.post("/sim/say", `{"channel":"papers","as":"ann","content":"hello"}`, nil)
	s.next("message", `{"guild_id":"`+reading.ID.String()+`",`)
	id := h.sim.Messages(reading.Channels[1].ID)[0].ID.String()
	h.post("/sim/react", `{"message":"`+id+`","as":"bob","emoji":"👍"}`, nil)
	s.next("message", `"count":1`)
	h.post("/sim/delete", `{"message":"`+id+`","as":"ann"}`, nil)
	s.next("message_delete", `"id":"`+id+`"`)
	h.post("/sim/voice", `{"guild":"Reading Group","as":"ann","channel":"voice"}`, nil)
	s.next("voice", `"channel_id":"`+reading.Channels[2].ID.String()+`"`)
	h.post("/sim/members", `{"guild":"Reading Group","name":"carol"}`, nil)
	s.next("member", `"removed":false,"user":{`)
	s.next("presence", `"name":"carol"`)
	h.read(h.ask(http.MethodDelete, "/sim/members?guild=Reading+Group&user=carol", ""), nil)
	s.next("member", `"removed":true`)
	h.post("/sim/say", `{"dm":true,"as":"ann","content":"psst"}`, nil)
	s.next("channel", `"dm":{"id"`)
	s.next("message", `"psst"`)
	h.sim.SetUnavailable(reading, true)
	s.next("guild", `"unavailable":true`)
	h.sim.AddChannel(reading, "news", 0)
	s.next("channel", `"news"`)
	var fault struct{ ID string }
	h.post("/sim/faults", `{"fault":"latency","delay":0.1}`, &fault)
	s.next("fault", `"ended":null`)
	h.read(h.ask(http.MethodDelete, "/sim/faults/"+fault.ID, ""), nil)
	s.next("fault", `"says":"`)
}

// Given a client that was cut off, when it comes back and names the last event it has
// seen, then it is told what it has missed, or to ask for everything again.
func TestStreamGoesOnWhereItWasCut(t *testing.T) {
	h := newHarness(t)
	url, _ := h.serve()
	s := h.follow(url, "")
	h.post("/sim/say", `{"channel":"papers","as":"ann","content":"one"}`, nil)
	s.next("message", `"one"`)
	_ = s.answer.Body.Close()
	h.post("/sim/say", `{"channel":"papers","as":"ann","content":"two"}`, nil)
	back := h.follow(url, s.last)
	back.next("message", `"two"`)
	for _, stranger := range []string{"1", "x", "9000000000000000000"} {
		h.follow(url, stranger).next("reload", "{}")
	}
}

// Given a client that opens streams without end, when there are as many as may be, then
// the next is refused, and there is room again once one has gone.
func TestStreamsAreBounded(t *testing.T) {
	h := newHarness(t)
	url, _ := h.serve(func(o *Options) { o.Streams, o.KeepAlive = 2, 10*time.Millisecond })
	first := h.follow(url, "")
	h.follow(url, "")
	third := h.follow(url, "")
	if third.answer.StatusCode != http.StatusServiceUnavailable || third.answer.Header.Get("Retry-After") == "" {
		t.Errorf("the third stream was answered %s", third.answer.Status)
	}
	_ = first.answer.Body.Close()
	for h.follow(url, "").answer.StatusCode != http.StatusOK {
		if h.Context().Err() != nil {
			t.Fatal("there is no room again")
		}
	}
}

// Given a quiet world, when nothing happens, then comments keep the stream alive.
func TestQuietStreamIsKeptAlive(t *testing.T) {
	h := newHarness(t)
	url, _ := h.serve(func(o *Options) { o.KeepAlive = time.Millisecond })
	s := h.follow(url, "")
	for range 3 {
		if line, err := s.lines.ReadString('\n'); err != nil || line != ": beat\n" && line != "\n" {
			t.Fatalf("%q %v", line, err)
		}
	}
}

// Given a client that opens the live stream and reads nothing, when people say more than
// any buffer holds, then none of them waits for it, another client is told everything, and
// the slow one is cut off.
func TestSlowStreamHoldsNobodyUp(t *testing.T) {
	h := newHarness(t)
	url, _ := h.serve(func(o *Options) { o.Write = 200 * time.Millisecond })
	slow := h.follow(url, "")
	quick := h.follow(url, "")
	ann := h.sim.People(h.app)[0]
	ch := h.app.Guilds[0].Channels[1].ID
	const count = 4000
	text := strings.Repeat("x", 1900)
	done := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		for n := range count {
			h.sim.Say(ch, ann, fmt.Sprint(n, " ", text))
			if n%100 == 99 {
				time.Sleep(time.Millisecond) // so that the quick one can follow
			}
		}
		done <- time.Since(began)
	}()
	for reloads := 0; ; {
		kind, data, ok := quick.block()
		if !ok {
			quick = h.follow(url, quick.last) // it was too slow; it comes back
			if reloads++; reloads > 1000 {
				t.Fatal("the quick one never catches up")
			}
			continue
		}
		if kind == string(discordsim.ChangeReload) {
			var page []struct{ Content string }
			h.get("/sim/messages?limit=1&channel="+ch.String(), &page)
			if strings.HasPrefix(page[0].Content, fmt.Sprint(count-1, " ")) {
				break
			}
		}
		if strings.Contains(data, `"content":"`+fmt.Sprint(count-1, " ")) {
			break
		}
	}
	if took := <-done; took > 20*time.Second {
		t.Errorf("saying it took %s", took)
	}
	for {
		if _, _, ok := slow.block(); !ok {
			return // it was cut off
		}
	}
}

// Given open streams and a request that is being answered, when the server stops, then
// the streams end at once and nothing runs any more.
func TestStopEndsEverything(t *testing.T) {
	h := newHarness(t)
	url, stop := h.serve()
	streams := []*stream{h.follow(url, ""), h.follow(url, ""), h.follow(url, "")}
	began := time.Now()
	stop()
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("the stop took %s", took)
	}
	for _, s := range streams {
		if _, _, ok := s.block(); ok {
			t.Error("a stream goes on")
		}
	}
	if answer, err := http.Get(url + "/sim/world"); err == nil {
		_ = answer.Body.Close()
		t.Error("it still answers")
	}
}
