package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"evergreen/internal/discord/network"
	"evergreen/internal/health"
)

// knownIssuers are the authorities that Discord and its edge have had certificates
// from. Another one is worth a warning.
var knownIssuers = []string{"Cloudflare", "Google Trust Services", "DigiCert", "Let's Encrypt", "Sectigo", "SSL Corporation", "Amazon", "GlobalSign", "ISRG"}

// certificateWarn is how long before its end a certificate is worth a warning.
const certificateWarn = 72 * time.Hour

// tlsState is the result of a handshake.
type tlsState struct {
	chain   []*x509.Certificate
	version uint16
	err     error // what is wrong with the chain
}

// checkTLS makes a handshake and checks the certificate: its issuer, its dates, and
// if it is refused, why.
func (x *examination) checkTLS(ctx context.Context) Finding {
	if x.target.Scheme == "http" {
		return pass("not used: DISCORD_API_URL begins with http, so nothing to " + x.target.Host + " is encrypted")
	}
	h, err := x.handshake(ctx, false)
	if h.chain == nil {
		return x.failedHandshake(err)
	}
	for _, c := range h.chain {
		x.chainBytes += len(c.Raw)
	}
	leaf := h.chain[0]
	f := pass(fmt.Sprintf("%s, certificate good until %s", tls.VersionName(h.version), leaf.NotAfter.UTC().Format(time.DateOnly)),
		"issued by "+issuerOf(leaf)+" for "+strings.Join(leaf.DNSNames[:min(3, len(leaf.DNSNames))], ", "),
		fmt.Sprintf("valid from %s to %s", leaf.NotBefore.UTC().Format(time.DateTime), leaf.NotAfter.UTC().Format(time.DateTime)+" UTC"))
	if h.err != nil {
		return x.badCertificate(ctx, h, f.Evidence)
	}
	if left := leaf.NotAfter.Sub(x.Now()); left < certificateWarn {
		f.raise(Warn)
		f.Says = "the certificate ends in " + longDuration(left)
		f.Next = []string{"Discord renews its certificates in time; if this one is a proxy's, tell whoever runs it."}
	}
	if !x.isSimulated() && !slices.ContainsFunc(knownIssuers, func(known string) bool { return strings.Contains(issuerOf(leaf), known) }) {
		f.raise(Warn)
		f.Says = "the certificate was issued by " + issuerOf(leaf) + ", not by one of Discord's usual authorities"
		f.Next = []string{"Something between here and Discord probably opens the encryption (a company proxy, an antivirus). It is trusted here, so it works, but it reads along; ask that " + x.leftOut() + " are left out."}
	}
	return f
}

// handshake connects and returns what the server shows. With trusting it goes on
// after a bad certificate, to read the server's clock; nothing secret is sent.
func (x *examination) handshake(ctx context.Context, trusting bool) (h tlsState, err error) {
	t := x.transport()
	defer t.CloseIdleConnections()
	t.TLSClientConfig = &tls.Config{
		ServerName: x.target.Hostname(), MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, // judged in VerifyConnection, with the evidence kept
		VerifyConnection: func(s tls.ConnectionState) error {
			h.chain, h.version = s.PeerCertificates, s.Version
			rest := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				rest.AddCert(c)
			}
			_, h.err = s.PeerCertificates[0].Verify(x509.VerifyOptions{
				DNSName: s.ServerName, Roots: x.Roots, Intermediates: rest, CurrentTime: x.Now(),
			})
			if trusting {
				return nil
			}
			return h.err
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.config.APIURL+"/gateway", nil)
	if err != nil {
		return h, err
	}
	req.Header.Set("User-Agent", x.userAgent())
	resp, err := t.RoundTrip(req)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	x.answer = x.readAnswer(resp.Header)
	return h, nil
}

// badCertificate says what is wrong with a certificate, and what to do.
func (x *examination) badCertificate(ctx context.Context, h tlsState, evidence []string) Finding {
	leaf, now := h.chain[0], x.Now()
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](h.err)
	_, otherName := errors.AsType[x509.HostnameError](h.err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](h.err)
	f := fail("the certificate is refused: " + plain(h.err.Error())).with(evidence...).withCause(health.CertificateBad)
	switch {
	case isInvalid && invalid.Reason == x509.Expired:
		if now.Before(leaf.NotBefore) {
			f.Says = fmt.Sprintf("the certificate is not good before %s, and the clock of this machine says %s", leaf.NotBefore.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
		} else {
			f.Says = fmt.Sprintf("the certificate ended on %s, and the clock of this machine says %s", leaf.NotAfter.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
		}
		x.answer = restAnswer{}
		_, _ = x.handshake(ctx, true)
		off := x.clockOffset()
		switch {
		case x.answer.date.IsZero():
			f.Next = []string{"Look at the clock of this machine (date -u). If it is wrong: timedatectl set-ntp true. If it is right, something between here and Discord shows an old certificate."}
		case off.Abs() > time.Minute:
			f = f.with("the other side's clock says " + x.answer.date.UTC().Format(time.DateTime))
			f.Next = []string{"The clock of this machine is " + sayOffset(off) + ". Set it: timedatectl set-ntp true, or sudo date -u -s '" + x.answer.date.UTC().Format(time.DateTime) + "'."}
		default:
			f = f.with("the other side's clock agrees with this machine's")
			f.Next = []string{"The clock is right, so the certificate is wrong: this is not Discord that answers, or a proxy with an old certificate. See who is " + issuerOf(leaf) + "."}
		}
	case otherName:
		f.Says = x.target.Hostname() + " shows a certificate for another name (" + strings.Join(leaf.DNSNames[:min(3, len(leaf.DNSNames))], ", ") + ")"
		f.Next = []string{"Something else than Discord answers: a captive portal, a wrong entry in /etc/hosts, or DNS that lies. Look where the name leads: getent hosts " + x.target.Hostname()}
	case unknown:
		f.Says = "the certificate was issued by " + issuerOf(leaf) + ", which this machine does not trust"
		f.Next = []string{
			"If that is a proxy or an antivirus that opens the encryption: have " + x.leftOut() + " left out, or install its CA certificate here.",
			"If it is a public authority, the list of authorities is old: update ca-certificates (in a container: install it in the image).",
		}
	}
	return f
}

// failedHandshake returns the finding when no certificate was shown.
func (x *examination) failedHandshake(err error) Finding {
	if x.proxy != nil {
		return fail("the proxy does not let a connection to "+x.target.Host+" through: "+explain(err),
			"Allow "+x.restAndGateway()+" on the proxy "+x.proxy.Host+".").withCause(health.ProxyBlocks)
	}
	return fail("no TLS with "+x.target.Host+": "+explain(err),
		"Something between here and Discord ends the connection before it is encrypted: a firewall that looks into TLS, or another service on that port.").withCause(health.CertificateBad)
}

// leftOut names the hosts whose encryption is to be left alone.
func (x *examination) leftOut() string {
	if x.isSimulated() {
		return x.target.Hostname() + " and the gateway that it names"
	}
	return x.target.Hostname() + " and discord.gg"
}

// restAndGateway names the addresses that a proxy has to let through.
func (x *examination) restAndGateway() string {
	if x.isSimulated() {
		return network.HostPort(x.target) + " and the gateway that it names"
	}
	return network.HostPort(x.target) + " and gateway.discord.gg:443"
}

// issuerOf returns the name of the authority that signed a certificate.
func issuerOf(c *x509.Certificate) string {
	text := plain(c.Issuer.CommonName)
	for _, o := range c.Issuer.Organization {
		if !strings.Contains(text, o) {
			text = plain(text + " (" + o + ")")
		}
	}
	if text == "" {
		return "an authority without a name"
	}
	return text
}
