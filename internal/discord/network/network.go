// Package network is at heart the way from this host to Discord: which name,
// which address, through which proxy, over which socket.
//
// One [Network] serves REST and the gateway alike, so that what helps one helps
// the other: a proxy holds for both, an address that was good for one is known
// to the other when the resolver fails, and a dead route of one family of
// addresses costs neither more than a quarter of a second. It knows nothing of
// what is said over the connections it opens.
package network

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The deadlines of the phases of a connection.
const (
	// phaseTimeout is what each of name and TCP, TLS, and the proxy's answer get.
	phaseTimeout = 5 * time.Second
	// idleTimeout is how long a connection of REST may wait for its next request.
	idleTimeout = 90 * time.Second
)

// Options configures a [Network]. The zero value of each field means the default
// named with it.
type Options struct {
	// Proxies says which proxies there are. Default: none.
	Proxies Proxies
	// Resolver turns names into addresses. Default: the system's.
	Resolver Resolver
	// Dial opens one TCP connection to an address that needs no resolving.
	// Default: a socket with TCP keep-alive and, where the system has it, a limit
	// on how long sent bytes may stay unacknowledged.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// File keeps the last good addresses over restarts; it holds nothing but
	// names and addresses. Default: they end with the process.
	File string
	// Logger is told when the resolver fails and works again. Default: nobody.
	Logger *slog.Logger
}

// Resolver turns a name into addresses. [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Network opens connections. Make one with [New]; all methods may be called from
// several goroutines.
type Network struct {
	opts      Options
	addresses *addressBook
	route     func(*http.Request) (*url.URL, error)
}

// New makes a Network. The error names the proxy variable that cannot be used,
// without the login in it. Nobody is asked yet, and trouble with Options.File
// costs only what it would have remembered.
func New(o Options) (*Network, error) {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Dial == nil {
		o.Dial = dialer().DialContext
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	route, err := o.Proxies.route()
	if err != nil {
		return nil, err
	}
	return &Network{opts: o, addresses: newAddressBook(o), route: route}, nil
}

// REST makes the round trips of REST. The pings find a dead HTTP/2 connection
// before requests pile up on it.
func (n *Network) REST() http.RoundTripper {
	t := n.transport()
	t.ForceAttemptHTTP2 = true
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: phaseTimeout}
	t.ExpectContinueTimeout = time.Second
	t.IdleConnTimeout = idleTimeout
	t.MaxIdleConnsPerHost = 16
	return &proxyTransport{n: n, transport: t}
}

// Gateway carries the upgrade requests of WebSockets, which HTTP/2 cannot; the
// server gets 5 s for its answer.
func (n *Network) Gateway() http.RoundTripper {
	t := n.transport()
	t.ResponseHeaderTimeout = phaseTimeout
	t.DisableCompression = true
	t.IdleConnTimeout = phaseTimeout // what was not upgraded is of no further use
	return &proxyTransport{n: n, transport: t}
}

func (n *Network) transport() *http.Transport {
	return &http.Transport{
		Proxy:               n.proxy,
		DialContext:         n.DialContext,
		TLSHandshakeTimeout: phaseTimeout,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			return &connectRefused{status: answer.StatusCode}
		},
	}
}

// closeTime is how long Close waits for the disk.
const closeTime = time.Second

// Close waits until what is being written for the next run stands, for a second
// at most. Connections stay as they are.
func (n *Network) Close() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		n.addresses.writer.Wait()
	}()
	select {
	case <-written:
	case <-time.After(closeTime):
	}
}
