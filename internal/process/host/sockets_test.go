package host

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
)

const socketTitle = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// The list of sockets is read with addresses of both kinds, and what is closing or cannot be
// read is left out; each socket is found with its process, a process with its ancestors.
func TestSocketsAndTheirProcesses(t *testing.T) {
	m := fakeMachine(t, map[string]string{
		"proc/self/net/tcp": socketTitle +
			"   0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 101 1 0 100 0\n" +
			"   1: 0100007F:A2CC 0100007F:1F41 01 00000000:00000000 02:00000000 00000000  1001        0 102 1 0 20 4\n" +
			"   2: 0100007F:A2CD 0100007F:1F41 06 00000000:00000000 02:00000000 00000000  1001        0 103 1 0 20 4\n" +
			"   3: nonsense 0100007F:1F41 01 00000000:00000000 02:00000000 00000000  1001        0 104 1 0 20 4",
		"proc/self/net/tcp6": socketTitle +
			"   0: 0000000000000000FFFF00000100007F:A2CE 0000000000000000FFFF0000EA829FA2:01BB 01 00000000:00000000 00:00000000 00000000  1002        0 105 1 0 20 4\n" +
			"   1: B80D0120000000000000000001000000:A2CF B80D0120000000000000000002000000:01BB 01 00000000:00000000 00:00000000 00000000  1002        0 106 1 0 20 4",
		"proc/41/fd/3": "-> socket:[102]", "proc/41/fd/4": "-> /dev/null", "proc/41/comm": "python3", "proc/41/stat": "41 (a (b) c) S 40 41 0",
		"proc/40/stat": "40 (evergreen) S 7 40 0", "proc/7/stat": "7 (init) S 1 7 0", "proc/net/": "",
	})
	list, err := m.Sockets()
	want := []Socket{
		{netip.MustParseAddrPort("127.0.0.1:8001"), netip.MustParseAddrPort("0.0.0.0:0"), true, 1000, 101},
		{netip.MustParseAddrPort("127.0.0.1:41676"), netip.MustParseAddrPort("127.0.0.1:8001"), false, 1001, 102},
		{netip.MustParseAddrPort("127.0.0.1:41678"), netip.MustParseAddrPort("162.159.130.234:443"), false, 1002, 105},
		{netip.MustParseAddrPort("[2001:db8::1]:41679"), netip.MustParseAddrPort("[2001:db8::2]:443"), false, 1002, 106},
	}
	if err != nil || len(list) != len(want) {
		t.Fatalf("%v %v", list, err)
	}
	for i := range want {
		if list[i] != want[i] {
			t.Errorf("got %+v, want %+v", list[i], want[i])
		}
	}
	owners, hidden := m.Owners(list)
	if len(owners) != 1 || owners[102].String() != "process 41 (python3)" || hidden != 0 {
		t.Errorf("owners %v, %d hidden", owners, hidden)
	}
	if !m.IsDescendant(41, 7) || !m.IsDescendant(41, 40) || m.IsDescendant(40, 41) || m.IsDescendant(99, 40) {
		t.Error("the ancestors are wrong")
	}
	if _, err := (Machine{System: "darwin"}).Sockets(); !errors.Is(err, ErrNotTold) {
		t.Errorf("elsewhere: %v", err)
	}
}

// A socket of this very process is found on the real machine.
func TestOwnSocketIsFound(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = listener.Close() }()
	at := netip.MustParseAddrPort(listener.Addr().String())
	list, err := Machine{}.Sockets()
	must(t, err)
	for _, s := range list {
		if s.Local == at && s.Listening {
			owners, _ := Machine{}.Owners([]Socket{s})
			if owners[s.ID].PID != os.Getpid() || owners[s.ID].Name == "" {
				t.Errorf("it belongs to %v", owners)
			}
			return
		}
	}
	t.Errorf("%s is not among %d sockets", at, len(list))
}
