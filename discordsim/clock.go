package discordsim

import (
	"container/heap"
	"time"
)

// schedule is at heart the list of what the simulator is going to do: by time,
// and what falls on the same moment in the order in which it was planned, so
// that a run can be repeated. One timer serves all of it.
type schedule struct {
	queue   timerQueue
	planned uint64
	timer   *time.Timer
	armed   bool // the timer is going to ring
	firesAt time.Time
}

// simTimer is something to be done later, with the lock held, unless the
// simulator closes first.
type simTimer struct {
	sim   *Sim
	due   time.Time
	order uint64
	index int // place in the plan; -1 when it is over
	run   func()
}

// after does something in d of time. The alarm can be stopped with the lock
// held; then it certainly does not go off.
func (s *Sim) after(d time.Duration, do func()) *simTimer {
	a := &simTimer{sim: s, index: -1, run: do}
	if s.closed {
		return a
	}
	a.schedule(d)
	heap.Push(&s.schedule.queue, a)
	s.armClock()
	return a
}

// schedule gives the alarm its place behind all that is planned for the same moment.
func (a *simTimer) schedule(d time.Duration) {
	c := &a.sim.schedule
	c.planned++
	a.due, a.order = time.Now().Add(max(0, d)), c.planned
}

// stop cancels the alarm; nil and gone-off alarms are fine.
func (a *simTimer) stop() {
	if a != nil && a.index >= 0 {
		heap.Remove(&a.sim.schedule.queue, a.index)
	}
}

// reset puts the alarm off until d from now and reports whether it could: one
// that is over needs to be made anew.
func (a *simTimer) reset(d time.Duration) bool {
	if a == nil || a.index < 0 {
		return false
	}
	a.schedule(d)
	heap.Fix(&a.sim.schedule.queue, a.index)
	a.sim.armClock()
	return true
}

// armClock sets the timer to the next alarm. It may ring too early, after the alarm
// it was set for was stopped; that costs less than to set it each time.
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
		return // it is ringing, and winds itself when it has rung
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

// fireDue does what is due, in order.
func (s *Sim) fireDue() {
	defer s.work.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schedule.armed = false
	if s.closed {
		return
	}
	now := time.Now()
	for plan := &s.schedule.queue; len(*plan) > 0 && !(*plan)[0].due.After(now); {
		heap.Pop(plan).(*simTimer).run()
	}
	s.armClock()
}

// Skip lets time pass for Discord and for nobody else: what it had planned for the
// next d happens now, in its order. So it is for a client whose host slept: its own
// clock stood still while its session expired. What has happened keeps its time.
// Nothing should get through to the client meanwhile; the fault "offline" sees to
// that.
func (s *Sim) Skip(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && d >= 0 && len(s.schedule.queue) > 0 {
		now := time.Now()
		step := min(d, max(0, s.schedule.queue[0].due.Sub(now)))
		for _, a := range s.schedule.queue {
			a.due = a.due.Add(-step)
		}
		if d -= step; s.schedule.queue[0].due.After(now) {
			break // the rest of it is quiet
		}
		heap.Pop(&s.schedule.queue).(*simTimer).run()
	}
	s.armClock()
}

// stopClock forgets everything that was planned.
func (s *Sim) stopClock() {
	c := &s.schedule
	for _, a := range c.queue {
		a.index = -1
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

// timerQueue is a heap of alarms.
type timerQueue []*simTimer

func (p timerQueue) Len() int { return len(p) }

func (p timerQueue) Less(i, j int) bool {
	if p[i].due.Equal(p[j].due) {
		return p[i].order < p[j].order
	}
	return p[i].due.Before(p[j].due)
}

func (p timerQueue) Swap(i, j int) {
	p[i], p[j] = p[j], p[i]
	p[i].index, p[j].index = i, j
}

// Push and Pop are the heap's.
func (p *timerQueue) Push(a any) {
	a.(*simTimer).index = len(*p)
	*p = append(*p, a.(*simTimer))
}

func (p *timerQueue) Pop() any {
	last := len(*p) - 1
	a := (*p)[last]
	(*p)[last], *p = nil, (*p)[:last]
	a.index = -1
	return a
}
