package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// whereAmI makes a module with a program that prints where it lies.
func whereAmI(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module where\n\ngo 1.24\n\ntool where/am\n",
		"am/main.go":  "package main\n\nimport \"os\"\n\nfunc main() {\n\tpath, _ := os.Executable()\n\tprint(path)\n}\n",
		"sub/text.go": "package sub\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Given a program that "go run" and "go tool" start, the first time and from their
// cache, then a service is refused it, with a way out.
func TestGoRunIsRecognised(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the go command")
	}
	dir := whereAmI(t)
	for _, arguments := range [][]string{{"run", "./am"}, {"run", "./am"}, {"tool", "am"}, {"run", "am/main.go"}} {
		run := exec.CommandContext(t.Context(), "go", arguments...)
		run.Dir, run.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		said, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v: %s", arguments, err, said)
		}
		program := string(said)
		if why := passing(program); !strings.Contains(why, "go run") {
			t.Errorf("go %v started %s, and that is taken to stay: %q", arguments, program, why)
		}
		if err := CheckProgram(program); err == nil {
			t.Errorf("%s is accepted", program)
		} else if _, gone := os.Stat(program); gone == nil && !strings.Contains(err.Error(), "--copy-to") {
			t.Errorf("no way out: %v", err)
		}
	}
}

// Given places that do not stay, then each is told; places that stay are not.
func TestPassingPlaces(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the places are those of Unix")
	}
	t.Setenv("FLATPAK_ID", "org.example.bot")
	hash := strings.Repeat("0123456789abcdef", 4)
	for path, want := range map[string]string{
		"/home/a/.cache/go-build/01/" + hash + "-d/evergreen":                    "go run",
		"/srv/gocache/01/" + hash + "-d/evergreen":                               "go run",
		"/var/build/go-build123456/b001/exe/evergreen":                           "go run",
		"/private/var/folders/x/AppTranslocation/7A-1/d/Evergreen.app/evergreen": "macOS",
		"/tmp/.mount_evergr1/usr/bin/evergreen":                                  "AppImage",
		"/snap/evergreen/12/bin/evergreen":                                       "snap",
		"/app/bin/evergreen":                                                     "Flatpak",
		"/snap/bin/evergreen":                                                    "",
		"/opt/go-builder/evergreen":                                              "",
		"/usr/local/bin/evergreen":                                               "",
		"/home/a/go/bin/evergreen":                                               "",
	} {
		if got := passing(path); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"/tmp/evergreen": "temporary", "/var/tmp/bot/evergreen": "temporary", "/dev/shm/evergreen": "temporary", "/run/user/1000/evergreen": "temporary",
		"/media/a/STICK/Downloads/evergreen": removable, "/run/media/a/STICK/evergreen": removable, "/Volumes/STICK/evergreen": removable,
		"/run/current-system/sw/bin/evergreen": "", "/mnt/disk/evergreen": "", "/tmpfiles/evergreen": "", "/opt/evergreen": "",
	} {
		if got := unsure(path); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, test := range []struct {
		plan    Plan
		refused string
	}{
		{Plan{Executable: "/opt/evergreen", Dir: "/srv/bot"}, ""},
		{Plan{Executable: "/opt/evergreen", Dir: "/tmp/bot"}, "--dir"},
		{Plan{Executable: "/opt/evergreen", Dir: "/tmp/bot", PerUser: true}, ""},
		{Plan{Executable: "/opt/evergreen", Dir: "/media/a/STICK", PerUser: true}, "--dir"},
		{Plan{Executable: "/tmp/evergreen", Dir: "/srv/bot", PerUser: true}, "--copy-to"},
	} {
		if err := test.plan.CheckPlaces(); (err == nil) != (test.refused == "") || err != nil && !strings.Contains(err.Error(), test.refused) {
			t.Errorf("%+v: %v", test.plan, err)
		}
	}
}

// Given a program that is called through a link, then a service gets the link; a deleted
// program is refused, and a copy is whole and can be run.
func TestProgramLinkAndCopy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links take an administrator there")
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Program(own); err != nil || got != own {
		t.Errorf("%s, %v; want %s", got, err, own)
	}
	if got, err := Program("no such program"); err != nil || got != own {
		t.Errorf("%s, %v; want %s", got, err, own)
	}
	dir := t.TempDir()
	if err := CheckProgram(filepath.Join(dir, "gone")); err == nil || !strings.Contains(err.Error(), "deleted or replaced") {
		t.Errorf("a deleted program: %v", err)
	}
	to, err := CopyProgram(own, dir)
	if err != nil || to != filepath.Join(dir, filepath.Base(own)) {
		t.Fatalf("%s, %v", to, err)
	}
	a, _ := os.Stat(own)
	b, err := os.Stat(to)
	if err != nil || a.Size() != b.Size() || b.Mode().Perm() != 0o755 {
		t.Errorf("the copy: %v, %v", b, err)
	}
	if again, err := CopyProgram(own, to); err != nil || again != to {
		t.Errorf("copied again: %s, %v", again, err)
	}
	if same, err := CopyProgram(to, to); err != nil || same != to {
		t.Errorf("copied onto itself: %s, %v", same, err)
	}
	if _, err := CopyProgram(own, filepath.Join(dir, "no", "such", "folder")); err == nil {
		t.Error("a folder that is not there is accepted")
	}
}
