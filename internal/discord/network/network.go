// Package network opens the connections from this host to Discord: names,
// addresses, proxies and sockets.
//
// One [Network] serves REST and the gateway: both use the same proxy, both get the
// last good addresses of a name when the resolver fails, and both dial IPv4 and
// IPv6 side by side, so that a dead route costs at most a quarter of a second.
package network

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"evergreen/gateway"
)

const (
	// phaseTimeout is the deadline of each phase of a connection: name and TCP
	// together, TLS, the proxy's answer.
	phaseTimeout = 5 * time.Second
	// idleTimeout is how long an idle connection of REST stays open.
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
	// File keeps the last good addresses for the next start. Default: they end with
	// the process.
	File string
	// Logger gets a line when the resolver fails and when it works again. Default:
	// none.
	Logger *slog.Logger
}

// Resolver turns a name into addresses. [net.Resolver] is one. LookupNetIP must
// return once ctx has ended: [Network.Close] waits for it.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Network opens connections. Make one with [New] and end it with [Network.Close].
// All methods may be called at the same time, but nothing after Close.
type Network struct {
	opts      Options
	addresses *addressBook
	route     func(*http.Request) (*url.URL, error)
	// background counts lookups and dials that are not waited for any more, and
	// writes of the file. Close waits for them.
	background *sync.WaitGroup
}

// New makes a Network and opens no connection. The error names the proxy variable
// that cannot be used, without the login in it. A file that cannot be read counts
// as empty.
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
	route, err := o.Proxies.Route()
	if err != nil {
		return nil, err
	}
	background := &sync.WaitGroup{}
	return &Network{opts: o, addresses: newAddressBook(o, background), route: route, background: background}, nil
}

// REST returns the transport for REST. Its pings find a dead HTTP/2 connection
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

// Gateway returns the transport for the upgrade requests of WebSockets, over HTTP/1.1.
// The server gets 5 s for its answer.
func (n *Network) Gateway() http.RoundTripper {
	t := n.transport()
	t.DialContext = gateway.TunedDial(n.DialContext)
	t.ResponseHeaderTimeout = phaseTimeout
	t.DisableCompression = true
	t.IdleConnTimeout = phaseTimeout // a connection that was not upgraded is not used again
	return &proxyTransport{n: n, transport: t}
}

func (n *Network) transport() *http.Transport {
	return &http.Transport{
		Proxy:               n.proxy,
		DialContext:         n.DialContext,
		TLSHandshakeTimeout: phaseTimeout,
		// Discord's headers take about 2 KiB.
		MaxResponseHeaderBytes: 256 << 10,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			return &connectRefused{status: answer.StatusCode}
		},
	}
}

// closeTimeout is how long Close waits.
const closeTimeout = time.Second

// Close waits until the file is written and every lookup and dial has ended, for a
// second at most. Open connections stay open.
func (n *Network) Close() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.background.Wait()
	}()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C: // a disk or a resolver that does not return; the process ends anyway
	}
}
