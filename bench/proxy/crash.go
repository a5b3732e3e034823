package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"evergreen/internal/freeport"
)

// eventsPerSecond is the load while something crashes.
const eventsPerSecond = 100

// seen counts how often each event has come.
type seen struct {
	mu    sync.Mutex
	times map[int]int
}

// read reads events until the bot ends, or the one of a number has come.
func (s *seen) read(b *Bot, until int) error {
	for {
		_, payload, err := b.Next()
		if err != nil {
			return err
		}
		if number, _, ok := readStamp(payload); ok {
			s.mu.Lock()
			s.times[number]++
			s.mu.Unlock()
			if number == until {
				return nil
			}
		}
	}
}

// count returns how many of the first n events have not come, and how many more than once.
func (s *seen) count(n int) (lost, again int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range n {
		switch {
		case s.times[i] == 0:
			lost++
		case s.times[i] > 1:
			again++
		}
	}
	return lost, again
}

// load emits events until it is ended.
type load struct {
	discord *Discord
	n       atomic.Int64
	stop    chan struct{}
	done    sync.WaitGroup
}

func startLoad(d *Discord, first int) *load {
	l := &load{discord: d, stop: make(chan struct{})}
	l.n.Store(int64(first))
	l.done.Go(func() { // end waits for it
		ticker := time.NewTicker(time.Second / eventsPerSecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				d.Emit(NewEvent(guildID(0), int(l.n.Add(1)-1)))
			case <-l.stop:
				return
			}
		}
	})
	return l
}

// end ends it and returns how many events there were.
func (l *load) end() int {
	close(l.stop)
	l.done.Wait()
	return int(l.n.Load())
}

// newCrash starts a Discord that keeps events, Evergreen, and a bot that reads.
func (r *Run) newCrash(ctx context.Context) (*Discord, *evergreen, error) {
	d, err := NewDiscord(1)
	if err != nil {
		return nil, nil, err
	}
	d.recording = true
	e, err := r.proxy(ctx, d, "")
	if err != nil {
		d.Close()
	}
	return d, e, err
}

// botCrash measures what comes again to a bot that was killed, busy and quiet.
func (r *Run) botCrash(ctx context.Context) ([]Row, error) {
	const times, busy, quiet = 5, 3 * time.Second, time.Second
	var worst, sum, lost int
	again := [2]int{}
	for kind := range again {
		for range times {
			n, l, err := r.killBot(ctx, busy, time.Duration(kind)*quiet)
			if err != nil {
				return nil, err
			}
			if kind == 0 {
				worst, sum = max(worst, n), sum+n
			}
			again[kind] += n
			lost += l
		}
	}
	return []Row{
		{What: "come again to a bot killed with -9 at 100 events a second, mean and worst of 5", Goal: "1 s worth",
			Behind: fmt.Sprintf("%.2f s, %.2f s", float64(sum)/times/eventsPerSecond, float64(worst)/eventsPerSecond)},
		{What: "the same, quiet for 1 s before", Goal: "0", Behind: fmt.Sprint(again[1])},
		{What: "lost in those 10 crashes", Goal: "0", Behind: fmt.Sprint(lost)},
	}, nil
}

// killBot kills a bot after a time under load and a time without, starts another one, and
// counts.
func (r *Run) killBot(ctx context.Context, busy, quiet time.Duration) (again, lost int, err error) {
	d, e, err := r.newCrash(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer d.Close()
	defer e.Kill()
	s := &seen{times: map[int]int{}}
	b, err := e.connect()
	if err != nil {
		return 0, 0, err
	}
	var reading sync.WaitGroup
	reading.Go(func() { _ = s.read(b, -1) })
	l := startLoad(d, 0)
	time.Sleep(busy)
	if quiet > 0 {
		n := l.end()
		time.Sleep(quiet)
		b.Kill()
		reading.Wait()
		l = startLoad(d, n)
	} else {
		b.Kill()
		reading.Wait()
	}
	again, lost, err = r.restartBot(e, l, s)
	return again, lost, errors.Join(err, ctx.Err())
}

// restartBot starts a bot, ends the load, and reads until another event after it.
func (r *Run) restartBot(e *evergreen, l *load, s *seen) (again, lost int, err error) {
	next, err := e.connect()
	if err != nil {
		l.end()
		return 0, 0, err
	}
	defer next.Kill()
	n := l.end()
	l.discord.Emit(NewEvent(guildID(0), n))
	_ = next.conn.SetReadDeadline(time.Now().Add(patience))
	if err := s.read(next, n); err != nil {
		return 0, 0, err
	}
	lost, again = s.count(n)
	return again, lost, nil
}

// away measures a bot that is gone for long under load.
func (r *Run) away(ctx context.Context) ([]Row, error) {
	d, e, err := r.newCrash(ctx)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	defer e.Kill()
	s := &seen{times: map[int]int{}}
	b, err := e.connect()
	if err != nil {
		return nil, err
	}
	var reading sync.WaitGroup
	reading.Go(func() { _ = s.read(b, -1) })
	l := startLoad(d, 0)
	time.Sleep(2 * time.Second)
	b.Kill()
	reading.Wait()
	select {
	case <-time.After(r.Away):
	case <-ctx.Done():
	}
	began := time.Now()
	again, lost, err := r.restartBot(e, l, s)
	if err != nil {
		return nil, err
	}
	caught := time.Since(began)
	d.mu.Lock()
	defer d.mu.Unlock()
	what := fmt.Sprintf("bot away for %v at 100 events a second: ", r.Away)
	return []Row{
		{What: what + "Discord without a connection, IDENTIFYs after the first", Goal: "0 s, 0", Behind: fmt.Sprintf("%.0f s, %d", d.detached.Seconds(), d.identifies-1), Beside: fmt.Sprintf("%.0f s, 1", r.Away.Seconds())},
		{What: what + "lost, come again", Goal: "0, 1 s worth", Behind: fmt.Sprintf("%d, %.2f s", lost, float64(again)/eventsPerSecond), Beside: fmt.Sprintf("all %d", int(r.Away.Seconds()*eventsPerSecond))},
		{What: what + "it has caught up after its start in", Behind: milliseconds(caught)},
	}, ctx.Err()
}

// evergreenCrash measures how long a bot waits after Evergreen was killed and started again.
func (r *Run) evergreenCrash(ctx context.Context) ([]Row, error) {
	const times = 5
	var took []time.Duration
	var lost, again, identifies int
	d, e, err := r.newCrash(ctx)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	defer func() { e.Kill() }()
	s := &seen{times: map[int]int{}}
	b, err := e.connect()
	if err != nil {
		return nil, err
	}
	l := startLoad(d, 0)
	for range times {
		var reading sync.WaitGroup
		reading.Go(func() { _ = s.read(b, -1) })
		time.Sleep(2 * time.Second)
		e.Kill()
		reading.Wait()
		if err := e.start(); err != nil {
			return nil, err
		}
		next, err := dialPatiently(e.gateway)
		if err != nil {
			return nil, err
		}
		if err := next.Resume(b); err != nil {
			return nil, err
		}
		_ = next.conn.SetReadDeadline(time.Now().Add(patience))
		if err := s.readUntilLive(next); err != nil {
			return nil, err
		}
		_ = next.conn.SetReadDeadline(time.Time{})
		took = append(took, time.Since(e.Began))
		b = next
	}
	n := l.end()
	d.Emit(NewEvent(guildID(0), n))
	_ = b.conn.SetReadDeadline(time.Now().Add(patience))
	if err := s.read(b, n); err != nil {
		return nil, err
	}
	b.Kill()
	lost, again = s.count(n)
	d.mu.Lock()
	identifies = d.identifies - 1
	d.mu.Unlock()
	return []Row{
		{What: "kill -9 of Evergreen at 100 events a second: from its start until an event of then has come, median and worst of 5", Goal: "1.5 s",
			Behind: milliseconds(percentile(took, 0.5)) + ", " + milliseconds(percentile(took, 1))},
		{What: "the same: lost, come again, IDENTIFYs", Goal: "0 lost, 0 IDENTIFYs", Behind: fmt.Sprintf("%d, %d, %d", lost, again, identifies)},
	}, ctx.Err()
}

// readUntilLive reads until an event comes that Discord has only just sent.
func (s *seen) readUntilLive(b *Bot) error {
	const live = 20 * time.Millisecond
	for {
		event, payload, err := b.Next()
		if err != nil {
			return err
		}
		number, at, ok := readStamp(payload)
		if !ok {
			if event == "READY" {
				return errors.New("the bot could not resume")
			}
			continue
		}
		s.mu.Lock()
		s.times[number]++
		s.mu.Unlock()
		if time.Since(at) < live {
			return nil
		}
	}
}

// hung measures how long it takes until a bot that reads nothing is noticed.
func (r *Run) hung(ctx context.Context) ([]Row, error) {
	d, err := NewDiscord(1)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	api, err := freeport.Address()
	if err != nil {
		return nil, err
	}
	e, err := r.proxy(ctx, d, api)
	if err != nil {
		return nil, err
	}
	defer e.Kill()
	b, err := e.connect()
	if err != nil {
		return nil, err
	}
	defer b.Kill()
	d.Emit(NewEvent(guildID(0), 0))
	if err := b.Await("MESSAGE_CREATE", patience); err != nil {
		return nil, err
	}
	// The event's ping is answered.
	_ = b.conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _, _ = b.Next()
	attended := func() bool {
		response, err := http.Get("http://" + api + "/metrics")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		return bytes.Contains(text, []byte(`evergreen_proxy_attended{consumer="0/1"} 1`))
	}
	if !attended() {
		return nil, errors.New("the bot does not count as attended")
	}
	began := time.Now()
	d.Emit(NewEvent(guildID(0), 1)) // nothing reads it
	for attended() {
		if time.Since(began) > patience {
			return nil, errors.New("it was not noticed that the bot reads nothing")
		}
		time.Sleep(20 * time.Millisecond)
	}
	return []Row{{What: "a bot that reads nothing more: its metric says so, after the first event that it does not read", Goal: "2.3 s", Behind: milliseconds(time.Since(began))}}, nil
}

// interaction measures when an interaction is answered that no bot takes.
func (r *Run) interaction(ctx context.Context) ([]Row, error) {
	d, e, err := r.newCrash(ctx)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	defer e.Kill()
	b, err := e.connect()
	if err != nil {
		return nil, err
	}
	b.Kill()
	var worst time.Duration
	for i := range 3 {
		began := time.Now()
		d.Emit(Event{"INTERACTION_CREATE", fmt.Appendf(nil, `{"id":"150000000000000000%d","application_id":%q,"type":2,"token":"aToken%d","guild_id":"%d","version":1}`, i, applicationID, i, guildID(0))})
		select {
		case at := <-d.told:
			worst = max(worst, at.Sub(began))
		case <-time.After(patience):
			return nil, errors.New("the interaction was not answered")
		}
	}
	return []Row{{What: "an interaction while no bot is there is answered, worst of 3", Goal: "2.5 s", Behind: milliseconds(worst)}}, ctx.Err()
}
