package netsim

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// Given a server that sends back what it gets, when a client on a port sends far
// more than the window and then ends its stream, then all of it comes back
// unharmed, and both directions end.
func TestRelayHarmsNothing(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	client, err := net.Dial("tcp", port.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := port.Accept()
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(Options{Window: 8 << 10})
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { l.Relay(accepted.(*net.TCPConn)) })
	work.Go(func() {
		_, _ = io.Copy(l.ServerConn(), l.ServerConn())
		_ = l.ServerConn().Close()
	})
	sent := make([]byte, 3<<20)
	for i := range sent {
		sent[i] = byte(i ^ i>>8 ^ i>>16)
	}
	work.Go(func() {
		_, _ = client.Write(sent)
		_ = client.(*net.TCPConn).CloseWrite()
	})
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back of %d: %v", len(got), len(sent), err)
	}
}
