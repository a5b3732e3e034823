package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
)

const (
	// sizeTimeout is how long the answer to one heartbeat may take.
	sizeTimeout = 2 * time.Second
	// largeMessage is the size of the large heartbeat, in bytes: several packets on any
	// link, and less than the 4096 that Discord accepts.
	largeMessage = 3900
)

// checkSizes sends a small and a large heartbeat on a connection that has said HELLO, and
// adds to the finding which of them pass. A way that loses large packets lets HELLO
// through and swallows what follows (MTU).
func (x *examination) checkSizes(ctx context.Context, socket gateway.Socket, f Finding) Finding {
	small, large := `{"op":1,"d":null}`, `{"op":1,"d":null`+strings.Repeat(" ", largeMessage)+`}`
	took, err := heartbeatAnswer(ctx, socket, small)
	if err != nil {
		return x.nothingPasses(f, len(small), err)
	}
	f = f.with(fmt.Sprintf("a small message passes: %d bytes were answered in %s", len(small), roundTrip(took)))
	took, err = heartbeatAnswer(ctx, socket, large)
	if err != nil {
		return fail("small messages pass and large ones do not: large packets are lost on the way to the gateway (MTU)", x.mtuSteps()...).with(f.Evidence...).
			with(fmt.Sprintf("a large message does not pass: %d bytes had no answer within %s", len(large), sizeTimeout)).withCause(health.PathMTU)
	}
	f = f.with(fmt.Sprintf("a large message passes: %d bytes were answered in %s", len(large), roundTrip(took)))
	if x.chainBytes > 0 {
		f = f.with(fmt.Sprintf("large packets come back: the certificates of REST have %d bytes", x.chainBytes))
	}
	return f
}

// nothingPasses is the finding where not even a small heartbeat is answered. Discord
// answers one before IDENTIFY too; another server may not, and then READY decides.
func (x *examination) nothingPasses(f Finding, size int, err error) Finding {
	if x.instance != nil && x.instance.Connected {
		return f.with("a heartbeat before IDENTIFY is not answered; the running instance is connected nevertheless")
	}
	bad := fail("HELLO came and then nothing at all, not even the answer to a heartbeat: the way lets the beginning through and loses what follows, as where large packets are lost (MTU)", x.mtuSteps()...)
	if x.isSimulated() && x.instance == nil {
		bad.Level = Warn
	}
	return bad.with(f.Evidence...).with(fmt.Sprintf("a small message does not pass: %d bytes had no answer within %s (%s)", size, sizeTimeout, explain(err))).withCause(health.PathMTU)
}

// heartbeatAnswer sends a heartbeat and returns how long its answer took. After an error
// the socket is of no use any more.
func heartbeatAnswer(ctx context.Context, socket gateway.Socket, heartbeat string) (time.Duration, error) {
	began := time.Now()
	late := time.AfterFunc(sizeTimeout, socket.Drop)
	defer late.Stop()
	if err := socket.Write(ctx, []byte(heartbeat)); err != nil {
		return 0, err
	}
	for {
		message, _, _, err := socket.Read(nil, 64<<10, func(int) {})
		if err != nil {
			return 0, err
		}
		var answer struct {
			Op int `json:"op"`
		}
		if json.Unmarshal(message, &answer) == nil && answer.Op == 11 {
			return time.Since(began), nil
		}
	}
}

// mtuSteps is what to do where large packets are lost, with the interface by its name.
func (x *examination) mtuSteps() []string {
	name, now := "eth0", ""
	if i := interfaceOf(x.local); i != nil && i.Flags&net.FlagLoopback == 0 {
		name, now = i.Name, fmt.Sprintf(" (%s has %d now)", i.Name, i.MTU)
	}
	return []string{
		"Lower the MTU of the way out" + now + ": sudo ip link set dev " + name + " mtu 1400, and run the doctor again; 1280 passes nearly everywhere. Through a VPN, a tunnel or PPPoE it has to be lower than 1500; in Docker it is the network's option com.docker.network.driver.mtu.",
		"Let ICMP through the firewall: \"fragmentation needed\" tells this machine by itself how large a packet may be.",
	}
}

// interfaceOf returns the network interface that has an address; nil if none has.
func interfaceOf(addr net.Addr) *net.Interface {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return nil
	}
	all, _ := net.Interfaces()
	for _, i := range all {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if network, ok := a.(*net.IPNet); ok && network.IP.Equal(tcp.IP) {
				return &i
			}
		}
	}
	return nil
}

// lostLarge reports whether the running instance says that large packets are lost.
func (r *instance) lostLarge() bool {
	return strings.Contains(r.Remedy, health.Lookup(health.PathMTU).Do) || strings.Contains(r.Reason, "(MTU)")
}
