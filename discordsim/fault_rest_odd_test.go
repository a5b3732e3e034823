package discordsim

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestOddRefusals lets Cloudflare, and something that is not Discord's, refuse requests in
// their own ways. A client that looks every few minutes whether a ban is over does nothing
// wrong.
//
// Statements: S-097.
func TestOddRefusals(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		page := w.fault(Fault{Name: "rest-cloudflare", Code: 1006})
		got := w.say("lost")
		if got.status != 403 || !strings.Contains(got.text, "Error 1006: Access denied") || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Errorf("the page is %d %q", got.status, got.text)
		}
		time.Sleep(10 * time.Minute)
		if got = w.say("lost"); got.status != 403 {
			t.Errorf("the page is %d %q", got.status, got.text)
		}
		w.Lift(page)
		w.fault(Fault{Name: "rest-cloudflare", Text: "plain", Count: 1})
		time.Sleep(10 * time.Minute)
		if got = w.say("lost"); got.text != "error code: 1020" {
			t.Errorf("the text is %q", got.text)
		}
		for text, want := range map[string]string{"": "", "inf": "inf", "date": time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)} {
			w.fault(Fault{Name: "rest-429-odd", Text: text, Count: 1})
			if got = w.say("lost"); got.status != 429 || got.header.Get("Retry-After") != want || got.header.Get("X-RateLimit-Scope") != "" || got.header.Get("Via") != "" {
				t.Errorf("%q is answered %d %v", text, got.status, got.header)
			}
		}
		w.fault(Fault{Name: "rest-redirect", Count: 1})
		if got = w.say("lost"); got.status != 302 || got.header.Get("Location") != "/api/v10"+w.messagesPath() {
			t.Errorf("it leads to %d %v", got.status, got.header)
		}
		if n := len(w.Messages(w.channel)); n != 0 {
			t.Errorf("%d messages were made", n)
		}
		if got := w.violations(); got != nil {
			t.Errorf("violations: %v", got)
		}
	})
}

// TestEndlessAnswers lets answers have no end, in their bodies, unpacked, and in their
// headers, until the client goes away. What was asked for is done.
//
// Statements: S-097.
func TestEndlessAnswers(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		transport := w.Transport()
		defer transport.CloseIdleConnections()
		transport.MaxResponseHeaderBytes = 1 << 20
		for n, text := range []string{"", "gzip", "header"} {
			w.fault(Fault{Name: "rest-endless", Text: text, Count: 1})
			req, _ := http.NewRequestWithContext(t.Context(), "POST", w.APIURL()+w.messagesPath(), strings.NewReader(`{"content":"hi"}`))
			req.Header.Set("Authorization", "Bot "+w.app.Token)
			req.Header.Set("User-Agent", goodAgent)
			req.Header.Set("Content-Type", "application/json")
			res, err := transport.RoundTrip(req)
			if text == "header" {
				if err == nil || !strings.Contains(err.Error(), "headers exceeded") {
					t.Errorf("the header ended: %v", err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if read, err := io.CopyN(io.Discard, res.Body, 40<<20); read != 40<<20 || err != nil {
				t.Errorf("%q ended after %d bytes: %v", text, read, err)
			}
			if err := res.Body.Close(); err != nil && !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			if made := len(w.Messages(w.channel)); made != n+1 {
				t.Errorf("%d messages were made", made)
			}
		}
		w.say("found").hasStatus(200, 0)
	})
}
