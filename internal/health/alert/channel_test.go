package alert

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"evergreen/internal/health"
)

// door is the other end of a channel over HTTP, without a network.
type door struct {
	status int
	header http.Header
	err    error

	last *http.Request
	body string
}

func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	d.last, d.body = r, string(body)
	if d.err != nil {
		return nil, d.err
	}
	header := d.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: d.status, Header: header, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
}

func (d *door) client() *http.Client { return &http.Client{Transport: d} }

var at = time.Date(2026, 11, 24, 22, 1, 5, 0, time.UTC)

var example = Notification{
	Kind: Offline, Thread: "evergreen-20261124T220105", Bot: "ResearchBot", Title: "ResearchBot is offline",
	Text: "Since 22:00:05: the connection was half-open @everyone. Not back yet.", Remedy: "Nothing.", Cause: health.HalfOpen,
	Link: "https://bot.example/runbook#half-open", Incident: "20261124T220005.000000-0", Since: at.Add(-time.Minute), At: at, For: time.Minute,
}

// A webhook gets the message as JSON, with the fields that the documentation
// names.
func TestWebhook(t *testing.T) {
	d := &door{status: 204}
	c := Webhook{URL: "https://hooks.example/very-secret", Client: d.client()}
	if err := c.Send(t.Context(), example); err != nil || c.Name() != "webhook" {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(d.body), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"kind": "offline", "title": "ResearchBot is offline", "bot": "ResearchBot", "cause": "half-open", "link": example.Link, "for_s": 60.0,
		"since": "2026-11-24T22:00:05Z", "at": "2026-11-24T22:01:05Z", "incident": example.Incident, "thread": example.Thread, "remedy": "Nothing.",
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if d.last.Header.Get("Content-Type") != "application/json" || d.last.Header.Get("User-Agent") != "Evergreen" || d.last.Method != http.MethodPost {
		t.Errorf("header is %v", d.last.Header)
	}
}

// A channel of Discord gets an embed within its limits that mentions no user.
func TestDiscordWebhook(t *testing.T) {
	d := &door{status: 204}
	c := Discord{URL: "https://discord.com/api/webhooks/1/very-secret", Client: d.client()}
	long := example
	long.Title, long.Text = strings.Repeat("ö", 300), strings.Repeat("ö", 5000)
	for _, m := range []Notification{example, long, {Kind: Notice, Title: "[a](https://evil.example)\nb", Text: "**y** `z` <@1> # h", Remedy: "`mend`", Link: "docs/runbook.md#x"}} {
		if err := c.Send(t.Context(), m); err != nil || c.Name() != "discord" {
			t.Fatal(err)
		}
		var got struct {
			Embeds []struct {
				Title, Description, URL string
				Color                   int
			}
			Mentions struct{ Parse []string } `json:"allowed_mentions"`
		}
		if err := json.Unmarshal([]byte(d.body), &got); err != nil || len(got.Embeds) != 1 {
			t.Fatalf("%v: %s", err, d.body)
		}
		e := got.Embeds[0]
		if utf8.RuneCountInString(e.Title) > 256 || utf8.RuneCountInString(e.Description) > 4096 || got.Mentions.Parse == nil || len(got.Mentions.Parse) != 0 || e.Color == 0 {
			t.Errorf("got %.200s", d.body)
		}
		if m.Kind == Notice && (e.Title != `\[a\](https://evil.example) b` || !strings.HasPrefix(e.Description, "\\*\\*y\\*\\* \\`z\\` \\<@1\\> \\# h") || !strings.Contains(e.Description, "`mend`")) {
			t.Errorf("as Markdown: %q %q", e.Title, e.Description)
		}
		if (e.URL != "") != strings.HasPrefix(m.Link, "https://") {
			t.Errorf("the link %q became %q", m.Link, e.URL)
		}
	}
}

// A topic of ntfy gets text, with title, priority, symbol and link in the
// header.
func TestNtfy(t *testing.T) {
	d := &door{status: 200}
	c := Ntfy{URL: "https://ntfy.example/very-secret", Token: "tk_secret", Client: d.client()}
	m := example
	m.Title, m.Text = "Bötchen\r\nClick: https://evil.example", "x"
	if err := c.Send(t.Context(), m); err != nil || d.last.Header.Get("Click") != m.Link || strings.ContainsAny(d.last.Header.Get("Title"), "\r\n") {
		t.Errorf("%v: header is %v", err, d.last.Header)
	}
	m.Title, m.Text = "Bötchen is offline", strings.Repeat("ö", 3000)
	if err := c.Send(t.Context(), m); err != nil || c.Name() != "ntfy" {
		t.Fatal(err)
	}
	h := d.last.Header
	if h.Get("Title") != "=?utf-8?q?B=C3=B6tchen_is_offline?=" || h.Get("Priority") != "high" || h.Get("Tags") != "red_circle" || h.Get("Click") != m.Link || h.Get("Authorization") != "Bearer tk_secret" {
		t.Errorf("header is %v", h)
	}
	if len(d.body) > 4096 || !utf8.ValidString(d.body) {
		t.Errorf("%d bytes of text", len(d.body))
	}
	c.Token = ""
	m.Link = "docs/runbook.md#x"
	if err := c.Send(t.Context(), m); err != nil || d.last.Header.Get("Authorization") != "" || d.last.Header.Get("Click") != "" {
		t.Errorf("%v: header is %v", err, d.last.Header)
	}
}

// What is refused for good is told from what passes, and from what asks for a
// pause; no error contains the address.
//
// Statements: G-157.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		door    door
		refused bool
		after   time.Duration
	}{
		{door{status: 400}, true, 0},
		{door{status: 404}, true, 0},
		{door{status: 302}, true, 0},
		{door{status: 408}, false, 0},
		{door{status: 500}, false, 0},
		{door{status: 503, header: http.Header{"Retry-After": {"7.5"}}}, false, 7500 * time.Millisecond},
		{door{status: 429, header: http.Header{"Retry-After": {"3"}}}, false, 3 * time.Second},
		{door{status: 429, header: http.Header{"Retry-After": {"9999999"}}}, false, 0},
		{door{status: 429, header: http.Header{"Retry-After": {"soon"}}}, false, 0},
		{door{err: errors.New("connection refused")}, false, 0},
	} {
		err := Webhook{URL: "https://hooks.example/very-secret", Client: c.door.client()}.Send(t.Context(), example)
		if _, ok := errors.AsType[*Refused](err); err == nil || ok != c.refused || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %v", c.door.status, err)
		}
		if asked, ok := errors.AsType[*retryLater](err); c.after > 0 && (!ok || asked.after != c.after) {
			t.Errorf("%d: %v", c.door.status, err)
		}
	}
	err := Webhook{URL: "https://hooks.example/very-secret\x00", Client: http.DefaultClient}.Send(t.Context(), example)
	if _, ok := errors.AsType[*Refused](err); !ok || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// The client of the channels takes no redirect and has deadlines.
//
// Statements: G-157.
func TestClient(t *testing.T) {
	elsewhere := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere = true
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	client := NewClient()
	defer server.Close()
	defer client.CloseIdleConnections()
	err := Webhook{URL: server.URL + "/very-secret", Client: client}.Send(t.Context(), example)
	if err == nil || elsewhere || err.Error() != "it answered HTTP 307" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Webhook{URL: server.URL + "/very-secret", Client: client}.Send(ctx, example)
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
