package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// LocalOnly lets a handler on a loopback address serve the programs of this machine
// alone. A web page can make a browser here ask too, by any name that it gives the
// address 127.0.0.1, and a proxy here asks for others; both are refused, with the
// reason as [application/problem+json].
//
// [application/problem+json]: https://www.rfc-editor.org/rfc/rfc9457
func LocalOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch mark := proxyMark(r); {
		case isFromOtherPage(r):
			otherSite.Write(w)
		case mark != "":
			Problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "Only programs of this machine may ask, and this request has come through a proxy, as " + mark + " shows."}.Write(w)
		case !isLocalHost(r.Host):
			Problem{Title: "Misdirected request", Status: http.StatusMisdirectedRequest, Detail: "Ask at localhost or at a loopback address, not by another name."}.Write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isFromOtherPage reports whether a page that is not of this server made a browser
// ask. A person who follows a link from there is let through.
func isFromOtherPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	follows := r.Header.Get("Sec-Fetch-Mode") == "navigate" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	if (site == "cross-site" || site == "same-site") && !follows {
		return true
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 || site == "same-origin" {
		return false
	}
	origin, err := url.Parse(origins[0])
	return err != nil || len(origins) > 1 || origin.Host == "" ||
		!strings.EqualFold(origin.Host, r.Host) && !strings.EqualFold(origin.Host, firstOf(r.Header.Get("X-Forwarded-Host")))
}

// isLocalHost reports whether a Host header names this machine and nothing else.
func isLocalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
