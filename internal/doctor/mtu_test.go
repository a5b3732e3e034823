package doctor

import (
	"net"
	"strings"
	"testing"

	"evergreen/discordsim"
	"evergreen/internal/health"
	"evergreen/internal/process/tokenlock"
)

// Given a way that carries small packets and loses large ones, so that HELLO comes and
// READY does not, then the doctor says what passes, that it is not Discord, and what to
// do about it.
func TestLargePacketsAreLost(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.shortTimeouts = true
	if _, err := s.sim.Inject(discordsim.Fault{Name: "mtu", Code: 200}); err != nil {
		t.Fatal(err)
	}
	seen := s.examine()
	ready := seen.expectOnly(Fail, "ready", "mtu 1400")
	ready.says(t, "HELLO came and then nothing at all", "large packets are lost on the way (MTU)")
	if ready.Cause != health.PathMTU {
		t.Errorf("the cause is %q", ready.Cause)
	}
	seen.results["wss"].says(t, "a small message passes", "a large message passes: 3917 bytes")
}

// Given a way on which nothing passes any more after HELLO, then the doctor does not call
// it Discord's outage.
func TestNothingPassesAfterHello(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.shortTimeouts, s.skipReady = true, true
	if _, err := s.sim.Inject(discordsim.Fault{Name: "zombie"}); err != nil {
		t.Fatal(err)
	}
	wss := s.examine().results["wss"]
	wss.says(t, "HELLO came and then nothing at all", "a small message does not pass")
	if wss.Level != Warn || wss.Cause != health.PathMTU || !strings.Contains(strings.Join(wss.Next, " "), "mtu 1400") {
		t.Errorf("the result is %+v", wss)
	}
}

// The next step names the interface of the way out, as far as it can be told.
func TestInterfaceOfTheWayOut(t *testing.T) {
	if i := interfaceOf(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}); i == nil || i.Flags&net.FlagLoopback == 0 {
		t.Errorf("127.0.0.1 belongs to %+v", i)
	}
	for _, addr := range []net.Addr{nil, &net.UnixAddr{}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}} {
		if i := interfaceOf(addr); i != nil {
			t.Errorf("%v belongs to %+v", addr, i)
		}
	}
}

// Given a running instance that says that large packets are lost, then the doctor says the
// same of it, and what to do.
func TestInstanceThatLosesLargePackets(t *testing.T) {
	r := &instance{Reason: "nothing came after HELLO, not even the answer to a heartbeat, 2 times: large packets are lost on the way (MTU)"}
	if !r.lostLarge() || (&instance{Reason: "READY was slow to come"}).lostLarge() {
		t.Error("the reason is not read")
	}
	x := &examination{instance: r, holder: &tokenlock.Holder{}}
	if f := x.readyOfInstance(); f.Level != Fail || f.Cause != health.PathMTU || !strings.Contains(strings.Join(f.Next, " "), "mtu 1400") {
		t.Errorf("the finding is %+v", f)
	}
}
