//go:build unix

package regular

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// oddities makes one of everything that is no regular file.
func oddities(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	listener, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	err = errors.Join(unix.Mkfifo(in("pipe"), 0o600), os.Mkdir(in("folder"), 0o700),
		os.Symlink("/dev/zero", in("zero")), os.Symlink(in("pipe"), in("link")))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		in("pipe"): "a pipe", in("folder"): "a folder", in("zero"): "a device", in("link"): "a pipe", in("socket"): "a socket",
	}
}

// Given a pipe, a folder, a socket or a device where a file is expected, then opening
// and reading neither wait nor take memory, and the error says what lies there.
func TestWhatIsNoRegularFileIsRefusedAtOnce(t *testing.T) {
	for path, kind := range oddities(t) {
		for _, flag := range []int{os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREATE, os.O_WRONLY | os.O_CREATE | os.O_TRUNC} {
			f, err := Open(path, flag, 0o600)
			odd, ok := errors.AsType[*NotRegularError](err)
			if f != nil || !ok || !strings.Contains(odd.Error(), kind) {
				t.Errorf("%s opened with %x: %v, want that it is %s", path, flag, err, kind)
			}
		}
		if _, _, err := Read(path, 100); err == nil {
			t.Errorf("%s was read", path)
		}
	}
}

// Given a file that is larger than the limit, then only its beginning is read.
func TestOnlyTheBeginningOfAHugeFileIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(path, []byte("first line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if content, whole, err := Read(path, 11); string(content) != "first line\n" || !whole || err != nil {
		t.Errorf("read %q, whole %v: %v", content, whole, err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip(err) // a file system without sparse files
	}
	if content, whole, err := Read(path, 1024); len(content) != 1024 || whole || err != nil {
		t.Errorf("read %d bytes, whole %v: %v", len(content), whole, err)
	}
}

// Given a pipe that a person has named, then what is written to it counts, and one
// that nothing comes out of is an error and no wait.
func TestNamedInputMayBeAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadInput(path, 100, time.Millisecond); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("a pipe without a writer: %v", err)
	}
	writer, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadInput(path, 100, time.Millisecond); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("a pipe with a silent writer: %v", err)
	}
	end := make(chan struct{})
	go func() {
		defer close(end)
		_, _ = writer.WriteString("the token")
		_ = writer.Close()
	}()
	content, whole, err := ReadInput(path, 100, time.Minute)
	if <-end; err != nil || !whole || string(content) != "the token" {
		t.Errorf("read %q, whole %v: %v", content, whole, err)
	}
	if content, whole, err := ReadInput(os.DevNull, 100, time.Minute); len(content) > 0 || !whole || err != nil {
		t.Errorf("the null device: %q, %v, %v", content, whole, err)
	}
	if _, _, err := ReadInput("/dev/zero", 100, time.Minute); err == nil {
		t.Error("a device was read")
	}
}
