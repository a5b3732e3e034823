package rest

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// Whatever stands in an error's body and headers, it is read to its end, handed
// on as it came, and asks for no wait that is negative or longer than an hour.
func FuzzErrorBody(f *testing.F) {
	for _, seed := range []struct {
		status                         int
		body, kind, after, scope, left string
	}{
		{429, `{"message":"You are being rate limited.","retry_after":0.75,"global":false}`, "application/json", "1", "user", "0"},
		{429, `{"retry_after":1e308,"global":true}`, "application/json", "", "global", "-1"},
		{429, `error code: 1015`, "text/plain", "86400000", "", ""},
		{429, `{"retry_after":"soon","global":"yes"}`, "application/json", "NaN", "shared", "many"},
		{401, `{"message":"401: Unauthorized","code":0}`, "application/json", "", "", ""},
		{403, `{"code":"50001","errors":{"a":[null]}}`, "application/json", "-1", "", "1e9"},
		{502, `<html>bad gateway</html>`, "text/html", "1e400", "", ""},
		{400, `{"code":1e99}`, "application/json", "Inf", "", ""},
		{500, `{"message"`, "application/json; charset=utf-8", "0x10", "", ""},
		{404, "\xff\xfe null", "application/json", " 7 ", "USER", "0"},
	} {
		f.Add(seed.status, []byte(seed.body), seed.kind, seed.after, seed.scope, seed.left)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, kind, after, scope, left string) {
		h := http.Header{}
		for name, value := range map[string]string{
			"Content-Type": kind, "Retry-After": after, "X-RateLimit-Scope": scope, "X-RateLimit-Remaining": left,
			"X-RateLimit-Reset-After": after, "X-RateLimit-Bucket": scope, "X-RateLimit-Limit": left,
		} {
			h.Set(name, value)
		}
		a := answer{response: &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader(body))}}
		a.read(t.Context(), make(chan struct{}, 1))
		if whole, err := io.ReadAll(a.response.Body); err != nil || !bytes.Equal(whole, body) || a.response.Body.Close() != nil {
			t.Fatalf("the answer was handed on as %q (%v)", whole, err)
		}
		a.code()
		if l := a.rateLimit(time.Now()); l.wait < 0 || l.wait > maxPause {
			t.Fatalf("a wait of %s", l.wait)
		}
		if q, ok := a.quota(); ok && (q.resetAfter < 0 || q.resetAfter > lookInterval) {
			t.Fatalf("a bucket that is empty for %s", q.resetAfter)
		}
	})
}
