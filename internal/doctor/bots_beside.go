package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"evergreen/identify"
	"evergreen/internal/discord/network"
	"evergreen/internal/health"
	"evergreen/internal/process/host"
	"evergreen/internal/text"
)

// A bot that connects to Discord directly beside Evergreen doubles everything: two
// sessions, each event answered twice. There are two signs of it: Discord counts session
// starts that Evergreen has not made, and a process here is connected to the gateway.

// besideSteps is what to do about a bot that connects to Discord directly.
var besideSteps = []string{
	"Make the setting of the bot's library, and look whether all of its connections take it: evergreen proxy setup",
	"Is it another program with this token, here or elsewhere? Stop it, or reset the token: " + portal + ", Bot, Reset Token.",
}

// checkBotsStarts compares the session starts that Discord has counted with those that
// Evergreen has made.
func (x *examination) checkBotsStarts(ctx context.Context) Finding {
	switch {
	case !x.botsReady:
		return x.notReady()
	case x.startLimit.Total == 0:
		return Finding{Level: Skip, Says: "not known: Discord does not tell how many were spent"}
	case x.instance == nil:
		return Finding{Level: Skip, Says: "not known: evergreen proxy runs without the HTTP API (--no-api), and it alone can compare; it warns in its log"}
	}
	if trouble := x.trouble(health.TwoInstances); trouble != "" {
		return fail("another program starts sessions with this token, perhaps the bot itself: "+trouble, besideSteps...).withCause(health.TwoInstances)
	}
	if startsBeside(x.instance.Budget, x.startLimit) > 0 {
		// Evergreen may have started one between the two answers: its own account is asked
		// again, which is then the later one.
		if later, err := x.askInstance(ctx); err == nil {
			if n := startsBeside(later.Budget, x.startLimit); n > 0 {
				return fail(fmt.Sprintf("Discord has counted %s that Evergreen did not make: another program starts sessions with this token, perhaps the bot itself",
					text.Count(n, "session start")), besideSteps...).withCause(health.TwoInstances)
			}
		}
	}
	if b := x.instance.Budget; b == nil || !b.FromDiscord {
		return pass("Evergreen has not compared its account with Discord's yet, and warns once it finds another's starts",
			fmt.Sprintf("Discord has %d of %d left", x.startLimit.Remaining, x.startLimit.Total))
	}
	return pass("Discord has counted no session start that Evergreen did not make", "compared with its account since it asked Discord last, and before by itself")
}

// startsBeside returns how many session starts Discord has counted beyond those of
// Evergreen's account: 0 also where the two cannot be compared.
func startsBeside(own *budget, counted identify.SessionStartLimit) int {
	if own == nil || !own.FromDiscord || own.Total != counted.Total {
		return 0
	}
	return max(0, own.Remaining-counted.Remaining)
}

// checkBotsBeside looks for processes of this machine that are connected to the gateway of
// Discord and are not Evergreen.
func (x *examination) checkBotsBeside(ctx context.Context) Finding {
	gateway, err := url.Parse(x.gatewayURL)
	if err != nil || gateway.Hostname() == "" {
		return couldNotBeLookedAt("REST names no gateway")
	}
	if proxied, _ := x.proxyFor(strings.Replace(x.gatewayURL, "ws", "http", 1)); proxied != nil {
		return couldNotBeLookedAt("connections to Discord go through the proxy " + proxied.Host + ", and look like any other")
	}
	if x.holder != nil && !x.holder.IsLocal() {
		return couldNotBeLookedAt("Evergreen runs on another machine or in another container: " + x.holder.Host)
	}
	sockets, err := x.Machine.Sockets()
	if err != nil {
		return couldNotBeLookedAt(err.Error())
	}
	ends, err := x.endpoints(ctx, gateway)
	if err != nil {
		return couldNotBeLookedAt(gateway.Hostname() + " has no address: " + explain(err))
	}
	shared := false
	if rest, err := x.endpoints(ctx, x.target); err == nil {
		for end := range rest {
			shared = shared || ends[end]
		}
	}
	seen := lookAt{ends: ends, shared: shared, own: map[int]bool{os.Getpid(): true}}
	seen.owners, seen.hidden = x.Machine.Owners(sockets)
	later, err := x.Machine.Sockets()
	if err != nil {
		return couldNotBeLookedAt(err.Error())
	}
	// One that was closed in between has no owner, and would pass for one of a process that
	// may not be looked at.
	sockets = inBoth(sockets, later)
	if x.holder != nil {
		seen.evergreen, seen.own[x.holder.PID] = x.holder.PID, true
	}
	_, seen.port, _ = net.SplitHostPort(x.botsAddr())
	f := seen.finding(sockets, gateway.Host)
	for _, s := range seen.strangers(sockets) {
		says := s.String()
		if s.process.PID != 0 && seen.evergreen != 0 && x.Machine.IsDescendant(s.process.PID, seen.evergreen) {
			says += "; Evergreen has started it"
		}
		f = f.with(says)
	}
	return f
}

// inBoth returns the sockets of an earlier list that are in a later one too.
func inBoth(earlier, later []host.Socket) []host.Socket {
	open := map[uint64]bool{}
	for _, s := range later {
		open[s.ID] = true
	}
	return slices.DeleteFunc(earlier, func(s host.Socket) bool { return !open[s.ID] })
}

func couldNotBeLookedAt(why string) Finding {
	return Finding{Level: Skip, Says: "could not be looked at: " + why}
}

// endpoints returns the addresses and ports that a URL leads to.
func (x *examination) endpoints(ctx context.Context, u *url.URL) (map[netip.AddrPort]bool, error) {
	name, port, err := net.SplitHostPort(network.HostPort(u))
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	ends := map[netip.AddrPort]bool{}
	if addr, err := netip.ParseAddr(name); err == nil {
		ends[netip.AddrPortFrom(addr.Unmap(), uint16(number))] = true
		return ends, nil
	}
	var failed error
	for _, kind := range []string{"ip4", "ip6"} {
		addrs, err := x.Resolver.LookupNetIP(ctx, kind, name)
		if err != nil {
			failed = err
		}
		for _, addr := range addrs {
			ends[netip.AddrPortFrom(addr.Unmap(), uint16(number))] = true
		}
	}
	if len(ends) == 0 {
		return nil, failed
	}
	return ends, nil
}

// lookAt is what there is to know in order to find who is connected to the gateway.
type lookAt struct {
	ends      map[netip.AddrPort]bool // of the gateway
	shared    bool                    // some of them serve REST too
	owners    map[uint64]host.Process // of sockets
	hidden    int                     // processes that may not be looked at
	own       map[int]bool            // processes that are meant to be connected
	evergreen int                     // the process of Evergreen; 0: none is known
	port      string                  // where bots connect to Evergreen
}

// stranger is a process that is connected to the gateway and is not Evergreen.
type stranger struct {
	process  host.Process // its PID is 0 for one that may not be looked at
	user     int
	to       netip.AddrPort
	attached bool // it is connected to Evergreen too
}

// String says it as evidence.
func (s stranger) String() string {
	says := s.process.String()
	if s.process.PID == 0 {
		says = fmt.Sprintf("a process of the user %d that may not be looked at", s.user)
	}
	says += " is connected to " + s.to.String()
	if s.attached {
		says += "; it is attached to Evergreen too"
	}
	return says
}

// strangers returns who is connected to the gateway beside Evergreen, each process once.
func (l lookAt) strangers(sockets []host.Socket) (list []stranger) {
	attached, seen := map[int]bool{}, map[string]bool{}
	for _, s := range sockets {
		if owner, ok := l.owners[s.ID]; ok && !s.Listening && fmt.Sprint(s.Remote.Port()) == l.port {
			attached[owner.PID] = true
		}
	}
	for _, s := range sockets {
		owner := l.owners[s.ID]
		if s.Listening || !l.ends[s.Remote] || l.own[owner.PID] {
			continue
		}
		key := fmt.Sprint(owner.PID, " ", s.User)
		if owner.PID != 0 {
			key = fmt.Sprint(owner.PID)
		}
		if !seen[key] {
			seen[key] = true
			list = append(list, stranger{owner, s.User, s.Remote, attached[owner.PID]})
		}
	}
	return list
}

// sees reports whether the connections of Evergreen itself may be looked at.
func (l lookAt) sees(sockets []host.Socket) bool {
	for _, s := range sockets {
		if l.owners[s.ID].PID == l.evergreen && l.evergreen != 0 {
			return true
		}
	}
	return false
}

// finding says what was seen, without who.
func (l lookAt) finding(sockets []host.Socket, gateway string) Finding {
	found := l.strangers(sockets)
	known := 0
	for _, s := range found {
		if s.process.PID != 0 {
			known++
		}
	}
	limits := fmt.Sprintf("connections to %s were looked for; what is in other containers, on other machines or at other hosts of the gateway cannot be seen", gateway)
	switch {
	case len(found) == 0:
		return pass("no process here but Evergreen is connected to "+gateway, limits)
	case known == 0 && l.evergreen != 0 && !l.sees(sockets):
		return couldNotBeLookedAt("Evergreen runs as another user, so that its connections cannot be told from others; run the doctor as that user, or as root")
	}
	says := "a process here is connected to " + gateway + " beside Evergreen: a hint, no proof"
	if len(found) > 1 {
		says = fmt.Sprintf("%d processes here are connected to %s beside Evergreen: a hint, no proof", len(found), gateway)
	}
	f := warn(says, besideSteps...).withCause(health.TwoInstances).with(limits)
	if l.shared {
		f = f.with("the same address serves REST, which a bot may use directly: so it may be that alone")
	}
	if l.hidden > 0 {
		f = f.with(fmt.Sprintf("%d processes of other users could not be looked at", l.hidden))
	}
	return f
}
