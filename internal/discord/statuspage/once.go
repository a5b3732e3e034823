package statuspage

import (
	"context"
	"time"
)

// Ask asks Discord's status page a single time, for those who want to know it
// now and not to watch it. Interval, Changed and Log are not used.
func Ask(ctx context.Context, o Options) (Status, error) {
	o.Interval, o.Changed, o.Log = time.Hour, nil, nil
	p := New(o)
	if p.own != nil {
		defer p.own.CloseIdleConnections()
	}
	if err := p.ask(ctx); err != nil {
		return Status{}, err
	}
	return p.Status(), nil
}
