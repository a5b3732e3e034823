package sidecar

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// Who gives a library wss:// where it should be ws://, or the other way round, or an address
// that is not there, finds in the log what to change; however often a client does so.
func TestWrongAddressesOfLibrariesAreTold(t *testing.T) {
	certificate, key, _ := selfSigned(t)
	for name, one := range map[string]struct {
		opts Options
		dial func(address string)
		want string
	}{
		"TLS where there is none": {
			Options{},
			func(address string) {
				if conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}); err == nil {
					t.Error("the handshake was taken")
					_ = conn.Close()
				}
			},
			"instead of wss://",
		},
		"none where there is TLS": {
			Options{TLSCert: certificate, TLSKey: key},
			func(address string) { get(t, "http://"+address+"/api/v10/gateway") },
			"instead of ws://",
		},
		"no /api": {
			Options{},
			func(address string) { get(t, "http://"+address+"/v10/gateway") },
			"below /api",
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := make(lines, 100)
			o := one.opts
			o.Token, o.APIURL, o.Log = func() string { return "token" }, "http://127.0.0.1:9/api/v10", slog.New(slog.NewTextHandler(log, nil))
			o.HTTPClient = &http.Client{}
			o.Addr = "127.0.0.1:0"
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Listen(t.Context()); err != nil {
				t.Fatal(err)
			}
			ran := make(chan error, 1)
			go func() { ran <- s.Run(context.Background()) }()
			for range 3 {
				one.dial(s.Addr().String())
			}
			for line := range log { // the server may write it after its answer
				if strings.Contains(line, one.want) {
					break
				}
			}
			if err := s.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			if err := <-ran; err != nil {
				t.Error(err)
			}
			for len(log) > 0 {
				if line := <-log; strings.Contains(line, one.want) {
					t.Errorf("it is told again: %s", line)
				}
			}
		})
	}
}

// lines are what is logged.
type lines chan string

// Write implements [io.Writer].
func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// get sends a request whose answer does not matter.
func get(t *testing.T, address string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}
