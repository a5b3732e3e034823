package gateway

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// dataEvent is an event with so many bytes of data.
func dataEvent(seq int64, bytes int) Event {
	return Event{Type: "X", Seq: seq, Data: make([]byte, bytes)}
}

// The queue counts each event with its data and 160 bytes, takes what does not exceed its
// limit, and an event of any size when it is empty. READY is always taken.
func TestQueueIsBoundedInBytes(t *testing.T) {
	q := newQueue(1000)
	for i, c := range []struct {
		bytes int
		taken bool
		holds int64
	}{
		{2000, true, 2160},
		{0, false, 2160},
	} {
		if taken := q.push(dataEvent(int64(i), c.bytes)); taken != c.taken {
			t.Errorf("%d bytes: taken %t", c.bytes, taken)
		}
		if bytes, _ := q.load(); bytes != c.holds {
			t.Errorf("%d bytes are counted, want %d", bytes, c.holds)
		}
	}
	q.pop()
	for _, c := range []struct {
		bytes int
		taken bool
		holds int64
	}{
		{340, true, 500},
		{341, false, 500},
		{340, true, 1000},
		{0, false, 1000},
	} {
		if taken := q.push(dataEvent(1, c.bytes)); taken != c.taken {
			t.Errorf("%d bytes beside %d: taken %t", c.bytes, c.holds, taken)
		}
		if bytes, _ := q.load(); bytes != c.holds {
			t.Errorf("%d bytes are counted, want %d", bytes, c.holds)
		}
	}
	q.force(dataEvent(1, 1000))
	if bytes, _ := q.load(); bytes != 2160 {
		t.Errorf("with READY %d bytes are counted, want 2160", bytes)
	}
	for range 3 {
		q.pop()
	}
	if bytes, _ := q.load(); bytes != 0 {
		t.Errorf("an empty queue counts %d bytes", bytes)
	}
}

// The oldest event that is not handled is the one that is being handled, then the first
// that waits. When the last has been handled there is none.
func TestQueueKnowsItsOldestEvent(t *testing.T) {
	began := time.Now()
	q := newQueue(1 << 20)
	want := func(what string, at time.Time) {
		t.Helper()
		if _, oldest := q.load(); !oldest.Equal(at) {
			t.Errorf("%s: the oldest came after %s, want %s", what, oldest.Sub(began), at.Sub(began))
		}
	}
	want("nothing has come", time.Time{})
	for i := range 2 {
		q.push(Event{Received: began.Add(time.Duration(i) * time.Second)})
	}
	want("two wait", began)
	q.pop()
	want("the first is being handled", began)
	q.pop()
	want("the second is being handled", began.Add(time.Second))
	q.push(Event{Received: began.Add(2 * time.Second)})
	want("a third waits", began.Add(time.Second))
	q.pop()
	q.pop()
	want("all are handled", time.Time{})
}

// Given a queue that is never empty, then its events leave it in order, and it takes no
// more memory than those that wait, however many pass.
func TestQueueThatIsNeverEmptyDoesNotGrow(t *testing.T) {
	q := newQueue(1 << 30)
	var next int64
	push := func() { next++; q.push(Event{Seq: next}) }
	for range 1500 {
		push()
	}
	for seq := range int64(50_000) {
		push()
		if e, ok := q.pop(); !ok || e.Seq != seq+1 {
			t.Fatalf("event %d came as number %d", e.Seq, seq+1)
		}
	}
	if got := cap(q.events); got > 10_000 {
		t.Errorf("there is room for %d events, and 1500 wait", got)
	}
	for want := int64(50_001); want <= next; want++ {
		if e, ok := q.pop(); !ok || e.Seq != want {
			t.Fatalf("event %d came as number %d", e.Seq, want)
		}
	}
	if _, ok := q.pop(); ok {
		t.Error("an event came out of an empty queue")
	}
}

// A queue of many events takes no longer for each of them than one of few.
func TestLongQueueIsEmptiedQuickly(t *testing.T) {
	const events = 30_000
	q := newQueue(1 << 30)
	for range events {
		q.push(Event{})
	}
	began := time.Now()
	for range events {
		q.pop()
	}
	if took := time.Since(began); took > 5*time.Second { // it is a few milliseconds
		t.Errorf("%d events took %s", events, took)
	}
}

// What has been handled is not kept in memory, although other events wait behind it.
func TestHandledEventsAreReleased(t *testing.T) {
	q := newQueue(1 << 20)
	w := &watermark{onChange: func(int64) {}}
	var data []weak.Pointer[byte]
	var pending []weak.Pointer[pendingEvent]
	for seq := range int64(4) {
		e := dataEvent(seq+1, 1000)
		e.pending = w.add(e.Seq)
		data, pending = append(data, weak.Make(&e.Data[0])), append(pending, weak.Make(e.pending))
		q.push(e)
	}
	for range 3 {
		e, _ := q.pop()
		e.pending.finish()
	}
	runtime.GC()
	for i := range 4 {
		if kept := data[i].Value() != nil; kept != (i == 3) {
			t.Errorf("the data of event %d is in memory: %t", i, kept)
		}
		if kept := pending[i].Value() != nil; kept != (i == 3) {
			t.Errorf("what was known of event %d is in memory: %t", i, kept)
		}
	}
	runtime.KeepAlive(q)
	runtime.KeepAlive(w)
}

// The events are handed over in order while the context lasts. After each that leaves the
// queue at most half full, that is told, and not before; and when there is none left.
func TestDeliverTellsWhenTheQueueIsHalfEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1600)
		for seq := range int64(10) {
			q.push(Event{Seq: seq, Received: time.Now()})
		}
		var story []string
		var oldest time.Time // when it was last told
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			q.deliver(ctx, HandlerFunc(func(context.Context, Event) { story = append(story, "event") }), nil,
				func() { story = append(story, "handled") }, func() { story = append(story, "drained"); _, oldest = q.load() })
		}()
		synctest.Wait()
		want := slices.Concat(slices.Repeat([]string{"event", "handled"}, 4), slices.Repeat([]string{"event", "handled", "drained"}, 6))
		if story = slices.Compact(story); !slices.Equal(story, want) {
			t.Errorf("what happened: %s", strings.Join(story, " "))
		}
		if !oldest.IsZero() {
			t.Error("it is not told that there is none left")
		}
		q.push(Event{Seq: 11})
		synctest.Wait()
		if story = slices.Compact(story); !slices.Equal(story, append(want, "event", "handled", "drained")) {
			t.Errorf("an event that comes later is not handed over: %s", strings.Join(story, " "))
		}
		cancel()
		<-done
	})
}
