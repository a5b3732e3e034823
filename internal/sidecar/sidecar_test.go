package sidecar

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/simtest"
)

// newSidecar returns a Sidecar that is not started.
func newSidecar(t *testing.T, change func(*Options)) *Sidecar {
	t.Helper()
	o := Options{
		Token: func() string { return "token" }, HTTPClient: &http.Client{}, UserAgent: "DiscordBot (https://example.com, 1)",
		APIURL: "https://discord.example/api/v10", Listen: listenOn(simtest.NewListener()),
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAddressOfDiscordNeedsAHost(t *testing.T) {
	for _, address := range []string{"", "discord.com", "/api/v10", "https://", "https://a b/", "://"} {
		if _, err := New(Options{APIURL: address, HTTPClient: &http.Client{}}); err == nil || !strings.Contains(err.Error(), "REST address") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// An address that is taken and a certificate that is not there are told with what to change.
func TestListenSaysWhatToChange(t *testing.T) {
	first := newSidecar(t, func(o *Options) { o.Listen, o.Addr = nil, "127.0.0.1:0" })
	if err := first.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	address := first.Addr().String()
	if strings.HasSuffix(address, ":0") || first.Status().Addr != address {
		t.Errorf("it listens on %s, and says %s", address, first.Status().Addr)
	}
	second := newSidecar(t, func(o *Options) { o.Listen, o.Addr = nil, address })
	if err := second.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "bots cannot connect to "+address) {
		t.Errorf("on an address that is taken: %v", err)
	}
	if second.Addr() != nil {
		t.Errorf("it says that it listens on %s", second.Addr())
	}
	secure := newSidecar(t, func(o *Options) { o.TLSCert, o.TLSKey = filepath.Join(t.TempDir(), "none.pem"), "none.pem" })
	if err := secure.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate for bots") {
		t.Errorf("without a certificate: %v", err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := first.Run(t.Context()); err != nil {
		t.Errorf("a Sidecar that was stopped before it ran: %v", err)
	}
	if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		_ = conn.Close()
		t.Error("it still listens")
	}
}

// A Sidecar ends with its context, runs once, and says why it cannot go on.
func TestEndsOfASidecar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSidecar(t, nil)
		if err := s.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		if err := s.Run(ctx); err == nil {
			t.Error("it runs a second time")
		}
		short, giveUp := context.WithTimeout(t.Context(), time.Second)
		defer giveUp()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Stop(short); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		pipe := simtest.NewListener()
		s := newSidecar(t, func(o *Options) { o.Listen = listenOn(brokenListener{pipe}) })
		if err := s.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "bots can no longer connect") || !errors.Is(err, errBroken) {
			t.Errorf("with a listener that breaks: %v", err)
		}
	})
}

var errBroken = errors.New("the listener is broken")

// brokenListener accepts nothing.
type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }

// Stop waits for the end, and no longer than it is told to.
func TestStopWaitsForTheEnd(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		goOn := b.hang() // it answers no close frame
		b.send(1, nil)
		h.Advance(time.Second)
		short, cancel := context.WithTimeout(h.T.Context(), 100*time.Millisecond)
		defer cancel()
		if err := h.sidecar.Stop(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after 100 ms: %v", err)
		}
		began := time.Now()
		if err := h.sidecar.Stop(h.T.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second || h.sidecar.Status().Lines != 0 {
			t.Errorf("it takes %s, and %d lines are left", took, h.sidecar.Status().Lines)
		}
		goOn()
		<-b.done
	})
}

// A REST request that Discord does not answer holds the end up for three seconds, and one that
// it answers in time is answered.
func TestEndWaitsForRESTRequests(t *testing.T) {
	for takes, answered := range map[time.Duration]bool{2 * time.Second: true, 10 * time.Second: false} {
		var slow sync.WaitGroup
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			slow.Add(1)
			defer slow.Done()
			select {
			case <-time.After(takes):
				return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})}
		runAlone(t, Options{HTTPClient: client}, 1, func(h *harness) {
			got := make(chan bool, 1)
			go func() {
				r, err := http.NewRequestWithContext(h.T.Context(), "GET", "http://127.0.0.1/api/v10/users/@me", http.NoBody)
				if err != nil {
					t.Error(err)
				}
				r.Header = bearing(h.App.Token)
				bots := &http.Client{Transport: &http.Transport{DialContext: h.pipe.Dial, DisableKeepAlives: true}}
				response, err := bots.Do(r)
				got <- err == nil && response.StatusCode == 200
			}()
			synctest.Wait()
			began := time.Now()
			if err := h.sidecar.Stop(h.T.Context()); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > drainTimeout+500*time.Millisecond || <-got != answered {
				t.Errorf("a request that takes %s: the end takes %s", takes, took)
			}
			slow.Wait()
		})
	}
}
