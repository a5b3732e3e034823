package gateway

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// dispatch lets an event come over the connection.
func (c *conn) dispatch(t *testing.T, typ string, seq int64) {
	t.Helper()
	raw := fmt.Appendf(nil, `{"op":0,"t":%q,"s":%d,"d":{}}`, typ, seq)
	if !c.handlePayload(raw, int64(len(raw))) {
		t.Fatalf("%s %d ended the connection", typ, seq)
	}
}

// queuedEvents empties the queue and lists the numbers of its events.
func (s *Shard) queuedEvents() (numbers []int64) {
	for e, ok := s.queue.pop(); ok; e, ok = s.queue.pop() {
		numbers = append(numbers, e.Seq)
		e.pending.handlerReturned()
	}
	return numbers
}

// Given numbers that a session leaves out, then each is counted once, when the event
// behind it comes, and the observer is told of which to which. A number that comes late, a
// replay, whose RESUMED is never sent again, and the first number of a session leave none out.
func TestWhatIsMissingIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		begin    numbering
		replayed []int64 // before RESUMED
		numbers  []int64
		gaps     []SequenceGap
		missing  int64
	}{
		"nothing":                 {newNumbering(1), nil, []int64{2, 3, 4}, nil, 0},
		"one":                     {newNumbering(1), nil, []int64{2, 4, 5}, []SequenceGap{{3, 3}}, 1},
		"three, and one":          {newNumbering(1), nil, []int64{5, 6, 8}, []SequenceGap{{2, 4}, {7, 7}}, 4},
		"one that comes late":     {newNumbering(1), nil, []int64{4, 2, 3, 5}, []SequenceGap{{2, 3}}, 2},
		"the first of a session":  {newNumbering(0), nil, []int64{9, 10}, nil, 0},
		"none in a replay":        {newNumbering(1), []int64{3, 6, 7}, []int64{8, 9}, nil, 0},
		"one behind a replay":     {newNumbering(1), []int64{3}, []int64{4, 6}, []SequenceGap{{5, 5}}, 1},
		"without a number, twice": {newNumbering(1), nil, []int64{0, 2, 0, 3}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			conn := newTestConn(t)
			s := conn.shard
			var gaps []SequenceGap
			s.seq.emit = func(e ShardEvent) {
				if gap, is := e.(SequenceGap); is {
					gaps = append(gaps, gap)
				}
			}
			s.seq.beginSession(Session{ID: "a", ResumeURL: "ws://x", Seq: c.begin.accepted}, c.begin)
			s.seq.attach(conn, c.replayed != nil)
			s.seq.awaitingReady = false
			for _, seq := range c.replayed {
				conn.dispatch(t, "X", seq)
			}
			numbers := c.numbers
			if c.replayed != nil {
				conn.dispatch(t, "RESUMED", numbers[0])
				numbers = numbers[1:]
			}
			for _, seq := range numbers {
				conn.dispatch(t, "X", seq)
			}
			if !slices.Equal(gaps, c.gaps) || s.Stats().Missing != c.missing {
				t.Errorf("told of %v, %d are missing; want %v, %d", gaps, s.Stats().Missing, c.gaps, c.missing)
			}
			if got, want := s.Stats().Replayed, int64(len(c.replayed)); got != want {
				t.Errorf("%d count as replayed, want %d", got, want)
			}
		})
	}
}

// Heartbeats carry the highest number that has come in the session: a late one does not
// take it back, and before the first of a new session there is none.
// Statements: G-020.
func TestHeartbeatsCarryTheHighestNumber(t *testing.T) {
	c := newTestConn(t)
	s := c.shard
	want := func(what string, number int64) {
		t.Helper()
		if got := s.seq.received.Load(); got != number {
			t.Errorf("%s: heartbeats carry %d, want %d", what, got, number)
		}
	}
	want("a session that is resumed", 1)
	c.dispatch(t, "X", 5)
	c.dispatch(t, "X", 4)
	want("one came late", 5)
	c.dispatch(t, "X", 0)
	want("one has no number", 5)
	next := newConn(s, noopSocket{}, "ws://x")
	s.seq.attach(next, true)
	want("a RESUME", 5)
	next.dispatch(t, "RESUMED", 2)
	want("the server counts anew", 2)
	if got := s.Session().Seq; got != 1 {
		t.Errorf("the session is kept with number %d, want 1: RESUMED is not handled yet", got)
	}
	if got := s.seq.session().Seq; got != 2 {
		t.Errorf("the next RESUME names number %d, want 2", got)
	}
	last := newConn(s, noopSocket{}, "ws://x")
	s.seq.attach(last, false)
	want("an IDENTIFY", 0)
	last.dispatch(t, "X", 3)
	want("something before READY", 0)
	s.seq.attach(newConn(s, noopSocket{}, "ws://x"), true)
	want("a RESUME, because READY did not come", 2)
}

// savedNumbers is a SessionStore that remembers the numbers.
type savedNumbers []int64

func (n *savedNumbers) Save(s Session) { *n = append(*n, s.Seq) }

// Given a server that counts anew, then the number before its first one is saved at once, and
// its own when it has been handled: a restart before that gets the event again. An older
// event that is handled later saves nothing.
// Statements: G-052.
func TestNumbersThatBeginAnewAreSaved(t *testing.T) {
	c := newTestConn(t)
	s := c.shard
	for seq := int64(2); seq <= 5; seq++ {
		c.dispatch(t, "X", seq)
	}
	older, _ := s.queue.pop()
	s.queuedEvents()
	var saved savedNumbers
	s.seq.store = &saved
	next := newConn(s, noopSocket{}, "ws://x")
	s.seq.attach(next, true)
	next.dispatch(t, "RESUMED", 2)
	if want := (savedNumbers{1}); !slices.Equal(saved, want) {
		t.Errorf("the numbers %v are saved, want %v", saved, want)
	}
	older.pending.finish()
	s.queuedEvents()
	next.dispatch(t, "X", 3)
	s.queuedEvents()
	if want := (savedNumbers{1, 2, 3}); !slices.Equal(saved, want) {
		t.Errorf("the numbers %v are saved, want %v", saved, want)
	}
}

// What an older connection still reads, what comes between IDENTIFY and its READY, without a
// session, or after a stop has begun is neither counted nor handed over.
// Statements: G-156.
func TestOnlyTheCurrentConnectionCounts(t *testing.T) {
	resumed := `{"op":0,"t":"RESUMED","s":9,"d":{}}`
	ready := `{"op":0,"t":"READY","s":1,"d":{"session_id":"b"}}`
	for name, change := range map[string]func(*Shard){
		"another connection":  func(s *Shard) { s.seq.attach(newConn(s, noopSocket{}, "ws://x"), true) },
		"an IDENTIFY is sent": func(s *Shard) { s.seq.attach(s.seq.conn, false) },
		"no session":          func(s *Shard) { s.seq.dropSession() },
		"a stop":              func(s *Shard) { s.seq.freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestConn(t)
			s := c.shard
			change(s)
			before := s.Session()
			c.dispatch(t, "X", 2)
			if stats := s.Stats(); stats.Received != 0 || stats.Queued != 0 || stats.QueuedBytes != 0 || s.Session() != before {
				t.Errorf("it was taken in: %+v", stats)
			}
			if name != "another connection" {
				return
			}
			for _, text := range []string{resumed, ready} {
				c.handlePayload([]byte(text), int64(len(text)))
			}
			if stats := s.Stats(); stats.Received != 0 || stats.QueuedBytes != 0 || s.Session() != before {
				t.Errorf("%+v is the session, want %+v", s.Session(), before)
			}
			s.seq.conn.dispatch(t, "X", 2)
			if got := s.Stats().Replayed; got != 1 {
				t.Error("RESUMED of the older connection has ended the replay of the newer one")
			}
		})
	}
}

// Nothing is left to do when every event that was taken in has been handled, READY among them,
// or there is no session and no event.
// Statements: G-092.
func TestNothingIsLeftToDo(t *testing.T) {
	c := newTestConn(t)
	s := c.shard
	want := func(what string, idle bool) {
		t.Helper()
		if s.seq.isIdle() != idle {
			t.Errorf("%s: nothing is left to do: %t", what, !idle)
		}
	}
	want("a session", true)
	ready := `{"op":0,"t":"READY","s":1,"d":{"session_id":"b"}}`
	c.handlePayload([]byte(ready), int64(len(ready)))
	want("READY waits", false)
	s.queue.pop()
	want("READY is being handled", false)
	s.queue.pop()
	want("READY is handled", true)
	c.dispatch(t, "X", 2)
	e, _ := s.queue.pop()
	s.queue.pop()
	want("a handler holds an event", false)
	e.pending.finish()
	want("it is handled", true)
	s.seq.dropSession()
	want("no session", true)
}

// RESUMED tells how many events were replayed before it, on this connection.
// Statements: G-069.
func TestReplayIsCounted(t *testing.T) {
	c := newTestConn(t)
	s := c.shard
	for round := range 2 {
		next := newConn(s, noopSocket{}, "ws://x")
		s.seq.attach(next, true)
		seq := s.Session().Seq
		for i := range int64(3) {
			next.dispatch(t, "X", seq+i+1)
		}
		next.dispatch(t, "RESUMED", seq+4)
		next.dispatch(t, "X", seq+5)
		if sig := <-next.signals; sig.kind != sigResumed || sig.replayed != 3 {
			t.Errorf("RESUMED tells of %d replayed events, want 3", sig.replayed)
		}
		if got, want := s.Stats().Replayed, int64(3*(round+1)); got != want {
			t.Errorf("%d count as replayed, want %d", got, want)
		}
		if got := len(s.queuedEvents()); got != 5 {
			t.Errorf("%d events are handed over, want 5", got)
		}
	}
}

// Given a replay that begins before what was resumed from, then what was taken in before is
// counted as a duplicate and not handed over again, and the session goes on with its numbers.
// Statements: G-052.
func TestReplayThatBeginsTooEarlyIsNotHandedOverTwice(t *testing.T) {
	c := newTestConn(t)
	s := c.shard
	for seq := int64(2); seq <= 5; seq++ {
		c.dispatch(t, "X", seq)
	}
	next := newConn(s, noopSocket{}, "ws://x")
	s.seq.attach(next, true)
	for seq := int64(3); seq <= 7; seq++ {
		next.dispatch(t, "X", seq)
	}
	next.dispatch(t, "RESUMED", 8)
	next.dispatch(t, "RESUMED", 2) // the replay is over
	if got := s.queuedEvents(); !slices.Equal(got, []int64{2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("the events %v were handed over", got)
	}
	if got := s.Stats().Duplicates; got != 4 || s.Session().Seq != 8 {
		t.Errorf("%d duplicates are counted, want 4; the session is kept with number %d", got, s.Session().Seq)
	}
}

// A payload that is larger than what is kept has a number and no more: it counts as handled,
// and no handler is given an event without a name.
// Statements: G-110.
func TestEventWithoutANameIsNotHandedOver(t *testing.T) {
	c := newTestConn(t)
	c.dispatch(t, "X", 2)
	c.handlePayload([]byte(`{"s":3,"op":0,"d":{"id":"1","name":"`), 1<<30)
	c.dispatch(t, "", 4)
	c.dispatch(t, "X", 5)
	if got := c.shard.queuedEvents(); !slices.Equal(got, []int64{2, 5}) {
		t.Errorf("the events %v were handed over", got)
	}
	if seq := c.shard.Session().Seq; seq != 5 {
		t.Errorf("the session is kept with number %d, want 5", seq)
	}
}

// Given a full queue, then the event that finds no room and those after it are left with
// Discord: they are counted, the observer is told once, and the session is kept below them,
// until a RESUME fetches them.
// Statements: G-029.
func TestFullQueueIsToldOnce(t *testing.T) {
	c := newTestConn(t)
	s := c.shard
	var told []QueueFull
	s.seq.emit = func(e ShardEvent) { told = append(told, e.(QueueFull)) }
	s.queue.limit = 500
	for seq := int64(2); seq < 9; seq++ {
		c.dispatch(t, "X", seq)
	}
	if want := []QueueFull{{Bytes: 486}}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	if stats := s.Stats(); stats.Overflowed != 4 || stats.Queued != 3 || stats.Received != 7 || stats.QueuedBytes != 486 || !s.HasOverflow() {
		t.Errorf("an overflow %t: %+v", s.HasOverflow(), stats)
	}
	if got := s.queuedEvents(); !slices.Equal(got, []int64{2, 3, 4}) || s.Session().Seq != 4 {
		t.Errorf("the events %v are handled, and the session is kept with number %d", got, s.Session().Seq)
	}
	next := newConn(s, noopSocket{}, "ws://x")
	s.seq.attach(next, true)
	if got := s.seq.session().Seq; got != 4 || s.HasOverflow() {
		t.Errorf("RESUME names number %d", got)
	}
	for seq := int64(5); seq < 8; seq++ {
		next.dispatch(t, "X", seq)
	}
	if got := s.queuedEvents(); !slices.Equal(got, []int64{5, 6, 7}) || s.Session().Seq != 7 {
		t.Errorf("the events %v are handled, and the session is kept with number %d", got, s.Session().Seq)
	}
}

// Every dispatch counts as received, those that the handler gets as queued as well: READY
// with them, unless Options.Events leaves it out. Duplicates are counted and not handed over.
func TestDispatchesAreCounted(t *testing.T) {
	for _, c := range []struct {
		events []string
		want   Stats
	}{
		{nil, Stats{Received: 4, Queued: 3, Duplicates: 1}},
		{[]string{"A"}, Stats{Received: 4, Queued: 1, Duplicates: 1}},
		{[]string{"READY", "B"}, Stats{Received: 4, Queued: 2, Duplicates: 1}},
		{[]string{}, Stats{Received: 4, Duplicates: 1}},
	} {
		conn := newTestConn(t)
		s := conn.shard
		if c.events != nil {
			s.seq.wanted = map[string]bool{}
			for _, name := range c.events {
				s.seq.wanted[name] = true
			}
		}
		ready := `{"op":0,"t":"READY","s":1,"d":{"session_id":"b","resume_gateway_url":"wss://resume.discord.gg"}}`
		conn.handlePayload([]byte(ready), int64(len(ready)))
		conn.dispatch(t, "A", 2)
		conn.dispatch(t, "B", 3)
		conn.dispatch(t, "B", 3)
		stats := s.Stats()
		if got := (Stats{Received: stats.Received, Queued: stats.Queued, Duplicates: stats.Duplicates}); got != c.want {
			t.Errorf("of %q: %+v, want %+v", c.events, got, c.want)
		}
		if got := len(s.queuedEvents()); int64(got) != c.want.Queued {
			t.Errorf("of %q: %d events are handed over, want %d", c.events, got, c.want.Queued)
		}
		if got, want := s.Session(), (Session{ID: "b", ResumeURL: "wss://resume.discord.gg", Seq: 3}); got != want {
			t.Errorf("of %q: the session is %+v, want %+v", c.events, got, want)
		}
	}
}

// The deadline of RESUMED counts from the last dispatch, or from when the connection began
// to count.
func TestTimeOfTheLastDispatchIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestConn(t)
		began := time.Now()
		time.Sleep(time.Minute)
		c.shard.seq.attach(c, true)
		if got := c.shard.seq.dispatchedAt().Sub(began); got != time.Minute {
			t.Errorf("the connection began to count after %s", got)
		}
		time.Sleep(time.Minute)
		c.dispatch(t, "X", 2)
		time.Sleep(time.Minute)
		if got := c.shard.seq.dispatchedAt().Sub(began); got != 2*time.Minute {
			t.Errorf("the last dispatch came after %s", got)
		}
	})
}
