package doctor

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"evergreen/internal/health"
)

// proxyOf says which proxy an address is reached through; nil for none.
func (v *visit) proxyOf(address string) (*url.URL, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return v.Proxy(req)
}

// checkProxy tells which way requests go, and whether the proxy is there.
func (v *visit) checkProxy(ctx context.Context) Finding {
	var set []string
	p := v.proxies()
	for _, each := range []struct{ name, value string }{
		{"HTTPS_PROXY", p.HTTPS}, {"HTTP_PROXY", p.HTTP}, {"ALL_PROXY", p.All}, {"NO_PROXY", p.No},
	} {
		if each.value != "" {
			set = append(set, each.name+"="+hideLogin(each.value))
		}
	}
	proxied, err := v.proxyOf(v.config.APIURL)
	if err != nil {
		return needsYou("the proxy variables cannot be used: "+plain(err.Error()), "Correct HTTPS_PROXY: want http://host:port or socks5://host:port.").saw(set...)
	}
	if proxied == nil {
		f := pass("none is used on the way to " + v.target.Host)
		if len(set) > 0 {
			f = f.saw(set...).saw("they do not apply to " + v.target.Host)
		}
		return f
	}
	v.proxied = proxied
	f := pass("requests go through "+hideLogin(proxied.String())+", REST and gateway alike", set...)
	conn, err := v.dialTCP(ctx, proxyAddr(proxied))
	if err != nil {
		return fail("the proxy "+hideLogin(proxied.String())+" cannot be reached: "+why(err),
			"Start the proxy, or correct HTTPS_PROXY (and NO_PROXY).").saw(set...).because(health.NetworkDown)
	}
	_ = conn.Close()
	return f
}

// hideLogin is an address without its login, which may be a password.
func hideLogin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		if scheme, rest, found := strings.Cut(address, "@"); found && !strings.Contains(scheme, ",") {
			return "***@" + rest
		}
		return address
	}
	u.User = nil
	return strings.Replace(u.String(), "//", "//***@", 1)
}

// proxyAddr is host:port of a proxy.
func proxyAddr(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		if port == "" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
