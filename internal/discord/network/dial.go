package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// attemptDelay is how long one address is dialled before the next one is dialled too:
// the Connection Attempt Delay of RFC 8305 (Happy Eyeballs), which recommends 250 ms.
const attemptDelay = 200 * time.Millisecond

// dialer opens the sockets. Keep-alive finds a dead connection that is idle, and
// [limitUnacknowledged] one that is written to. A shard finds either sooner, by its
// heartbeats.
func dialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control:         limitUnacknowledged,
	}
}

// DialContext opens a TCP connection to a name or an address, within 5 s. It dials
// the addresses of both families, the next one 200 ms after the one before, and
// returns the first connection. An error of the resolver is a [*net.DNSError].
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

// interleave orders the addresses so that the families take turns, beginning with
// the family of the first.
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

// dialResult is the result of one dial.
type dialResult struct {
	to   netip.Addr
	conn net.Conn
	err  error
}

// dialFirst dials the addresses, each attemptDelay after the one before or as soon
// as one has failed, and returns the first connection. It closes the others.
func (n *Network) dialFirst(ctx context.Context, network, port string, to []netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan dialResult)
	running := 0
	start := func() {
		one := to[0]
		to = to[1:]
		running++
		go func() { // ends with dialFirst or closeLate, which receive its result
			conn, err := n.opts.Dial(ctx, network, net.JoinHostPort(one.String(), port))
			results <- dialResult{one, conn, err}
		}()
	}
	start()
	next := time.NewTimer(attemptDelay)
	defer next.Stop()
	var failed []dialResult
	for running > 0 {
		select {
		case <-next.C:
		case a := <-results:
			running--
			if a.err == nil {
				cancel()
				n.background.Go(func() { closeLate(results, running) })
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

// closeLate closes the connections of dials that were cancelled too late.
func closeLate(results <-chan dialResult, running int) {
	for range running {
		if late := <-results; late.conn != nil {
			_ = late.conn.Close()
		}
	}
}

// joinErrors joins the errors of all dials. Those of IPv4 stand first: on a host
// without IPv6 the others always fail.
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
