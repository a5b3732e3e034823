package api

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Any request gets an answer: no handler panics, no answer without the token contains
// it, and nothing waits for ever.
func FuzzRequest(f *testing.F) {
	const secret = "a-token-nobody-guesses-2718281828"
	for _, seed := range [][4]string{
		{"GET", "/livez", "", ""}, {"GET", "/readyz?verbose=1", "", ""}, {"HEAD", "/health", "", ""}, {"POST", "/login", "token=x", ""},
		{"GET", "/api/v1/status", "", "Bearer x"}, {"GET", "/api/v1/events?since=-1", "", ""}, {"GET", "/api/v1/incidents?limit=1e9&before=x", "", "Bearer " + secret},
		{"GET", "/api/v1/incidents/999999999999999999999", "", "Bearer " + secret}, {"GET", "/api/v1/history?from=0&to=-1&step=0", "", "Bearer " + secret},
		{"GET", "/api/v1/logs?level=;&q=%00", "", "Bearer " + secret}, {"GET", "/metrics", "", "Basic " + secret}, {"DELETE", "/", "body", ""},
		{"GET", "/..%2f..%2fetc/passwd", "", ""}, {"GET", "/badge.svg?label=<script>", "", ""}, {"OPTIONS", "*", "", "Bearer"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	var log bytes.Buffer
	s, err := New(Options{Addr: "127.0.0.1:0", Bot: online(), Token: secret, Log: logTo(&log)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, target, body, authorization string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // a live stream ends with its reader
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1", strings.NewReader(body))
		if err != nil {
			return // no client could send it
		}
		if at, err := r.URL.Parse(target); err == nil {
			r.URL = at
		}
		r.RequestURI, r.RemoteAddr = target, "192.0.2.1:40000"
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Cookie", authorization)
		w := httptest.NewRecorder()
		log.Reset()
		s.ServeHTTP(w, r)
		if strings.Contains(log.String(), "failed inside the bot") {
			t.Fatalf("%s %q failed:\n%s", method, target, log.String())
		}
		if w.Code < 200 || w.Code > 599 {
			t.Fatalf("%s %q was answered with %d", method, target, w.Code)
		}
		known := strings.Contains(authorization+body+target, secret)
		if text := w.Body.String(); !known && (strings.Contains(text, secret) || strings.Contains(log.String(), secret)) {
			t.Fatalf("%s %q shows the token", method, target)
		}
	})
}
