package gateway

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"evergreen/clock"
)

// watch is an observer that waits before each observation until it is let go on.
type watch struct {
	next chan struct{} // nil: it does not wait
	seen []ShardEvent
}

func (w *watch) Observe(o Observation) {
	if w.next != nil {
		<-w.next
	}
	w.seen = append(w.seen, o.Event)
}

// observed starts a notifier and returns it with the number of dropped observations.
func observed(w *watch) (*notifier, *atomic.Int64) {
	dropped := &atomic.Int64{}
	n := newNotifier(ShardID{}, w, clock.New(clock.Source{}), func() { dropped.Add(1) })
	go n.run()
	return n, dropped
}

// Given an observer that hangs, then 1024 observations wait for it besides the one it has;
// the newest are dropped and counted, and it is told the others in order.
func TestObserverFarBehindMissesTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watch{next: make(chan struct{})}
		n, dropped := observed(w)
		var want []ShardEvent
		emit := func(i int) ShardEvent {
			e := ClockSet{By: time.Duration(i)}
			n.emit(e)
			return e
		}
		want = append(want, emit(0))
		synctest.Wait() // the observer has the first
		for i := range notifierDepth {
			want = append(want, emit(i+1))
		}
		if got := dropped.Load(); got != 0 {
			t.Errorf("%d were dropped while there was room", got)
		}
		emit(-1)
		emit(-2)
		if got := dropped.Load(); got != 2 {
			t.Errorf("%d were dropped, want 2", got)
		}
		close(w.next)
		synctest.Wait()
		want = append(want, emit(-3)) // there is room again
		n.close()
		if !slices.Equal(w.seen, want) {
			t.Errorf("%d were told, want %d, in order", len(w.seen), len(want))
		}
	})
}

// Without an observer nothing is kept for one, and nothing counts as dropped.
func TestWithoutAnObserverNothingIsKept(t *testing.T) {
	dropped := 0
	n := newNotifier(ShardID{}, nil, clock.New(clock.Source{}), func() { dropped++ })
	for range 2 * notifierDepth {
		n.emit(ClockSet{})
	}
	if n.close(); dropped != 0 || len(n.pending) != 0 {
		t.Errorf("%d are kept, and %d were dropped", len(n.pending), dropped)
	}
}

// A heartbeat is told together with what comes next, and at the latest at the end.
func TestHeartbeatIsToldWithWhatComesNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watch{}
		n, _ := observed(w)
		told := func(after string, want int) {
			t.Helper()
			synctest.Wait()
			if len(w.seen) != want {
				t.Errorf("after %s %d are told, want %d", after, len(w.seen), want)
			}
		}
		n.emit(HeartbeatSent{})
		told("a heartbeat", 0)
		n.emit(HeartbeatACK{})
		told("its answer", 2)
		n.emit(HeartbeatSent{})
		told("another heartbeat", 2)
		n.close()
		told("the end", 3)
	})
}

// A sleep of the host is accounted for before what is observed after it. So the time between
// two observations holds it.
func TestSleepLiesBeforeWhatIsObservedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept time.Duration
		c := clock.New(clock.Source{
			Wall: func() time.Time { return time.Now().Add(slept) }, Slept: func() (time.Duration, bool) { return slept, true },
		})
		var seen []Observation
		n := newNotifier(ShardID{}, ObserverFunc(func(o Observation) { seen = append(seen, o) }), c, func() {})
		go n.run()
		n.emit(ClockSet{})
		time.Sleep(time.Second)
		slept = time.Hour
		n.emit(ClockSet{})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := c.Between(seen[0].At, seen[1].At); got != time.Hour+time.Second {
			t.Errorf("%s lie between them, want an hour and a second", got)
		}
		n.close()
	})
}

// What the observer has been told is not kept: a burst of observations pins no memory for
// the rest of a quiet shard's life.
func TestToldObservationsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		n := newNotifier(ShardID{}, ObserverFunc(func(Observation) { told++ }), clock.New(clock.Source{}), func() {})
		go n.run()
		var errs []weak.Pointer[longError]
		for range 100 {
			err := &longError{}
			errs = append(errs, weak.Make(err))
			n.emit(ConnectFailed{Reason: Reason{Err: err}})
		}
		synctest.Wait()
		n.emit(ClockSet{})
		synctest.Wait()
		if told != 101 {
			t.Errorf("%d were told", told)
		}
		runtime.GC()
		kept := 0
		for _, err := range errs {
			if err.Value() != nil {
				kept++
			}
		}
		if kept > 0 {
			t.Errorf("%d of 100 observations are kept after they were told", kept)
		}
		n.close()
	})
}

// longError is an error that takes some memory.
type longError [1000]byte

func (*longError) Error() string { return "" }
