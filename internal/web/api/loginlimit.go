package api

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// mostOrigins is how many addresses are remembered.
const mostOrigins = 1024

// loginLimit counts the wrong tokens of each address, so that one with too many is
// told to slow down.
type loginLimit struct {
	most int // in a minute

	mu   sync.Mutex
	from map[netip.Prefix]*wrongTokens
}

// wrongTokens is those of one address.
type wrongTokens struct {
	since time.Time // when the minute began
	count int
}

func newLoginLimit(most int) *loginLimit {
	return &loginLimit{most: most, from: make(map[netip.Prefix]*wrongTokens)}
}

// countWrong counts a wrong token. It returns how long its address should wait,
// which is 0 up to the limit.
func (l *loginLimit) countWrong(from netip.Prefix) time.Duration {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.from[from]
	switch {
	case of == nil:
		l.makeRoom(now)
		of = &wrongTokens{since: now}
		l.from[from] = of
	case now.Sub(of.since) >= time.Minute:
		*of = wrongTokens{since: now}
	}
	if of.count++; of.count <= l.most {
		return 0
	}
	return max(time.Second, time.Minute-now.Sub(of.since))
}

// makeRoom forgets the addresses whose minute is over, or else the one whose
// minute began first.
func (l *loginLimit) makeRoom(now time.Time) {
	if len(l.from) < mostOrigins {
		return
	}
	var oldest netip.Prefix
	for from, of := range l.from {
		if now.Sub(of.since) >= time.Minute {
			delete(l.from, from)
		} else if !oldest.IsValid() || of.since.Before(l.from[oldest].since) {
			oldest = from
		}
	}
	if len(l.from) >= mostOrigins {
		delete(l.from, oldest)
	}
}

// origin is where a request comes from: an IPv4 address, or the first 64 bits of
// an IPv6 address, because one person has all addresses below them.
func origin(r *http.Request) netip.Prefix {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(addr, bits).Masked()
}
