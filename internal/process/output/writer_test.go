package output

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// stream is a stream that can be made to hang or to fail.
type stream struct {
	mu   sync.Mutex
	text bytes.Buffer
	err  error
	hold chan struct{} // writes wait until it is closed
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	hold, err := s.hold, s.err
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// troubles makes a Writer that writes what it has to tell to the stream itself, as a log
// does.
func troubles(s *stream, limit int) (*Writer, *[]Trouble) {
	w := New(s, limit)
	told := &[]Trouble{}
	w.Tell(func(t Trouble) {
		*told = append(*told, t)
		fmt.Fprintf(w, "over=%v stuck=%v error=%v missed=%d after=%s\n", t.Over, t.Stuck, t.Err, t.Missed, t.Took)
	})
	return w, told
}

// waits is how many bytes wait.
func waits(w *Writer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting) + len(w.sending) - w.sent
}

// Given a stream that takes nothing, then nothing that is written to it waits, and what
// waits is bounded; when it takes output again, the oldest lines come, then how many are
// missing, then the new ones.
func TestStreamThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{hold: make(chan struct{})}
		w, told := troubles(s, 1000)
		began := time.Now()
		for n := range 300 {
			fmt.Fprintf(w, "line %03d\n", n) // 9 bytes
		}
		if time.Since(began) != 0 {
			t.Errorf("the writing waited for %s", time.Since(began))
		}
		if size := waits(w); size > 1000 {
			t.Errorf("%d bytes wait", size)
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if len(*told) != 1 || !(*told)[0].Stuck || (*told)[0].Over {
			t.Fatalf("told while it is stuck: %+v", *told)
		}
		fmt.Fprintf(w, "line 300\n")
		close(s.hold)
		synctest.Wait()
		fmt.Fprintf(w, "line 301\n")
		synctest.Wait()
		// The line that told of the trouble is missing too.
		const taken = 750 / 9
		got := s.String()
		want := fmt.Sprintf("line %03d\nover=true stuck=true error=<nil> missed=%d after=40s\nline 301\n", taken-1, 301-taken+1)
		if !strings.HasPrefix(got, "line 000\nline 001\n") || !strings.HasSuffix(got, want) {
			t.Errorf("the stream has\n%s\nwant at the end\n%s", got, want)
		}
		if len(*told) != 2 {
			t.Errorf("told %+v", *told)
		}
	})
}

// Given a stream that has gone, then it is told once, tried now and then, and costs
// nothing but its lines; if it comes back, it is told how many.
func TestStreamThatGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{}
		w, told := troubles(s, 0)
		fmt.Fprintln(w, "one")
		synctest.Wait()
		s.fail(syscall.EPIPE)
		for range 100 {
			fmt.Fprintln(w, "lost")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if len(*told) != 1 || (*told)[0].Err != syscall.EPIPE || (*told)[0].Over {
			t.Fatalf("told %+v", *told)
		}
		s.fail(nil)
		time.Sleep(retryAfter)
		fmt.Fprintln(w, "two")
		synctest.Wait()
		if got, want := s.String(), "one\ntwo\nover=true stuck=false error=broken pipe missed=101 after=1m45s\n"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// Given a stream that is full and says so instead of waiting, then it counts as one that
// takes nothing, and nothing is missing once it takes output again.
func TestStreamThatIsFullAndDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{err: &os.PathError{Op: "write", Path: "console", Err: syscall.EAGAIN}}
		w, told := troubles(s, 0)
		fmt.Fprintln(w, "one")
		time.Sleep(10*time.Second + fullPause/2)
		fmt.Fprintln(w, "two")
		s.fail(nil)
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.String(); !strings.HasPrefix(got, "one\n") || !strings.Contains(got, "two\n") || !strings.HasSuffix(got, "over=true stuck=true error=<nil> missed=0 after=10.02s\n") || len(*told) != 2 {
			t.Errorf("got %s told %+v", got, *told)
		}
	})
}

// Given a stream that hangs for a moment and misses nothing, then its end is told too.
func TestStreamThatWasStuckAndMissedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{hold: make(chan struct{})}
		w, told := troubles(s, 0)
		fmt.Fprintln(w, "one")
		time.Sleep(StuckAfter + time.Second)
		close(s.hold)
		synctest.Wait()
		if len(*told) != 2 || !(*told)[1].Over || (*told)[1].Missed != 0 || (*told)[1].Took != StuckAfter+time.Second {
			t.Errorf("told %+v", *told)
		}
	})
}

// What is urgent finds room where other lines find none.
func TestUrgentLinesHaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{hold: make(chan struct{})}
		w := New(s, 400)
		for range 100 {
			fmt.Fprintln(w, "routine")
		}
		w.WriteUrgent([]byte("urgent\n"))
		for range 100 {
			w.WriteUrgent([]byte("urgent too\n"))
		}
		if size := waits(w); size > 400 {
			t.Errorf("%d bytes wait", size)
		}
		close(s.hold)
		synctest.Wait()
		if got := s.String(); !strings.Contains(got, "routine\nurgent\nurgent too\n") {
			t.Errorf("got %s", got)
		}
	})
}

// Wait ends when all is through, and when its context does.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{hold: make(chan struct{})}
		w := New(s, 0)
		if err := w.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		fmt.Fprintln(w, "one")
		limited, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Wait(limited); err == nil {
			t.Error("the stream took what it did not take")
		}
		time.AfterFunc(time.Second, func() { close(s.hold) })
		if err := w.Wait(t.Context()); err != nil || s.String() != "one\n" {
			t.Errorf("%v, %q", err, s)
		}
		w.Close()
		fmt.Fprintln(w, "later")
		synctest.Wait()
		if s.String() != "one\n" {
			t.Errorf("after Close came %q", s)
		}
	})
}

// Lines that come faster than a stream takes them arrive whole, in order, and in pieces
// that a pipe takes at once.
func TestPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sizes{stream: stream{hold: make(chan struct{})}}
		w := New(s, 0)
		var want strings.Builder
		for n := range 2000 {
			line := fmt.Sprintf("line %d %s\n", n, strings.Repeat("x", n%100))
			want.WriteString(line)
			fmt.Fprint(w, line)
		}
		long := strings.Repeat("y", 3*chunk) + "\n"
		fmt.Fprint(w, long)
		fmt.Fprint(w, "end\n")
		close(s.hold)
		synctest.Wait()
		if s.String() != want.String()+long+"end\n" {
			t.Error("the lines are not those that were written")
		}
		for _, size := range s.all {
			if size > chunk && size != len(long) {
				t.Errorf("%d bytes were written at once", size)
			}
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if cap(w.waiting)+cap(w.sending) > 2*keep {
			t.Errorf("%d bytes are kept", cap(w.waiting)+cap(w.sending))
		}
	})
}

type sizes struct {
	stream
	all []int
}

func (s *sizes) Write(p []byte) (int, error) {
	s.all = append(s.all, len(p))
	return s.stream.Write(p)
}

// File finds the file behind a Writer, by which a terminal is known.
func TestFile(t *testing.T) {
	w := Open(os.Stdout, 0)
	if File(w) != os.Stdout || File(New(w, 0)) != os.Stdout || File(os.Stdin) != os.Stdin || File(New(&stream{}, 0)) != nil {
		t.Error("the file is not found")
	}
}
