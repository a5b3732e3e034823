package network

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/simtest"
)

// fakeDialer is a fake of the sockets: it remembers who was dialled, and answers as
// the addresses in it say. An address without an entry stands at once.
type fakeDialer struct {
	mu     sync.Mutex
	dialed []string
	fails  map[string]error // nil: nothing ever comes back
}

func (p *fakeDialer) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	p.mu.Lock()
	p.dialed = append(p.dialed, host)
	err, listed := p.fails[host]
	p.mu.Unlock()
	if listed && err == nil {
		<-ctx.Done()
		err = ctx.Err()
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.ParseIP(host)}, Err: err}
	}
	near, far := net.Pipe()
	go func() {
		_, _ = io.Copy(io.Discard, far)
		_ = far.Close()
	}()
	return near, nil
}

func (p *fakeDialer) order() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.dialed, " ")
}

// open dials the name and closes at once; it returns how long that took.
func open(t *testing.T, n *Network) (time.Duration, error) {
	t.Helper()
	began := time.Now()
	c, err := n.DialContext(t.Context(), "tcp", discord+":443")
	took := time.Since(began)
	if c != nil {
		_ = c.Close()
	}
	return took, err
}

// Given IPv6 addresses that lead nowhere, when a name with both families is
// dialled, then the IPv4 address stands after less than 300 ms; one that fails at
// once costs nothing.
func TestBrokenIPv6CostsLittle(t *testing.T) {
	unreachable := errors.New("network is unreachable")
	tests := []struct {
		name  string
		fails map[string]error
		most  time.Duration
		order string
	}{
		{"IPv6 works", nil, 0, "2001:db8::1"},
		{"IPv6 swallows everything", map[string]error{"2001:db8::1": nil, "2001:db8::2": nil}, 299 * time.Millisecond, "2001:db8::1 192.0.2.1"},
		{"IPv6 has no route", map[string]error{"2001:db8::1": unreachable, "2001:db8::2": unreachable}, 0, "2001:db8::1 192.0.2.1"},
		{"the first of each is dead", map[string]error{"2001:db8::1": nil, "192.0.2.1": nil}, 450 * time.Millisecond, "2001:db8::1 192.0.2.1 2001:db8::2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, p := &fakeResolver{}, &fakeDialer{fails: test.fails}
				b.set(nil, "2001:db8::1", "2001:db8::2", "192.0.2.1", "::ffff:192.0.2.2")
				n, err := New(Options{Resolver: b, Dial: p.dial})
				must(t, err)
				took, err := open(t, n)
				if err != nil || took > test.most {
					t.Errorf("%v after %s, want a connection within %s", err, took, test.most)
				}
				if got := p.order(); got != test.order {
					t.Errorf("dialled %s, want %s", got, test.order)
				}
			})
		})
	}
}

// Given addresses of which none answers, when the name is dialled, then it fails
// after five seconds; and if each says why, what IPv4 says stands first.
func TestEveryAddressFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := &fakeResolver{}, &fakeDialer{fails: map[string]error{"2001:db8::1": errors.New("no route"), "192.0.2.1": nil}}
		b.set(nil, "2001:db8::1", "192.0.2.1")
		n, err := New(Options{Resolver: b, Dial: p.dial})
		must(t, err)
		if took, err := open(t, n); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		p.mu.Lock()
		p.fails["192.0.2.1"] = errors.New("connection refused")
		p.mu.Unlock()
		_, err = open(t, n)
		if first, ok := errors.AsType[*net.OpError](err); !ok || first.Err.Error() != "connection refused" || !strings.Contains(err.Error(), "no route") {
			t.Errorf("the error is %v", err)
		}
	})
}

// Given a resolver that fails, or does not answer, after it has worked, when the
// name is dialled, then the last good addresses are used, the log says so once,
// and once more when it works again. After a week they are too old.
func TestLastGoodAddressesServeWhenTheResolverFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p, log := &fakeResolver{}, &fakeDialer{}, &simtest.Log{}
		n, err := New(Options{Resolver: b, Dial: p.dial, Logger: log.Logger()})
		must(t, err)
		broken := &net.DNSError{Err: "server misbehaving", Name: discord, IsTemporary: true}

		b.set(broken)
		if _, err := open(t, n); !isDNSError(err) {
			t.Fatalf("nothing is known yet, and the error is %v (%T)", err, err)
		}
		b.set(nil, "192.0.2.7")
		if _, err := open(t, n); err != nil {
			t.Fatal(err)
		}
		b.set(broken)
		for range 3 {
			if _, err := open(t, n); err != nil {
				t.Errorf("the resolver fails: %v", err)
			}
		}
		b.hang(true)
		if took, err := open(t, n); err != nil || took > 2*time.Second {
			t.Errorf("the resolver hangs: %v after %s", err, took)
		}
		b.hang(false)
		b.set(nil, "192.0.2.8")
		if _, err := open(t, n); err != nil {
			t.Error(err)
		}
		if got, want := p.order(), "192.0.2.7 192.0.2.7 192.0.2.7 192.0.2.7 192.0.2.7 192.0.2.8"; got != want {
			t.Errorf("dialled %s, want %s", got, want)
		}
		if text := log.String(); strings.Count(text, "not Discord") != 1 || strings.Count(text, "again") != 2 {
			t.Errorf("the log:\n%s", text) // "again" stands in both lines
		}
		b.set(broken)
		time.Sleep(8 * 24 * time.Hour)
		if _, err := open(t, n); !isDNSError(err) {
			t.Errorf("after a week: %v", err)
		}
	})
}

// Given a resolver that hangs and nothing that is known, when the name is
// dialled, then it fails as DNS, in time.
func TestHangingResolverIsDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Options{Resolver: &fakeResolver{hangs: true}, Dial: (&fakeDialer{}).dial})
		must(t, err)
		took, err := open(t, n)
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsTimeout || took != 5*time.Second {
			t.Errorf("%v (%T) after %s", err, err, took)
		}
	})
}

// Given addresses that an earlier run has learnt, when the resolver is broken at
// the start of the next, then they are used; a damaged file costs only itself.
func TestAddressesOutliveTheProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	b := &fakeResolver{}
	b.set(nil, "192.0.2.7", "2001:db8::7")
	first, err := New(Options{Resolver: b, Dial: (&fakeDialer{}).dial, File: file})
	must(t, err)
	_, err = open(t, first)
	must(t, err)
	first.Close()

	p := &fakeDialer{}
	second, err := New(Options{Resolver: &fakeResolver{err: errors.New("broken")}, Dial: p.dial, File: file})
	must(t, err)
	if _, err := open(t, second); err != nil || p.order() != "192.0.2.7" {
		t.Errorf("dialled %q: %v", p.order(), err)
	}
	second.Close()

	for _, text := range []string{"", "null", "{", `{"discord.test":null}`, `{"discord.test":{"addresses":[""],"at":"2026-01-01T00:00:00Z"}}`, strings.Repeat("x", 1<<20)} {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		third, err := New(Options{Resolver: b, Dial: p.dial, File: file})
		must(t, err)
		if _, err := open(t, third); err != nil {
			t.Errorf("with the file %.20q: %v", text, err)
		}
		third.Close()
	}
}

// An address needs no resolver, and something without a port is no address.
func TestAddressesNeedNoResolver(t *testing.T) {
	p := &fakeDialer{}
	n, err := New(Options{Resolver: &fakeResolver{err: errors.New("broken")}, Dial: p.dial})
	must(t, err)
	c, err := n.DialContext(t.Context(), "tcp", "[2001:db8::9]:443")
	must(t, err)
	_ = c.Close()
	if _, err := n.DialContext(t.Context(), "tcp", "discord.test"); err == nil {
		t.Error("something without a port was dialled")
	}
}

func isDNSError(err error) bool {
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// stubborn is a resolver that takes a while to notice that its context has ended.
type stubborn struct {
	fakeResolver
	ended atomic.Bool
}

func (s *stubborn) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	found, err := s.fakeResolver.LookupNetIP(ctx, network, host)
	if ctx.Err() != nil {
		time.Sleep(300 * time.Millisecond)
		s.ended.Store(true)
	}
	return found, err
}

// Given a lookup that was not waited for because earlier addresses served, when the
// network is closed, then Close returns after the resolver has, and after a second
// at the latest.
func TestCloseWaitsForLateLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := &stubborn{}, &fakeDialer{}
		n, err := New(Options{Resolver: s, Dial: p.dial})
		must(t, err)
		s.set(nil, "192.0.2.7")
		_, err = open(t, n)
		must(t, err)
		s.hang(true)
		_, err = open(t, n)
		must(t, err)
		begun := time.Now()
		n.Close()
		if took := time.Since(begun); !s.ended.Load() || took > 300*time.Millisecond {
			t.Errorf("Close returned after %v, the resolver has returned: %t", took, s.ended.Load())
		}
	})
}
