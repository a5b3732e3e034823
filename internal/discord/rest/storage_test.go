package rest

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memoryStorage is a [Storage] that outlives a Transport.
type memoryStorage struct {
	mu     sync.Mutex
	limits map[string]Limit
	puts   int
}

func (m *memoryStorage) Limits() (list []Limit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for l := range maps.Values(m.limits) {
		list = append(list, l)
	}
	return list
}

func (m *memoryStorage) PutLimit(l Limit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	if m.limits[l.Key()] = l; l.Wait == 0 {
		delete(m.limits, l.Key())
	}
}

// Given a process that met a limit and is gone, the next one waits for what is left of it,
// on the route and in the channel it is about, and not for longer, however the wall clock
// was set in between. Without a limit nothing is kept.
// Statements: G-128.
func TestLimitsOutliveTheProcess(t *testing.T) {
	const reply = "POST /channels/1/messages"
	for name, c := range map[string]struct {
		request string
		first   *http.Response
		next    string
		want    time.Duration // from the first request on
		set     time.Duration // of the wall clock, before the second process
	}{
		"empty bucket":          {reply, respond(200, "{}", bucketHeaders("b", "5", "0", "40")...), reply, 40 * time.Second, 0},
		"clock set back":        {reply, respond(200, "{}", bucketHeaders("b", "5", "0", "40")...), reply, 45 * time.Second, -300 * time.Hour},
		"clock set ahead":       {reply, respond(200, "{}", bucketHeaders("b", "5", "0", "40")...), reply, 5 * time.Second, 300 * time.Hour},
		"another channel":       {reply, respond(200, "{}", bucketHeaders("b", "5", "0", "40")...), "POST /channels/2/messages", 5 * time.Second, 0},
		"another route":         {reply, respond(200, "{}", bucketHeaders("b", "5", "0", "40")...), "GET /users/@me", 5 * time.Second, 0},
		"an interaction":        {"POST /interactions/1/abc/callback", respond(200, "{}", bucketHeaders("b", "5", "0", "40")...), "POST /interactions/1/abc/callback", 5 * time.Second, 0},
		"bucket with some":      {reply, respond(200, "{}", bucketHeaders("b", "5", "1", "40")...), reply, 5 * time.Second, 0},
		"short bucket":          {reply, respond(200, "{}", bucketHeaders("b", "5", "0", "0.3")...), reply, 5 * time.Second, 0},
		"429":                   {reply, respond(429, `{"retry_after":40}`, "X-RateLimit-Scope", "user"), reply, 40 * time.Second, 0},
		"global 429":            {reply, respond(429, `{"retry_after":40,"global":true}`), "GET /users/@me", 40 * time.Second, 0},
		"global 429 of a day":   {reply, respond(429, `{"retry_after":86400,"global":true}`), "GET /users/@me", 10*time.Minute + 5*time.Second, 0},
		"odd 429":               {reply, respond(429, "no"), reply, time.Minute, 0},
		"ban":                   {reply, respond(429, "error code: 1015", "Retry-After", "90"), "GET /users/@me", 90 * time.Second, 0},
		"ban, clock set back":   {reply, respond(429, "error code: 1015", "Retry-After", "90"), "GET /users/@me", 95 * time.Second, -time.Hour},
		"ban of unknown length": {reply, respond(403, "error code: 1006"), "GET /users/@me", 10*time.Minute + 5*time.Second, 0},
	} {
		storage := &memoryStorage{limits: map[string]Limit{}}
		run(t, Options{Storage: storage}, func(n int, _ sentRequest) (*http.Response, error) {
			if n == 1 {
				return c.first, nil
			}
			return respond(200, "{}"), nil
		}, func(w *harness) {
			send := func(request string, within time.Duration) error {
				method, path, _ := strings.Cut(request, " ")
				ctx, cancel := context.WithTimeout(w.t.Context(), within)
				defer cancel()
				_, err := w.send(w.request(ctx, method, path, "{}"))
				return err
			}
			_ = send(c.request, 200*time.Millisecond)
			time.Sleep(5 * time.Second)
			for key, l := range storage.limits {
				l.At = l.At.Add(-c.set) // the same as a clock that is ahead by as much
				storage.limits[key] = l
			}
			w.transport = New(Options{Base: w.discord, Storage: storage, Timeout: time.Hour})
			for time.Since(w.discord.began) < time.Hour && send(c.next, 59*time.Minute) != nil {
				time.Sleep(time.Second / 4)
			}
			if all := w.discord.seen(); len(all) != 2 || all[1].at != c.want {
				t.Errorf("%s: sent %v, want the second at %s", name, all, c.want)
			}
		})
	}
}

// Given a route whose bucket changes its id with each answer, what is remembered and kept
// stays bounded.
func TestNewBucketWithEachAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &memoryStorage{limits: map[string]Limit{}}
		w := &harness{t: t, discord: &fakeDiscord{began: time.Now()}}
		w.discord.answer = func(n int, _ sentRequest) (*http.Response, error) {
			return respond(200, "{}", bucketHeaders(strings.Repeat("b", 1+n%190)+string(rune('a'+n%26)), "0", "-7", "1e9")...), nil
		}
		w.transport = New(Options{Base: w.discord, Storage: storage, MaxBuckets: 50, GlobalLimit: Never})
		for n := range 500 {
			w.must(200, "POST", "/channels/1/messages", "{}")
			if s := w.transport.Stats(); s.Buckets > 50 {
				t.Fatalf("%d buckets after %d answers", s.Buckets, n+1)
			}
		}
		w.transport.CloseIdleConnections()
	})
}
