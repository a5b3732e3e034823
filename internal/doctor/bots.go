package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"evergreen/internal/process/config"
	"evergreen/internal/process/host"
	"evergreen/internal/sidecar"
)

// runsProxy reports whether the settings or the state folder say that evergreen proxy runs
// here, or a person does.
func (x *examination) runsProxy() bool {
	if x.ForProxy {
		return true
	}
	if x.Loaded != nil {
		for name, origin := range x.Loaded.Origins {
			if strings.HasPrefix(name, "PROXY_") && origin.Source != config.SourceDefault {
				return true
			}
		}
	}
	info, err := os.Stat(filepath.Join(x.config.StateDir, "proxy"))
	return err == nil && info.IsDir()
}

// isProxied reports whether the bot is one behind evergreen proxy, as far as is known.
func (x *examination) isProxied() bool {
	if x.instance != nil {
		return x.instance.Proxy != nil
	}
	return x.proxied
}

// botsTimeout is how long one question to the address for bots may take.
const botsTimeout = 3 * time.Second

// botsAddr is the address that is dialled to reach what bots reach, as host:port.
func (x *examination) botsAddr() string {
	addr := x.config.ProxyAddr
	if x.instance != nil && x.instance.Proxy != nil {
		addr = cmp.Or(x.instance.Proxy.Address, addr)
	}
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	return net.JoinHostPort(name, port)
}

// botsScheme is what the address for bots speaks, before a colon.
func (x *examination) botsScheme(plain string) string {
	if x.config.ProxyTLSCert != "" {
		return plain + "s"
	}
	return plain
}

// botsTransport reaches the address for bots as a bot on this machine does: without a
// proxy, and trusting the certificate that it was given.
func (x *examination) botsTransport() *http.Transport {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, botsTimeout)
			defer cancel()
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
		TLSHandshakeTimeout: botsTimeout, ResponseHeaderTimeout: botsTimeout, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	if x.config.ProxyTLSCert != "" {
		t.TLSClientConfig = &tls.Config{RootCAs: x.botsRoots(), Time: x.Now, MinVersion: tls.VersionTLS12}
		if public, err := url.Parse(x.config.ProxyURL); err == nil {
			t.TLSClientConfig.ServerName = public.Hostname()
		}
	}
	return t
}

// botsRoots are the authorities that a bot on this machine is taken to trust: those of the
// system, and the certificate itself, which may have none.
func (x *examination) botsRoots() *x509.CertPool {
	roots := x.Roots
	if roots == nil {
		if roots, _ = x509.SystemCertPool(); roots == nil {
			roots = x509.NewCertPool()
		}
	}
	roots = roots.Clone()
	if content, err := os.ReadFile(x.config.ProxyTLSCert); err == nil {
		roots.AppendCertsFromPEM(content)
	}
	return roots
}

// listener is what answers at the address for bots.
type listener struct {
	// evergreen: it is one, of the run that instance names; empty for one that does not say.
	evergreen bool
	instance  string
	says      string // in words
}

// askListener asks what answers at the address for bots. It shows no token: that may be
// any program.
func (x *examination) askListener(ctx context.Context, addr string) (listener, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, x.botsScheme("http")+"://"+addr+sidecar.InstancePath, http.NoBody)
	if err != nil {
		return listener{}, err
	}
	answer, err := x.botsTransport().RoundTrip(r)
	if err != nil {
		return listener{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	instance, ours := answer.Header[http.CanonicalHeaderKey(sidecar.InstanceHeader)]
	l := listener{evergreen: ours, says: "HTTP " + plain(answer.Status)}
	if ours && len(instance) > 0 {
		l.instance = instance[0]
	}
	if server := answer.Header.Get("Server"); server != "" {
		l.says += " by " + plain(server)
	}
	return l, nil
}

// checkBotsAddress finds out whether Evergreen listens for bots, and not another program.
func (x *examination) checkBotsAddress(ctx context.Context) Finding {
	if x.instance != nil && x.instance.Proxy == nil {
		if !x.ForProxy {
			return pass("not used: " + x.holder.String() + " is evergreen run, a bot of its own")
		}
		return warn(x.holder.String()+" is evergreen run, a bot of its own, and serves no others", "Stop it, and start: evergreen proxy")
	}
	addr := x.botsAddr()
	found, err := x.askListener(ctx, addr)
	owner := x.listenerOwner(addr)
	steps := []string{"Stop that program, or set PROXY_ADDR to a free address, restart Evergreen and tell your bot: evergreen proxy setup"}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && x.holder == nil:
		return warn("evergreen proxy is not running: nothing listens at "+addr, "Start it: evergreen proxy (as a service: evergreen service install --proxy)")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(x.holder.String()+" runs the bot, but nothing listens for bots at "+addr,
			"If PROXY_ADDR was changed, or Evergreen was started as evergreen run: start evergreen proxy anew. Else its log says why it does not listen.")
	case err != nil && owner == "" && !isForeign(err):
		return fail("what listens at "+addr+" does not answer: "+explain(err), "Its certificate (PROXY_TLS_CERT) has to be valid for the name in PROXY_URL; else its log says more.")
	case err != nil:
		return fail("what listens at "+addr+" is not Evergreen: "+cmp.Or(owner, "its process cannot be looked at"), steps...).with("it answers: " + explain(err))
	case !found.evergreen:
		return fail("another program has "+addr+": "+cmp.Or(owner, "its process cannot be looked at"), steps...).with("it answers: " + found.says)
	case x.holder == nil || found.instance != x.holder.ID:
		return fail("another Evergreen listens at "+addr+", with another state folder or for another token"+inBrackets(owner),
			"Run the doctor with its settings and EVERGREEN_STATE_DIR, or give each its own PROXY_ADDR.")
	}
	x.botsReady = true
	f := pass("Evergreen listens at " + addr + inBrackets(owner))
	return f.with("it is the one with this state folder: " + x.holder.String())
}

// isForeign reports whether an error says that what answers speaks something else.
func isForeign(err error) bool {
	_, isTLS := errors.AsType[tls.RecordHeaderError](err)
	return isTLS || strings.Contains(err.Error(), "malformed HTTP") || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// listenerOwner names the process that listens at an address; empty where that cannot be
// known.
func (x *examination) listenerOwner(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	sockets, err := x.Machine.Sockets()
	if err != nil {
		return ""
	}
	for _, s := range sockets {
		if !s.Listening || fmt.Sprint(s.Local.Port()) != port {
			continue
		}
		owners, _ := x.Machine.Owners([]host.Socket{s})
		if owner, ok := owners[s.ID]; ok {
			return owner.String()
		}
		return fmt.Sprintf("a process of the user %d", s.User)
	}
	return ""
}

// notReady is the finding of a check that needs Evergreen to listen for bots.
func (x *examination) notReady() Finding {
	return Finding{Level: Skip, Says: "not asked, because no evergreen proxy of this state folder answers"}
}

// checkBotsLine dials the address for bots as a library does, as far as the answer to a
// heartbeat. It does not identify: that would put the bot on standby.
func (x *examination) checkBotsLine(ctx context.Context) Finding {
	if !x.botsReady {
		return x.notReady()
	}
	addr, name, token := x.botsAddr(), "DISCORD_TOKEN", x.config.Token
	if !x.config.ProxyToken.Empty() {
		name, token = "PROXY_TOKEN", x.config.ProxyToken
	}
	transport := x.botsTransport()
	gatewayURL, f := x.askGateway(ctx, transport, addr, name, token.Reveal())
	if f.Level != Pass {
		return f
	}
	dialer, _ := x.webSocketDialer()
	dialer.Transport = transport
	began := time.Now()
	socket, err := dialer.Dial(ctx, x.botsScheme("ws")+"://"+addr+"/?v=10&encoding=json")
	if err != nil {
		return fail("GET /gateway/bot is answered, but no WebSocket opens at "+addr+": "+explain(err),
			"Something between the bot and Evergreen lets no WebSocket through, or Evergreen has 256 connections already: its log says which.").with(f.Evidence...)
	}
	defer socket.Drop()
	opened := time.Since(began)
	late := time.AfterFunc(botsTimeout, socket.Drop)
	message, _, _, err := socket.Read(nil, 64<<10, func(int) {})
	if late.Stop(); err != nil {
		return fail("a WebSocket opens at "+addr+", but no HELLO comes: "+explain(err), "Restart Evergreen; if it stays so, report it with its log.").with(f.Evidence...)
	}
	wanted, ok := readHello(message)
	if !ok {
		return fail("a WebSocket opens at "+addr+", but what comes is no HELLO", "Restart Evergreen; if it stays so, report it with its log.").with(f.Evidence...)
	}
	took, err := heartbeatAnswer(ctx, socket, `{"op":1,"d":null}`)
	if err != nil {
		return fail("HELLO comes, but a heartbeat is not answered: "+explain(err), "Evergreen has no CPU time, or hangs: its log says more; restart it.").with(f.Evidence...)
	}
	closing, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	socket.Close(closing, 1000, "")
	f.Says = "a bot gets through: HELLO, and a heartbeat answered in " + roundTrip(took)
	return f.with(fmt.Sprintf("a WebSocket opened in %s; a heartbeat is wanted every %.1f s", roundTrip(opened), wanted),
		"bots are told to connect to "+plain(gatewayURL), "the doctor did not identify, so the bot noticed nothing")
}

// askGateway asks where bots are to connect, with the token that they present. The finding
// passes if that is told.
func (x *examination) askGateway(ctx context.Context, transport http.RoundTripper, addr, name, token string) (gatewayURL string, f Finding) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, x.botsScheme("http")+"://"+addr+"/api/v10/gateway/bot", http.NoBody)
	if err != nil {
		return "", fail("the request cannot be made: " + err.Error())
	}
	r.Header.Set("Authorization", "Bot "+token)
	r.Header.Set("User-Agent", x.userAgent())
	began := time.Now()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return "", fail("GET /api/v10/gateway/bot at "+addr+" is not answered: "+explain(err), "Restart Evergreen; its log says more.")
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		URL string `json:"url"`
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		return "", needsYou("Evergreen refuses "+name+": it was started with another one", "Restart Evergreen, and give the bot the same "+name+".")
	case err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(content, &body) != nil || body.URL == "":
		return "", fail("GET /api/v10/gateway/bot at "+addr+" names no gateway: HTTP "+plain(answer.Status), "Restart Evergreen; its log says more.").with(snippet(content))
	}
	return body.URL, pass("", "GET /api/v10/gateway/bot with "+name+" was answered in "+roundTrip(time.Since(began)))
}
