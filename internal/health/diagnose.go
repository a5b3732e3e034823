package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"evergreen/gateway"
	"evergreen/internal/discord/network"
	"evergreen/internal/discord/rest"
)

// Diagnose finds the row of the catalogue for what a shard reported: by the
// close code if there is one, else by the kind of failure and the error behind
// it. What fits nowhere is [Unknown].
func Diagnose(c gateway.Reason) CauseID {
	if errors.Is(c.Err, gateway.ErrUnauthorized) {
		return TokenRefused
	}
	if code := closeCode(c); code != 0 {
		if id, ok := codes[code]; ok {
			return id
		}
		return Unknown
	}
	switch c.Kind {
	case gateway.ReasonLocate, gateway.ReasonDial, gateway.ReasonTLS, gateway.ReasonUpgrade:
		if id, ok := diagnoseAttempt(c); ok {
			return id
		}
	}
	if s, ok := signs[c.Kind]; ok {
		return s.cause
	}
	return Unknown
}

// diagnoseAttempt looks at the answer to a failed attempt, or at the error that
// came instead. A 429 means a ban only at the upgrade: over REST it may be an
// ordinary rate limit.
func diagnoseAttempt(c gateway.Reason) (CauseID, bool) {
	switch status := httpStatus(c); {
	case status >= 500:
		return DiscordOutage, true
	case status == http.StatusUnauthorized:
		return TokenRefused, true
	case status == http.StatusTooManyRequests && c.Kind == gateway.ReasonUpgrade:
		return IPBanned, true
	case status != 0:
		return "", false
	}
	if _, ok := errors.AsType[*network.ProxyError](c.Err); ok {
		return ProxyFailed, true
	}
	if errors.Is(c.Err, rest.ErrBanned) {
		return IPBanned, true
	}
	if _, ok := errors.AsType[*net.DNSError](c.Err); ok {
		return DNSFailure, true
	}
	if badCertificate(c.Err) {
		return CertificateBad, true
	}
	if op, ok := errors.AsType[*net.OpError](c.Err); ok {
		if tcp, ok := op.Addr.(*net.TCPAddr); ok && tcp.IP.To4() == nil && unreachable(c.Err) {
			return IPv6NoRoute, true
		}
		return NetworkDown, true
	}
	if c.Kind == gateway.ReasonUpgrade || errors.Is(c.Err, context.DeadlineExceeded) {
		return NetworkDown, true // nothing answered: who was in the way cannot be told
	}
	return "", false
}

// closeCode returns the code of the close frame that ended a connection, or 0.
// A refused upgrade carries its HTTP status in the same field.
func closeCode(c gateway.Reason) gateway.CloseCode {
	if c.Kind == gateway.ReasonUpgrade {
		return 0
	}
	return c.Code
}

// httpStatus returns the HTTP status that a failed attempt met, or 0.
func httpStatus(c gateway.Reason) int {
	if c.Kind == gateway.ReasonUpgrade && c.Code != 0 {
		return int(c.Code)
	}
	if connect, ok := errors.AsType[*gateway.ConnectError](c.Err); ok {
		return connect.Status
	}
	return 0
}

func badCertificate(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	return verification || authority || invalid || hostname
}

func unreachable(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.Is(err, syscall.EADDRNOTAVAIL)
}

// describe says a reason in words, as part of a sentence. A reason that is not
// known says so.
func describe(c gateway.Reason) Message {
	sign, known := signs[c.Kind]
	code := closeCode(c)
	_, listed := codes[code]
	proxy, proxied := errors.AsType[*network.ProxyError](c.Err)
	switch {
	case proxied:
		return Text(proxy.Error())
	case errors.Is(c.Err, gateway.ErrUnauthorized):
		return Say("unauthorized")
	case code != 0 && listed:
		return Say(closeKey(code))
	case code != 0:
		return Say("close.unknown", strconv.Itoa(int(code)))
	case c.Kind == "":
		return Say("unknown.none")
	case !known:
		return Say("unknown", string(c.Kind))
	case httpStatus(c) != 0:
		return Say("join.http", Say(sign.key()), strconv.Itoa(httpStatus(c)))
	case c.Elapsed > 0 && sign.For != "":
		return Say(sign.key()+".for", c.Elapsed)
	}
	return Say(sign.key())
}

// detail returns what the peer or the system said about a cause, in its own
// words; empty when there is nothing that [describe] does not say. It is
// foreign text: secrets may be in it, and it may be long.
func detail(c gateway.Reason) string {
	switch {
	case c.Text != "" && c.Text != c.Code.Policy().Says:
		return c.Text
	case c.Text == "" && c.Err != nil:
		return c.Err.Error()
	}
	return ""
}

// remedy returns what a person has to do about a reason; zero when nothing.
func remedy(c gateway.Reason) Message {
	if found, ok := errors.AsType[gateway.Remedied](c.Err); ok {
		return Text(found.Remedy())
	}
	if code := closeCode(c); code != 0 && code.Policy().Remedy != "" {
		return Say("do." + closeKey(code))
	}
	return Lookup(Diagnose(c)).Remedy()
}
