package output

import (
	"io"
	"os"
)

// Open returns a Writer to a stream of this process, such as os.Stderr.
//
// The Go runtime writes the reason of a crash to the standard error itself, and would
// wait there for ever while nothing is taken. So the Writer has a descriptor of its own,
// and while it is stuck the standard error leads to nowhere.
func Open(f *os.File, limit int) *Writer {
	own, divert, err := separate(f)
	if err != nil {
		return New(f, limit)
	}
	w := New(own, limit)
	w.shown = f
	w.divert = divert
	return w
}

// File returns the file that a stream leads to, through a Writer or not; nil if it is
// none.
func File(w io.Writer) *os.File {
	switch w := w.(type) {
	case *os.File:
		return w
	case *Writer:
		if w.shown != nil {
			return w.shown
		}
		return File(w.to)
	}
	return nil
}
