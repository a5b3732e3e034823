//go:build unix

package network

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Given a pipe, a folder, a device or a huge file where the addresses of the last run
// are expected, then the start neither waits nor takes memory and says that they are
// skipped; and the end does not wait either, whatever lies beside them.
func TestWhatIsNoFileOfAddressesIsSkipped(t *testing.T) {
	for name, make := range map[string]func(string) error{
		"pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"folder": func(path string) error { return os.MkdirAll(filepath.Join(path, "full"), 0o700) },
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"huge": func(path string) error {
			if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
				return err
			}
			return os.Truncate(path, 1<<36)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "addresses.json")
			for _, place := range []string{path, path + ".new"} {
				if err := make(place); err != nil {
					t.Fatal(err)
				}
			}
			var said strings.Builder
			var background sync.WaitGroup
			n := newAddressBook(Options{File: path, Logger: slog.New(slog.NewTextHandler(&said, nil))}, &background)
			if !strings.Contains(said.String(), "are skipped") {
				t.Errorf("it said %q", &said)
			}
			n.remember("gateway.discord.gg", []netip.Addr{netip.MustParseAddr("192.0.2.1")})
			background.Wait()
		})
	}
}
