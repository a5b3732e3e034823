package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// start measures how long a bot waits for READY and its guilds.
func (r *Run) start(ctx context.Context) ([]Row, error) {
	d, e, end, err := r.behind(ctx, r.Guilds)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := r.hold(d, e); err != nil {
		return nil, err
	}
	direct, err := r.directStart()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%d usual guilds of %s", r.Guilds, kilobytes(int64(len(d.guilds[0].create))))
	var rows []Row
	for _, one := range []struct{ compression, goal string }{{"", "0.6 s, 0.5 s CPU"}, {"zlib-stream", "1.2 s, 1.0 s CPU"}, {"zstd-stream", ""}} {
		s, err := r.medianStart(e.gateway, one.compression, e)
		if err != nil {
			return rows, err
		}
		row := Row{What: "IDENTIFY to the last of " + name + ", " + orNone(one.compression), Goal: one.goal, Behind: fmt.Sprintf("%s, %s CPU", milliseconds(s.all), milliseconds(s.cpu))}
		if one.compression == "" {
			row.Beside = milliseconds(direct.all)
			rows = append(rows, Row{What: "IDENTIFY to READY, " + name, Goal: "5 ms", Behind: milliseconds(s.ready), Beside: milliseconds(direct.ready)})
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// hold waits until Evergreen holds all guilds as it does for long: a bot has read them, and
// 2 MB of messages since.
func (r *Run) hold(d *Discord, e *evergreen) error {
	b, err := e.connect()
	if err != nil {
		return err
	}
	defer b.Kill()
	const messages = 3000
	for i := range messages {
		d.Emit(NewEvent(guildID(0), i))
	}
	for range messages {
		if err := b.Await("MESSAGE_CREATE", patience); err != nil {
			return err
		}
	}
	_ = b.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	for err == nil {
		_, err = b.read() // pings
	}
	return nil
}

// started is how long a start took.
type started struct{ ready, all, cpu time.Duration }

// medianStart starts a bot three times and returns the median of each figure.
func (r *Run) medianStart(gateway, compression string, e *evergreen) (started, error) {
	var all [3]started
	for i := range all {
		s, err := r.startOnce(gateway, compression, e)
		if err != nil {
			return s, err
		}
		all[i] = s
	}
	median := func(of func(started) time.Duration) time.Duration {
		values := []time.Duration{of(all[0]), of(all[1]), of(all[2])}
		slices.Sort(values)
		return values[1]
	}
	return started{
		median(func(s started) time.Duration { return s.ready }),
		median(func(s started) time.Duration { return s.all }),
		median(func(s started) time.Duration { return s.cpu }),
	}, nil
}

// directStart is the same for a bot that is connected directly.
func (r *Run) directStart() (started, error) {
	d, err := NewDiscord(r.Guilds)
	if err != nil {
		return started{}, err
	}
	defer d.Close()
	return r.medianStart(d.GatewayURL(), "", nil)
}

// startOnce starts a bot and reads its guilds.
func (r *Run) startOnce(gateway, compression string, e *evergreen) (s started, err error) {
	var before time.Duration
	if e != nil {
		u, err := e.Usage()
		if err != nil {
			return s, err
		}
		before = u.CPU
	}
	b, err := Dial(gateway, compression)
	if err != nil {
		return s, err
	}
	defer b.Kill()
	_ = b.conn.SetReadDeadline(time.Now().Add(patience))
	began := time.Now()
	if err := b.Identify(0, 1); err != nil {
		return s, err
	}
	size := 0
	for i := range 1 + r.Guilds {
		payload, err := b.read()
		if err != nil {
			return s, err
		}
		if size += len(payload); i == 0 {
			s.ready = time.Since(began)
		}
	}
	s.all = time.Since(began)
	if compression == "" && size < r.Guilds*len(makeUpGuild(0).create)*3/4 {
		return s, errors.New("the guilds that were told are not all of it")
	}
	if e != nil {
		u, err := e.Usage()
		if err != nil {
			return s, err
		}
		s.cpu = u.CPU - before
	}
	// Pings are answered for a while, so that the guilds count as read.
	_ = b.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	for err == nil {
		_, err = b.read()
	}
	return s, nil
}
