package rest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
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
			if c.want == 5*time.Second && c.next == c.request && c.set == 0 && storage.puts != 0 {
				t.Errorf("%s: %d limits were kept", name, storage.puts)
			}
			if all := w.discord.seen(); len(all) != 2 || all[1].at != c.want {
				t.Errorf("%s: sent %v, want the second at %s", name, all, c.want)
			}
		})
	}
}

// Two limits have one key if one takes the place of the other.
func TestKeysOfLimits(t *testing.T) {
	bucket := Limit{Reason: ReasonBucket, Owner: "o", Route: "r", Bucket: "b", Resource: "s"}
	shared, status := bucket, bucket
	shared.Reason, status.Status = ReasonShared, 429
	for _, same := range []Limit{shared, status} {
		if same.Key() != bucket.Key() {
			t.Errorf("%+v does not take the place of %+v", same, bucket)
		}
	}
	seen := map[string]Limit{}
	for _, l := range []Limit{
		bucket, {Reason: ReasonBanned}, {Reason: ReasonInvalid}, {Reason: ReasonGlobal}, {Reason: ReasonGlobal, Owner: "o"}, {Reason: ReasonBucket},
		{Reason: ReasonBucket, Owner: "o2", Route: "r", Bucket: "b", Resource: "s"}, {Reason: ReasonBucket, Owner: "o", Route: "r2", Bucket: "b", Resource: "s"},
		{Reason: ReasonBucket, Owner: "o", Route: "r", Bucket: "b2", Resource: "s"}, {Reason: ReasonBucket, Owner: "o", Route: "r", Bucket: "b", Resource: "s2"},
	} {
		if other, is := seen[l.Key()]; is {
			t.Errorf("%+v takes the place of %+v", l, other)
		}
		seen[l.Key()] = l
	}
}

// What an earlier process has left is how this one begins, with what the operator may want
// to know of it, and no more of it than is remembered at once.
func TestLimitsAreRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		limit := func(reason Reason, status int, wait time.Duration) Limit {
			return Limit{Reason: reason, Status: status, Code: 1015 * (status / 429), At: now.Add(-time.Minute), Wait: wait + time.Minute}
		}
		for name, c := range map[string]struct {
			limit Limit
			want  Undelivered
			left  time.Duration
			look  time.Duration
		}{
			"ban":           {limit(ReasonBanned, 429, 40*time.Minute), Undelivered{Reason: ReasonBanned, Status: 429, Code: 1015}, 40 * time.Minute, 10 * time.Minute},
			"invalid":       {limit(ReasonInvalid, 0, 5*time.Minute), Undelivered{Reason: ReasonInvalid}, 5 * time.Minute, 5 * time.Minute},
			"invalid, long": {limit(ReasonInvalid, 0, 50*time.Minute), Undelivered{Reason: ReasonInvalid}, 10 * time.Minute, 10 * time.Minute},
			"global":        {limit(ReasonGlobal, 430, time.Minute), Undelivered{Reason: ReasonGlobal, Status: 430}, time.Minute, time.Minute},
			"short ban":     {limit(ReasonBanned, 429, minKept-1), Undelivered{}, 0, 0},
			"short":         {limit(ReasonBanned, 429, minKept), Undelivered{Reason: ReasonBanned, Status: 429, Code: 1015}, time.Second, time.Second},
		} {
			transport := New(Options{Base: noBase{}, Storage: &memoryStorage{limits: map[string]Limit{"": c.limit}}})
			if c.left > 0 {
				c.want.Since, c.want.Until, c.want.Retry = now, now.Add(c.left), now.Add(c.look)
			}
			if got := transport.Undelivered(); got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		}
		storage := &memoryStorage{limits: map[string]Limit{}}
		for n := range 30 {
			l := Limit{Reason: ReasonBucket, Route: "GET /channels/{channel}", Resource: "channel " + strconv.Itoa(n), At: now, Wait: time.Minute}
			storage.limits[l.Key()] = l
		}
		if n := New(Options{Base: noBase{}, Storage: storage, MaxBuckets: 20}).Stats().Buckets; n != 20 {
			t.Errorf("%d buckets are remembered", n)
		}
	})
}

// noBase is the base of a Transport that sends nothing.
type noBase struct{}

func (noBase) RoundTrip(*http.Request) (*http.Response, error) { return nil, errCut }

// Given buckets that an earlier process has left, then a bucket is that of all its routes if
// its id is known; one that was used up sends one request after its time until more is
// known, and one that met a 429 keeps what caused it.
func TestRestoredBuckets(t *testing.T) {
	const patch, post = "PATCH /channels/{channel}/messages/{message}", "POST /channels/{channel}/messages"
	for name, c := range map[string]struct {
		left []Limit
		sent []time.Duration // of three edits and then a message
	}{
		"used up":           {[]Limit{{Reason: ReasonBucket, Route: patch}}, []time.Duration{0, 30 * time.Second, 31 * time.Second, 31 * time.Second}},
		"of two routes":     {[]Limit{{Reason: ReasonBucket, Route: patch, Bucket: "b"}, {Reason: ReasonBucket, Route: post, Bucket: "b"}}, []time.Duration{30 * time.Second, 31 * time.Second, 32 * time.Second, 33 * time.Second}},
		"after a 429":       {[]Limit{{Reason: ReasonShared, Route: patch, Status: 429}}, []time.Duration{0, 30 * time.Second, 31 * time.Second, 31 * time.Second}},
		"for a moment":      {[]Limit{{Reason: ReasonBucket, Route: patch, Wait: 700 * time.Millisecond}}, []time.Duration{0, 700 * time.Millisecond, 1700 * time.Millisecond, 1700 * time.Millisecond}},
		"longer than a day": {[]Limit{{Reason: ReasonBucket, Route: patch, Status: 429, Wait: 30 * time.Hour}}, []time.Duration{0, 10 * time.Minute, 10*time.Minute + time.Second, 10*time.Minute + time.Second}},
		"empty for a day":   {[]Limit{{Reason: ReasonBucket, Route: patch, Wait: 30 * time.Hour}}, []time.Duration{0, 10 * time.Minute, 10*time.Minute + time.Second, 10*time.Minute + time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &harness{t: t, discord: &fakeDiscord{began: time.Now(), answer: always(200, "{}")}}
			w.discord.delay = func(sentRequest) time.Duration { return time.Second }
			storage := &memoryStorage{limits: map[string]Limit{}}
			for _, l := range c.left {
				l.Owner, l.Resource, l.At = digest("Bot "+token), "channel 1", time.Now()
				if l.Wait == 0 {
					l.Wait = 30 * time.Second
				}
				storage.limits[l.Key()] = l
			}
			w.transport = New(Options{Base: w.discord, Storage: storage, Timeout: 2 * time.Hour})
			short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			_, err := w.send(w.request(short, "PATCH", "/channels/1/messages/2", "{}"))
			if said, ok := errors.AsType[*Error](err); !ok || said.Reason != c.left[0].Reason {
				t.Errorf("%s: %v", name, err)
			}
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() { w.must(200, "PATCH", "/channels/1/messages/2", "{}") })
				synctest.Wait()
			}
			w.must(200, "POST", "/channels/1/messages", "{}")
			group.Wait()
			var sent []time.Duration
			for _, s := range w.discord.seen() {
				sent = append(sent, s.at)
			}
			if slices.Sort(sent); !slices.Equal(sent, c.sent) {
				t.Errorf("%s: sent at %v, want %v", name, sent, c.sent)
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
