package demo

import (
	"net"
	"strings"
	"testing"
)

// Given a port that another program has, the dashboard gets another one, and the
// heading says both; given a free one, it gets that.
func TestDashboardFindsAPlace(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	wanted := taken.Addr().String()
	p, err := findDashboardAddr(t.Context(), wanted)
	if err != nil || p.addr == wanted || p.wanted != wanted {
		t.Errorf("got %+v, %v", p, err)
	}
	if says := p.String(); !strings.Contains(says, "http://"+p.addr+"/") || !strings.Contains(says, wanted+" is taken") {
		t.Errorf("it says %q", says)
	}
	p, err = findDashboardAddr(t.Context(), "127.0.0.1:0")
	if err != nil || p.wanted != "" || strings.Contains(p.String(), "taken") {
		t.Errorf("got %+v, %v", p, err)
	}
	if _, err = findDashboardAddr(t.Context(), "256.0.0.1:80"); err == nil {
		t.Error("an address that cannot be had is no error")
	}
}
