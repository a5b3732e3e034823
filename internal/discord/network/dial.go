package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// attemptDelay is how long an address may try alone before the next one joins in: a
// route that swallows everything costs no more than this.
const attemptDelay = 200 * time.Millisecond

// dialer opens the sockets. Keep-alive finds a dead link that nobody writes to;
// how long written bytes may stay unacknowledged is set where the system can,
// see [limitUnacknowledged]. Both only help: the shard's own watch over its
// heartbeats is faster.
func dialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control:         limitUnacknowledged,
	}
}

// DialContext opens a TCP connection to a name or an address, within 5 s. It
// tries the addresses of both families side by side, the next one joining in
// after a fifth of a second, and keeps the first that stands. An error of the
// resolver is a [*net.DNSError].
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, phaseTimeout)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("the address %q has no port: %w", address, err)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return n.opts.Dial(ctx, network, address)
	}
	found, err := n.addresses.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	return n.dialFirst(ctx, network, port, interleave(found))
}

// interleave sorts the addresses so that the families take turns, IPv6 first
// where the resolver put it first.
func interleave(found []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, a := range found {
		a = a.Unmap()
		if a.Is4() == found[0].Unmap().Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	out := make([]netip.Addr, 0, len(found))
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			out = append(out, first[i])
		}
		if i < len(second) {
			out = append(out, second[i])
		}
	}
	return out
}

// dialResult is how one dial ended.
type dialResult struct {
	to   netip.Addr
	conn net.Conn
	err  error
}

// dialFirst dials the addresses, each a moment after the one before or as soon as
// that has failed, until one stands; the others are closed.
func (n *Network) dialFirst(ctx context.Context, network, port string, to []netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrived := make(chan dialResult)
	running := 0
	start := func() {
		one := to[0]
		to = to[1:]
		running++
		go func() {
			conn, err := n.opts.Dial(ctx, network, net.JoinHostPort(one.String(), port))
			arrived <- dialResult{one, conn, err}
		}()
	}
	start()
	next := time.NewTimer(attemptDelay)
	defer next.Stop()
	var failed []dialResult
	for running > 0 {
		select {
		case <-next.C:
		case a := <-arrived:
			running--
			if a.err == nil {
				cancel()
				go closeLate(arrived, running)
				return a.conn, nil
			}
			failed = append(failed, a)
		}
		if len(to) > 0 && ctx.Err() == nil {
			start()
			next.Reset(attemptDelay)
		}
	}
	return nil, joinErrors(failed)
}

// closeLate closes what arrives too late. The dials have been cancelled, so they
// end at once.
func closeLate(arrived <-chan dialResult, running int) {
	for range running {
		if late := <-arrived; late.conn != nil {
			_ = late.conn.Close()
		}
	}
}

// joinErrors is why no address could be reached. What the IPv4 addresses say stands
// first: on a host with one family only, the other one always fails.
func joinErrors(failed []dialResult) error {
	var list []error
	for _, four := range []bool{true, false} {
		for _, a := range failed {
			if a.to.Is4() == four {
				list = append(list, a.err)
			}
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return errors.Join(list...)
}
