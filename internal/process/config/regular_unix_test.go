//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Given a pipe, a folder or a device where the .env file or that of the token is
// expected, then the settings are refused at once, with the reason.
func TestWhatIsNoFileOfSettingsIsRefused(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Symlink("/dev/zero", in("device")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(in("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{"device": "it is a device, not a regular file", "folder": "it is a folder, not a regular file"} {
		if _, err := Load(Sources{Environ: []string{"DISCORD_TOKEN_FILE=" + in(name)}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("a token in a %s: %v", name, err)
		}
		if _, err := Load(Sources{Dotenv: in(name)}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("settings in a %s: %v", name, err)
		}
	}
}

// Given a token that comes out of a pipe, as from a password manager, then it is read
// once, and a later look at the files does not wait for another.
func TestTokenMayComeOutOfAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() { written <- os.WriteFile(path, []byte(realToken+"\n"), 0) }()
	from := Sources{Environ: []string{"DISCORD_TOKEN_FILE=" + path}}
	l, err := Load(from)
	if writing := <-written; writing != nil {
		t.Fatal(writing)
	}
	if err != nil || l.Config.Token.Reveal() != realToken {
		t.Fatalf("loaded: %v", err)
	}
	if before := digest(from); digest(from) != before {
		t.Error("a pipe has changed")
	}
}
