package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"crypto/tls"

	"evergreen/internal/health"
)

const (
	// dialTime bounds one TCP connection, answerTime one answer of REST.
	dialTime   = 3 * time.Second
	answerTime = 4 * time.Second
	// slowIPv6 is how long a dead IPv6 may take to say so before it delays IPv4.
	slowIPv6 = time.Second
)

func (v *visit) dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return v.Dial(ctx, "tcp", addr)
}

// transport reaches Discord as the bot does: through the same proxy, checked
// against the same authorities.
func (v *visit) transport() *http.Transport {
	return &http.Transport{
		Proxy: v.Proxy,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return v.dialTCP(ctx, addr)
		},
		TLSClientConfig:       &tls.Config{RootCAs: v.Roots, Time: v.Now, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   dialTime,
		ResponseHeaderTimeout: answerTime,
		ForceAttemptHTTP2:     true,
	}
}

// port of the REST API.
func (v *visit) port() string {
	if port := v.target.Port(); port != "" {
		return port
	}
	if v.target.Scheme == "http" {
		return "80"
	}
	return "443"
}

// dialled is what came of one address.
type dialled struct {
	addr netip.Addr
	took time.Duration
	err  error
}

// checkTCP opens a connection to an address of either kind.
func (v *visit) checkTCP(ctx context.Context) Finding {
	if v.proxied != nil {
		return pass("the proxy " + v.proxied.Host + " takes connections; it dials " + v.target.Host)
	}
	tried := v.dialEach(ctx)
	var four, six *dialled
	f := pass("")
	var best *dialled
	for i := range tried {
		d := &tried[i]
		if d.addr.Is4() {
			four = d
		} else {
			six = d
		}
		if d.err != nil {
			f = f.saw(fmt.Sprintf("%s: %s: %s", family(d.addr), net.JoinHostPort(d.addr.String(), v.port()), why(d.err)))
			continue
		}
		f = f.saw(fmt.Sprintf("%s: %s answered in %s", family(d.addr), net.JoinHostPort(d.addr.String(), v.port()), ms(d.took)))
		if best == nil || d.took < best.took {
			best = d
		}
	}
	if best == nil {
		words := why(tried[0].err)
		bad := fail(fmt.Sprintf("port %s of %s cannot be reached: %s", v.port(), v.target.Hostname(), words)).saw(f.Evidence...).because(health.NetworkDown)
		if v.simulated() {
			bad.Next = []string{"DISCORD_API_URL is " + v.config.APIURL + ": start what should listen there (evergreen sim), or take the setting out to use Discord itself."}
		} else {
			bad.Next = []string{
				"Let this machine open connections outwards to port 443 (firewall, security group, container network).",
				"Is there a network at all? Try another site: curl -sSI https://example.com",
			}
		}
		return bad
	}
	v.connect = best.took
	f.Says = fmt.Sprintf("port %s answers in %s", v.port(), ms(best.took))
	if six != nil && six.err != nil && four != nil && four.err == nil {
		f = f.saw("IPv6 has no way out; both kinds are tried side by side, so IPv4 takes over")
		if six.took > slowIPv6 {
			f.worst(Warn)
			f.Next = []string{"Give this host an IPv6 route, or switch IPv6 off: programs that try it first wait for it."}
			f.Cause = health.IPv6NoRoute
		}
	}
	return f
}

// dialEach dials the first address of each kind.
func (v *visit) dialEach(ctx context.Context) []dialled {
	var tried []dialled
	for _, a := range v.addrs {
		if len(tried) == 0 || len(tried) == 1 && tried[0].addr.Is4() != a.Is4() {
			tried = append(tried, dialled{addr: a})
		}
	}
	var all sync.WaitGroup
	for i := range tried {
		d := &tried[i]
		all.Go(func() {
			began := time.Now()
			conn, err := v.dialTCP(ctx, net.JoinHostPort(d.addr.String(), v.port()))
			d.took, d.err = time.Since(began), err
			if err == nil {
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

// edgeOf is the place of Cloudflare's edge in an answer, such as FRA.
func edgeOf(h http.Header) string {
	_, place, found := strings.Cut(h.Get("CF-Ray"), "-")
	if !found || len(place) != 3 {
		return ""
	}
	return strings.ToUpper(place)
}
