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

// Diagnose returns the cause of what a shard reported: by the close code if there
// is one, else by the kind of failure and the error behind it. It returns
// [Unknown] for what the [Catalogue] does not list.
func Diagnose(c gateway.Reason) CauseID {
	if errors.Is(c.Err, gateway.ErrUnauthorized) {
		return TokenRefused
	}
	if code := closeCode(c); code != 0 {
		if id, ok := byCode[code]; ok {
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
	if d, ok := byKind[c.Kind]; ok {
		return d.cause
	}
	return Unknown
}

// diagnoseAttempt diagnoses a failed attempt by the HTTP status it met, or by its
// error. A 429 means a ban only at the upgrade: over REST it may be an ordinary
// rate limit.
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
	if _, proxy := errors.AsType[*network.ProxyError](c.Err); proxy {
		return ProxyFailed, true
	}
	if errors.Is(c.Err, rest.ErrBanned) {
		return IPBanned, true
	}
	if errors.Is(c.Err, rest.ErrForeign) || errors.Is(c.Err, rest.ErrTooLarge) {
		return NetworkDown, true
	}
	if _, dns := errors.AsType[*net.DNSError](c.Err); dns {
		return DNSFailure, true
	}
	if isCertificateError(c.Err) {
		return CertificateBad, true
	}
	if op, ok := errors.AsType[*net.OpError](c.Err); ok {
		if tcp, ok := op.Addr.(*net.TCPAddr); ok && tcp.IP.To4() == nil && isUnreachable(c.Err) {
			return IPv6NoRoute, true
		}
		return NetworkDown, true
	}
	if c.Kind == gateway.ReasonUpgrade || errors.Is(c.Err, context.DeadlineExceeded) {
		return NetworkDown, true // nothing answered, so it cannot be told what was in the way
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

func isCertificateError(err error) bool {
	return is[*tls.CertificateVerificationError](err) || is[x509.UnknownAuthorityError](err) ||
		is[x509.CertificateInvalidError](err) || is[x509.HostnameError](err)
}

// is reports whether err wraps an error of type E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isUnreachable(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.Is(err, syscall.EADDRNOTAVAIL)
}

// describe says a reason in words, as part of a sentence: in those of its close
// code, or of its kind.
func describe(c gateway.Reason) Message {
	d, known := byKind[c.Kind]
	code := closeCode(c)
	_, listed := byCode[code]
	proxy, proxied := errors.AsType[*network.ProxyError](c.Err)
	switch {
	case proxied:
		return Text(proxy.Error())
	case errors.Is(c.Err, gateway.ErrUnauthorized):
		return NewMessage("unauthorized")
	case errors.Is(c.Err, rest.ErrBanned):
		return NewMessage("banned")
	case errors.Is(c.Err, rest.ErrForeign):
		return NewMessage("foreign")
	case code != 0 && listed:
		return NewMessage(closeKey(code))
	case code != 0:
		return NewMessage("close.unknown", strconv.Itoa(int(code)))
	case c.Kind == "":
		return NewMessage("unknown.none")
	case !known:
		return NewMessage("unknown", string(c.Kind))
	case httpStatus(c) != 0:
		return NewMessage("join.http", NewMessage(d.sign.key()), strconv.Itoa(httpStatus(c)))
	case c.Elapsed > 0 && d.sign.For != "":
		return NewMessage(d.sign.key()+".for", c.Elapsed)
	}
	return NewMessage(d.sign.key())
}

// detail returns what Discord or the system said about a reason, in its own
// words; empty when that is nothing that [describe] does not say. The text is
// from elsewhere: secrets may be in it, and it may be long.
func detail(c gateway.Reason) string {
	switch {
	case c.Text != "" && c.Text != c.Code.Meaning():
		return c.Text
	case c.Text == "" && c.Err != nil:
		return c.Err.Error()
	}
	return ""
}

// remedied is an error that knows what a person has to do.
type remedied interface {
	error
	Remedy() string
}

// remedy returns what a person has to do about a reason; zero when nothing.
func remedy(c gateway.Reason) Message {
	if found, ok := errors.AsType[remedied](c.Err); ok {
		return Text(found.Remedy())
	}
	if code := closeCode(c); code != 0 && code.Remedy() != "" {
		return NewMessage("do." + closeKey(code))
	}
	return Lookup(Diagnose(c)).Remedy()
}
