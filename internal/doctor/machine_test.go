package doctor

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"evergreen/discordsim"
	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/store"
)

// Given settings that cannot be used, then that is the one failure, each is named
// with its place, and a supervisor need not try again.
func TestBrokenSettings(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.opts.Loaded, s.opts.LoadErr = config.Load(config.Sources{Environ: []string{"LOG_LEVEL=loud", "API_ADDR=here"}, TokenOptional: true})
	seen := s.examine()
	seen.expectOnly(Fail, "settings", "docs/settings.md", afterSettings...).says(t, "2 settings", "LOG_LEVEL", "API_ADDR", "environment")
	if seen.report.Exit() != config.ExitConfig {
		t.Errorf("exit code %d", seen.report.Exit())
	}
}

// Given a name that looks like a setting and is none, then the one that was
// probably meant is named.
func TestMisspeltSetting(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	loaded, err := config.Load(config.Sources{Environ: []string{"DISCORD_TOKEN=x.y.z", "DISCORD_ACTIVTY=reading"}})
	if err != nil {
		t.Fatal(err)
	}
	s.opts.Loaded.Warnings = loaded.Warnings
	s.examine().expectOnly(Warn, "settings", "Correct the names").says(t, "DISCORD_ACTIVTY", "did you mean DISCORD_ACTIVITY?")
}

// Given no token, or under another name, then where to get one is told, and where
// it probably stands.
func TestMissingToken(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	var err error
	if s.opts.Loaded, err = config.Load(config.Sources{
		Environ: []string{"DISCORD_BOT_TOKEN=abc", "DISCORD_API_URL=" + s.url, "EVERGREEN_STATE_DIR=" + s.settings().StateDir}, TokenOptional: true,
	}); err != nil {
		t.Fatal(err)
	}
	seen := s.examine()
	token := seen.results["token"]
	token.says(t, "DISCORD_TOKEN is not set", "DISCORD_BOT_TOKEN")
	if token.Level != Fail || seen.report.Exit() != config.ExitConfig || seen.results["login"].Level != Skip || seen.results["rest"].Level != Pass {
		t.Errorf("token %q, login %q, rest %q, exit code %d", token.Level, seen.results["login"].Level, seen.results["rest"].Level, seen.report.Exit())
	}
}

// Given a running instance in a control group of its own, then it is that group's
// limit that counts, and not that of the doctor's shell.
func TestMemoryOfTheRunningInstance(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	s.cgroup("268435456", "241591910", "oom_kill 0")
	pid := strconv.Itoa(os.Getpid()) // the holder of the lock is this test
	s.file("proc/self/cgroup", "0::/shell\n")
	s.file("proc/"+pid+"/cgroup", "0::/bot\n")
	s.file("proc/"+pid+"/status", "VmRSS:\t   225280 kB\n")
	s.file("proc/"+pid+"/limits", "Max open files            100                  100                  files\n")
	s.runInstance(online)
	seen := s.examine()
	if r := seen.results["memory"]; r.Level != Warn {
		t.Errorf("memory: %+v", r)
	}
	seen.results["memory"].says(t, "230 MiB of 256 MiB (90 %)", "the running instance (process "+pid+") takes 220 MiB")
	if r := seen.results["files"]; r.Level != Fail {
		t.Errorf("files: %+v", r)
	}
}

// Given a control group that is nearly or quite full, or in which the kernel has
// killed, then the numbers are told.
func TestMemoryRunsOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, used, events string
		want                Level
		says                string
	}{
		{"268435456", "104857600", "oom_kill 0", Pass, "256 MiB"},
		{"268435456", "241591910", "oom_kill 0", Warn, "memory is tight"},
		{"268435456", "267386880", "oom_kill 0", Fail, "memory has run out"},
		{"268435456", "104857600", "oom_kill 3", Warn, "killed for memory: 3"},
	} {
		s := newHarness(t, discordsim.AppConfig{})
		s.skipReady = true
		s.cgroup(c.limit, c.used, c.events)
		s.examine().expectOnly(c.want, "memory", "Give the container or host more memory").says(t, c.says)
	}
}

// Given few open files, a host that falls asleep and a laptop, then each is told
// with the way to change it.
func TestMachineThatIsNotMadeForServers(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	s.file("proc/self/limits", "Max open files            64                64                files\n")
	s.examine().expectOnly(Fail, "files", "LimitNOFILE").says(t, "64 files")

	s = newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	s.file("sys/power/state", "freeze mem\n")
	s.file("etc/systemd/logind.conf", "[Login]\nIdleAction=suspend\nIdleActionSec=20min\n")
	s.examine().expectOnly(Warn, "sleep", "sleep.target").says(t, "after 20 min")
}

// Given a full disk, then the proof is not made: a session start that cannot be
// written down is not spent.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.opts.Machine.Space = func(string) (host.Disk, error) { return host.Disk{Free: 4096, Total: 1 << 30, Inodes: -1}, nil }
	s.examine().expectOnly(Fail, "state", "Make room", "ready", "incidents", "jumps").says(t, "the disk is full")
	if n := s.sim.Verdict(s.app).Identifies; n != 0 {
		t.Errorf("%d IDENTIFYs were spent", n)
	}
}

// Given something that is not a folder where the state folder should be, then a
// person has to choose.
func TestStateFolderThatIsAFile(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.settings().StateDir = filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(s.settings().StateDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	seen := s.examine()
	if r := seen.results["state"]; r.Level != Fail || !r.NeedsYou || seen.results["ready"].Level != Skip {
		t.Errorf("state %+v, ready %q", r, seen.results["ready"].Level)
	}
}

// Given no state folder, then that is said; with --fix it is made for this user
// alone.
func TestMissingStateFolderIsMade(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	s.settings().StateDir = filepath.Join(t.TempDir(), "deep", "data")
	s.examine().expectOnly(Pass, "state", "").says(t, "does not exist yet")
	if _, err := os.Stat(s.settings().StateDir); err == nil {
		t.Error("the folder was made without --fix")
	}
	s.opts.Fix = true
	s.examine().expectOnly(Pass, "state", "").says(t, "made the folder")
	if info, err := os.Stat(s.settings().StateDir); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
}

// Given a state folder that others can read, then that is a warning, and --fix
// takes their rights away.
func TestOpenStateFolderIsClosed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	database := filepath.Join(s.settings().StateDir, "evergreen-1.db")
	if err := os.WriteFile(database, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open := func(path string, mode os.FileMode) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	open(s.settings().StateDir, 0o755)
	open(database, 0o644)
	s.examine().expectOnly(Warn, "state", "doctor --fix").says(t, "can reach "+database)
	s.opts.Fix = true
	s.examine().expectOnly(Pass, "state", "").says(t, "took the rights of other users to "+database+" away")
	s.opts.Fix = false
	if r := s.examine().expectOnly(Pass, "state", ""); len(r.Fixed) != 0 {
		t.Errorf("mended again: %v", r.Fixed)
	}
}

// Given a .env with the token that others can read, then that is a warning, and
// --fix takes their rights away.
func TestOpenTokenFileIsClosed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	dotenv := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(dotenv, []byte("DISCORD_TOKEN="+s.app.Token+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.opts.Loaded.Origins["DISCORD_TOKEN"] = config.Origin{Source: config.SourceDotenv, File: dotenv, Line: 1}
	s.examine().expectOnly(Warn, "token", "doctor --fix").says(t, "every user of this machine can read it (mode 0644)")
	s.opts.Fix = true
	s.examine().expectOnly(Pass, "token", "").says(t, "took the rights of other users to "+dotenv+" away")
	if info, err := os.Stat(dotenv); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// Given a damaged database, then that is a failure with the way out; --fix sets
// it aside and deletes nothing.
func TestDamagedDatabaseIsSetAside(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	of := store.Path(s.settings().StateDir, newExamination(s).fingerprint)
	if err := os.WriteFile(of, []byte("this is no database, and never was one, whatever its name says"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.examine().expectOnly(Fail, "state", "doctor --fix", "ready", "incidents", "jumps").says(t, "the database is damaged")
	if _, err := os.Stat(of); err != nil {
		t.Error("the doctor touched it without --fix: ", err)
	}
	s.opts.Fix, s.skipReady = true, true
	s.examine().expectOnly(Pass, "state", "").says(t, "renamed the damaged database")
	aside, err := filepath.Glob(filepath.Join(s.settings().StateDir, "*damaged*"))
	if err != nil || len(aside) == 0 {
		t.Errorf("the damaged database is not there any more: %v, %v", aside, err)
	}
}

// Given a volume without locks and without fsync, then the doctor says what that costs
// and what to do; one without shared memory costs nothing but time.
func TestOddVolumeIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		volume host.Volume
		level  Level
		says   []string
	}{
		{host.Volume{}, Pass, []string{"can be written"}},
		{host.Volume{Map: syscall.ENODEV, Rename: syscall.EXDEV}, Pass, []string{"no shared memory", "files are copied"}},
		{host.Volume{Lock: syscall.ENOLCK}, Pass, []string{"no locks for a database"}},
		{host.Volume{Sync: syscall.EINVAL, FileLock: syscall.ENOTSUP}, Warn, []string{"power cut", "on this machine only"}},
	} {
		s := newHarness(t, discordsim.AppConfig{})
		s.skipReady = true
		s.opts.Machine.Volumes = func(string) (host.Volume, error) { return c.volume, nil }
		r := s.examine().results["state"]
		if r.Level != c.level || c.level == Warn && !strings.Contains(strings.Join(r.Next, " "), "local disk") {
			t.Errorf("%+v: %+v", c.volume, r)
		}
		r.says(t, c.says...)
	}
}
