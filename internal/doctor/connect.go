package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"crypto/tls"

	"evergreen/internal/discord/network"
	"evergreen/internal/health"
)

const (
	// dialTimeout is how long one TCP connection may take, answerTimeout one REST
	// answer.
	dialTimeout   = 3 * time.Second
	answerTimeout = 4 * time.Second
	// slowFailure is how long IPv6 without a route may take to fail before it delays
	// programs that try it first.
	slowFailure = time.Second
)

func (x *examination) dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return x.Dial(ctx, "tcp", addr)
}

// transport reaches Discord as the bot does: through the same proxy, with the same
// authorities.
func (x *examination) transport() *http.Transport {
	return &http.Transport{
		Proxy: x.Proxy,
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return x.dialTCP(ctx, addr)
		},
		TLSClientConfig:       &tls.Config{RootCAs: x.Roots, Time: x.Now, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ForceAttemptHTTP2:     true,

		MaxResponseHeaderBytes: 256 << 10,
	}
}

// port returns the port of the REST API.
func (x *examination) port() string {
	_, port, _ := net.SplitHostPort(network.HostPort(x.target))
	return port
}

// discordHosts adds to an address that has to be let through what belongs to it: with
// Discord, the hosts of sessions that are resumed. Another server has no more than that.
func (x *examination) discordHosts(address string) string {
	if x.isSimulated() {
		return address
	}
	return address + " and hosts below discord.gg, port 443"
}

// onTheWay names what may stand between this machine and an address: the proxy, if there
// is one.
func (x *examination) onTheWay(address *url.URL) string {
	asked := *address
	asked.Scheme = strings.Replace(asked.Scheme, "ws", "http", 1)
	if proxied, _ := x.proxyFor(asked.String()); proxied != nil {
		return "the proxy " + proxied.Host
	}
	return "the proxy or firewall in between"
}

type dialResult struct {
	addr netip.Addr
	took time.Duration
	from net.Addr // this machine's end
	err  error
}

// checkTCP opens a connection to an IPv4 and to an IPv6 address.
func (x *examination) checkTCP(ctx context.Context) Finding {
	if x.proxy != nil {
		return pass("the proxy " + x.proxy.Host + " takes connections; it dials " + x.target.Host)
	}
	tried := x.dialFamilies(ctx)
	var four, six *dialResult
	f := pass("")
	var best *dialResult
	for i := range tried {
		d := &tried[i]
		if d.addr.Is4() {
			four = d
		} else {
			six = d
		}
		if d.err != nil {
			f = f.with(fmt.Sprintf("%s: %s: %s", family(d.addr), net.JoinHostPort(d.addr.String(), x.port()), explain(d.err)))
			continue
		}
		f = f.with(fmt.Sprintf("%s: %s answered in %s", family(d.addr), net.JoinHostPort(d.addr.String(), x.port()), roundTrip(d.took)))
		if best == nil || d.took < best.took {
			best = d
		}
	}
	if best == nil {
		words := explain(tried[0].err)
		bad := fail(fmt.Sprintf("port %s of %s cannot be reached: %s", x.port(), x.target.Hostname(), words)).with(f.Evidence...).withCause(health.NetworkDown)
		if x.isSimulated() {
			bad.Next = []string{"DISCORD_API_URL is " + x.config.APIURL + ": start what should listen there (evergreen sim), let this machine open connections to " + network.HostPort(x.target) + ", or take the setting out to use Discord itself."}
		} else {
			bad.Next = []string{
				"Let this machine open connections outwards to " + network.HostPort(x.target) + " (firewall, security group, container network).",
				"Is there a network at all? Try another site: curl -sSI https://example.com",
			}
		}
		return bad
	}
	x.connectTime, x.local = best.took, best.from
	f.Says = fmt.Sprintf("port %s answers in %s", x.port(), roundTrip(best.took))
	if six != nil && six.err != nil && four != nil && four.err == nil {
		f = f.with("IPv6 has no way out; both kinds are tried side by side, so IPv4 takes over")
		if six.took > slowFailure {
			f.raise(Warn)
			f.Next = []string{"Give this host an IPv6 route, or switch IPv6 off: programs that try it first wait for it."}
			f.Cause = health.IPv6NoRoute
		}
	}
	return f
}

// dialFamilies dials the first IPv4 and the first IPv6 address.
func (x *examination) dialFamilies(ctx context.Context) []dialResult {
	var tried []dialResult
	for _, a := range x.addrs {
		if len(tried) == 0 || len(tried) == 1 && tried[0].addr.Is4() != a.Is4() {
			tried = append(tried, dialResult{addr: a})
		}
	}
	var all sync.WaitGroup
	for i := range tried {
		d := &tried[i]
		all.Go(func() {
			began := time.Now()
			conn, err := x.dialTCP(ctx, net.JoinHostPort(d.addr.String(), x.port()))
			d.took, d.err = time.Since(began), err
			if err == nil {
				d.from = conn.LocalAddr()
				_ = conn.Close()
			}
		})
	}
	all.Wait()
	return tried
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// edge returns the place of Cloudflare's edge that answered, such as FRA.
func edge(h http.Header) string {
	_, place, found := strings.Cut(h.Get("CF-Ray"), "-")
	if !found || len(place) != 3 {
		return ""
	}
	return strings.ToUpper(place)
}
