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
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/health"
)

// dialer opens WebSockets as the bot does; over HTTP/1.1, which they need.
func (v *visit) dialer() (gateway.WebSocketDialer, func()) {
	t := v.transport()
	t.ForceAttemptHTTP2, t.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
	return gateway.WebSocketDialer{Transport: t, UserAgent: v.userAgent()}, t.CloseIdleConnections
}

// checkWebSocket opens a WebSocket to the gateway and waits for HELLO. That costs
// nothing; many proxies and firewalls let REST through and not this.
func (v *visit) checkWebSocket(ctx context.Context) Finding {
	address, err := url.Parse(v.gateway)
	if err != nil || address.Host == "" || !strings.HasPrefix(address.Scheme, "ws") {
		return fail("REST names no usable address of the gateway: "+plain(v.gateway), "Look at what stands between this machine and Discord.")
	}
	if address.Path == "" {
		address.Path = "/"
	}
	address.RawQuery = "v=10&encoding=json"
	dialer, idle := v.dialer()
	defer idle()
	began := time.Now()
	socket, err := dialer.Dial(ctx, address.String())
	if err != nil {
		return v.noWebSocket(address, err)
	}
	defer socket.Drop()
	opened := time.Since(began)
	// The read ends with the socket, so the socket ends with the context.
	stop := context.AfterFunc(ctx, socket.Drop)
	defer stop()
	message, _, _, err := socket.Read(nil, 64<<10, func() {})
	if err != nil {
		f := fail("the WebSocket opens, but no HELLO comes: "+why(err),
			"If Discord's status page reports trouble, wait. Else something on the way opens WebSockets and carries nothing.").because(health.DiscordOutage)
		return f.saw(fmt.Sprintf("%s opened in %s", address.Host, ms(opened)))
	}
	var hello struct {
		Op int `json:"op"`
		D  struct {
			Interval float64 `json:"heartbeat_interval"`
		} `json:"d"`
	}
	if json.Unmarshal(message, &hello) != nil || hello.Op != 10 {
		return fail("what answers at "+address.Host+" is not Discord's gateway", "Look at what stands between this machine and Discord.").saw(snippet(message))
	}
	closing, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	socket.Close(closing, gateway.CloseGoodbye, "") // no session has begun, so none ends
	return pass(fmt.Sprintf("%s opened in %s, HELLO after %s", address.Host, ms(opened), ms(time.Since(began))),
		fmt.Sprintf("it wants a heartbeat every %.1f s", hello.D.Interval/1000))
}

// noWebSocket says how far the dial came.
func (v *visit) noWebSocket(address *url.URL, err error) Finding {
	host := address.Hostname()
	failed, ok := errors.AsType[*gateway.ConnectError](err)
	if !ok {
		return fail("no WebSocket to " + address.Host + ": " + why(err)).because(health.NetworkDown)
	}
	switch failed.Kind {
	case gateway.ReasonDNS:
		return fail("REST works, but "+host+" has no address: "+why(failed.Err),
			"A DNS filter may know discord.com and not discord.gg; allow gateway.discord.gg and hosts below discord.gg ("+v.resolverName()+").").because(health.DNSFailure)
	case gateway.ReasonTLS:
		return fail("REST works, but TLS with "+host+" does not: "+why(failed.Err),
			"Something opens the encryption of discord.gg; have gateway.discord.gg and hosts below discord.gg left out.").because(health.CertificateBad)
	case gateway.ReasonUpgrade:
		f := fail("REST works, but the WebSocket is refused: "+why(failed.Err),
			"Allow WebSockets (wss, the HTTP Upgrade) to gateway.discord.gg and hosts below discord.gg, port 443, on the proxy or firewall in between.").because(health.ProxyBlocks)
		if failed.Status >= 500 {
			f.Next = append(f.Next, "HTTP "+fmt.Sprint(failed.Status)+" may be Discord's own trouble too: https://discordstatus.com")
		}
		if proxied, _ := v.proxyOf(strings.Replace(address.String(), "ws", "http", 1)); proxied != nil {
			f = f.saw("the way leads through the proxy " + proxied.Host)
		}
		return f
	}
	return fail("REST works, but "+address.Host+" cannot be reached: "+why(failed.Err),
		"Allow connections outwards to gateway.discord.gg and hosts below discord.gg, port 443.").because(health.ProxyBlocks)
}

// checkStatus asks Discord's status page.
func (v *visit) checkStatus(ctx context.Context) Finding {
	if v.config.DiscordStatusURL == "" {
		return pass("not asked: DISCORD_STATUS_URL is empty, or the bot is pointed at something else than Discord")
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	s, err := statuspage.Ask(ctx, statuspage.Options{URL: v.config.DiscordStatusURL, Client: v.client, UserAgent: v.userAgent()})
	if err != nil {
		if v.answered.at.IsZero() {
			return Finding{Level: Skip, Says: "it cannot be asked either: " + why(err)}
		}
		return warn("it cannot be asked: "+why(err), "Nothing for the bot; look at https://discordstatus.com yourself.")
	}
	if s.Trouble() {
		f := warn("Discord, not you: "+s.Says(), "Nothing to do here; the bot holds on and comes back by itself.").because(health.DiscordOutage)
		for _, i := range s.Incidents {
			f = f.saw(fmt.Sprintf("%s (%s), %s %s", i.Name, i.Impact, i.Stage, i.Link))
		}
		return f
	}
	return pass("Discord reports no trouble: " + s.Says())
}
