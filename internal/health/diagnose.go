package health

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"evergreen/gateway"
	"evergreen/internal/discord/network"
	"evergreen/internal/discord/rest"
)

// causeOfKind maps what a shard can tell apart to the catalogue. Kinds that
// need a second look at the code or the error are refined by [Diagnose].
var causeOfKind = map[gateway.ReasonKind]CauseID{
	gateway.ReasonLocate:         Unknown,
	gateway.ReasonDNS:            DNSFailure,
	gateway.ReasonDial:           NetworkDown,
	gateway.ReasonTLS:            NetworkDown,
	gateway.ReasonUpgrade:        ProxyBlocks,
	gateway.ReasonNoHello:        DiscordOutage,
	gateway.ReasonNoReady:        DiscordOutage,
	gateway.ReasonNoResumed:      ResumeDropped,
	gateway.ReasonReconnect:      RoutineReconnect,
	gateway.ReasonInvalidSession: SessionEnded,
	gateway.ReasonClosed:         Unknown,
	gateway.ReasonReset:          ConnectionCut,
	gateway.ReasonSilent:         HalfOpen,
	gateway.ReasonNoACK:          HalfOpen,
	gateway.ReasonSlept:          HostSlept,
	gateway.ReasonMalformed:      GarbledStream,
	gateway.ReasonCompression:    GarbledStream,
	gateway.ReasonWrite:          HalfOpen,
	gateway.ReasonGrantExpired:   NetworkDown,
	gateway.ReasonOverflow:       SlowHandlers,
	gateway.ReasonFatal:          Unknown,
	gateway.ReasonStop:           PlannedStop,
}

// causeOfCode maps close codes to the catalogue. Codes that are not listed
// are unknown.
var causeOfCode = map[gateway.CloseCode]CauseID{
	1000:                          DiscordClosed,
	1001:                          DiscordClosed,
	gateway.CloseNone:             ConnectionCut,
	1011:                          DiscordClosed,
	1012:                          DiscordClosed,
	1013:                          DiscordClosed,
	1014:                          DiscordClosed,
	gateway.CloseUnknownError:     DiscordClosed,
	gateway.CloseUnknownOpcode:    ClientMistake,
	gateway.CloseDecodeError:      ClientMistake,
	gateway.CloseNotAuthenticated: TokenRefused,
	gateway.CloseAuthFailed:       TokenRefused,
	gateway.CloseAlreadyAuth:      ClientMistake,
	gateway.CloseInvalidSeq:       SessionEnded,
	gateway.CloseRateLimited:      SendLimit,
	gateway.CloseSessionTimedOut:  SessionEnded,
	gateway.CloseInvalidShard:     ShardingRequired,
	gateway.CloseShardingRequired: ShardingRequired,
	gateway.CloseInvalidVersion:   ClientOutdated,
	gateway.CloseInvalidIntents:   IntentsRefused,
	gateway.CloseRefusedIntents:   IntentsRefused,
}

// Diagnose finds the row of the catalogue for what a shard reported: by the
// close code if there is one, else by the kind of failure and the error behind
// it. What fits nowhere is [Unknown].
func Diagnose(c gateway.Reason) CauseID {
	if errors.Is(c.Err, gateway.ErrUnauthorized) {
		return TokenRefused
	}
	if code := closeCode(c); code != 0 {
		if id, ok := causeOfCode[code]; ok {
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
	if id, ok := causeOfKind[c.Kind]; ok {
		return id
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
	if proxy := (*network.ProxyError)(nil); errors.As(c.Err, &proxy) {
		return ProxyFailed, true
	}
	if errors.Is(c.Err, rest.ErrBanned) {
		return IPBanned, true
	}
	if dns := (*net.DNSError)(nil); errors.As(c.Err, &dns) {
		return DNSFailure, true
	}
	if badCertificate(c.Err) {
		return CertificateBad, true
	}
	if op := (*net.OpError)(nil); errors.As(c.Err, &op) {
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
	if connect := (*gateway.ConnectError)(nil); errors.As(c.Err, &connect) {
		return connect.Status
	}
	return 0
}

func badCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		invalid      x509.CertificateInvalidError
		hostname     x509.HostnameError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &invalid) || errors.As(err, &hostname)
}

func unreachable(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.Is(err, syscall.EADDRNOTAVAIL)
}

// saysOfKind says in words what a kind of cause means. Close codes have words
// of their own.
var saysOfKind = map[gateway.ReasonKind]string{
	gateway.ReasonStart:          "the bot is starting",
	gateway.ReasonLocate:         "the address of Discord's gateway could not be learnt",
	gateway.ReasonDNS:            "the name of Discord's gateway did not resolve",
	gateway.ReasonDial:           "Discord's gateway could not be reached over the network",
	gateway.ReasonTLS:            "the TLS handshake with Discord's gateway failed",
	gateway.ReasonUpgrade:        "Discord's gateway did not open a WebSocket",
	gateway.ReasonNoHello:        "Discord accepted the connection but never said HELLO",
	gateway.ReasonNoReady:        "Discord did not answer IDENTIFY with READY",
	gateway.ReasonNoResumed:      "Discord did not answer the RESUME",
	gateway.ReasonReconnect:      "Discord asked for a reconnect (routine)",
	gateway.ReasonInvalidSession: "Discord invalidated the session",
	gateway.ReasonClosed:         "Discord closed the connection",
	gateway.ReasonReset:          "the connection was cut without a close frame",
	gateway.ReasonSilent:         "the connection was half-open",
	gateway.ReasonNoACK:          "heartbeats stayed unanswered",
	gateway.ReasonSlept:          "the host was asleep",
	gateway.ReasonMalformed:      "Discord sent something that is not JSON",
	gateway.ReasonCompression:    "the compressed stream broke",
	gateway.ReasonWrite:          "a write to Discord failed or blocked",
	gateway.ReasonGrantExpired:   "connecting took longer than the shard's turn to identify lasts",
	gateway.ReasonOverflow:       "the handlers did not keep up and the event queue was full",
	gateway.ReasonFatal:          "Discord refuses the bot until something is mended",
	gateway.ReasonStop:           "it was stopped as asked",
}

// saysOfElapsed adds the time that matters to some kinds.
var saysOfElapsed = map[gateway.ReasonKind]string{
	gateway.ReasonSilent:    "nothing arrived for %s",
	gateway.ReasonNoACK:     "for %s",
	gateway.ReasonSlept:     "for %s",
	gateway.ReasonNoHello:   "waited %s",
	gateway.ReasonNoReady:   "waited %s",
	gateway.ReasonNoResumed: "waited %s",
}

// describe says a cause in words, as part of a sentence. A cause that is not
// known says so.
func describe(c gateway.Reason) string {
	text, known := saysOfKind[c.Kind]
	var proxy *network.ProxyError
	switch {
	case errors.As(c.Err, &proxy):
		text = proxy.Error()
	case errors.Is(c.Err, gateway.ErrUnauthorized):
		text = gateway.CloseAuthFailed.Policy().Says
	case closeCode(c) != 0:
		text = c.Code.Policy().Says
		if _, listed := causeOfCode[c.Code]; listed {
			text += fmt.Sprintf(" (close code %d)", c.Code)
		} else {
			text += ", for a reason that is not known"
		}
	case !known:
		text = fmt.Sprintf("the connection ended for an unknown reason (%s)", cmp.Or(string(c.Kind), "none was given"))
	case httpStatus(c) != 0:
		text += fmt.Sprintf(" (HTTP %d)", httpStatus(c))
	case c.Elapsed > 0 && saysOfElapsed[c.Kind] != "":
		text += " (" + fmt.Sprintf(saysOfElapsed[c.Kind], span(c.Elapsed)) + ")"
	}
	return text
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

// remedy returns what a person has to do about a cause; empty when nothing.
func remedy(c gateway.Reason) string {
	if found, ok := errors.AsType[gateway.Remedied](c.Err); ok {
		return found.Remedy()
	}
	if code := closeCode(c); code != 0 && code.Policy().Remedy != "" {
		return code.Policy().Remedy
	}
	return Lookup(Diagnose(c)).Do
}
