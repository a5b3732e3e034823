package health

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/discord/network"
	"evergreen/internal/discord/rest"
)

// The catalogue holds the 25 causes of the ranking once each, and every row can
// be shown: with a name for good, a title, how it is recognised and what was
// done.
func TestCatalogue(t *testing.T) {
	numbers := map[int]CauseID{}
	ids := map[CauseID]bool{}
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for n, c := range Catalogue {
		if ids[c.ID] || !slug.MatchString(string(c.ID)) {
			t.Errorf("the name %q is taken or no good", c.ID)
		}
		ids[c.ID] = true
		if c.Number != 0 {
			if numbers[c.Number] != "" || c.Number != n+1 {
				t.Errorf("%s has number %d in row %d", c.ID, c.Number, n+1)
			}
			numbers[c.Number] = c.ID
		}
		if c.Title == "" || c.Happened == "" || c.Recognised == "" || c.Done == "" || c.Reproduce == "" || (c.Depth == Unexplained) != (c.ID == Unknown) {
			t.Errorf("%s is not complete: %+v", c.ID, c)
		}
		for _, name := range faultNames(c.Reproduce) {
			if discordsim.DescribeFault(name).Description == "" {
				t.Errorf("%s is to be staged with %q, which the simulator does not know", c.ID, name)
			}
		}
		for _, text := range []string{c.Happened, c.Recognised, c.Done, c.Do, c.Reproduce, c.Undetectable} {
			if text != "" && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is no sentence", c.ID, text)
			}
		}
		if Lookup(c.ID).ID != c.ID || c.Link() != "docs/runbook.md#"+string(c.ID) {
			t.Errorf("%s is not found", c.ID)
		}
	}
	if len(numbers) != 25 {
		t.Errorf("%d of 25 causes are there", len(numbers))
	}
	if Lookup("never heard of").ID != Unknown {
		t.Error("an unknown name has a row")
	}
}

var backticked = regexp.MustCompile("`([^`]+)`")

// faultNames are the faults of the simulator that a text names: what stands in
// backticks and is neither a flag nor a command.
func faultNames(text string) (names []string) {
	for _, found := range backticked.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(found[1], "--") && !strings.HasPrefix(found[1], "evergreen ") {
			names = append(names, found[1])
		}
	}
	return names
}

// kinds is every kind of cause a shard can tell apart.
var kinds = []gateway.ReasonKind{
	gateway.ReasonStart, gateway.ReasonLocate, gateway.ReasonDNS, gateway.ReasonDial, gateway.ReasonTLS, gateway.ReasonUpgrade,
	gateway.ReasonNoHello, gateway.ReasonNoReady, gateway.ReasonNoResumed, gateway.ReasonReconnect, gateway.ReasonInvalidSession,
	gateway.ReasonClosed, gateway.ReasonReset, gateway.ReasonSilent, gateway.ReasonNoACK, gateway.ReasonSlept, gateway.ReasonStalled, gateway.ReasonMalformed,
	gateway.ReasonCompression, gateway.ReasonWrite, gateway.ReasonGrantExpired, gateway.ReasonOverflow, gateway.ReasonFatal, gateway.ReasonStop,
}

// Every kind of cause has words and every close code a row, and all tables lead
// into the catalogue.
func TestTablesAreComplete(t *testing.T) {
	for _, kind := range kinds {
		if s, ok := byKind[kind]; !ok || s.sign.Says == "" {
			t.Errorf("%s has no words", kind)
		}
	}
	for code := gateway.CloseCode(4000); code <= 4014; code++ {
		if code == 4006 {
			continue // not in use any more
		}
		if _, ok := byCode[code]; !ok {
			t.Errorf("%d has no row", code)
		}
	}
	seen := map[any]CauseID{}
	for _, c := range Catalogue {
		for _, code := range c.Codes {
			if seen[code] != "" {
				t.Errorf("%d leads to %s and to %s", code, seen[code], c.ID)
			}
			seen[code] = c.ID
		}
		for _, s := range c.Signs {
			if seen[s.key()] != "" || (s.Kind == "") == (s.Key == "") || s.Says == "" {
				t.Errorf("%s of %s: %+v", s.key(), c.ID, s)
			}
			seen[s.key()] = c.ID
		}
	}
}

// dialing is the error of a dial to an address.
func dialing(ip string, errno syscall.Errno) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 443}, Err: os.NewSyscallError("connect", errno)}
}

// The same signs always lead to the same cause, the same words and the same
// advice.
func TestDiagnose(t *testing.T) {
	dns := &net.DNSError{Err: "no such host", Name: "gateway.discord.gg", IsNotFound: true}
	for _, c := range []struct {
		cause gateway.Reason
		id    CauseID
		says  string
		do    string // part of the remedy
	}{
		{gateway.Reason{Kind: gateway.ReasonDNS, Err: dns}, DNSFailure, "the name of Discord's gateway did not resolve", "resolv.conf"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: fmt.Errorf("get: %w", dns)}, DNSFailure, "the address of Discord's gateway could not be learnt", "resolv.conf"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: context.DeadlineExceeded}, NetworkDown, "the address of Discord's gateway could not be learnt", "firewall"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: errors.New("odd")}, Unknown, "the address of Discord's gateway could not be learnt", "report"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: &gateway.ConnectError{Kind: gateway.ReasonLocate, Status: 502, Err: errors.New("x")}}, DiscordOutage, "the address of Discord's gateway could not be learnt (HTTP 502)", "discordstatus"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: &gateway.ConnectError{Kind: gateway.ReasonLocate, Status: 429, Err: errors.New("x")}}, Unknown, "the address of Discord's gateway could not be learnt (HTTP 429)", "report"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: fmt.Errorf("get: %w", rest.ErrBanned)}, IPBanned, "Discord (Cloudflare) blocks this address for a while", "shared"},
		{gateway.Reason{Kind: gateway.ReasonFatal, Code: 4004, Err: gateway.ErrUnauthorized}, TokenRefused, "Discord does not accept the token", "DISCORD_TOKEN"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: fmt.Errorf("get: %w", gateway.ErrUnauthorized)}, TokenRefused, "Discord does not accept the token", "DISCORD_TOKEN"},
		{gateway.Reason{Kind: gateway.ReasonDial, Err: dialing("162.159.135.234", syscall.ECONNREFUSED)}, NetworkDown, "Discord's gateway could not be reached over the network", "firewall"},
		{gateway.Reason{Kind: gateway.ReasonDial, Err: dialing("2606:4700::1", syscall.ENETUNREACH)}, IPv6NoRoute, "Discord's gateway could not be reached over the network", "IPv6"},
		{gateway.Reason{Kind: gateway.ReasonDial, Err: dialing("2606:4700::1", syscall.ECONNREFUSED)}, NetworkDown, "Discord's gateway could not be reached over the network", "firewall"},
		{gateway.Reason{Kind: gateway.ReasonDial, Err: dialing("162.159.135.234", syscall.ENETUNREACH)}, NetworkDown, "Discord's gateway could not be reached over the network", "firewall"},
		{gateway.Reason{Kind: gateway.ReasonTLS, Err: fmt.Errorf("dial: %w", x509.CertificateInvalidError{Reason: x509.Expired})}, CertificateBad, "the TLS handshake with Discord's gateway failed", "clock"},
		{gateway.Reason{Kind: gateway.ReasonTLS, Err: errors.New("tls: handshake failure")}, NetworkDown, "the TLS handshake with Discord's gateway failed", "firewall"},
		{gateway.Reason{Kind: gateway.ReasonDial, Err: &network.ProxyError{Proxy: "http://proxy:3128", Status: 407}}, ProxyFailed, "the proxy http://proxy:3128 refused: it wants a login (407); write it into the proxy variable as http://user:password@host:port", "HTTPS_PROXY"},
		{gateway.Reason{Kind: gateway.ReasonLocate, Err: fmt.Errorf("get: %w", &network.ProxyError{Proxy: "http://proxy:3128", Err: dialing("192.0.2.1", syscall.ECONNREFUSED)})}, ProxyFailed, "the proxy http://proxy:3128 failed: dial tcp 192.0.2.1:443: connect: connection refused; look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY", "HTTPS_PROXY"},
		// A dialer that knows the status puts it where a close code would be.
		{gateway.Reason{Kind: gateway.ReasonUpgrade, Code: 403, Err: errors.New("the server answered 403")}, ProxyBlocks, "Discord's gateway did not open a WebSocket (HTTP 403)", "wss"},
		{gateway.Reason{Kind: gateway.ReasonUpgrade, Code: 302}, ProxyBlocks, "Discord's gateway did not open a WebSocket (HTTP 302)", "wss"},
		{gateway.Reason{Kind: gateway.ReasonUpgrade, Code: 429}, IPBanned, "Discord's gateway did not open a WebSocket (HTTP 429)", "shared"},
		{gateway.Reason{Kind: gateway.ReasonUpgrade, Code: 401}, TokenRefused, "Discord's gateway did not open a WebSocket (HTTP 401)", "DISCORD_TOKEN"},
		{gateway.Reason{Kind: gateway.ReasonUpgrade, Code: 503}, DiscordOutage, "Discord's gateway did not open a WebSocket (HTTP 503)", "discordstatus"},
		{gateway.Reason{Kind: gateway.ReasonUpgrade, Err: errors.New("EOF")}, NetworkDown, "Discord's gateway did not open a WebSocket", "firewall"},
		{gateway.Reason{Kind: gateway.ReasonNoHello, Elapsed: 10 * time.Second}, DiscordOutage, "Discord accepted the connection but never said HELLO (waited 10 s)", "discordstatus"},
		{gateway.Reason{Kind: gateway.ReasonNoResumed, Elapsed: 15 * time.Second}, ResumeDropped, "Discord did not answer the RESUME (waited 15 s)", ""},
		{gateway.Reason{Kind: gateway.ReasonSilent, Elapsed: 25 * time.Second}, HalfOpen, "the connection was half-open (nothing arrived for 25 s)", ""},
		{gateway.Reason{Kind: gateway.ReasonNoACK, Elapsed: time.Minute}, HalfOpen, "heartbeats stayed unanswered (for 1 min)", ""},
		{gateway.Reason{Kind: gateway.ReasonClosed, Code: 4000}, DiscordClosed, "Discord had an unknown error (close code 4000)", ""},
		{gateway.Reason{Kind: gateway.ReasonClosed, Code: 4003}, TokenRefused, "the session was invalidated: the token was reset or a privileged intent was switched off (close code 4003)", "DISCORD_TOKEN"},
		{gateway.Reason{Kind: gateway.ReasonClosed, Code: 4008}, SendLimit, "too many payloads were sent on one connection (close code 4008)", "report"},
		{gateway.Reason{Kind: gateway.ReasonFatal, Code: 4013}, IntentsRefused, "Discord does not know an intent that was asked for (close code 4013)", "intents"},
		{gateway.Reason{Kind: gateway.ReasonFatal, Code: 4011}, ShardingRequired, "the bot is in too many guilds for this many shards (2,500 each) (close code 4011)", "shard count"},
		{gateway.Reason{Kind: gateway.ReasonClosed, Code: 4242}, Unknown, "Discord closed the connection with code 4242, for a reason that is not known", "report"},
		{gateway.Reason{Kind: gateway.ReasonOverflow}, SlowHandlers, "the handlers did not keep up and the event queue was full", "handler"},
		{gateway.Reason{Kind: "from the future"}, Unknown, "the connection ended for an unknown reason (from the future)", "report"},
		{gateway.Reason{}, Unknown, "the connection ended for an unknown reason (none was given)", "report"},
	} {
		if id := Diagnose(c.cause); id != c.id {
			t.Errorf("%s: cause %s, want %s", c.cause, id, c.id)
		}
		if says := describe(c.cause).String(); says != c.says {
			t.Errorf("%s: says %q, want %q", c.cause, says, c.says)
		}
		if do := remedy(c.cause).String(); !strings.Contains(do, c.do) || c.do == "" && do != "" {
			t.Errorf("%s: remedy %q, want %q in it", c.cause, do, c.do)
		}
	}
}

// What the peer said is told besides, but not what was said already.
func TestDetail(t *testing.T) {
	policy := gateway.CloseDisallowedIntents.Meaning()
	for _, c := range []struct {
		cause gateway.Reason
		want  string
	}{
		{gateway.Reason{}, ""},
		{gateway.Reason{Kind: gateway.ReasonFatal, Code: 4014, Text: policy}, ""},
		{gateway.Reason{Kind: gateway.ReasonClosed, Code: 4014, Text: "Disallowed intent(s)."}, "Disallowed intent(s)."},
		{gateway.Reason{Kind: gateway.ReasonReset, Err: errors.New("EOF")}, "EOF"},
	} {
		if got := detail(c.cause); got != c.want {
			t.Errorf("%v: %q", c.cause, got)
		}
	}
}

// Who ended a connection follows from how it ended.
//
// Statements: G-158.
func TestWhoClosed(t *testing.T) {
	for kind, want := range map[gateway.ReasonKind]Closer{
		gateway.ReasonClosed: ByDiscord, gateway.ReasonReconnect: ByDiscord, gateway.ReasonInvalidSession: ByDiscord, gateway.ReasonFatal: ByDiscord,
		gateway.ReasonReset: ByNetwork, gateway.ReasonWrite: ByNetwork,
		gateway.ReasonSilent: ByUs, gateway.ReasonNoACK: ByUs, gateway.ReasonSlept: ByUs, gateway.ReasonStalled: ByUs, gateway.ReasonMalformed: ByUs,
	} {
		if got := closedBy(gateway.Reason{Kind: kind}); got != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
}
