package demo

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// dashboardAddr is where the dashboard will stand.
type dashboardAddr struct {
	addr string
	// wanted is the address that was wanted and is taken; empty if it was free.
	wanted string
}

// findDashboardAddr looks whether an address is free. If another program has its port,
// any free one on the same host will do: a demo shall not fail for that.
func findDashboardAddr(ctx context.Context, wanted string) (dashboardAddr, error) {
	addr, err := freeAddr(ctx, wanted)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return dashboardAddr{addr: addr}, err
	}
	host, _, err := net.SplitHostPort(wanted)
	if err != nil {
		return dashboardAddr{}, err
	}
	addr, err = freeAddr(ctx, net.JoinHostPort(host, "0"))
	return dashboardAddr{addr, wanted}, err
}

// freeAddr takes an address, gives it back, and returns it with its port.
func freeAddr(ctx context.Context, addr string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// String tells where the dashboard is, in a line of the heading.
func (p dashboardAddr) String() string {
	text := "See how the bot is, live: http://" + p.addr + "/"
	if p.wanted != "" {
		text += " (" + p.wanted + " is taken by another program)"
	}
	return text
}
