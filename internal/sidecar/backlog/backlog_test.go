package backlog

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// newBacklog returns a backlog and the positions that it has folded.
func newBacklog(opts Options) (*Backlog, *[]int64) {
	folded := new([]int64)
	opts.Fold = func(r Record) { *folded = append(*folded, r.Position) }
	return New(opts), folded
}

var began = time.Unix(1_700_000_000, 0)

func TestConfirmedEventsStayForHalfAMinute(t *testing.T) {
	b, folded := newBacklog(Options{})
	released := 0
	for range 3 {
		b.Append(Record{Type: "MESSAGE_CREATE", Received: began, Release: func() { released++ }})
	}
	b.Confirm(3, began)
	if released != 2 || b.Tail() != 1 {
		t.Errorf("released %d, tail %d; want both confirmed events released and kept", released, b.Tail())
	}
	if lost := b.Expire(began.Add(confirmedAge - 1)); lost.Count != 0 || b.Tail() != 1 {
		t.Errorf("tail %d, lost %d before the time is over", b.Tail(), lost.Count)
	}
	if lost := b.Expire(began.Add(confirmedAge)); lost.Count != 0 || b.Tail() != 3 {
		t.Errorf("tail %d, lost %d after five minutes", b.Tail(), lost.Count)
	}
	if want := []int64{1, 2}; !slices.Equal(*folded, want) {
		t.Errorf("folded %v, want %v", *folded, want)
	}
	if oldest, ok := b.At(b.Tail()); !ok || oldest.Position != 3 || released != 2 {
		t.Errorf("the oldest is %d, %d are released", oldest.Position, released)
	}
}

func TestOneMegabyteOfConfirmedEventsStays(t *testing.T) {
	b, _ := newBacklog(Options{})
	for range 400 {
		b.Append(Record{Received: began, Data: make([]byte, 8<<10)})
	}
	b.Confirm(b.Next(), began)
	if b.Bytes() > confirmedBytes || b.Bytes() < confirmedBytes-8<<10-overhead {
		t.Errorf("%d bytes are kept", b.Bytes())
	}
}

func TestWhatDoesNotFitIsToldAsLost(t *testing.T) {
	b, folded := newBacklog(Options{Bytes: 3 * (overhead + 10)})
	released := 0
	var lost Loss
	for i := range 5 {
		_, more := b.Append(Record{Type: []string{"A", "B"}[i%2], Received: began.Add(time.Duration(i) * time.Second), Data: make([]byte, 10), Release: func() { released++ }})
		lost.Add(more)
	}
	if lost.Count != 2 || lost.ByType["A"] != 1 || lost.ByType["B"] != 1 || released != 2 {
		t.Errorf("lost %+v, released %d", lost, released)
	}
	if !lost.From.Equal(began) || !lost.To.Equal(began.Add(time.Second)) {
		t.Errorf("lost from %s to %s", lost.From, lost.To)
	}
	if want := []int64{1, 2}; !slices.Equal(*folded, want) {
		t.Errorf("folded %v, want %v: a lost event still changes the guilds", *folded, want)
	}
}

func TestAnEventLargerThanTheBoundIsKeptAlone(t *testing.T) {
	b, _ := newBacklog(Options{Bytes: 1000})
	b.Append(Record{Data: make([]byte, 10)})
	position, lost := b.Append(Record{Data: make([]byte, 5000)})
	if lost.Count != 1 || b.Tail() != position {
		t.Errorf("lost %d, tail %d", lost.Count, b.Tail())
	}
}

func TestOldEventsAreToldAsLost(t *testing.T) {
	b, _ := newBacklog(Options{Age: time.Minute})
	b.Append(Record{Type: "A", Received: began})
	b.Append(Record{Type: "A", Received: began.Add(time.Second)})
	if lost := b.Expire(began.Add(time.Minute)); lost.Count != 1 || b.Tail() != 2 {
		t.Errorf("lost %d, tail %d", lost.Count, b.Tail())
	}
}

func TestWhatNobodyMissesIsNotLost(t *testing.T) {
	b, _ := newBacklog(Options{Age: time.Minute})
	released := 0
	b.Append(Record{Type: "TYPING_START", LiveOnly: true, Received: began})
	position, _ := b.Append(Record{Type: "INTERACTION_CREATE", Received: began, Release: func() { released++ }})
	b.Remove(position)
	b.Remove(position + 7) // not there
	if r, ok := b.At(position); !ok || !r.Removed || released != 1 {
		t.Errorf("the event that was taken out: %+v, %d released", r, released)
	}
	if lost := b.Expire(began.Add(time.Hour)); lost.Count != 0 || released != 1 {
		t.Errorf("lost %d, released %d times", lost.Count, released)
	}
}

func TestWhatNoBotWouldGetIsNotLost(t *testing.T) {
	b, folded := newBacklog(Options{Age: time.Minute, Missed: func(r Record) bool { return r.Type == "MESSAGE_CREATE" }})
	b.Append(Record{Type: "READY", Received: began})
	b.Append(Record{Type: "MESSAGE_CREATE", Received: began})
	if lost := b.Expire(began.Add(time.Hour)); lost.Count != 1 || lost.ByType["MESSAGE_CREATE"] != 1 || len(*folded) != 2 {
		t.Errorf("lost %+v, folded %v", lost, *folded)
	}
}

// Whatever is appended, confirmed and expired: positions are contiguous, events are
// folded once and in order, released once, and the bound holds.
func TestBacklogKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := Options{Bytes: 5000, Age: time.Minute}
		folded, released := int64(0), map[int64]int{}
		opts.Fold = func(r Record) {
			if r.Position != folded+1 {
				t.Fatalf("folded %d after %d", r.Position, folded)
			}
			folded = r.Position
		}
		b, now, lost, confirmedAhead := New(opts), began, 0, int64(1)
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				at := b.Next()
				_, more := b.Append(Record{Received: now, Data: make([]byte, rapid.IntRange(0, 2000).Draw(t, "size")), Release: func() { released[at]++ }})
				lost += more.Count
			case 1:
				confirmedAhead = max(confirmedAhead, rapid.Int64Range(b.Tail(), b.Next()).Draw(t, "confirmed"))
				b.Confirm(confirmedAhead, now)
			case 2:
				lost += b.Expire(now).Count
			}
			if b.Bytes() > opts.Bytes && b.Next()-b.Tail() > 1 {
				t.Fatalf("%d bytes are kept", b.Bytes())
			}
			if folded != b.Tail()-1 {
				t.Fatalf("folded up to %d, the tail is %d", folded, b.Tail())
			}
			for at := b.Tail(); at < b.Next(); at++ {
				if r, ok := b.At(at); !ok || r.Position != at {
					t.Fatalf("at %d is %d", at, r.Position)
				}
			}
		}
		for at := range b.Next() {
			if released[at] > 1 || released[at] == 0 && at > 0 && at < b.Tail() {
				t.Fatalf("%d is released %d times", at, released[at])
			}
		}
		if _, ok := b.At(b.Next()); ok {
			t.Fatal("there is an event after the last one")
		}
		if lost > int(b.Next()) {
			t.Fatalf("lost %d of %d", lost, b.Next()-1)
		}
	})
}

// Once half of the memory is in use, the oldest data is to be moved that may be, and is
// counted elsewhere.
func TestOldestDataIsMoved(t *testing.T) {
	movable := func(r Record) bool { return r.Type == "MESSAGE_CREATE" }
	b, folded := newBacklog(Options{Bytes: 10 * (overhead + 100), Moved: 350, Movable: movable})
	add := func(name string) { b.Append(Record{Type: name, Received: began, Data: make([]byte, 100)}) }
	positions := func(list []Record) (all []int64) {
		for _, r := range list {
			all = append(all, r.Position)
		}
		return all
	}
	for _, name := range []string{"GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE", "GUILD_UPDATE", "MESSAGE_CREATE"} {
		add(name)
	}
	if list := b.ToMove(1000); list != nil || b.Overflows() {
		t.Errorf("of half of the memory %v are moved", positions(list))
	}
	add("MESSAGE_CREATE")
	list := b.ToMove(1000)
	if want := []int64{2, 3, 5}; !b.Overflows() || !slices.Equal(positions(list), want) {
		t.Fatalf("to move are %v, want %v", positions(list), want)
	}
	if one := b.ToMove(1); len(one) != 1 {
		t.Errorf("at least one is moved, not %d", len(one))
	}
	before := b.Bytes()
	if lost := b.SetMoved(list, []int64{7, 8, 9}); lost.Count != 0 || b.Bytes() != before {
		t.Errorf("%d are lost, %d bytes after %d", lost.Count, b.Bytes(), before)
	}
	if r, _ := b.At(3); r.Data != nil || r.Place != 8 || r.Moved != 100 || r.Size() != overhead+100 {
		t.Errorf("it is %+v", r)
	}
	if b.FirstPlace() != 7 || b.Limit() != 10*(overhead+100)+350 {
		t.Errorf("the first place is %d, the limit %d", b.FirstPlace(), b.Limit())
	}
	add("MESSAGE_CREATE")
	list = b.ToMove(1000)
	if want := []int64{6, 7}; !slices.Equal(positions(list), want) {
		t.Fatalf("then %v are to move, want %v", positions(list), want)
	}
	b.Confirm(4, began) // one has been dropped meanwhile, and its place comes too late
	lost := b.SetMoved(append([]Record{{Position: 0}}, list...), []int64{1, 10, 11})
	if want := []int64{1, 2, 3}; lost.Count != 0 || !slices.Equal(*folded, want) || b.FirstPlace() != 9 {
		t.Errorf("more than fits elsewhere: %d are lost, %v are dropped, the first place is %d", lost.Count, *folded, b.FirstPlace())
	}
	for b.Tail() < b.Next() {
		b.drop(&lost)
	}
	if b.Bytes() != 0 || b.FirstPlace() != 0 || b.bytes != 0 {
		t.Errorf("an empty backlog has %d bytes, the first place %d", b.Bytes(), b.FirstPlace())
	}
}

// A thousand guilds that have been confirmed are not folded in one go, which would keep every
// event waiting; small events are.
func TestGuildsAreFoldedStepByStep(t *testing.T) {
	b, folded := newBacklog(Options{Bytes: 1 << 30})
	add := func(count, size int) {
		for range count {
			b.Append(Record{Received: began, Data: make([]byte, size)})
		}
	}
	add(5000, 100)
	add(100, 100<<10)
	add(1, 100)
	b.Confirm(b.Next(), began)
	if n := len(*folded); n != 5000+11 { // the last megabyte that is confirmed would stay
		t.Errorf("%d are folded at once", n)
	}
	calls := 0
	for ; b.kept > confirmedBytes; calls++ {
		b.Expire(began)
	}
	if calls < 5 || calls > 10 {
		t.Errorf("it takes %d calls more", calls)
	}
}

// Nothing is moved that is confirmed, or if nothing may be.
func TestWhatIsNotMoved(t *testing.T) {
	all := func(Record) bool { return true }
	for name, c := range map[string]struct {
		opts    Options
		confirm int64
		want    int
	}{
		"all":           {opts: Options{Movable: all}, want: 4},
		"the confirmed": {opts: Options{Movable: all}, confirm: 8, want: 3},
		"without room":  {opts: Options{Movable: all, Moved: -1}},
		"none may be":   {},
	} {
		c.opts.Bytes = 10 * (overhead + 100)
		b, _ := newBacklog(c.opts)
		for range 10 {
			b.Append(Record{Received: began, Data: make([]byte, 100)})
		}
		b.Confirm(c.confirm, began)
		if n := len(b.ToMove(301)); n != c.want {
			t.Errorf("%s: %d are to move, want %d", name, n, c.want)
		}
		if !b.Full() {
			t.Errorf("%s: the memory is not full", name)
		}
	}
}

// Events that a bot is about to get do not grow too old meanwhile; those before them do, and
// so do all once nobody waits for them.
func TestHeldEventsDoNotExpire(t *testing.T) {
	b, _ := newBacklog(Options{Age: time.Minute})
	for range 4 {
		b.Append(Record{Type: "MESSAGE_CREATE", Received: began})
	}
	b.Hold(3)
	if lost := b.Expire(began.Add(time.Hour)); lost.Count != 2 || b.Tail() != 3 {
		t.Errorf("%d are lost, and the tail is %d", lost.Count, b.Tail())
	}
	b.Hold(0)
	if lost := b.Expire(began.Add(time.Hour)); lost.Count != 2 || b.Tail() != 5 {
		t.Errorf("afterwards %d are lost, and the tail is %d", lost.Count, b.Tail())
	}
}

// Room is made to seven eighths of the bound, oldest first, and never by the last event.
func TestRoomIsMade(t *testing.T) {
	const size = overhead + 100
	b, _ := newBacklog(Options{Bytes: 16 * size, Moved: -1})
	for range 16 {
		b.Append(Record{Type: "MESSAGE_CREATE", Received: began, Data: make([]byte, 100)})
	}
	if lost := b.MakeRoom(); lost.Count != 2 || b.Bytes() != 14*size || b.Tail() != 3 {
		t.Errorf("%d are lost, %d bytes are left, and the tail is %d", lost.Count, b.Bytes(), b.Tail())
	}
	if lost := b.MakeRoom(); lost.Count != 0 {
		t.Errorf("%d more are lost", lost.Count)
	}
	b.Append(Record{Received: began, Data: make([]byte, 100*size)})
	if lost := b.MakeRoom(); lost.Count != 0 || b.Tail() != b.Next()-1 {
		t.Errorf("of an event that is too large %d are lost, and the tail is %d", lost.Count, b.Tail())
	}
}

// The memory is full from seven eighths of the bound on.
func TestMemoryIsFullBeforeTheBound(t *testing.T) {
	const size = overhead + 100
	b, _ := newBacklog(Options{Bytes: 16 * size})
	for n := 1; n <= 16; n++ {
		b.Append(Record{Received: began, Data: make([]byte, 100)})
		if b.Full() != (n > 14) {
			t.Errorf("with %d of 16 it is full: %t", n, b.Full())
		}
	}
}

// What is not in the backlog can be neither looked at nor removed; nothing else suffers.
func TestPositionsOutsideOfTheBacklog(t *testing.T) {
	b, _ := newBacklog(Options{First: 5})
	b.Append(Record{Type: "first", Received: began})
	b.Append(Record{Type: "last", Received: began})
	for _, position := range []int64{-1 << 62, 0, 4, 7, 1 << 62} {
		b.Remove(position)
		if r, ok := b.At(position); ok {
			t.Errorf("at %d there is %q", position, r.Type)
		}
	}
	for at, want := range map[int64]string{5: "first", 6: "last"} {
		if r, ok := b.At(at); !ok || r.Type != want || r.Removed {
			t.Errorf("at %d there is %+v", at, r)
		}
		b.Remove(at)
		if r, _ := b.At(at); !r.Removed {
			t.Errorf("at %d nothing was removed", at)
		}
	}
}

// Of confirmed events as much as a megabyte stays, and for half the time that events are kept
// if that is less than five minutes.
func TestConfirmedEventsStayNoLongerThanHalfTheAge(t *testing.T) {
	b, _ := newBacklog(Options{Age: 2 * time.Minute})
	b.Append(Record{Received: began})
	b.Confirm(2, began)
	if b.Expire(began.Add(time.Minute - 1)); b.Tail() != 1 {
		t.Error("it is gone before a minute is over")
	}
	if b.Expire(began.Add(time.Minute)); b.Tail() != 2 {
		t.Error("it is there after a minute")
	}
	exact, _ := newBacklog(Options{})
	exact.Append(Record{Received: began, Data: make([]byte, confirmedBytes-overhead)})
	if exact.Confirm(2, began); exact.Tail() != 1 {
		t.Error("a megabyte does not stay")
	}
}
