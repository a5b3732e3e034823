//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"evergreen/discordsim"
)

// underSystemd names the variable that allows the test of a real systemd: it
// installs a service in the account that runs it, and takes it out again.
//
//	EVERGREEN_TEST_SYSTEMD=1 go test ./cmd/evergreen -run RealSystemd -v
const underSystemd = "EVERGREEN_TEST_SYSTEMD"

// Given a service of the account's own systemd, when its process is killed, or
// crashes as a Go program does (or is ended by the watchdog, which is the same),
// then systemd starts it again and it resumes; with a token that is refused it is
// left alone; it stops and goes as asked.
//
// Statements: G-091.
func TestRealSystemd(t *testing.T) {
	if os.Getenv(underSystemd) == "" {
		t.Skipf("it installs a service: set %s=1 where systemctl --user works", underSystemd)
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "evergreen") // a place that does not stay, so the service gets a copy
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sim := discordsim.New(discordsim.Config{})
	t.Cleanup(sim.Close)
	w := &restartHarness{t: t, sim: sim, folder: folder, app: sim.AddApp(discordsim.AppConfig{Guilds: []*discordsim.Guild{sim.AddGuild("a place")}})}
	listener, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("DISCORD_API_URL=%s\nDISCORD_TOKEN=%s\n", listener.APIURL(), w.app.Token)
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprint("evergreen-test-", os.Getpid())
	service := func(verb string, more ...string) string {
		t.Helper()
		out, err := exec.Command(program, append([]string{"service", verb, "--user", "--name", name}, more...)...).CombinedOutput()
		if err != nil {
			t.Errorf("service %s: %v: %s", verb, err, out)
		}
		return string(out)
	}
	tell := func(property string) string {
		out, err := exec.Command("systemctl", "--user", "show", "--property", property, "--value", name).Output()
		if err != nil {
			t.Error(err)
		}
		return strings.TrimSpace(string(out))
	}
	service("install", "--dir", folder, "--no-api", "--copy-to", filepath.Join(folder, "copy"))
	t.Cleanup(func() { service("uninstall") })
	w.awaitOnline(0)
	eventually(t, "its status in words", func() (string, bool) {
		words := tell("StatusText")
		return words, strings.HasPrefix(words, "Online")
	})
	for i, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGABRT} {
		pid, err := strconv.Atoi(tell("MainPID"))
		if err != nil || pid == 0 {
			t.Fatalf("the process: %d, %v", pid, err)
		}
		if err := syscall.Kill(pid, end); err != nil {
			t.Fatal(err)
		}
		t.Logf("after %s: resumed within %s", end, w.awaitOnline(i+1))
	}
	service("stop")
	if state := tell("ActiveState"); state != "inactive" {
		t.Errorf("stopped, it is %q", state)
	}
	sim.ResetToken(w.app)
	// Whether the start itself fails depends on which answer comes first.
	_ = exec.Command(program, "service", "start", "--user", "--name", name).Run()
	eventually(t, "the end by a token that is refused", func() (string, bool) {
		ended := tell("ExecMainStatus") + " " + tell("ActiveState")
		return ended, ended == "78 failed"
	})
	if again := tell("NRestarts"); again != "0" {
		t.Errorf("with a token that is refused it was started again %s times", again)
	}
	if v := sim.Verdict(w.app); v.Identifies != 1 || v.Resumed != 2 {
		t.Errorf("%d IDENTIFYs and %d RESUMEs, want 1 and 2", v.Identifies, v.Resumed)
	}
}
