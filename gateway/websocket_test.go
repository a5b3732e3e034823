package gateway_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"evergreen/gateway"
)

// roundTripper is a transport that is a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A dial that fails says how far it came: the name, the connection, TLS, the upgrade. What
// HTTP answered says most; of the rest the caller's own sorting comes first.
// Statements: G-012.
func TestFailedDialSaysHowFarItCame(t *testing.T) {
	dialed := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	answered := func(status int) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Status: http.StatusText(status), Request: r, Body: io.NopCloser(strings.NewReader("")),
				Header: http.Header{"Location": {"https://example.com/"}},
			}, nil
		}
	}
	failed := func(err error) roundTripper {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	reached := func(r *http.Request) (*http.Response, error) {
		one, other := net.Pipe()
		_, _ = one.Close(), other.Close()
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{Conn: one})
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: io.EOF}
	}
	sorted := func(error) gateway.ReasonKind { return gateway.ReasonLocate }
	for _, c := range []struct {
		name     string
		answer   roundTripper
		classify func(error) gateway.ReasonKind
		want     gateway.ReasonKind
		status   int
	}{
		{"the name is not known", failed(dialed(&net.DNSError{Err: "no such host", IsNotFound: true})), nil, gateway.ReasonDNS, 0},
		{"refused", failed(dialed(errors.New("connection refused"))), nil, gateway.ReasonDial, 0},
		{"too late", failed(context.DeadlineExceeded), nil, gateway.ReasonDial, 0},
		{"given up", failed(context.Canceled), nil, gateway.ReasonDial, 0},
		{"an alert", failed(errors.New("remote error: tls: handshake failure")), nil, gateway.ReasonTLS, 0},
		{"a certificate", failed(x509.UnknownAuthorityError{}), nil, gateway.ReasonTLS, 0},
		{"something else", failed(errors.New("what is this")), nil, gateway.ReasonUpgrade, 0},
		{"a connection that says nothing else", failed(&net.OpError{Op: "write", Net: "tcp", Err: io.EOF}), nil, gateway.ReasonUpgrade, 0},
		{"cut after it was reached", reached, nil, gateway.ReasonUpgrade, 0},
		{"refused by the server", answered(http.StatusServiceUnavailable), nil, gateway.ReasonUpgrade, http.StatusServiceUnavailable},
		{"sent elsewhere", answered(http.StatusFound), nil, gateway.ReasonUpgrade, http.StatusFound},
		{"sorted by the caller", failed(dialed(errors.New("connection refused"))), sorted, gateway.ReasonLocate, 0},
		{"not sorted by the caller", failed(dialed(errors.New("connection refused"))), func(error) gateway.ReasonKind { return "" }, gateway.ReasonDial, 0},
		{"answered, whatever the caller thinks", answered(http.StatusForbidden), sorted, gateway.ReasonUpgrade, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			socket, err := gateway.WebSocketDialer{Transport: c.answer, Classify: c.classify}.Dial(t.Context(), "wss://gateway.example")
			failure, ok := errors.AsType[*gateway.ConnectError](err)
			if socket != nil || !ok || failure.Kind != c.want || failure.Status != c.status || failure.Err == nil {
				t.Errorf("%v, %v; want %s with %d", socket, err, c.want, c.status)
			}
		})
	}
}
