package discordsim

import (
	"container/heap"
	"time"
)

// clock is at heart the list of what the simulator is going to do: by time,
// and what falls on the same moment in the order in which it was planned, so
// that a run can be repeated. One timer serves all of it.
type clock struct {
	plan    plan
	planned uint64
	timer   *time.Timer
	wound   bool // the timer is going to ring
	rings   time.Time
}

// alarm is something to be done later, with the lock held, unless the
// simulator closes first.
type alarm struct {
	sim   *Sim
	due   time.Time
	order uint64
	at    int // place in the plan; -1 when it is over
	do    func()
}

// after does something in d of time. The alarm can be stopped with the lock
// held; then it certainly does not go off.
func (s *Sim) after(d time.Duration, do func()) *alarm {
	a := &alarm{sim: s, at: -1, do: do}
	if s.closed {
		return a
	}
	a.put(d)
	heap.Push(&s.clock.plan, a)
	s.wind()
	return a
}

// put gives the alarm its place behind all that is planned for the same moment.
func (a *alarm) put(d time.Duration) {
	c := &a.sim.clock
	c.planned++
	a.due, a.order = time.Now().Add(max(0, d)), c.planned
}

// stop cancels the alarm; nil and gone-off alarms are fine.
func (a *alarm) stop() {
	if a != nil && a.at >= 0 {
		heap.Remove(&a.sim.clock.plan, a.at)
	}
}

// reset puts the alarm off until d from now and reports whether it could: one
// that is over needs to be made anew.
func (a *alarm) reset(d time.Duration) bool {
	if a == nil || a.at < 0 {
		return false
	}
	a.put(d)
	heap.Fix(&a.sim.clock.plan, a.at)
	a.sim.wind()
	return true
}

// wind sets the timer to the next alarm. It may ring too early, after the alarm
// it was set for was stopped; that costs less than to set it each time.
func (s *Sim) wind() {
	c := &s.clock
	if len(c.plan) == 0 {
		return
	}
	next := c.plan[0].due
	switch {
	case !c.wound:
	case !next.Before(c.rings):
		return
	case !c.timer.Stop():
		return // it is ringing, and winds itself when it has rung
	}
	if !c.wound {
		c.wound = true
		s.work.Add(1)
	}
	c.rings = next
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(next), s.ring)
	} else {
		c.timer.Reset(time.Until(next))
	}
}

// ring does what is due, in order.
func (s *Sim) ring() {
	defer s.work.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.wound = false
	if s.closed {
		return
	}
	now := time.Now()
	for plan := &s.clock.plan; len(*plan) > 0 && !(*plan)[0].due.After(now); {
		heap.Pop(plan).(*alarm).do()
	}
	s.wind()
}

// Skip lets time pass for Discord and for nobody else: what it had planned for the
// next d happens now, in its order. So it is for a client whose host slept: its own
// clock stood still while its session expired. What has happened keeps its time.
// Nothing should get through to the client meanwhile; the fault "offline" sees to
// that.
func (s *Sim) Skip(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && d >= 0 && len(s.clock.plan) > 0 {
		now := time.Now()
		step := min(d, max(0, s.clock.plan[0].due.Sub(now)))
		for _, a := range s.clock.plan {
			a.due = a.due.Add(-step)
		}
		if d -= step; s.clock.plan[0].due.After(now) {
			break // the rest of it is quiet
		}
		heap.Pop(&s.clock.plan).(*alarm).do()
	}
	s.wind()
}

// stopClock forgets everything that was planned.
func (s *Sim) stopClock() {
	c := &s.clock
	for _, a := range c.plan {
		a.at = -1
	}
	c.plan = nil
	if c.wound && c.timer.Stop() {
		c.wound = false
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

// plan is a heap of alarms.
type plan []*alarm

func (p plan) Len() int { return len(p) }

func (p plan) Less(i, j int) bool {
	if p[i].due.Equal(p[j].due) {
		return p[i].order < p[j].order
	}
	return p[i].due.Before(p[j].due)
}

func (p plan) Swap(i, j int) {
	p[i], p[j] = p[j], p[i]
	p[i].at, p[j].at = i, j
}

// Push and Pop are the heap's.
func (p *plan) Push(a any) {
	a.(*alarm).at = len(*p)
	*p = append(*p, a.(*alarm))
}

func (p *plan) Pop() any {
	last := len(*p) - 1
	a := (*p)[last]
	(*p)[last], *p = nil, (*p)[:last]
	a.at = -1
	return a
}
