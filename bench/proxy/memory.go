package proxy

import (
	"context"
	"time"
)

// memory measures what a connection costs: a hundred bots, each of which has read a thousand
// events.
func (r *Run) memory(ctx context.Context) (rows []Row, err error) {
	for _, one := range []struct{ compression, goal string }{{"", "64 KB"}, {"zlib-stream", "350 KB"}, {"zstd-stream", "700 KB"}} {
		each, err := r.lineMemory(ctx, one.compression)
		if err != nil {
			return rows, err
		}
		rows = append(rows, Row{What: "memory of a connection, " + orNone(one.compression), Goal: one.goal, Behind: kilobytes(each)})
	}
	return rows, nil
}

func (r *Run) lineMemory(ctx context.Context, compression string) (int64, error) {
	const lines, events, quiet = 100, 20, 5 * time.Second
	d, err := NewDiscord(0)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	e, err := r.proxy(ctx, d, "")
	if err != nil {
		return 0, err
	}
	defer e.Kill()
	first, err := e.connect() // what one bot needs, all need
	if err != nil {
		return 0, err
	}
	first.Kill()
	time.Sleep(quiet)
	before, err := e.Usage()
	if err != nil {
		return 0, err
	}
	read := make(chan error, lines)
	for i := range lines {
		b, err := Dial(e.gateway, compression)
		if err != nil {
			return 0, err
		}
		defer b.Kill()
		if err := b.Identify(i, lines); err != nil {
			return 0, err
		}
		_ = b.conn.SetReadDeadline(time.Now().Add(patience))
		// It ends with the bot, and goes on to answer pings.
		go func() {
			for n := 0; ; n++ {
				_, err := b.read()
				if n == events || err != nil && n < events { // READY, and the events
					read <- err
				}
				if err != nil {
					return
				}
			}
		}()
	}
	for range events {
		for i := range lines {
			d.Emit(NewEvent(guildID(i), i))
		}
	}
	for range lines {
		if err := <-read; err != nil {
			return 0, err
		}
	}
	time.Sleep(quiet)
	after, err := e.Usage()
	return (after.RSS - before.RSS) / lines, err
}
