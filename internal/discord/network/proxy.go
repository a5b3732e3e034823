package network

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Proxies are the proxies that the variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
// NO_PROXY describe. An address may hold a login, which appears in no error and no
// log.
type Proxies struct {
	// HTTPS is for https and wss, HTTP for http and ws, All for both if theirs is
	// empty. An address is http://host:port (CONNECT), https://host:port or
	// socks5://host:port; without a scheme it means http.
	HTTPS, HTTP, All string
	// No lists the hosts, domains, addresses and networks that are reached
	// without a proxy, with commas between; * is all of them. This machine itself
	// never needs one.
	No string
}

// FromEnviron reads the variables in the form of os.Environ: HTTPS_PROXY,
// HTTP_PROXY, ALL_PROXY and NO_PROXY, in capitals or small letters; capitals
// win.
func FromEnviron(environ []string) Proxies {
	set := map[string]string{}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		set[name] = strings.TrimSpace(text)
	}
	get := func(name string) string { return cmp.Or(set[name], set[strings.ToLower(name)]) }
	return Proxies{HTTPS: get("HTTPS_PROXY"), HTTP: get("HTTP_PROXY"), All: get("ALL_PROXY"), No: get("NO_PROXY")}
}

// any reports whether there is a proxy.
func (p Proxies) any() bool { return p.HTTPS != "" || p.HTTP != "" || p.All != "" }

// schemes are the supported schemes of a proxy's address.
var schemes = map[string]bool{"http": true, "https": true, "socks5": true, "socks5h": true}

// check returns what is wrong with the address of a proxy, without repeating it.
func check(name, text string) error {
	if text == "" {
		return nil
	}
	u, err := parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("%s is not the address of a proxy; write it as http://host:port or socks5://host:port, with %%40 for an @ in the password", name)
	case !schemes[u.Scheme]:
		return fmt.Errorf("%s begins with %s://, which this program does not speak; a proxy is http://, https:// or socks5://", name, u.Scheme)
	}
	return nil
}

// parse parses the address of a proxy; without a scheme it is http.
func parse(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err == nil && u.Hostname() == "" {
		err = errors.New("it names no host")
	}
	return u, err
}

// Check returns what is wrong with the addresses. It names the variables and repeats
// nothing of their values.
func (p Proxies) Check() error {
	return errors.Join(check("HTTPS_PROXY", p.HTTPS), check("HTTP_PROXY", p.HTTP), check("ALL_PROXY", p.All))
}

// Route returns a function that chooses the proxy of a request, nil for none. The
// error is that of [Proxies.Check].
func (p Proxies) Route() (func(*http.Request) (*url.URL, error), error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if !p.any() {
		return func(*http.Request) (*url.URL, error) { return nil, nil }, nil
	}
	choose := (&httpproxy.Config{
		HTTPSProxy: cmp.Or(p.HTTPS, p.All), HTTPProxy: cmp.Or(p.HTTP, p.All), NoProxy: p.No,
	}).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) {
		// A WebSocket URL counts like that of its upgrade request.
		u := *r.URL
		u.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
		return choose(&u)
	}, nil
}

func (n *Network) proxy(r *http.Request) (*url.URL, error) { return n.route(r) }

// Via names the proxy that leads to an https, http, wss or ws address, without
// its login; empty when there is none in between.
func (n *Network) Via(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	via, err := n.route(&http.Request{URL: u})
	if err != nil || via == nil {
		return ""
	}
	return withoutLogin(via)
}

// HostPort is the host and port of an http, https, ws or wss address.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "ws": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(port, "443"))
}

// withoutLogin is a proxy without its login.
func withoutLogin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// ProxyError means that the proxy failed: it could not be reached, wants a login, or
// does not let this program through. Discord and the token are not to blame.
type ProxyError struct {
	// Proxy is its address without a login, and Target the host and port that it was to
	// lead to.
	Proxy, Target string
	// Status is the HTTP status it answered with; 0 without one.
	Status int
	Err    error
}

// Error says what happened and what to look at.
func (e *ProxyError) Error() string {
	switch {
	case e.Status == http.StatusProxyAuthRequired:
		return "the proxy " + e.Proxy + " refused: it wants a login (407); write it into the proxy variable as http://user:password@host:port"
	case e.Status != 0:
		return fmt.Sprintf("the proxy %s refused: it answered %d %s; have it let this program through to %s", e.Proxy, e.Status, http.StatusText(e.Status), e.Target)
	}
	return fmt.Sprintf("the proxy %s failed: %v; look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY", e.Proxy, e.Err)
}

// Unwrap returns Err.
func (e *ProxyError) Unwrap() error { return e.Err }

// connectRefused means that a proxy did not answer CONNECT with 200.
type connectRefused struct{ status int }

func (r *connectRefused) Error() string { return fmt.Sprintf("it answered %d", r.status) }

// proxyTransport is a transport that recognises errors of the proxy.
type proxyTransport struct {
	n         *Network
	transport *http.Transport
}

// RoundTrip returns a [*ProxyError] if the proxy failed.
func (t *proxyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.transport.RoundTrip(r)
	via, _ := t.n.route(r)
	switch {
	case via == nil:
		return response, err
	case err != nil:
		return nil, proxyError(err, via, HostPort(r.URL))
	case response.StatusCode == http.StatusProxyAuthRequired:
		// A proxy answers a plain http request itself.
		_ = response.Body.Close()
		return nil, &ProxyError{Proxy: withoutLogin(via), Target: HostPort(r.URL), Status: response.StatusCode, Err: &connectRefused{status: response.StatusCode}}
	}
	return response, nil
}

// CloseIdleConnections closes the idle connections.
func (t *proxyTransport) CloseIdleConnections() { t.transport.CloseIdleConnections() }

// proxyOps are the operations of [net.OpError] that a proxy has a part in.
var proxyOps = map[string]bool{"proxyconnect": true, "socks connect": true}

// proxyError returns a [*ProxyError] if the error is one of the proxy, and otherwise
// the error itself.
func proxyError(err error, via *url.URL, target string) error {
	said, refused := errors.AsType[*connectRefused](err)
	op, ofNet := errors.AsType[*net.OpError](err)
	switch {
	case refused:
		return &ProxyError{Proxy: withoutLogin(via), Target: target, Status: said.status, Err: said}
	case ofNet && proxyOps[op.Op]:
		return &ProxyError{Proxy: withoutLogin(via), Target: target, Err: op.Err}
	case ofNet && op.Op == "dial":
		// Behind a proxy nothing else is dialled.
		return &ProxyError{Proxy: withoutLogin(via), Target: target, Err: err}
	}
	return err
}
