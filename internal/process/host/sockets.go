package host

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"evergreen/internal/regular"
)

// Socket is a TCP socket of the machine, or of the container that this process is in.
type Socket struct {
	Local, Remote netip.AddrPort
	// Listening: it takes connections; else it is one.
	Listening bool
	// User is the number of the user that has opened it.
	User int
	// ID is by what [Machine.Owners] finds its process.
	ID uint64
}

// Process is a process that has a socket.
type Process struct {
	PID int
	// Name is what the system calls it, such as python3.
	Name string
}

// String names the process, as in "process 4711 (python3)".
func (p Process) String() string {
	if p.Name == "" {
		return fmt.Sprintf("process %d", p.PID)
	}
	return fmt.Sprintf("process %d (%s)", p.PID, p.Name)
}

// ErrNotTold is the error of what only Linux tells.
var ErrNotTold = errors.New("only Linux tells which process has which connection")

// maxSockets is how much of the list of sockets is read, in bytes.
const maxSockets = 16 << 20

// Sockets returns the TCP sockets that listen or are connected. Those of other containers
// are not among them.
func (m Machine) Sockets() ([]Socket, error) {
	if m.system() != "linux" {
		return nil, ErrNotTold
	}
	var list []Socket
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		content, whole, err := regular.Read(filepath.Join(m.Root, file), maxSockets)
		switch {
		case errors.Is(err, os.ErrNotExist) && strings.HasSuffix(file, "6"):
			continue // without IPv6
		case err != nil:
			return nil, err
		case !whole:
			return nil, fmt.Errorf("%s is too long", file)
		}
		for line := range strings.Lines(string(content)) {
			if s, ok := parseSocket(strings.Fields(line)); ok {
				list = append(list, s)
			}
		}
	}
	return list, nil
}

// The states of sockets in the list.
const (
	stateEstablished = "01"
	stateListen      = "0A"
)

// parseSocket reads a row of /proc/net/tcp; false for a title, a socket in another state
// or what cannot be read.
func parseSocket(fields []string) (s Socket, ok bool) {
	if len(fields) < 10 || fields[3] != stateEstablished && fields[3] != stateListen {
		return s, false
	}
	var bad [4]error
	s.Local, bad[0] = parseAddress(fields[1])
	s.Remote, bad[1] = parseAddress(fields[2])
	s.User, bad[2] = strconv.Atoi(fields[7])
	s.ID, bad[3] = strconv.ParseUint(fields[9], 10, 64)
	s.Listening = fields[3] == stateListen
	return s, errors.Join(bad[:]...) == nil
}

// parseAddress reads an address and port as in 0100007F:1F90: words of four bytes, the
// lowest first.
func parseAddress(text string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	number, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), err
}

// Owners returns the processes of sockets, as far as this user may look at them, and how
// many processes may not be looked at.
func (m Machine) Owners(sockets []Socket) (owners map[uint64]Process, hidden int) {
	owners = map[uint64]Process{}
	wanted := map[string]uint64{}
	for _, s := range sockets {
		wanted[fmt.Sprintf("socket:[%d]", s.ID)] = s.ID
	}
	entries, _ := os.ReadDir(filepath.Join(m.Root, "/proc"))
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join(m.Root, "/proc", entry.Name(), "fd")
		files, err := os.ReadDir(dir)
		if errors.Is(err, os.ErrPermission) {
			hidden++
		}
		for _, file := range files {
			target, _ := os.Readlink(filepath.Join(dir, file.Name()))
			if id, ok := wanted[target]; ok {
				owners[id] = m.process(pid)
			}
		}
	}
	return owners, hidden
}

func (m Machine) process(pid int) Process {
	name, _ := m.read("/proc/" + strconv.Itoa(pid) + "/comm")
	return Process{pid, name}
}

// maxAncestors bounds the walk to the first process.
const maxAncestors = 64

// IsDescendant reports whether a process was started by another, or by one that it has
// started.
func (m Machine) IsDescendant(pid, of int) bool {
	for range maxAncestors {
		stat, ok := m.read("/proc/" + strconv.Itoa(pid) + "/stat")
		// The name in it may hold spaces and brackets.
		fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
		if !ok || len(fields) < 2 {
			return false
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil || parent <= 1 {
			return false
		}
		if pid = parent; pid == of {
			return true
		}
	}
	return false
}
