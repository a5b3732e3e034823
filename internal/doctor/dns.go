package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evergreen/internal/health"
)

// lookupTime bounds the search for one kind of address.
const lookupTime = 3 * time.Second

// checkDNS turns the name of the API into addresses, of either kind by itself.
func (v *visit) checkDNS(ctx context.Context) Finding {
	name := v.target.Hostname()
	if ip, err := netip.ParseAddr(name); err == nil {
		v.addrs = []netip.Addr{ip}
		return pass(name + " is an address; nothing has to be looked up")
	}
	if v.proxied != nil {
		return pass("the proxy looks " + name + " up")
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
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
			k.addrs, k.err = v.Resolver.LookupNetIP(ctx, k.network, name)
			k.took = time.Since(began)
		})
	}
	both.Wait()
	f := pass("")
	for _, k := range kinds {
		if k.err != nil || len(k.addrs) == 0 {
			text := "none"
			if k.err != nil {
				text = why(k.err)
			}
			f = f.saw(k.record + ": " + text)
			continue
		}
		list := make([]string, len(k.addrs))
		for i, a := range k.addrs {
			list[i] = a.Unmap().String()
			v.addrs = append(v.addrs, a.Unmap())
		}
		f = f.saw(fmt.Sprintf("%s: %s, in %s", k.record, strings.Join(list, ", "), ms(k.took)))
	}
	resolver := v.resolverName()
	f = f.saw("resolver: " + resolver)
	if len(v.addrs) == 0 {
		return fail(name+" has no address: "+why(kinds[0].err),
			"This is DNS, not Discord: ask the resolver ("+resolver+") yourself: getent hosts "+name,
			"In a container look at its DNS setting (docker run --dns, dnsPolicy); on a host try 1.1.1.1 as the nameserver.",
		).saw(f.Evidence...).because(health.DNSFailure)
	}
	f.Says = fmt.Sprintf("%s has %d addresses", name, len(v.addrs))
	if len(v.addrs) == 1 {
		f.Says = name + " has 1 address"
	}
	if slow := max(kinds[0].took, kinds[1].took); slow > time.Second {
		f.worst(Warn)
		f.Says += ", but they took " + ms(slow)
		f.Next = []string{"A slow resolver delays each reconnect; use one that is near (" + resolver + ")."}
	}
	return f
}

// resolverName says who looks names up here, from resolv.conf.
func (v *visit) resolverName() string {
	path := "/etc/resolv.conf"
	text, err := os.ReadFile(filepath.Join("/", v.Machine.Root, path))
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
