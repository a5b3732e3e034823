package api

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// mostOrigins is how many addresses are remembered for having guessed.
const mostOrigins = 1024

// guesses counts the wrong tokens of each address, so that a short token cannot
// be found by trying. An address that has guessed too often is not listened to
// for the rest of its minute, whatever it presents.
type guesses struct {
	most int // in a minute

	mu   sync.Mutex
	from map[netip.Prefix]*guessing
}

type guessing struct {
	since time.Time // the minute's beginning
	wrong int
}

func newGuesses(most int) *guesses {
	return &guesses{most: most, from: make(map[netip.Prefix]*guessing)}
}

// may reports whether somebody may present a token.
func (g *guesses) may(from netip.Prefix) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	of := g.from[from]
	return of == nil || of.wrong < g.most || time.Since(of.since) >= time.Minute
}

// wrong notes a wrong token.
func (g *guesses) wrong(from netip.Prefix) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	of := g.from[from]
	switch {
	case of == nil:
		g.makeRoom(now)
		g.from[from] = &guessing{since: now, wrong: 1}
	case now.Sub(of.since) >= time.Minute:
		*of = guessing{since: now, wrong: 1}
	default:
		of.wrong++
	}
}

// makeRoom forgets whose minute is over and, if that is nobody, who began first.
func (g *guesses) makeRoom(now time.Time) {
	if len(g.from) < mostOrigins {
		return
	}
	var oldest netip.Prefix
	for from, of := range g.from {
		if now.Sub(of.since) >= time.Minute {
			delete(g.from, from)
		} else if !oldest.IsValid() || of.since.Before(g.from[oldest].since) {
			oldest = from
		}
	}
	if len(g.from) >= mostOrigins {
		delete(g.from, oldest)
	}
}

// origin is who a request comes from: an IPv4 address, or the part of an IPv6
// address that names a network, of which one person has all addresses.
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
