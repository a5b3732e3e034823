package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/regular"
)

// lookupTimeout is how long the lookup of A and AAAA may take.
const lookupTimeout = 3 * time.Second

// checkDNS looks up the IPv4 and IPv6 addresses of the API.
func (x *examination) checkDNS(ctx context.Context) Finding {
	name := x.target.Hostname()
	if ip, err := netip.ParseAddr(name); err == nil {
		x.addrs = []netip.Addr{ip}
		return pass(name + " is an address; nothing has to be looked up")
	}
	if x.proxy != nil {
		return pass("the proxy looks " + name + " up")
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	kinds := []struct {
		network, record string
		addrs           []netip.Addr
		err             error
		took            time.Duration
	}{{network: "ip4", record: "A"}, {network: "ip6", record: "AAAA"}}
	var both sync.WaitGroup
	for i := range kinds {
		k := &kinds[i]
		both.Go(func() {
			began := time.Now()
			k.addrs, k.err = x.Resolver.LookupNetIP(ctx, k.network, name)
			k.took = time.Since(began)
		})
	}
	both.Wait()
	f := pass("")
	for _, k := range kinds {
		if k.err != nil || len(k.addrs) == 0 {
			text := "none"
			if k.err != nil {
				text = explain(k.err)
			}
			f = f.with(k.record + ": " + text)
			continue
		}
		list := make([]string, len(k.addrs))
		for i, a := range k.addrs {
			list[i] = a.Unmap().String()
			x.addrs = append(x.addrs, a.Unmap())
		}
		f = f.with(fmt.Sprintf("%s: %s, in %s", k.record, strings.Join(list, ", "), roundTrip(k.took)))
	}
	resolver := x.resolverName()
	f = f.with("resolver: " + resolver)
	if len(x.addrs) == 0 {
		return fail(name+" has no address: "+explain(kinds[0].err),
			"This is DNS, not Discord: ask the resolver ("+resolver+") yourself: getent hosts "+name,
			"In a container look at its DNS setting (docker run --dns, dnsPolicy); on a host try 1.1.1.1 as the nameserver.",
		).with(f.Evidence...).withCause(health.DNSFailure)
	}
	f.Says = fmt.Sprintf("%s has %d addresses", name, len(x.addrs))
	if len(x.addrs) == 1 {
		f.Says = name + " has 1 address"
	}
	if slow := max(kinds[0].took, kinds[1].took); slow > time.Second {
		f.raise(Warn)
		f.Says += ", but they took " + roundTrip(slow)
		f.Next = []string{"A slow resolver delays each reconnect; use one that is near (" + resolver + ")."}
	}
	return f
}

// resolverName returns the nameservers of resolv.conf.
func (x *examination) resolverName() string {
	path := "/etc/resolv.conf"
	text, _, err := regular.Read(filepath.Join("/", x.Machine.Root, path), 64<<10)
	if err != nil {
		return "that of the system"
	}
	var servers []string
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == "nameserver" {
			servers = append(servers, words[1])
		}
	}
	if len(servers) == 0 {
		return path + " names none"
	}
	return strings.Join(servers, ", ") + " from " + path
}
