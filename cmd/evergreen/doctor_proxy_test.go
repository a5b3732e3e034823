package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"evergreen/internal/doctor"
)

// dialFor has this test program be one that is connected to an address, until its input
// ends.
const dialFor = "EVERGREEN_TEST_DIAL"

func dialAndWait(addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close() }()
	fmt.Println("connected")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startDialer starts another process that is connected to an address until the test ends, and
// returns its number.
func startDialer(t *testing.T, addr string) int {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), dialFor+"="+addr)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait()
	})
	said := make([]byte, 64)
	n, _ := out.Read(said)
	if !strings.HasPrefix(string(said[:n]), "connected") {
		t.Fatalf("the other process says %q", said[:n])
	}
	return c.Process.Pid
}

// askDoctor runs the doctor, and returns its results by check, and the exit code.
func askDoctor(t *testing.T, environ []string) (results map[string]doctor.Result, exit int) {
	t.Helper()
	c := startCommand(t, environ, "doctor", "--json")
	exit = c.code(t)
	var report struct {
		Checks []doctor.Result `json:"checks"`
	}
	if err := json.Unmarshal([]byte(c.stdout.String()), &report); err != nil {
		t.Fatal(err, c.stdout)
	}
	results = map[string]doctor.Result{}
	for _, r := range report.Checks {
		results[r.ID] = r
	}
	return results, exit
}

// Given evergreen proxy with a bot, then the doctor gets through as a bot would and finds all
// well, and the bot notices nothing. Given that another process starts a session at Discord
// directly, and stays connected to it, then both signs of it are told.
func TestDoctorOfABotBehindTheProxy(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	environ := settings(world, listener, "EVERGREEN_STATE_DIR="+filepath.Join(t.TempDir(), "data"), "LOG_FILE=none", "PROXY_ADDR=127.0.0.1:0", "API_ADDR=127.0.0.1:0")
	c := startCommand(t, environ, "proxy")
	_, address, _ := strings.Cut(c.stderr.await(t, "Bots can connect"), "address=")

	results, exit := askDoctor(t, environ)
	if r := results["bots-attached"]; exit != 0 || r.Level != doctor.Warn || !strings.Contains(r.Says, "no bot has ever attached") {
		t.Errorf("before the first bot: exit code %d, %+v", exit, r)
	}
	if r := results["ready"]; r.Level != doctor.Warn || !strings.Contains(r.Says, "the first bot") {
		t.Errorf("before the first bot: %+v", r)
	}

	shard, heard := proxied(t, world, address)
	awaitLive(t, shard)
	results, exit = askDoctor(t, environ)
	for _, id := range []string{"bots-address", "bots-line", "bots-attached", "bots-starts"} {
		if r := results[id]; r.Level != doctor.Pass {
			t.Errorf("with a bot: %+v", r)
		}
	}
	if exit != 0 || !strings.Contains(results["bots-address"].Says, address) {
		t.Errorf("exit code %d, %+v", exit, results["bots-address"])
	}
	ask(world, "hello")
	if got := <-heard; got != "hello" {
		t.Errorf("the bot has heard %q", got)
	}

	at, err := url.Parse(listener.APIURL())
	if err != nil {
		t.Fatal(err)
	}
	direct, _ := proxied(t, world, at.Host)
	awaitLive(t, direct)
	pid := startDialer(t, at.Host)
	results, exit = askDoctor(t, environ)
	if r := results["bots-starts"]; exit != 1 || r.Level != doctor.Fail || !strings.Contains(r.Says, "1 session start that Evergreen did not make") {
		t.Errorf("exit code %d, %+v", exit, r)
	}
	if r := results["bots-beside"]; runtime.GOOS == "linux" &&
		(r.Level != doctor.Warn || !strings.Contains(strings.Join(r.Evidence, "\n"), fmt.Sprintf("process %d (", pid))) {
		t.Errorf("process %d is connected: %+v", pid, r)
	}
	if code := c.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Given another program at the address for bots, then the doctor names it and shows it no token.
func TestDoctorFindsAnotherProgramAtTheAddressForBots(t *testing.T) {
	inTempDir(t)
	world, listener := listeningSim(t)
	foreign := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), world.Bot.Token) {
				t.Errorf("it gets the token in %s", name)
			}
		}
	}))
	defer foreign.Close()
	addr := foreign.Listener.Addr().String()
	results, exit := askDoctor(t, settings(world, listener, "PROXY_ADDR="+addr))
	r := results["bots-address"]
	if exit != 1 || r.Level != doctor.Fail || !strings.Contains(r.Says, "another program has "+addr) || results["bots-line"].Level != doctor.Skip {
		t.Errorf("exit code %d, %+v", exit, r)
	}
	if runtime.GOOS == "linux" && !strings.Contains(r.Says, fmt.Sprintf("process %d (", os.Getpid())) {
		t.Errorf("its process is not named: %s", r.Says)
	}
}
