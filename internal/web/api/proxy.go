package api

import (
	"net/http"
	"strings"
)

// proxyHeaders are what proxies, load balancers and tunnels add to a request, in
// the canonical form of net/http. One that ends in "-" stands for all that begin
// so. No browser, and no client of this API, sends one of them by itself.
var proxyHeaders = []string{
	"Forwarded", "Via", "X-Forwarded", "X-Forwarded-", "Forwarded-For", "X-Real-", "X-Client-Ip", "X-Cluster-Client-Ip", "Client-Ip",
	"True-Client-Ip", "X-Remote-", "X-Original-", "X-Originating-", "X-Proxy-", "X-Proxyuser-Ip", "X-Host", "X-Scheme", "X-Url-Scheme",
	"Front-End-Https", "Proxy-Client-Ip", "Wl-Proxy-", "Cdn-Loop", "Cf-", "Fastly-", "Fly-", "Akamai-", "X-Akamai-", "X-Amz-", "X-Amzn-",
	"Cloudfront-", "X-Appengine-", "X-Cloud-Trace-Context", "X-Arr-", "X-Azure-", "X-Envoy-", "X-Nginx-", "X-Sourceip", "X-Varnish",
	"X-Vercel-", "X-Nf-", "Ngrok-", "Tailscale-",
}

// proxyMark names what shows that a request has come through a proxy, so that it
// may come from anywhere although its connection comes from this machine. It is
// empty if there is no sign of one.
//
// Without settings of its own, nginx adds no header, but speaks HTTP/1.0, which no
// client of today does. An absolute address is what a proxy is asked for.
func proxyMark(r *http.Request) string {
	for name := range r.Header {
		for _, known := range proxyHeaders {
			if name == known || strings.HasSuffix(known, "-") && strings.HasPrefix(name, known) {
				return "the header " + name
			}
		}
	}
	switch {
	case !r.ProtoAtLeast(1, 1):
		return r.Proto
	case r.URL.Host != "":
		return "an absolute address"
	}
	return ""
}

// throughProxy is the problem with a request that has come through a proxy while
// no token is set.
func throughProxy(mark string) Problem {
	return Problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "This request has come through a proxy, which " + mark +
		" shows, so it may come from anywhere. Set API_TOKEN in the bot's settings and start the bot again: then what is asked for here needs it."}
}

// sameSite refuses forms that another site made a browser post.
var sameSite = http.NewCrossOriginProtection()

// isFromOtherSite reports whether a page of another site made a browser post a
// form. Where a proxy puts another name into Host, the name that the browser used
// may stand in X-Forwarded-Host; no page can make a browser send that.
func isFromOtherSite(r *http.Request) bool {
	if sameSite.Check(r) == nil {
		return false
	}
	asked := *r
	asked.Host = firstOf(r.Header.Get("X-Forwarded-Host"))
	return asked.Host == "" || sameSite.Check(&asked) != nil
}

// firstOf is the first item of a list in a header: what the proxy next to the
// client said.
func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}
