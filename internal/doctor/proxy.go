package doctor

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"evergreen/internal/health"
	"evergreen/internal/process/config"
)

// proxyFor returns the proxy that an address is reached through; nil for none.
func (x *examination) proxyFor(address string) (*url.URL, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return x.Proxy(req)
}

// checkProxy reports which way requests take, and whether the proxy answers.
func (x *examination) checkProxy(ctx context.Context) Finding {
	var set []string
	p := x.proxies()
	for _, each := range []struct{ name, value string }{
		{"HTTPS_PROXY", p.HTTPS}, {"HTTP_PROXY", p.HTTP}, {"ALL_PROXY", p.All}, {"NO_PROXY", p.No},
	} {
		if each.value != "" {
			set = append(set, each.name+"="+config.WithoutLogin(each.value))
		}
	}
	proxied, err := x.proxyFor(x.config.APIURL)
	if err != nil {
		return needsYou("the proxy variables cannot be used: "+plain(err.Error()), "Correct HTTPS_PROXY: want http://host:port or socks5://host:port.").with(set...)
	}
	if proxied == nil {
		f := pass("none is used on the way to " + x.target.Host)
		if len(set) > 0 {
			f = f.with(set...).with("they do not apply to " + x.target.Host)
		}
		return f
	}
	x.proxy = proxied
	f := pass("requests go through "+config.WithoutLogin(proxied.String())+", REST and gateway alike", set...)
	conn, err := x.dialTCP(ctx, proxyHostPort(proxied))
	if err != nil {
		return fail("the proxy "+config.WithoutLogin(proxied.String())+" cannot be reached: "+explain(err),
			"Start the proxy, or correct HTTPS_PROXY (and NO_PROXY).").with(set...).withCause(health.NetworkDown)
	}
	_ = conn.Close()
	return f
}

// proxyHostPort returns host:port of a proxy.
func proxyHostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		if port == "" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
