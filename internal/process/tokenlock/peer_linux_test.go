package tokenlock

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Given a process of another user that can reach the socket, then it is not answered, and
// the holder does not pause.
func TestAnotherUserIsNotHandedOverTo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	o := acquire(t, t.TempDir(), Options{})
	pauses := 0
	serve(t, o, func(Holder) { pauses++; o.Release() })
	for path, mode := range map[string]os.FileMode{o.self.Socket: 0o666, filepath.Dir(o.self.Socket): 0o755, filepath.Dir(filepath.Dir(o.self.Socket)): 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	const nobody = 65534
	refused := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		refused <- askAs(nobody, o.self.Socket)
	}()
	if err := <-refused; !errors.Is(err, errUnanswered) || pauses != 0 {
		t.Errorf("another user got %v, and the holder has paused %d times", err, pauses)
	}
	if err := askAs(0, o.self.Socket); err != nil {
		t.Errorf("root got %v", err)
	}
}

var errUnanswered = errors.New("no answer")

// askAs asks for the token as another user, on this thread.
func askAs(user int, socket string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), "socket")
	defer func() { _ = file.Close() }()
	keep := ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(user), keep); errno != 0 {
		return errno
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
		return err
	}
	conn, err := net.FileConn(file)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := writeMessage(conn, message{Say: sayTakeOver, From: &Holder{PID: 1}}); err != nil {
		return err
	}
	if _, err := readMessage(conn, replyTimeout); err != nil {
		return errors.Join(errUnanswered, err)
	}
	return nil
}
