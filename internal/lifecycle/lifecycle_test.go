package lifecycle

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Given a value that runs, when Run is called again, then the second call is an
// error, and after a stop it is another one.
func TestStartsOnce(t *testing.T) {
	l := New()
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); !errors.Is(err, ErrStarted) {
		t.Errorf("the second Start: %v", err)
	}
	if l.Stop() {
		t.Error("a value that runs counts as one that never started")
	}
	if err := l.Start(); !errors.Is(err, ErrStopped) {
		t.Errorf("Start after Stop: %v", err)
	}
}

// Given a value that never ran, when it is stopped, then it is over at once and
// never runs.
func TestStoppedBeforeTheStartIsOver(t *testing.T) {
	l := New()
	if l.Stopping() {
		t.Error("a new value counts as stopping")
	}
	if !l.Stop() {
		t.Error("Stop does not tell that Run never started")
	}
	if err := l.Start(); !errors.Is(err, ErrStopped) {
		t.Errorf("Start after Stop: %v", err)
	}
	if l.Stop() {
		t.Error("only the first Stop ends a life that had not begun")
	}
	if err := l.Wait(t.Context()); err != nil {
		t.Errorf("Wait: %v", err)
	}
	if l.AbortContext().Err() == nil {
		t.Error("the life is over, and AbortContext is not")
	}
}

// Given a value that drains after a stop, when the wait for it is cut short, then
// what the drain waits for ends, and Done tells when it is over.
func TestWaitAbortsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		if err := l.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer l.Finish()
			<-l.StopContext().Done()
			<-l.AbortContext().Done()
			time.Sleep(time.Second)
		}()
		begun := time.Now()
		l.Stop()
		synctest.Wait()
		if !l.Stopping() || l.AbortContext().Err() != nil {
			t.Error("a stop aborts")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		<-l.Done()
		if took := time.Since(begun); took != time.Minute+time.Second {
			t.Errorf("it was over after %v", took)
		}
		if err := l.Wait(ctx); err != nil {
			t.Errorf("Wait after the end: %v", err)
		}
	})
}

// Given a value that runs, when it is aborted, then both contexts end.
func TestAbortStops(t *testing.T) {
	l := New()
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	l.Abort()
	if l.StopContext().Err() == nil || l.AbortContext().Err() == nil || !l.Stopping() {
		t.Error("a context goes on after Abort")
	}
	l.Finish()
	<-l.Done()
}

// Given Run and many calls of Stop at the same time, when all have returned, then
// either Run ran or one Stop ended the life, never both and never neither.
func TestStartAndStopRace(t *testing.T) {
	for range 200 {
		l := New()
		var group sync.WaitGroup
		ended := make(chan bool, 9)
		group.Go(func() {
			err := l.Start()
			if err == nil {
				<-l.StopContext().Done()
				l.Finish()
			}
			ended <- err == nil
		})
		for range 8 {
			group.Go(func() { ended <- l.Stop() })
		}
		group.Wait()
		<-l.Done()
		close(ended)
		ends := 0
		for e := range ended {
			if e {
				ends++
			}
		}
		if ends != 1 {
			t.Fatalf("the life ended %d times", ends)
		}
	}
}
