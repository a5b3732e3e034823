package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Whether answers to people get out is known from what became of them: at once where
// something stops them for a while, after two failures where each may be chance, and it is
// forgotten with the first that gets out, or when it is too old to be true.
func TestWhetherAnswersGetOut(t *testing.T) {
	const reply, other = "POST /channels/1/messages", "GET /users/@me"
	type step struct {
		request string
		answer  *http.Response // nil: the connection is cut
		pass    time.Duration  // afterwards
	}
	limited := func(wait int) *http.Response {
		return respond(429, `{"retry_after":`+strconv.Itoa(wait)+`}`, "X-RateLimit-Scope", "user")
	}
	for name, c := range map[string]struct {
		steps []step
		want  Reason
		until time.Duration // from the end of the steps
	}{
		"nothing asked":            {nil, "", 0},
		"all is well":              {[]step{{reply, respond(200, "{}"), 0}}, "", 0},
		"one server error":         {[]step{{reply, respond(500, "{}"), time.Minute}}, "", 0},
		"server errors":            {[]step{{reply, respond(500, "{}"), 10 * time.Second}, {reply, respond(500, "{}"), 0}}, ReasonServer, 0},
		"server errors, then none": {[]step{{reply, respond(500, "{}"), 10 * time.Second}, {reply, respond(500, "{}"), 0}, {reply, respond(200, "{}"), 0}}, "", 0},
		"errors of something else": {[]step{{other, respond(500, "{}"), 10 * time.Second}, {other, respond(500, "{}"), 0}}, "", 0},
		"no connection":            {[]step{{reply, nil, 10 * time.Second}, {reply, nil, 0}}, ReasonConnection, 0},
		"long ago":                 {[]step{{reply, nil, 10 * time.Second}, {reply, nil, 11 * time.Minute}}, "", 0},
		"one channel is forbidden": {[]step{{reply, respond(403, `{"code":50013}`), 0}}, "", 0},
		"ban":                      {[]step{{other, respond(429, "error code: 1015"), 0}}, ReasonBanned, time.Hour},
		"ban, a while later":       {[]step{{other, respond(429, "error code: 1015"), 9 * time.Minute}}, ReasonBanned, 51 * time.Minute},
		"odd refusal":              {[]step{{reply, respond(429, "no"), 0}}, ReasonForeign, time.Minute},
		"odd refusal elsewhere":    {[]step{{other, respond(429, "no"), 0}}, "", 0},
		"odd refusal, long ago":    {[]step{{reply, respond(429, "no"), 3 * time.Minute}}, "", 0},
		"short limit":              {[]step{{reply, limited(5), 0}}, "", 0},
		"long limit":               {[]step{{reply, limited(300), 0}}, ReasonBucket, 300 * time.Second},
		"callback limited":         {[]step{{"POST /interactions/1/abc/callback", limited(4), 0}}, ReasonBucket, 4 * time.Second},
		"short global limit":       {[]step{{other, respond(429, `{"retry_after":5,"global":true}`), 0}}, "", 0},
		"long global limit":        {[]step{{other, respond(429, `{"retry_after":50,"global":true}`), 0}}, ReasonGlobal, 50 * time.Second},
		"portal":                   {[]step{{reply, respond(302, "", "Location", "http://hotel.test/"), 0}}, ReasonForeign, 10 * time.Second},
		"page instead of JSON":     {[]step{{reply, respond(200, "<html>log in</html>"), 0}}, ReasonForeign, 10 * time.Second},
		"page on another route":    {[]step{{other, respond(200, "<html>log in</html>"), 0}}, "", 0},
		"one of two ways":          {[]step{{"POST /interactions/1/abc/callback", respond(429, "no"), 0}, {reply, respond(200, "{}"), 0}}, ReasonForeign, time.Minute},
		"edit of no response":      {[]step{{"POST /interactions/1/abc/callback", respond(429, "no"), 0}, {"PATCH /webhooks/7/abc/messages/@original", respond(404, `{"code":10015}`), 0}}, ReasonForeign, time.Minute},
		"works, but is forbidden":  {[]step{{reply, respond(500, "{}"), 10 * time.Second}, {reply, respond(500, "{}"), 0}, {reply, respond(403, `{"code":50013}`), 0}}, "", 0},
		"no content":               {[]step{{"POST /interactions/1/abc/callback", respond(204, ""), 0}}, "", 0},
		"token refused":            {[]step{{reply, respond(401, `{"code":0}`), 0}}, ReasonUnauthorized, 0},
		"empty bucket":             {[]step{{reply, respond(200, "{}", bucketHeaders("b", "1", "0", "900")...), 0}, {reply, respond(200, "{}"), 0}}, ReasonBucket, 10 * time.Minute},
	} {
		run(t, Options{Tries: 1}, func(n int, _ sentRequest) (*http.Response, error) {
			if a := c.steps[n-1].answer; a != nil {
				return a, nil
			}
			return nil, errCut
		}, func(w *harness) {
			for _, s := range c.steps {
				method, path, _ := strings.Cut(s.request, " ")
				ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
				_, _ = w.send(w.request(ctx, method, path, "{}"))
				cancel()
				time.Sleep(s.pass)
			}
			u := w.transport.Undelivered()
			if u.Reason != c.want || u.Since.IsZero() != (c.want == "") {
				t.Fatalf("%s: %+v", name, u)
			}
			if left := time.Until(u.Until); c.until != 0 && (left < c.until-time.Second || left > c.until) {
				t.Errorf("%s: for another %s, want %s", name, left, c.until)
			}
		})
	}
}

// Given a global limit of a day, an hour of it is believed, and every ten minutes one
// request looks whether it is over; its answer lets the others go.
// Statements: G-130.
func TestLongGlobalLimitIsLookedAt(t *testing.T) {
	run(t, Options{Timeout: 24 * time.Hour, AttemptTimeout: time.Hour}, func(n int, _ sentRequest) (*http.Response, error) {
		if n <= 2 {
			return respond(429, `{"retry_after":86400,"global":true}`), nil
		}
		return respond(200, "{}"), nil
	}, func(w *harness) {
		done := make(chan struct{})
		for n := range 5 {
			go func() {
				w.must(200, "GET", "/channels/"+strconv.Itoa(n+1), "")
				done <- struct{}{}
			}()
			time.Sleep(time.Second)
		}
		if u := w.transport.Undelivered(); u.Reason != ReasonGlobal || time.Until(u.Until) > time.Hour || time.Until(u.Retry) > 10*time.Minute {
			t.Errorf("%+v", u)
		}
		for range 5 {
			<-done
		}
		w.at(0, 10*time.Minute, 20*time.Minute, 20*time.Minute, 20*time.Minute, 20*time.Minute, 20*time.Minute)
	})
}
