package network

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

// Given a proxy that is the only way to Discord, of each kind, with and without a
// login, when REST and the gateway are used, over TLS and plain, then both go
// through it, by the name and not by an address.
func TestBothGoThroughTheProxy(t *testing.T) {
	s := newFakeNetwork(t)
	kinds := map[string]struct {
		p       *proxy
		address string
	}{
		"CONNECT":              {s.httpProxy(t, &proxy{}), "http://%s"},
		"CONNECT with a login": {s.httpProxy(t, &proxy{login: "ada:s3cret@!"}), "http://ada:s3cret%%40!@%s"},
		"SOCKS5":               {s.socksProxy(t, &proxy{}), "socks5://%s"},
		"SOCKS5 with a login":  {s.socksProxy(t, &proxy{login: "ada:s3cret@!"}), "socks5://ada:s3cret%%40!@%s"},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			address := strings.NewReplacer("%%", "%", "%s", kind.p.addr).Replace(kind.address)
			proxies := map[string]Proxies{"of their own": {HTTPS: address, HTTP: address}, "one for all": {All: address}}
			for given, p := range proxies {
				nowhere := &fakeResolver{} // the name resolves nowhere but in the proxy
				rest, ws, n := transports(t, Options{Proxies: p, Resolver: nowhere}, s.trust)
				for scheme, secure := range map[string]string{"http": "ws", "https": "wss"} {
					if err := get(t, rest, scheme); err != nil {
						t.Errorf("%s, %s: %v", given, scheme, err)
					}
					if err := hello(t, ws, secure); err != nil {
						t.Errorf("%s, %s: %v", given, secure, err)
					}
				}
				if nowhere.asked != 0 {
					t.Errorf("%s: %d names were resolved on this side of the proxy", given, nowhere.asked)
				}
				if via := n.Via("wss://" + discord); !strings.HasSuffix(via, "://"+kind.p.addr) {
					t.Errorf("the way is said to lead by %q", via)
				}
			}
			if !strings.Contains(kind.p.asked(), discord+":443") {
				t.Errorf("the proxy saw:\n%s", kind.p.asked())
			}
		})
	}
}

// Given NO_PROXY, when Discord is named in it, then the proxy is not used.
func TestNoProxyGoesAround(t *testing.T) {
	s := newFakeNetwork(t)
	p := s.httpProxy(t, &proxy{deny: true})
	here := &fakeResolver{}
	here.set(nil, "127.0.0.1")
	dial := dialer().DialContext
	for _, no := range []string{discord, ".test", "other.example, test", "*"} {
		rest, ws, n := transports(t, Options{
			Proxies: Proxies{All: p.addr, No: no}, Resolver: here,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dial(ctx, network, p.target(discord+address[strings.LastIndex(address, ":"):]))
			},
		}, s.trust)
		if err := get(t, rest, "https"); err != nil {
			t.Errorf("%s: REST: %v", no, err)
		}
		if err := hello(t, ws, "wss"); err != nil {
			t.Errorf("%s: gateway: %v", no, err)
		}
		if via := n.Via("https://" + discord); via != "" {
			t.Errorf("%s: the way is said to lead by %q", no, via)
		}
	}
	if seen := p.asked(); seen != "" {
		t.Errorf("the proxy was asked:\n%s", seen)
	}
}

// Given a proxy that wants a login, forbids, is a SOCKS proxy that forbids, or is
// not there, when REST and the gateway are used, then both errors say that it was
// the proxy, which one and what to do, without the login.
func TestTroubleWithTheProxyIsSaidInWords(t *testing.T) {
	s := newFakeNetwork(t)
	const nobody = "127.0.0.1:1" // a port that no listener is given by the system
	tests := []struct {
		name, address string
		status        int
		says          string
	}{
		{"no login", "http://" + s.httpProxy(t, &proxy{login: "ada:right"}).addr, 407, "wants a login"},
		{"wrong login", "http://ada:s3cret@" + s.httpProxy(t, &proxy{login: "ada:right"}).addr, 407, "wants a login"},
		{"forbidden", "http://ada:s3cret@" + s.httpProxy(t, &proxy{deny: true}).addr, 403, "through to discord.test:443"},
		{"SOCKS5 forbids", "socks5://ada:s3cret@" + s.socksProxy(t, &proxy{deny: true}).addr, 0, "not allowed"},
		{"SOCKS5, wrong login", "socks5://ada:s3cret@" + s.socksProxy(t, &proxy{login: "ada:right"}).addr, 0, "HTTPS_PROXY"},
		{"nobody there", "http://ada:s3cret@" + nobody, 0, "refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rest, ws, _ := transports(t, Options{Proxies: Proxies{All: test.address}, Resolver: &fakeResolver{}}, s.trust)
			failures := map[string]error{"REST": get(t, rest, "https"), "gateway": hello(t, ws, "wss")}
			if test.status == 407 {
				failures["REST, plain"], failures["gateway, plain"] = get(t, rest, "http"), hello(t, ws, "ws")
			}
			for who, err := range failures {
				blamed, ok := errors.AsType[*ProxyError](err)
				if !ok {
					t.Errorf("%s: %v (%T), want a ProxyError", who, err, err)
					continue
				}
				host := test.address[strings.LastIndexAny(test.address, "@/")+1:]
				if blamed.Status != test.status || !strings.HasSuffix(blamed.Proxy, "://"+host) {
					t.Errorf("%s: proxy %q, status %d; want %q, %d", who, blamed.Proxy, blamed.Status, host, test.status)
				}
				if !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "the proxy ") {
					t.Errorf("%s does not say %q: %v", who, test.says, err)
				}
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%s: the password can be read: %v", who, err)
				}
			}
		})
	}
}

// Addresses that cannot work are named by their variable, without what stands in
// them.
func TestImpossibleProxies(t *testing.T) {
	for _, p := range []Proxies{
		{HTTPS: "socks4://ada:s3cret@proxy:1080"}, {HTTP: "http://ada:s3cret@"}, {All: "http://ada:s3cret @proxy"}, {HTTPS: "ftp://s3cret"},
	} {
		_, err := New(Options{Proxies: p})
		if err == nil || !strings.Contains(err.Error(), "_PROXY") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("New returned %v", err)
		}
	}
	p := FromEnviron([]string{"https_proxy=small:1", "HTTPS_PROXY= big:2 ", "no_proxy=a,b", "all_proxy=socks5://c:3", "X"})
	if want := (Proxies{HTTPS: "big:2", All: "socks5://c:3", No: "a,b"}); p != want {
		t.Errorf("read %+v, want %+v", p, want)
	}
	n, err := New(Options{Proxies: p})
	must(t, err)
	for address, want := range map[string]string{
		"https://discord.com/x": "http://big:2", "wss://gateway.discord.gg": "http://big:2", "ws://sim.example": "socks5://c:3",
		"https://a/": "", "http://127.0.0.1:8500/": "", "ws://localhost": "", "::": "",
	} {
		if got := n.Via(address); got != want {
			t.Errorf("%s goes by %q, want %q", address, got, want)
		}
	}
}
