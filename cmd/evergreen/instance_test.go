package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"evergreen/internal/process/tokenlock"
)

// apiToken is a token of the HTTP API.
const apiToken = "a-token-of-the-API"

// countingAPI counts the requests that reach it, and those that carry apiToken, and
// answers as a bot that is online.
func countingAPI(t *testing.T, handler http.Handler) (addr string, requests, tokens *atomic.Int64) {
	t.Helper()
	requests, tokens = new(atomic.Int64), new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if strings.Contains(fmt.Sprint(r.Header, r.URL), apiToken) {
			tokens.Add(1)
		}
		if handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"at":"2026-11-24T10:00:00Z","status":"online","status_text":"Online","reason":"fine","ready":true,"connected":true,"work":{"ok":true}}`))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), requests, tokens
}

// clients are the commands that ask a running bot.
var clients = [][]string{
	{"status"}, {"status", "--json"}, {"shards"}, {"shards", "pause", "0"}, {"shards", "reshard", "2"}, {"doctor"},
}

// Given a bot that is dead, or that runs without its HTTP API, and another program
// that listens at API_ADDR, then no command asks that or sends it the API_TOKEN, and
// status says of this bot that it does not run.
func TestOnlyTheBotOfTheFolderIsAsked(t *testing.T) {
	t.Parallel()
	addr, requests, _ := countingAPI(t, nil)
	dead := t.TempDir()
	lock, err := tokenlock.Acquire(t.Context(), dead, tokenlock.FingerprintOf(anyToken), tokenlock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lock.Release()
	silent, _ := holdLock(t, "")
	for _, state := range []string{dead, silent} {
		environ := []string{"API_ADDR=" + addr, "API_TOKEN=" + apiToken, "DISCORD_TOKEN=" + anyToken, "EVERGREEN_STATE_DIR=" + state, "DISCORD_API_URL=http://127.0.0.1:1"}
		for _, args := range clients {
			c := startCommand(t, environ, args...)
			if code := c.code(t); code == 0 {
				t.Errorf("%v: exit code 0", args)
			}
			if n := requests.Load(); n != 0 {
				t.Fatalf("%v asked another program, %d times", args, n)
			}
		}
	}
	for _, environ := range [][]string{{"DISCORD_TOKEN=" + anyToken}, nil} {
		code, text := runStatus(t, append(environ, "API_ADDR="+addr), "--state-dir", dead, "--api-addr", addr)
		if code != 1 || requests.Load() != 0 {
			t.Errorf("exit code %d, %d requests", code, requests.Load())
		}
		wantText(t, text, "The bot is not running")
	}
}

// Given a lock that names an address which redirects, or at which another bot answers,
// then the API_TOKEN goes there and no further, and nothing is said of that bot.
func TestTokenOfTheAPIStaysWhereTheLockPoints(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	redirecting, _, _ := countingAPI(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	other, _, _ := countingAPI(t, nil)
	for _, addr := range []string{redirecting, other} {
		state, _ := holdLock(t, addr)
		environ := []string{"API_TOKEN=" + apiToken, "DISCORD_TOKEN=" + anyToken, "EVERGREEN_STATE_DIR=" + state, "DISCORD_API_URL=http://127.0.0.1:1"}
		for _, args := range clients {
			c := startCommand(t, environ, args...)
			if code := c.code(t); code == 0 || strings.Contains(c.stdout.String(), "Online: fine") {
				t.Errorf("%v: exit code %d\n%s", args, code, c.stdout)
			}
		}
	}
	if n := leaked.Load(); n != 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// Given --api-addr, then the bot there is asked without the API_TOKEN, and what it says
// counts only if it is the bot that holds the lock.
func TestNamedAddressGetsNoToken(t *testing.T) {
	t.Parallel()
	addr, answer := fakeAPI(t)
	asked, _, tokens := countingAPI(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"at":"2026-11-24T10:00:00Z","instance":"another","status":"online","status_text":"Online","reason":"fine","ready":true,"connected":true,"work":{"ok":true}}`))
	}))
	state, instance := holdLock(t, "127.0.0.1:1")
	environ := []string{"API_TOKEN=" + apiToken, "DISCORD_TOKEN=" + anyToken, "EVERGREEN_STATE_DIR=" + state}
	if code, text := runStatus(t, environ, "--api-addr", asked); code != 1 || tokens.Load() != 0 {
		t.Errorf("exit code %d, the token was sent %d times:\n%s", code, tokens.Load(), text)
	}
	answer(`{"at":"2026-11-24T10:00:00Z","instance":"` + instance + `","status":"online","status_text":"Online","reason":"fine","ready":true,"connected":true,"work":{"ok":true}}`)
	if code, text := runStatus(t, environ, "--api-addr", addr); code != 0 {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}

// Given no DISCORD_TOKEN, then the bot that runs with the folder is meant, if there is
// one only.
func TestFolderTellsWhichBotIsMeant(t *testing.T) {
	t.Parallel()
	addr, answer := fakeAPI(t)
	state, instance := holdLock(t, addr)
	answer(`{"at":"2026-11-24T10:00:00Z","instance":"` + instance + `","status":"online","status_text":"Online","reason":"fine","ready":true,"connected":true,"work":{"ok":true}}`)
	if code, text := runStatus(t, nil, "--state-dir", state); code != 0 {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	second, err := tokenlock.Acquire(t.Context(), state, tokenlock.FingerprintOf("another bot"), tokenlock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Release()
	code, text := runStatus(t, nil, "--state-dir", state)
	if code != 78 {
		t.Errorf("exit code %d", code)
	}
	wantText(t, text, "2 bots run with the state folder", "DISCORD_TOKEN")
}

// Given a port for the HTTP API that another program uses, then the bot comes online and
// takes another one, which the log names and status finds; only with API_REQUIRED, and an
// API_ADDR that was set, is that the end, with exit code 78.
func TestTakenPortOfTheAPIDoesNotEndTheBot(t *testing.T) {
	t.Parallel()
	world, listener := listeningSim(t)
	taken, _, _ := countingAPI(t, nil)
	state := t.TempDir()
	environ := settings(world, listener, "API_ADDR="+taken, "EVERGREEN_STATE_DIR="+state)
	c := startCommand(t, environ, "run", "--api", "--log-file=none")
	wantText(t, c.stderr.await(t, "API_ADDR cannot be had"), "wanted="+taken, "API_ADDR to another port")
	address := c.stderr.await(t, "The HTTP API listens address=")
	awaitStatus(t, address, "online", isOnline)
	if code, text := runStatus(t, environ); code != 0 || !strings.Contains(text, "http://"+address+"/") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
	c = startCommand(t, append(environ, "API_REQUIRED=true"), "run", "--api", "--log-file=none")
	if code := c.code(t); code != 78 {
		t.Errorf("exit code %d, want 78", code)
	}
	wantText(t, c.stderr.String(), taken, "API_REQUIRED")
}
