package netsim

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// newLink makes a link between two addresses.
func newLink(o Options) *Link {
	o.Server, o.Client = &net.TCPAddr{IP: net.IPv4(198, 51, 100, 20), Port: 80}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4000}
	if o.Window == 0 {
		o.Window = 1 << 20
	}
	return New(o)
}

func send(t *testing.T, e *Conn, text string) {
	t.Helper()
	if n, err := e.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("writing %q: %d, %v", text, n, err)
	}
}

func receive(t *testing.T, e *Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(e, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v; want %q", got, err, text)
	}
}

// nothingWithin checks that a read waits in vain for a while.
func nothingWithin(t *testing.T, e *Conn, d time.Duration) {
	t.Helper()
	_ = e.SetReadDeadline(time.Now().Add(d))
	defer e.SetReadDeadline(time.Time{})
	if n, err := e.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %d bytes and %v where nothing should come for %s", n, err, d)
	}
}

func took(t *testing.T, want time.Duration, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if got := time.Since(start); got != want {
		t.Fatalf("took %s, want %s", got, want)
	}
}

// Given a link without latency, when one end writes, then the other reads it at
// once and in order, and reads the end of the stream after the last byte.
func TestLinkCarriesBytesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{})
		took(t, 0, func() {
			send(t, l.ClientConn(), "IDENT")
			send(t, l.ClientConn(), "IFY")
			receive(t, l.ServerConn(), "IDENTIFY")
			send(t, l.ServerConn(), "READY")
			_ = l.server.Close()
			receive(t, l.ClientConn(), "READY")
			if _, err := l.client.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("after the last byte: %v", err)
			}
			if _, err := l.client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
				t.Fatalf("writing to a closed end: %v", err)
			}
			if _, err := l.server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("reading a closed end: %v", err)
			}
		})
		for _, s := range []*cond{&l.up.readable, &l.down.readable} {
			if s.spare != nil && s.spare.timer != nil {
				t.Fatal("a link without latency made a timer")
			}
		}
	})
}

// Given latency and jitter, when many messages follow each other, then each
// takes at least the latency and at most the jitter more, and none overtakes.
func TestLinkDelaysAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		latency := Latency{Min: 300 * time.Millisecond, Jitter: 200 * time.Millisecond}
		l := newLink(Options{Seed: 7, Latency: latency})
		const messages = 500
		sent := make([]time.Time, messages)
		go func() {
			for i := range messages {
				sent[i] = time.Now()
				_, _ = l.server.Write([]byte{byte(i)})
				time.Sleep(time.Duration(i%7) * 10 * time.Millisecond)
			}
		}()
		spread := map[time.Duration]bool{}
		one := make([]byte, 1)
		for i := range messages {
			if _, err := l.client.Read(one); err != nil || one[0] != byte(i) {
				t.Fatalf("message %d: %d, %v", i, one[0], err)
			}
			late := time.Since(sent[i])
			if late < latency.Min || late > latency.Min+latency.Jitter {
				t.Fatalf("message %d took %s", i, late)
			}
			spread[late] = true
		}
		if len(spread) < messages/10 {
			t.Fatalf("only %d different delays: that is no jitter", len(spread))
		}
	})
}

// Given a link with a rate, when one end writes more than passes at once, then the other
// reads it as it passes, in order, and what is written behind it waits until it has passed;
// the other direction has a rate of its own. Without a rate again, nothing waits.
func TestLinkRateHoldsBytesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Latency: Latency{Min: 100 * time.Millisecond}})
		l.SetRates(7300, 14_600)
		send(t, &l.server, strings.Repeat("a", 3*segment)+"b")
		send(t, &l.client, strings.Repeat("c", 1460))
		took(t, 200*time.Millisecond, func() { receive(t, &l.client, "a") })
		took(t, 100*time.Millisecond, func() { receive(t, &l.server, strings.Repeat("c", 1460)) })
		took(t, 100*time.Millisecond, func() { receive(t, &l.client, strings.Repeat("a", 3*segment-1)) })
		time.Sleep(time.Millisecond)
		receive(t, &l.client, "b")
		l.SetRates(0, 2)
		send(t, &l.server, "abc")
		took(t, 600*time.Millisecond, func() { receive(t, &l.client, "a") })
		took(t, time.Second, func() { receive(t, &l.client, "bc") })
		l.SetRates(0, 0)
		send(t, &l.server, strings.Repeat("d", 3*segment))
		took(t, 100*time.Millisecond, func() { receive(t, &l.client, strings.Repeat("d", 3*segment)) })
	})
}

// Given a reader that does not read, when a writer has filled the window, then
// it waits until there is room again, and all bytes arrive unharmed.
func TestLinkWindowHoldsWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Window: 1000})
		want := bytes.Repeat([]byte("0123456789"), 500)
		done := false
		go func() {
			_, _ = l.server.Write(want)
			done = true
		}()
		synctest.Wait()
		if held := l.down.tail - l.down.head; held != 1000 || done {
			t.Fatalf("%d bytes under way, writer done: %v", held, done)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(l.ClientConn(), got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("bytes were harmed: %v", err)
		}
		synctest.Wait()
		if !done {
			t.Fatal("the writer still waits")
		}
	})
}

// Given two writers at a full window, when room comes, then their messages do
// not mix.
func TestLinkWritersDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Window: 64})
		for _, c := range []string{"a", "b"} {
			go func() { _, _ = l.server.Write(bytes.Repeat([]byte(c), 1000)) }()
		}
		got := make([]byte, 2000)
		if _, err := io.ReadFull(l.ClientConn(), got); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(got, []byte("ab")) + bytes.Count(got, []byte("ba")); n != 1 {
			t.Fatalf("the messages change places %d times", n)
		}
	})
}

// Given a link that freezes, when both ends go on, then nothing passes and
// neither is told, not even of the other's closing; once it thaws all arrives
// in order.
//
// Statements: S-039.
func TestFrozenLinkIsHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Window: 100})
		send(t, l.ServerConn(), "landed ")
		l.Freeze()
		send(t, l.ServerConn(), "held")
		send(t, l.ClientConn(), "heartbeat")
		receive(t, l.ClientConn(), "landed ")
		nothingWithin(t, l.ClientConn(), time.Hour)
		nothingWithin(t, l.ServerConn(), time.Hour)

		_ = l.server.SetWriteDeadline(time.Now().Add(time.Minute))
		took(t, time.Minute, func() {
			if n, err := l.server.Write(make([]byte, 200)); n != 96 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("a full window: %d, %v", n, err)
			}
		})
		_ = l.server.Close()
		nothingWithin(t, l.ClientConn(), time.Hour)
		send(t, l.ClientConn(), "!")

		l.Thaw()
		receive(t, l.ClientConn(), "held")
		if rest, err := io.ReadAll(l.ClientConn()); len(rest) != 96 || err != nil {
			t.Fatalf("after the thaw: %d bytes, %v", len(rest), err)
		}
	})
}

// Given a reader and a writer that wait on a frozen link, when their own end is
// closed, then they return at once.
func TestClosingFreesOwnWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Window: 10})
		l.Freeze()
		errs := make(chan error, 2)
		go func() { _, err := l.client.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := l.client.Write(make([]byte, 20)); errs <- err }()
		synctest.Wait()
		took(t, 0, func() {
			_ = l.client.Close()
			for range 2 {
				if err := <-errs; !errors.Is(err, net.ErrClosed) {
					t.Fatalf("got %v", err)
				}
			}
		})
		if err := l.client.Close(); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("closing twice: %v", err)
		}
	})
}

// Given a link with bytes under way, when it is cut, then both ends get a reset
// at once, those that wait and those that come later, even if it was frozen.
func TestCutLinkIsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Latency: Latency{Min: time.Second}})
		send(t, l.ServerConn(), "never seen")
		l.Freeze()
		errs := make(chan error, 2)
		for _, e := range []*Conn{l.ClientConn(), l.ServerConn()} {
			go func() { _, err := e.Read(make([]byte, 1)); errs <- err }()
		}
		synctest.Wait()
		l.Cut()
		for range 2 {
			if err := <-errs; !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("got %v", err)
			}
		}
		if _, err := l.client.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("got %v", err)
		}
	})
}

// Given bytes under way, when the server's end finishes, then the client reads
// them and then the end of the stream, even on a frozen link.
func TestFinishedLinkEndsAfterItsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Latency: Latency{Min: time.Second}})
		send(t, l.ServerConn(), "last words")
		l.Freeze()
		l.Finish()
		took(t, time.Second, func() {
			if got, err := io.ReadAll(l.ClientConn()); string(got) != "last words" || err != nil {
				t.Fatalf("got %q, %v", got, err)
			}
		})
	})
}

// Given a mute link, when the server writes and closes, then the client hears
// nothing while its own bytes still arrive; what was swallowed never comes.
//
// Statements: S-039.
func TestMutedLinkSwallows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Window: 10})
		l.Mute(true)
		send(t, l.ServerConn(), "much more than the window holds")
		send(t, l.ClientConn(), "heartbeat")
		receive(t, l.ServerConn(), "heartbeat")
		nothingWithin(t, l.ClientConn(), time.Hour)
		if l.MutedBytes() != 31 {
			t.Fatalf("swallowed %d", l.MutedBytes())
		}
		l.Mute(false)
		send(t, l.ServerConn(), "again")
		receive(t, l.ClientConn(), "again")
		l.Mute(true)
		_ = l.server.Close()
		nothingWithin(t, l.ClientConn(), time.Hour)
		l.Mute(false)
		if _, err := l.client.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("got %v", err)
		}
	})
}

// Given a stall, when messages are sent during it, then all of them arrive at
// its end, in order, and after it the link is as before.
func TestStalledLinkCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{Window: 8})
		send(t, l.ServerConn(), "0")
		l.Stall(5 * time.Second)
		receive(t, l.ClientConn(), "0")
		start := time.Now()
		go func() {
			for i, word := range []string{"one", "two", "three", "four"} {
				time.Sleep(time.Duration(min(i, 1)) * time.Second)
				_, _ = l.server.Write([]byte(word))
			}
		}()
		took(t, 5*time.Second, func() { receive(t, l.ClientConn(), "onetwo") })
		receive(t, l.ClientConn(), "threefour")
		if d := time.Since(start); d != 6*time.Second {
			t.Fatalf("caught up after %s", d)
		}
		took(t, 0, func() { send(t, l.ClientConn(), "up"); receive(t, l.ServerConn(), "up") })
	})
}

// Given a reader that waits, when deadlines are set, moved and taken away, then
// the read ends at the newest deadline and works again afterwards.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(Options{})
		_ = l.client.SetDeadline(time.Now().Add(time.Second))
		go func() {
			time.Sleep(500 * time.Millisecond)
			_ = l.client.SetReadDeadline(time.Now().Add(time.Minute))
			time.Sleep(500 * time.Millisecond)
			_ = l.client.SetReadDeadline(time.Now().Add(time.Second))
		}()
		took(t, 2*time.Second, func() {
			_, err := l.client.Read(make([]byte, 1))
			if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
				t.Fatalf("got %v", err)
			}
		})
		send(t, l.ServerConn(), "x")
		_ = l.client.SetReadDeadline(time.Unix(1, 0))
		if _, err := l.client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a deadline in the past comes before bytes: %v", err)
		}
		if _, err := l.client.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		_ = l.client.SetDeadline(time.Time{})
		receive(t, l.ClientConn(), "x")
	})
}

// Given a link at rest, when messages pass, then none of them costs memory.
func TestLinkDoesNotAllocate(t *testing.T) {
	l := newLink(Options{})
	message, got := make([]byte, 300), make([]byte, 300)
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = l.server.Write(message)
		_, _ = l.client.Read(got)
	}); n > 0 {
		t.Fatalf("%.1f allocations a message", n)
	}
}

func BenchmarkLink(b *testing.B) {
	l := newLink(Options{})
	message, got := make([]byte, 300), make([]byte, 300)
	b.SetBytes(300)
	for b.Loop() {
		_, _ = l.server.Write(message)
		_, _ = l.client.Read(got)
	}
}
