package proxy

import (
	"context"
	"fmt"
	"time"
)

// restFor is how long Evergreen is left alone before its memory counts: Go collects what is
// free after two minutes.
const restFor = 3 * time.Minute

// connections is how many bots are connected where the memory of a connection is measured, and
// how many events each of them reads before.
const (
	connections   = 100
	eventsForEach = 20
)

// memory measures what Evergreen keeps in memory when it has been quiet for a while: with
// nothing, with many guilds, and with a hundred bots.
func (r *Run) memory(ctx context.Context) (rows []Row, err error) {
	connected := []struct{ compression, goal string }{{"", "64 KB"}, {"zlib-stream", "350 KB"}, {"zstd-stream", "700 KB"}}
	guilds, holding, end, err := r.behind(ctx, r.Guilds)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := r.hold(guilds, holding); err != nil {
		return nil, err
	}
	all := []*evergreen{holding}
	for _, one := range append(connected[:1:1], connected...) {
		d, e, end, err := r.behind(ctx, 0)
		if err != nil {
			return nil, err
		}
		defer end()
		if len(all) > 1 {
			bots, err := attach(d, e, one.compression)
			defer func() {
				for _, b := range bots {
					b.Kill()
				}
			}()
			if err != nil {
				return nil, err
			}
		}
		all = append(all, e)
	}
	fmt.Fprintf(r.Log, "%v at rest\n", restFor)
	select {
	case <-time.After(restFor):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var resident, own []int64
	for _, e := range all {
		u, err := e.Usage()
		if err != nil {
			return nil, err
		}
		resident, own = append(resident, u.RSS), append(own, u.Own)
	}
	rows = []Row{
		{What: "memory without guilds and bots: resident, and of it the process's own", Goal: "30 MB", Behind: megabytes(resident[1]) + ", " + megabytes(own[1])},
		{What: fmt.Sprintf("memory of a usual guild, of %d", r.Guilds), Goal: "15 KB", Behind: kilobytes((own[0] - own[1]) / int64(r.Guilds))},
	}
	for i, one := range connected {
		rows = append(rows, Row{What: fmt.Sprintf("memory of a connection, of %d, %s", connections, orNone(one.compression)), Goal: one.goal, Behind: kilobytes((own[i+2] - own[1]) / connections)})
	}
	return rows, nil
}

// attach connects bots, and has each read events. They go on to answer pings until they are
// killed.
func attach(d *Discord, e *evergreen, compression string) (bots []*Bot, err error) {
	read := make(chan error, connections)
	for i := range connections {
		b, err := Dial(e.gateway, compression)
		if err != nil {
			return bots, err
		}
		bots = append(bots, b)
		if err := b.Identify(i, connections); err != nil {
			return bots, err
		}
		go func() { // it ends with the bot
			for n := 0; ; n++ {
				_, err := b.read()
				if n == eventsForEach || err != nil && n < eventsForEach { // READY, and the events
					read <- err
				}
				if err != nil {
					return
				}
			}
		}()
	}
	for range eventsForEach {
		for i := range connections {
			d.Emit(NewEvent(guildID(i), i))
		}
	}
	late := time.After(patience)
	for range connections {
		select {
		case err := <-read:
			if err != nil {
				return bots, err
			}
		case <-late:
			return bots, fmt.Errorf("not all of %d bots have read %d events", connections, eventsForEach)
		}
	}
	return bots, nil
}
