package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"evergreen/internal/process/tokenlock"
)

// anyToken has the shape of a bot token and belongs to no bot.
const anyToken = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.abcdefghijklmnopqrstuvwxyz0123456789AB"

// runStatus runs evergreen status and returns its exit code and what it printed.
func runStatus(t *testing.T, environ []string, args ...string) (int, string) {
	t.Helper()
	c := startCommand(t, environ, append([]string{"status"}, args...)...)
	code := c.code(t)
	return code, c.stdout.String() + c.stderr.String()
}

// wantText fails unless a text holds all of these.
func wantText(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, anyToken) {
		t.Errorf("it shows the token:\n%s", text)
	}
}

// Given a bot that runs as a process of its own with its API on any free port,
// when it is asked for its status, then the state folder leads to it and the
// exit code is 0; when it is killed, then the exit code is 1 and it is said how
// the last run ended.
func TestStatusOfAProcess(t *testing.T) {
	t.Parallel()
	w := newRestartHarness(t)
	program := w.start("--api", "--api-addr", "127.0.0.1:0", "--state-dir", "state")
	w.awaitOnline(0)
	settings := []string{"DISCORD_TOKEN=" + w.app.Token, "DISCORD_API_URL=" + w.url, "API_ADDR=127.0.0.1:1", "EVERGREEN_STATE_DIR=" + w.folder + "/state"}
	code, text := runStatus(t, settings)
	for start := time.Now(); code != 0 && time.Since(start) < 20*time.Second; {
		<-time.After(20 * time.Millisecond) // Discord has seen READY before the bot has
		code, text = runStatus(t, settings)
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantText(t, text, "● Online: ", "Dashboard  http://127.0.0.1:", fmt.Sprintf("process %d on ", program.Process.Pid), "1 server")
	code, text = runStatus(t, settings, "--json")
	var r reading
	if err := json.Unmarshal([]byte(text), &r); err != nil || code != 0 || !r.Online || r.State != "online" || r.Status == nil || r.Process.PID != program.Process.Pid {
		t.Errorf("exit code %d, %v: %s", code, err, text)
	}

	if err := program.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	code, text = runStatus(t, settings)
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wantText(t, text, "● The bot is not running", "What to do", fmt.Sprintf("The previous run (process %d", program.Process.Pid), "ended without a word", "Session    kept, last alive ")
}

// Given a bot that runs without its API, then what the state folder knows is
// told, and that the settings keep the rest from being known.
func TestStatusWithoutAPI(t *testing.T) {
	t.Parallel()
	w := newRestartHarness(t)
	program := w.start("--state-dir", "state")
	w.awaitOnline(0)
	code, text := runStatus(t, []string{"DISCORD_TOKEN=" + w.app.Token, "DISCORD_API_URL=" + w.url, "API_ADDR=127.0.0.1:1", "EVERGREEN_STATE_DIR=" + w.folder + "/state"})
	if code != 78 {
		t.Errorf("exit code %d, want 78", code)
	}
	wantText(t, text, fmt.Sprintf("Process %d on ", program.Process.Pid), "without the HTTP API", "run --api", "Process    process ")
}

// holdLock holds the lock of anyToken in a folder until the end of the test, for a bot
// whose API is at addr. It returns the folder and the ID of the run.
func holdLock(t *testing.T, addr string) (state, instance string) {
	t.Helper()
	state = t.TempDir()
	lock, err := tokenlock.Acquire(t.Context(), state, tokenlock.FingerprintOf(anyToken), tokenlock.Options{Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		lock.Serve(func(tokenlock.Holder) {})
	}()
	t.Cleanup(func() {
		lock.Release()
		<-served
	})
	if err := lock.Announce(addr); err != nil {
		t.Fatal(err)
	}
	return state, lock.ID()
}

// fakeAPI answers like a bot's API, with a status that can be changed.
func fakeAPI(t *testing.T) (addr string, answer func(any)) {
	t.Helper()
	var status atomic.Pointer[any]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s := (*status.Load()).(type) {
		case int:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(s)
			_, _ = fmt.Fprintf(w, `{"title":"No","status":%d,"detail":"Send the header Authorization."}`, s)
		case string:
			w.Header().Set("Content-Type", "application/json")
			if strings.HasSuffix(r.URL.Path, "/status") {
				_, _ = w.Write([]byte(s))
			} else {
				_, _ = w.Write([]byte(`{"incidents":[{"start":"2026-11-24T03:12:00Z","summary":"the connection was half-open"}],"next":null}`))
			}
		default:
			_, _ = w.Write([]byte("<h1>It works!</h1>"))
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), func(a any) { status.Store(&a) }
}

// How the bot is decides the exit code, in the same way as /readyz: a bot that
// is connected and answers is online, also when something else is not right.
// Whatever keeps that from being known is told, with what to do.
func TestStatusExitCodes(t *testing.T) {
	t.Parallel()
	addr, answer := fakeAPI(t)
	state, instance := holdLock(t, addr)
	told := func(id, name string, ready, working bool) string {
		return fmt.Sprintf(`{"at":"2026-11-24T10:00:00Z","instance":%q,"status":%q,"status_text":%q,"reason":"as it is","remedy":"Look","ready":%v,"connected":%v,"work":{"ok":%v}}`,
			instance, id, name, ready, ready, working)
	}
	for _, c := range []struct {
		answer any
		code   int
		says   string
	}{
		{told("online", "Online", true, true), 0, "● Online: as it is"},
		{told("degraded", "Degraded", true, true), 0, "● Degraded: as it is"},
		{told("degraded", "Degraded", true, false), 1, "not working"},
		{told("reconnecting", "Reconnecting", false, true), 1, "● Reconnecting: as it is"},
		{told("needs-you", "Needs you", false, true), 1, "What to do Look"},
		{strings.Replace(told("online", "Online", true, true), instance, "another", 1), 1, "another bot answers there"},
		{strings.Replace(told("online", "Online", true, true), "instance", "other", 1), 1, "another bot answers there"},
		{"{}", 1, "something else answers"},
		{0.5, 1, "something else answers"},
		{401, 78, "API_TOKEN"},
		{403, 78, "Send the header Authorization."},
		{429, 78, "the right one is let in at once"},
		{421, 78, "Ask at 127.0.0.1 or localhost"},
		{503, 1, "cannot say how the bot is"},
	} {
		answer(c.answer)
		code, text := runStatus(t, []string{"API_ADDR=127.0.0.1:1", "DISCORD_TOKEN=" + anyToken, "EVERGREEN_STATE_DIR=" + state})
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d\n%s", c.answer, code, c.code, text)
		}
		wantText(t, text, c.says)
	}
}

// Given no bot that answers, what can be said depends on what is known.
func TestStatusWithoutABot(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, c := range []struct {
		environ, args []string
		code          int
		says          string
	}{
		{[]string{"DISCORD_TOKEN=" + anyToken}, nil, 1, "The bot is not running"},
		{nil, nil, 78, "Without DISCORD_TOKEN"},
		{[]string{"DISCORD_TOKEN=" + anyToken}, []string{"--state-dir", folder + "/none"}, 1, "EVERGREEN_STATE_DIR"},
		{nil, []string{"--api-addr", "nowhere"}, 78, "API_ADDR"},
		{nil, []string{"--every", "0"}, 2, "--every"},
		{nil, []string{"--env-file", folder + "/none.env"}, 78, "none.env"},
	} {
		code, text := runStatus(t, append(c.environ, "API_ADDR=127.0.0.1:1"), c.args...)
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c, code, c.code)
		}
		wantText(t, text, c.says)
	}
}

// Given a process that owns the token and whose API does not answer, then it is
// not online, whatever the process says of itself.
func TestStatusOfASilentProcess(t *testing.T) {
	t.Parallel()
	state, _ := holdLock(t, "127.0.0.1:1")
	code, text := runStatus(t, []string{"DISCORD_TOKEN=" + anyToken}, "--state-dir", state)
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wantText(t, text, "its HTTP API at http://127.0.0.1:1 does not answer", "version 1.2.3", "What to do")
}

// Given --watch in a pipe, then a line is written at first and for each change,
// and the exit code at the end is that of the last look.
func TestStatusWatched(t *testing.T) {
	t.Parallel()
	addr, answer := fakeAPI(t)
	state, instance := holdLock(t, addr)
	told := `{"instance":"` + instance + `","at":"2026-11-24T10:00:00Z","status":%q,"status_text":%q,"reason":"for 3 s","ready":%v,"connected":%v,"work":{"ok":true}}`
	answer(fmt.Sprintf(told, "online", "Online", true, true))
	c := startCommand(t, []string{"EVERGREEN_STATE_DIR=" + state}, "status", "--watch", "--every", "0.1")
	c.stdout.await(t, "Online: for 3 s")
	answer(strings.Replace(fmt.Sprintf(told, "online", "Online", true, true), "for 3 s", "for 9 s", 1))
	answer(fmt.Sprintf(told, "reconnecting", "Reconnecting", false, false))
	c.stdout.await(t, "Reconnecting: for 3 s")
	if code := c.stop(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if text := c.stdout.String(); strings.Count(text, "\n") != 2 || strings.Contains(text, "\x1b") {
		t.Errorf("numbers alone made a line, or a pipe got control characters:\n%s", text)
	}
}

// A line that is redrawn takes one row, whatever its colours and letters.
func TestStatusLinesFit(t *testing.T) {
	in := func(colour, text string) string { return colour + text + plain }
	lines := truncateLines([]string{in(green, "●") + " " + strings.Repeat("ä", 40), "short"}, 30)
	if plain := strings.NewReplacer(green, "", plain, "").Replace(lines[0]); plain != "● "+strings.Repeat("ä", 26)+"…" || lines[1] != "short" {
		t.Errorf("got %q", lines)
	}
}
