package freeport

import (
	"net"
	"testing"
)

// An address can be listened at, and is none that a system gives away by itself.
func TestAddressIsFree(t *testing.T) {
	addr, err := Address()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if port := l.Addr().(*net.TCPAddr).Port; port < first || port >= beyond {
		t.Errorf("port %d", port)
	}
}
