package discordsim

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"evergreen/discordsim/internal/netsim"
)

// networkKinds are the faults of the network between a client and Discord. Dials
// and upgrades happen before it is known which bot they are for, so faults of
// those ignore App and Shard; links that exist are chosen by them.
var networkKinds = map[string]*faultKind{
	"offline":        {description: "the client's network is gone: its links freeze and new connections hang; links that were frozen are dead when it returns", begin: beginOffline},
	"unreachable":    {description: "there is no route to Discord: new connections fail at once, links freeze until it returns", begin: beginUnreachable},
	"refuse":         {description: "new connections are refused"},
	"dns":            {description: "names do not resolve; Text \"temporary\" or \"timeout\" says that it is not for good"},
	"tls":            {description: "the certificate has expired"},
	"resume-dead":    {description: "new connections to the resume gateway are refused"},
	"upgrade-status": {description: "WebSocket upgrades are answered with Code (503)"},
	"upgrade-html":   {description: "a captive portal answers upgrades and REST requests with 200 and a login page"},
	"upgrade-stall":  {description: "WebSocket upgrades are never answered"},
	"no-wss":         {description: "a proxy lets REST through and answers WebSocket upgrades with 403"},
	"cut":            {description: "gateway links are reset", momentary: true, begin: eachLink((*link).Cut)},
	"drop":           {description: "gateway links end without a close frame", momentary: true, begin: eachLink((*link).Finish)},
	"half-open":      {description: "gateway links that exist pass nothing any more and say nothing; new ones work", begin: beginHalfOpen},
	"black-hole":     {description: "gateway links that exist carry nothing to the client any more", begin: beginBlackHole},
	"mtu":            {description: "the way loses large packets: once a message to the client has more than Code (400) bytes on the wire, nothing at all passes to it any more"},
	"stall":          {description: "nothing passes for Delay (5 s), then all of it in order", momentary: true, settling: defaultStall, begin: stallLinks},
	"latency":        {description: "messages take Delay longer one way, give or take the time in Text", begin: updatePaces, end: updatePaces},
	"bandwidth":      {description: "links carry Code (10000) bytes a second, and what exceeds that waits: each way, or with Text \"down\" only to the client", begin: updatePaces, end: updatePaces},
}

// defaultStall is the Delay of "stall".
const defaultStall = 5 * time.Second

// linksOf lists the links a fault is about. Faults of gateway links are about
// those unless the fault names the API.
func (n *network) linksOf(a *Active, gatewayOnly bool) (out []*link) {
	chosen := func(*link) bool { return true }
	if a.App != 0 || a.Shard != nil || a.Conn != 0 {
		byLink := n.connsByLink()
		chosen = func(l *link) bool {
			c := byLink[l]
			return c != nil && a.matches(c.target())
		}
	}
	gatewayOnly = gatewayOnly && a.Host != hostAPI
	for _, l := range n.all() {
		if (a.Host == "" || a.Host == l.host) && (l.upgraded || !gatewayOnly) && chosen(l) {
			out = append(out, l)
		}
	}
	return out
}

// connsByLink finds the gateway connection of a link.
func (n *network) connsByLink() map[*link]*conn {
	out := make(map[*link]*conn, len(n.sim.conns))
	for _, c := range n.sim.conns {
		out[c.link] = c
	}
	return out
}

// eachLink makes a begin that does something to every gateway link the fault is
// about.
func eachLink(do func(*link)) func(*Sim, *Active) {
	return func(s *Sim, a *Active) {
		for _, l := range s.net.linksOf(a, true) {
			do(l)
			a.Struck++
		}
	}
}

// freezeLinks freezes links until the fault ends, and then undoes that.
func freezeLinks(a *Active, links []*link, undo func(*link)) {
	for _, l := range links {
		l.Freeze()
		a.Struck++
	}
	a.undo = append(a.undo, func() {
		for _, l := range links {
			undo(l)
		}
	})
}

// beginOffline freezes links and cuts them at its end, as behind address
// translation: the router has forgotten them.
func beginOffline(s *Sim, a *Active) { freezeLinks(a, s.net.linksOf(a, false), (*link).Cut) }

// beginUnreachable freezes links and thaws them at its end, as a lost route does.
func beginUnreachable(s *Sim, a *Active) { freezeLinks(a, s.net.linksOf(a, false), (*link).Thaw) }

// beginHalfOpen freezes gateway links and cuts them at its end (S-039).
func beginHalfOpen(s *Sim, a *Active) { freezeLinks(a, s.net.linksOf(a, true), (*link).Cut) }

// beginBlackHole mutes links. At its end it cuts those that lost something: a
// stream with a hole in it cannot go on.
func beginBlackHole(s *Sim, a *Active) {
	links := s.net.linksOf(a, true)
	for _, l := range links {
		l.Mute(true)
		a.Struck++
	}
	a.undo = append(a.undo, func() {
		for _, l := range links {
			if l.MutedBytes() > 0 {
				l.Cut()
			} else {
				l.Mute(false)
			}
		}
	})
}

func stallLinks(s *Sim, a *Active) {
	for _, l := range s.net.linksOf(a, false) {
		l.Stall(a.delayOr(defaultStall))
		a.Struck++
	}
}

// defaultBandwidth is the Code of "bandwidth".
const defaultBandwidth = 10_000

// updatePaces tells every link how fast it is from now on.
func updatePaces(s *Sim, _ *Active) {
	byLink := s.net.connsByLink()
	for _, l := range s.net.all() {
		at := unknownTarget
		if c := byLink[l]; c != nil {
			at = c.target()
		}
		s.net.setPace(l, at)
	}
}

// setPace tells a link how fast it is for a target.
func (n *network) setPace(l *link, at target) {
	l.SetLatency(n.latencyAt(l.host, at))
	l.SetRates(n.ratesAt(l.host, at))
}

// applyPace applies the faults of a bot that make links slow to a link whose target is
// known now.
func (n *network) applyPace(l *link, at target) {
	if len(n.sim.faults["latency"])+len(n.sim.faults["bandwidth"]) > 0 {
		n.setPace(l, at)
	}
}

// ratesAt is how many bytes a second the links to a host carry to the server and to the
// client, for a target; 0: any number.
func (n *network) ratesAt(host string, at target) (up, down int) {
	for _, a := range n.sim.faults["bandwidth"] {
		if (a.Host != "" && a.Host != host) || !a.matches(at) {
			continue
		}
		rate := cmp.Or(a.Code, defaultBandwidth)
		down = narrower(down, rate)
		if a.Text != "down" {
			up = narrower(up, rate)
		}
	}
	return up, down
}

// narrower is the lower of two rates, of which 0 means any number.
func narrower(a, b int) int {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// baseLatency is the latency without faults.
func (n *network) baseLatency() netsim.Latency {
	return netsim.Latency{Min: max(0, n.sim.cfg.Latency), Jitter: max(0, n.sim.cfg.Jitter)}
}

// unknownTarget is the target of a link that has not identified yet.
var unknownTarget = target{shard: -1}

// latencyAt is the latency of the links to a host, for a target.
func (n *network) latencyAt(host string, at target) netsim.Latency {
	w := n.baseLatency()
	for _, a := range n.sim.faults["latency"] {
		if (a.Host == "" || a.Host == host) && a.matches(at) {
			w = addLatency(w, a)
		}
	}
	return w
}

// addLatency adds a latency fault.
func addLatency(w netsim.Latency, a *Active) netsim.Latency {
	around := a.textDuration()
	return netsim.Latency{Min: w.Min + a.Delay - around, Jitter: w.Jitter + 2*around}
}

// strikeDial finds the fault of a name that strikes a dial or an upgrade, and
// counts it. It is not known yet which bot that is for.
func (n *network) strikeDial(name, host string) *Active {
	for _, a := range n.sim.faults[name] {
		if a.Conn != 0 || (a.Host != "" && a.Host != host) || (a.Probability > 0 && !n.sim.chance(a.Probability)) {
			continue
		}
		a.Struck++
		if a.Count > 0 && a.Struck >= a.Count {
			n.sim.lift(a)
		}
		return a
	}
	return nil
}

// synLost reports whether a SYN is lost. Only the first of a dial counts as
// a strike.
func (n *network) synLost(host string, first bool) bool {
	if first {
		return n.strikeDial("offline", host) != nil
	}
	return slices.ContainsFunc(n.sim.faults["offline"], func(a *Active) bool { return a.Host == "" || a.Host == host })
}

// dialFaults are the faults that fail a dial, in the order in which a dial meets
// them.
var dialFaults = []struct {
	fault string
	err   func(a *Active, name string) error
}{
	{"dns", func(a *Active, name string) error {
		err := &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		switch a.Text {
		case "temporary":
			err = &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
		case "timeout":
			err = &net.DNSError{Err: "i/o timeout", Name: name, IsTimeout: true, IsTemporary: true}
		}
		return err
	}},
	{"unreachable", func(*Active, string) error { return os.NewSyscallError("connect", syscall.ENETUNREACH) }},
	{"refuse", func(*Active, string) error { return os.NewSyscallError("connect", syscall.ECONNREFUSED) }},
	{"resume-dead", func(*Active, string) error { return os.NewSyscallError("connect", syscall.ECONNREFUSED) }},
	{"tls", func(*Active, string) error {
		return &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: "its last day is over"}}
	}},
}

// refusal is the error of a dial to a host; nil if it succeeds.
func (n *network) refusal(host, name string) error {
	for _, r := range dialFaults {
		if r.fault == "resume-dead" && host != hostResume {
			continue
		}
		if a := n.strikeDial(r.fault, host); a != nil {
			return r.err(a, name)
		}
	}
	return nil
}

// upgradeFaults are the faults that answer an upgrade, in the order in which
// it meets them.
var upgradeFaults = []struct {
	fault  string
	answer func(Fault) *proxyResponse
}{
	{"upgrade-stall", func(Fault) *proxyResponse { return &proxyResponse{} }},
	{"upgrade-html", func(Fault) *proxyResponse { return captivePortal }},
	{"no-wss", func(Fault) *proxyResponse {
		return &proxyResponse{http.StatusForbidden, htmlPage("403 Forbidden", "The proxy does not allow WebSocket connections")}
	}},
	{"upgrade-status", func(f Fault) *proxyResponse { return refusedUpgrade(f.statusOr(http.StatusServiceUnavailable)) }},
}

var captivePortal = &proxyResponse{http.StatusOK, "<!DOCTYPE html>\n<html>\n<head><title>Welcome</title></head>\n" +
	"<body><h1>Welcome to the guest network</h1><p>Please log in to go on.</p></body>\n</html>\n"}

func refusedUpgrade(status int) *proxyResponse {
	return &proxyResponse{status, htmlPage(http.StatusText(status), "The gateway cannot be reached")}
}

// proxyResponseREST is the response of a proxy instead of the REST API; nil for none.
func (n *network) proxyResponseREST() *proxyResponse {
	if n.strikeDial("upgrade-html", hostAPI) != nil {
		return captivePortal
	}
	return nil
}

// proxyResponseUpgrade is the response of a proxy to an upgrade. With nil, for
// none, the link becomes a gateway link.
func (n *network) proxyResponseUpgrade(l *link, reached string) *proxyResponse {
	host := l.host
	if host == hostAPI {
		host = hostGateway
	}
	for _, i := range upgradeFaults {
		if a := n.strikeDial(i.fault, host); a != nil {
			return i.answer(a.Fault)
		}
	}
	if n.sim.inForce("outage", nil) {
		return refusedUpgrade(http.StatusServiceUnavailable)
	}
	l.host, l.reached, l.upgraded = host, reached, true
	n.applyPace(l, unknownTarget)
	return nil
}
