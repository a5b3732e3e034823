package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"evergreen/discordsim"
)

// Given a bot whose token stands in .env, when the token is reset in mid-life and
// the new one is written into .env, then the bot is online again without a
// restart, with exactly one IDENTIFY more, which the next start resumes, and no
// token can be read in its log.
//
// Statements: G-054, G-064, G-094, G-098.
func TestNewTokenInDotenvBringsTheBotBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	dotenv, file := filepath.Join(folder, ".env"), filepath.Join(folder, "bot.log")
	world, listener := listeningSim(t)
	old := world.Bot.Token
	write := func(token string) {
		if err := os.WriteFile(dotenv, []byte("DISCORD_TOKEN="+token+"\nDISCORD_ACTIVITY=none\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(old)
	environ := []string{"DISCORD_API_URL=" + listener.APIURL(), "LOG_LEVEL=debug", "EVERGREEN_STATE_DIR=" + t.TempDir()}
	c := startCommand(t, environ, "run", "--env-file", dotenv, "--log-file", file)
	c.stderr.await(t, "Online with a new session")
	fresh := world.Sim.ResetToken(world.Bot)
	c.stderr.await(t, "is still refused")
	write("wrong" + fresh)
	c.stderr.await(t, "The new token cannot be used yet")
	write(fresh)
	c.stderr.await(t, "The new token is good and in use")
	eventually(t, "a second session", func() (int, bool) {
		return 0, world.Sim.Verdict(world.Bot).Identifies == 2 && world.Sim.Attached(world.Bot)
	})
	if got := awaitAnswer(t, world, ask(world, "!ping")); !strings.HasPrefix(got, "Pong!") {
		t.Errorf("!ping was answered %q", got)
	}
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
	c = startCommand(t, environ, "run", "--env-file", dotenv, "--log-file", file)
	c.stderr.await(t, "Resumed the session of an earlier run")
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
	if v := world.Sim.Verdict(world.Bot); v.Identifies != 2 {
		t.Errorf("%d IDENTIFYs, want 2", v.Identifies)
	}
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{old, fresh} {
		if strings.Contains(string(log)+c.stderr.String(), token) {
			t.Error("a token can be read in the log")
		}
	}
}

// Given a host that reaches Discord only through a proxy with a login, when the
// bot is run, then it comes online and answers through it, and the log names the
// proxy without the login.
func TestRunThroughAProxy(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bot.log")
	world, listener := listeningSim(t)
	var rest, gateway atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			if strings.EqualFold(r.In.Header.Get("Upgrade"), "websocket") {
				gateway.Add(1)
			} else {
				rest.Add(1)
			}
			// Only the proxy knows where discord.test is.
			_, port, _ := net.SplitHostPort(r.In.URL.Host)
			r.Out.URL.Scheme, r.Out.URL.Host = "http", net.JoinHostPort("127.0.0.1", port)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	defer proxy.Close()
	inside := strings.TrimPrefix(proxy.URL, "http://")
	c := startCommand(t, settings(world, listener,
		"DISCORD_API_URL="+strings.Replace(listener.APIURL(), "127.0.0.1", "discord.test", 1), "http_proxy=http://ada:s3cret@"+inside), "run", "--log-file", file)
	c.stderr.await(t, "Discord is reached through a proxy proxy=http://"+inside)
	c.stderr.await(t, "Online with a new session")
	if got := awaitAnswer(t, world, ask(world, "!ping")); !strings.HasPrefix(got, "Pong!") {
		t.Errorf("!ping was answered %q", got)
	}
	if _, err := world.Sim.Inject(discordsim.Fault{Name: "cut"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a resumed session", func() (int, bool) { return 0, world.Sim.Verdict(world.Bot).Resumed == 1 })
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
	if rest.Load() == 0 || gateway.Load() != 2 {
		t.Errorf("%d requests and %d WebSockets went through the proxy", rest.Load(), gateway.Load())
	}
	log, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(log)+c.stderr.String(), "s3cret") {
		t.Errorf("the log can be read to hold the login: %v", err)
	}
}

// Given a bot under systemd, when it starts, is online and is stopped, then
// systemd is told so, in words.
func TestSystemdIsToldInWords(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skip("this system has no such sockets: ", err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "10000000")
	told := newStream()
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1024)
		for {
			n, err := socket.Read(buf)
			if err != nil {
				return
			}
			_, _ = told.Write(append(buf[:n:n], '\n'))
		}
	}()
	c := startCommand(t, settings(world, listener), "run", "--log-file=none")
	told.await(t, "READY=1")
	told.await(t, "STATUS=Online: ")
	told.await(t, "WATCHDOG=1")
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, c.stderr)
	}
	told.await(t, "STOPPING=1")
	_ = socket.Close()
	<-done
}
