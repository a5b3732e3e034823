package dashboard_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"evergreen/internal/web/api"
)

// proxyPath is where the proxy of the tests has the pages.
const proxyPath = "/tools/bot"

// startProxy puts a reverse proxy in front of a server until the test ends. What is
// asked for beside the path fails the test.
func startProxy(t *testing.T, s *api.Server) *httptest.Server {
	t.Helper()
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.Addr().String()})
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
	mux := http.NewServeMux()
	mux.Handle(proxyPath+"/", http.StripPrefix(proxyPath, proxy))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was asked for", r.URL)
		http.NotFound(w, r)
	})
	front := httptest.NewServer(mux)
	t.Cleanup(func() {
		front.CloseClientConnections() // streams do not end by themselves
		front.Close()
		transport.CloseIdleConnections()
	})
	return front
}

// address finds what a page leads to.
var address = regexp.MustCompile(`(?:href|src|action|data-events)="([^"]*)"`)

// Given a proxy that serves the pages below a path of its own, when a person signs
// in there, then every link, file, form and stream of every page is below that path
// and is answered, and so the login and its cookie; nothing is sent beside it.
func TestPagesBelowAPathOfAProxy(t *testing.T) {
	o := newScene(evening).options()
	o.Token, o.StatusPage = "a-long-token", true
	front := startProxy(t, serve(t, o))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := front.Client()
	client.Jar = jar
	get := func(where string) (*http.Response, string) {
		t.Helper()
		resp, err := client.Get(where)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if strings.Contains(where, "/events") {
			return resp, "" // it does not end
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	base := front.URL + proxyPath + "/"
	if resp, body := get(base + "runbook"); resp.StatusCode != http.StatusForbidden || !strings.Contains(body, `action="login"`) {
		t.Fatalf("without a token: %d %s", resp.StatusCode, body)
	}
	resp, err := client.PostForm(base+"login", url.Values{"token": {"a-long-token"}, "next": {"/runbook"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.String() != base+"runbook" {
		t.Fatalf("the login leads to %s: %d", resp.Request.URL, resp.StatusCode)
	}
	for _, page := range []string{"", "runbook", "status", "login"} {
		at, err := url.Parse(base + page)
		if err != nil {
			t.Fatal(err)
		}
		resp, body := get(at.String())
		found := address.FindAllStringSubmatch(body, -1)
		if resp.StatusCode != http.StatusOK || len(found) < 5 {
			t.Errorf("%s: %d with %d links", at, resp.StatusCode, len(found))
		}
		for _, m := range found {
			to, err := at.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			if err != nil {
				t.Fatal(err)
			}
			if m[1] == "" {
				continue // the status page has no stream
			}
			if !strings.HasPrefix(to.String(), base) {
				t.Errorf("%s leads out of the path: %s", at, m[1])
				continue
			}
			if strings.HasSuffix(to.Path, "/logout") {
				continue // answers a form only, below
			}
			if resp, _ := get(to.String()); resp.StatusCode != http.StatusOK {
				t.Errorf("%s leads to %s: %d", at, to, resp.StatusCode)
			}
		}
	}
	site, _ := url.Parse(front.URL + "/tools/botany/")
	for _, c := range jar.Cookies(site) {
		t.Errorf("the neighbour gets the cookie %s", c.Name)
	}
	resp, err = client.Post(base+"logout", "application/x-www-form-urlencoded", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.Request.URL.String() != base+"login" {
		t.Errorf("the logout leads to %s", resp.Request.URL)
	}
	if resp, _ := get(base); resp.StatusCode != http.StatusForbidden {
		t.Errorf("after the logout: %d", resp.StatusCode)
	}
}
