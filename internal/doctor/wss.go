package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/network"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/health"
)

// webSocketDialer opens WebSockets as the bot does, over HTTP/1.1. The function
// closes idle connections.
func (x *examination) webSocketDialer() (gateway.WebSocketDialer, func()) {
	t := x.transport()
	t.ForceAttemptHTTP2, t.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
	return gateway.WebSocketDialer{Transport: t, UserAgent: x.userAgent()}, t.CloseIdleConnections
}

// checkWebSocket opens a WebSocket to the gateway and waits for HELLO, which spends
// no session start. Many proxies and firewalls let REST through and not this.
func (x *examination) checkWebSocket(ctx context.Context) Finding {
	if err := gateway.CheckAddress(x.config.APIURL, x.gatewayURL); err != nil {
		return fail("the address of the gateway that REST names is not used, because "+err.Error()+": "+plain(x.gatewayURL), "Look at what stands between this machine and Discord: the token would be sent there.")
	}
	address, err := url.Parse(x.gatewayURL)
	if err != nil || address.Host == "" || !strings.HasPrefix(address.Scheme, "ws") {
		return fail("REST names no usable address of the gateway: "+plain(x.gatewayURL), "Look at what stands between this machine and Discord.")
	}
	if address.Path == "" {
		address.Path = "/"
	}
	address.RawQuery = "v=10&encoding=json"
	dialer, idle := x.webSocketDialer()
	defer idle()
	began := time.Now()
	socket, err := dialer.Dial(ctx, address.String())
	if err != nil {
		return x.failedWebSocket(address, err)
	}
	defer socket.Drop()
	opened := time.Since(began)
	// Dropping the socket ends the read when the context ends.
	stop := context.AfterFunc(ctx, socket.Drop)
	defer stop()
	message, _, _, err := socket.Read(nil, 64<<10, func(int) {})
	if err != nil {
		f := fail("the WebSocket opens, but no HELLO comes: "+explain(err),
			"If Discord's status page reports trouble, wait. Else something on the way opens WebSockets and carries nothing.").withCause(health.DiscordOutage)
		return f.with(fmt.Sprintf("%s opened in %s", address.Host, roundTrip(opened)))
	}
	wanted, ok := readHello(message)
	if !ok {
		return fail("what answers at "+address.Host+" is not Discord's gateway", "Look at what stands between this machine and Discord.").with(snippet(message))
	}
	f := pass(fmt.Sprintf("%s opened in %s, HELLO after %s", address.Host, roundTrip(opened), roundTrip(time.Since(began))),
		fmt.Sprintf("it wants a heartbeat every %.1f s", wanted))
	f = x.checkSizes(ctx, socket, f)
	closing, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	socket.Close(closing, 1000, "") // no session has begun, so none ends
	return f
}

// readHello returns the interval of heartbeats that a HELLO asks for, in seconds; false if the
// message is none.
func readHello(message []byte) (interval float64, ok bool) {
	var hello struct {
		Op int `json:"op"`
		D  struct {
			Interval float64 `json:"heartbeat_interval"` // in milliseconds
		} `json:"d"`
	}
	if json.Unmarshal(message, &hello) != nil || hello.Op != 10 {
		return 0, false
	}
	return hello.D.Interval / 1000, true
}

// failedWebSocket says how far the dial got.
func (x *examination) failedWebSocket(address *url.URL, err error) Finding {
	host, reach := address.Hostname(), x.discordHosts(network.HostPort(address))
	failed, ok := errors.AsType[*gateway.ConnectError](err)
	if !ok {
		return fail("no WebSocket to " + address.Host + ": " + explain(err)).withCause(health.NetworkDown)
	}
	switch failed.Kind {
	case gateway.ReasonDNS:
		how := "Give " + host + " an address in DNS (" + x.resolverName() + "), or correct the address of the gateway that " + x.target.Host + " names."
		if !x.isSimulated() {
			how = "A DNS filter may know discord.com and not discord.gg; allow " + host + " and hosts below discord.gg (" + x.resolverName() + ")."
		}
		return fail("REST works, but "+host+" has no address: "+explain(failed.Err), how).withCause(health.DNSFailure)
	case gateway.ReasonTLS:
		return fail("REST works, but TLS with "+host+" does not: "+explain(failed.Err),
			"Something opens the encryption, or "+host+" has no certificate that this machine trusts; have "+reach+" left out of what is opened.").withCause(health.CertificateBad)
	case gateway.ReasonUpgrade:
		f := fail("REST works, but the WebSocket is refused: "+explain(failed.Err),
			"Allow WebSockets ("+address.Scheme+", the HTTP Upgrade) to "+reach+", on "+x.onTheWay(address)+".").withCause(health.ProxyBlocks)
		switch {
		case failed.Status >= 500 && x.isSimulated():
			f.Next = append(f.Next, "HTTP "+fmt.Sprint(failed.Status)+" may be trouble of "+address.Host+" itself too.")
		case failed.Status >= 500:
			f.Next = append(f.Next, "HTTP "+fmt.Sprint(failed.Status)+" may be Discord's own trouble too: https://discordstatus.com")
		}
		if proxied, _ := x.proxyFor(strings.Replace(address.String(), "ws", "http", 1)); proxied != nil {
			f = f.with("the way leads through the proxy " + proxied.Host)
		}
		return f
	}
	return fail("REST works, but "+address.Host+" cannot be reached: "+explain(failed.Err),
		"Allow connections outwards to "+reach+", on "+x.onTheWay(address)+".").withCause(health.ProxyBlocks)
}

// checkStatus asks Discord's status page.
func (x *examination) checkStatus(ctx context.Context) Finding {
	if x.config.DiscordStatusURL == "" {
		return pass("not asked: DISCORD_STATUS_URL is empty, or the bot is pointed at something else than Discord")
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	s, err := statuspage.Fetch(ctx, statuspage.Options{URL: x.config.DiscordStatusURL, Client: x.client, UserAgent: x.userAgent()})
	if err != nil {
		if x.answer.at.IsZero() {
			return Finding{Level: Skip, Says: "it cannot be asked either: " + explain(err)}
		}
		return warn("it cannot be asked: "+explain(err), "Nothing for the bot; look at https://discordstatus.com yourself.")
	}
	if s.Trouble() {
		f := warn("Discord, not you: "+s.Says(), "Nothing to do here; the bot holds on and comes back by itself.").withCause(health.DiscordOutage)
		for _, i := range s.Incidents {
			f = f.with(fmt.Sprintf("%s (%s), %s %s", i.Name, i.Impact, i.Stage, i.Link))
		}
		return f
	}
	return pass("Discord reports no trouble: " + s.Says())
}
