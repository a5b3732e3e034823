package discordsim

import (
	"container/heap"
	"time"
)

// schedule is what the simulator is going to do, by time. What is due at the
// same moment happens in the order in which it was scheduled, so that a run can
// be repeated. One timer serves all of it; the simulator's lock guards it.
type schedule struct {
	queue   timerQueue
	planned uint64
	timer   *time.Timer
	armed   bool // the timer is set, or what is due is being done
	firesAt time.Time
}

// simTimer is something to be done later, with the lock held, unless the
// simulator closes first.
type simTimer struct {
	sim   *Sim
	due   time.Time
	order uint64
	index int // place in the queue; -1 when it is over
	run   func()
}

// after calls run, with the lock held, in d. The timer can be stopped with the
// lock held; then it certainly does not fire.
func (s *Sim) after(d time.Duration, run func()) *simTimer {
	t := &simTimer{sim: s, index: -1, run: run}
	if s.closed {
		return t
	}
	t.schedule(d)
	heap.Push(&s.schedule.queue, t)
	s.armClock()
	return t
}

// After calls run in d of the simulator's time, unless the simulator is closed
// first. What is due at the same moment, here and inside the simulator, runs one
// after the other in the order in which it was asked for. Run may call the
// simulator but not [Sim.Close], and must not wait.
func (s *Sim) After(d time.Duration, run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after(d, func() {
		s.mu.Unlock()
		defer s.mu.Lock()
		run()
	})
}

// schedule puts the timer behind all that is due at the same moment.
func (t *simTimer) schedule(d time.Duration) {
	c := &t.sim.schedule
	c.planned++
	t.due, t.order = time.Now().Add(max(0, d)), c.planned
}

// stop cancels the timer; nil is fine, and one that has fired.
func (t *simTimer) stop() {
	if t != nil && t.index >= 0 {
		heap.Remove(&t.sim.schedule.queue, t.index)
	}
}

// reset puts the timer off until d from now and reports whether it could: one
// that is over has to be made anew.
func (t *simTimer) reset(d time.Duration) bool {
	if t == nil || t.index < 0 {
		return false
	}
	t.schedule(d)
	heap.Fix(&t.sim.schedule.queue, t.index)
	t.sim.armClock()
	return true
}

// armClock sets the one timer to what is due next. It may fire too early, after
// what it was set for was stopped; that costs less than setting it each time.
func (s *Sim) armClock() {
	c := &s.schedule
	if len(c.queue) == 0 {
		return
	}
	next := c.queue[0].due
	switch {
	case !c.armed:
	case !next.Before(c.firesAt):
		return
	case !c.timer.Stop():
		return // it is firing, and is set again afterwards
	}
	if !c.armed {
		c.armed = true
		s.work.Add(1)
	}
	c.firesAt = next
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(next), s.fireDue)
	} else {
		c.timer.Reset(time.Until(next))
	}
}

// fireDue does what is due, in order. The clock counts as armed meanwhile, so
// that no second goroutine does.
func (s *Sim) fireDue() {
	defer s.work.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for q := &s.schedule.queue; !s.closed && len(*q) > 0 && !(*q)[0].due.After(now); {
		heap.Pop(q).(*simTimer).run()
	}
	s.schedule.armed = false
	if !s.closed {
		s.armClock()
	}
}

// Skip lets time pass for Discord and for no one else: what was scheduled for
// the next d happens now, in its order. It is for a client whose host slept: its
// own clock stood still while its session expired. What has happened keeps its
// time. Nothing should get through to the client meanwhile; the fault "offline"
// sees to that.
func (s *Sim) Skip(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && d >= 0 && len(s.schedule.queue) > 0 {
		now := time.Now()
		step := min(d, max(0, s.schedule.queue[0].due.Sub(now)))
		for _, t := range s.schedule.queue {
			t.due = t.due.Add(-step)
		}
		if d -= step; s.schedule.queue[0].due.After(now) {
			break // nothing is due in the rest of it
		}
		heap.Pop(&s.schedule.queue).(*simTimer).run()
	}
	s.armClock()
}

// stopClock drops everything that was scheduled.
func (s *Sim) stopClock() {
	c := &s.schedule
	for _, t := range c.queue {
		t.index = -1
	}
	c.queue = nil
	if c.armed && c.timer.Stop() {
		c.armed = false
		s.work.Done()
	}
}

// spawn runs a goroutine that Close waits for.
func (s *Sim) spawn(run func()) {
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		run()
	}()
}

// timerQueue is a heap of timers.
type timerQueue []*simTimer

func (q timerQueue) Len() int { return len(q) }

func (q timerQueue) Less(i, j int) bool {
	if q[i].due.Equal(q[j].due) {
		return q[i].order < q[j].order
	}
	return q[i].due.Before(q[j].due)
}

func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push and Pop are the heap's.
func (q *timerQueue) Push(t any) {
	t.(*simTimer).index = len(*q)
	*q = append(*q, t.(*simTimer))
}

func (q *timerQueue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	t.index = -1
	return t
}
