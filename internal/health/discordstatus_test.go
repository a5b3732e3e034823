package health

import (
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/statuspage"
)

var outage = statuspage.Status{
	At: evening, Indicator: statuspage.Major, Description: "Partial System Outage", API: statuspage.Operational, Gateway: "partial_outage",
}

// Given a connection that is lost while Discord reports trouble, then the
// incident and the status say that it is Discord, not you, with nothing to do;
// when Discord is well, the status says so no more.
func TestDiscordNotYou(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.tracker.SetDiscordStatus(outage)
	if snap := s.expectStatus(Online, "connected, and Discord answers"); snap.NotYou() || snap.Discord.Says() != outage.Says() {
		t.Errorf("got %+v", snap.Discord)
	}
	s.lose(gateway.Reason{Kind: gateway.ReasonReset})
	s.after(10 * time.Second)
	snap := s.snapshot()
	want := "Discord, not you (Partial System Outage; Gateway: partial outage): the connection was cut without a close frame, " +
		"then Discord itself reports trouble (Partial System Outage; Gateway: partial outage); "
	if snap.Status != Reconnecting || !strings.HasPrefix(snap.Reason.String(), want) || !snap.NotYou() || !strings.Contains(snap.Remedy.String(), "discordstatus.com") {
		t.Errorf("it is %s; do %s", snap.Sentence(), snap.Remedy)
	}
	s.tracker.SetDiscordStatus(statuspage.Status{At: evening, Indicator: statuspage.None, Description: "All Systems Operational"})
	if snap := s.snapshot(); snap.NotYou() || strings.HasPrefix(snap.Reason.String(), "Discord, not you") {
		t.Errorf("it is %s", snap.Sentence())
	}
	s.dial(true, gateway.Reason{Kind: gateway.ReasonReset})
	s.resume(3)
	s.expectSentence("22:00:02 to 22:00:12 (10.3 s): the connection was cut without a close frame, then Discord itself reports trouble " +
		"(Partial System Outage; Gateway: partial outage). Resumed, 3 events replayed, none lost.")
	if i := s.newest(); i.Cause != DiscordOutage {
		t.Errorf("cause %s", i.Cause)
	}
}

// Given an incident that goes on, when Discord only then reports trouble, it is
// put down to Discord, once.
func TestDiscordReportsLater(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.lose(silent)
	s.after(3 * time.Minute)
	s.expectStatus(Offline, "the connection was half-open (nothing arrived for 25 s); live")
	s.tracker.SetDiscordStatus(outage)
	s.tracker.SetDiscordStatus(outage)
	i := s.newest()
	if i.Cause != DiscordOutage || len(i.Actions) != 1 || i.Actions[0].Times != 1 {
		t.Errorf("got %+v", i)
	}
}

// Given trouble that is on this side for certain, then Discord's report changes
// neither its cause nor whom it concerns; nor does it touch a bot that only
// starts slowly behind it, stops, or is well.
func TestNotDiscordsDoing(t *testing.T) {
	dns := gateway.Reason{Kind: gateway.ReasonDNS}
	s := newFakeShard(t, Options{}).start()
	s.tracker.SetDiscordStatus(outage)
	s.lose(dns)
	s.failDial(dns, 1, time.Second)
	if snap := s.snapshot(); snap.NotYou() || s.newest().Cause != DNSFailure {
		t.Errorf("it is %s", snap.Sentence())
	}
	s = newFakeShard(t, Options{}).start()
	s.tracker.SetDiscordStatus(outage)
	s.lose(gateway.Reason{Kind: gateway.ReasonFatal, Code: 4004})
	s.move(gateway.Parked{Reason: gateway.Reason{Kind: gateway.ReasonFatal, Code: 4004}}, gateway.Reason{})
	if snap := s.snapshot(); snap.NotYou() || snap.Status != NeedsYou || s.newest().Cause != TokenRefused {
		t.Errorf("it is %s", snap.Sentence())
	}
	s = newFakeShard(t, Options{PreviousDowntime: testDowntime(t, time.Minute, EndCrashed)})
	s.tracker.SetDiscordStatus(outage)
	s.dial(true, gateway.Reason{Kind: gateway.ReasonStart})
	if snap := s.snapshot(); !snap.NotYou() || s.newest().Cause != ProgramCrashed {
		t.Errorf("it is %s", snap.Sentence())
	}
	if (Snapshot{Discord: outage, Status: Stopping}).NotYou() {
		t.Error("a bot that was stopped is Discord's doing")
	}
}
