package statuspage

import (
	"context"
	"time"
)

// Fetch reads Discord's status page once. Interval, Changed and Log of the options
// are not used.
func Fetch(ctx context.Context, o Options) (Status, error) {
	o.Interval, o.Changed, o.Log = time.Hour, nil, nil
	p := New(o)
	if p.ownTransport != nil {
		defer p.ownTransport.CloseIdleConnections()
	}
	if err := p.fetch(ctx); err != nil {
		return Status{}, err
	}
	return p.Status(), nil
}
