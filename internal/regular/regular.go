// Package regular opens and reads regular files, and nothing else.
//
// What lies at a path may be something else than a file: opening a pipe waits for the
// program at its other end, a device such as /dev/zero has no end, and a file may be
// larger than memory. So no function waits to open, each looks at what it has opened,
// and none reads more than it is told to.
package regular

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// NotRegularError means that something else than a regular file lies at a path.
type NotRegularError struct {
	Path string
	Mode fs.FileMode
}

// Error names the path and what lies there.
func (e *NotRegularError) Error() string { return e.Path + ": " + e.Reason() }

// Reason says what lies there, without the path.
func (e *NotRegularError) Reason() string {
	kind := "something else"
	switch {
	case e.Mode.IsDir():
		kind = "a folder"
	case e.Mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case e.Mode&fs.ModeSocket != 0:
		kind = "a socket"
	case e.Mode&fs.ModeDevice != 0:
		kind = "a device"
	}
	return "it is " + kind + ", not a regular file"
}

// Open opens a regular file as [os.OpenFile] does, without waiting for the other end
// of a pipe. What is no regular file is closed again and a [*NotRegularError].
func Open(path string, flag int, perm fs.FileMode) (*os.File, error) {
	f, mode, err := open(path, flag, perm)
	if err == nil && !mode.IsRegular() {
		_ = f.Close()
		f, err = nil, &NotRegularError{path, mode}
	}
	return f, err
}

// open opens what lies at a path, whatever it is, and tells what it is.
func open(path string, flag int, perm fs.FileMode) (*os.File, fs.FileMode, error) {
	f, err := os.OpenFile(path, flag|nonblock, perm)
	if err != nil {
		// A folder or a socket cannot be opened like a file, and the error does not say so.
		if info, failed := os.Stat(path); failed == nil && !info.Mode().IsRegular() {
			err = &NotRegularError{path, info.Mode()}
		}
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Mode(), nil
}

// Read returns the beginning of a regular file, at most limit bytes of it; whole is
// false if there is more.
func Read(path string, limit int64) (content []byte, whole bool, err error) {
	f, err := Open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	return read(f, limit)
}

func read(f *os.File, limit int64) (content []byte, whole bool, err error) {
	content, err = io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(content)) > limit {
		return content[:limit], false, nil
	}
	return content, err == nil, err
}

const (
	// pipePoll is the time between two looks at a pipe that has no other end yet, and
	// openWait how long that may be so: a shell has opened it before it starts a program.
	pipePoll = 10 * time.Millisecond
	openWait = time.Second
)

// ReadInput is Read for a file that a person names on purpose. That may also be a
// pipe, as a shell makes of <(command), which has to end within wait and must have a
// program at its other end within a second, and the null device, which is empty.
func ReadInput(path string, limit int64, wait time.Duration) (content []byte, whole bool, err error) {
	f, mode, err := open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	switch {
	case mode.IsRegular():
		return read(f, limit)
	case isNull(f):
		return nil, true, nil
	case mode&fs.ModeNamedPipe == 0 || f.SetReadDeadline(time.Now().Add(wait)) != nil:
		return nil, false, &NotRegularError{path, mode}
	}
	end := time.Now().Add(min(wait, openWait))
	for {
		content, whole, err = read(f, limit)
		if err != nil || len(content) > 0 || time.Now().After(end) {
			break
		}
		time.Sleep(pipePoll) // the program at the other end has not opened it yet
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || err == nil && len(content) == 0 {
		err = errors.New("it is a pipe, and no program has written to it and closed it in time")
	}
	return content, whole, err
}

// isNull reports whether the file is the null device.
func isNull(f *os.File) bool {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	info, err := f.Stat()
	return err == nil && os.SameFile(null, info)
}

// Write makes content the whole of a regular file, which is made if it is missing. A
// reader may find half of it.
func Write(path string, content []byte, perm fs.FileMode) error {
	f, err := Open(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
