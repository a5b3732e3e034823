package demo

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// place is where the dashboard will stand.
type place struct {
	addr string
	// instead is the address that was wanted and is taken; empty if it was free.
	instead string
}

// findPlace looks whether an address is free. If another program has its port,
// any free one on the same host will do: a demo shall not fail for that.
func findPlace(ctx context.Context, wanted string) (place, error) {
	addr, err := free(ctx, wanted)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return place{addr: addr}, err
	}
	host, _, err := net.SplitHostPort(wanted)
	if err != nil {
		return place{}, err
	}
	addr, err = free(ctx, net.JoinHostPort(host, "0"))
	return place{addr, wanted}, err
}

// free takes an address, gives it back, and returns it with its port.
func free(ctx context.Context, addr string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// says tells where the dashboard is, in a line of the heading.
func (p place) says() string {
	text := "See how the bot is, live: http://" + p.addr + "/"
	if p.instead != "" {
		text += " (" + p.instead + " is taken by another program)"
	}
	return text
}
