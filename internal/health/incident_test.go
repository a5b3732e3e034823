package health

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/network"
)

var (
	silent  = gateway.Reason{Kind: gateway.ReasonSilent, Elapsed: 25 * time.Second}
	refused = gateway.Reason{
		Kind: gateway.ReasonDial,
		Err:  &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(162, 159, 135, 234), Port: 443}, Err: syscall.ECONNREFUSED},
	}
)

// Given a live connection that has just answered, when the link dies without a
// word and the shard notices and resumes on a spare 25 s later, then the
// incident lasts from the last answer to RESUMED, not from the notice, and the
// actions in between are told in order.
//
// Statements: G-158, G-160.
func TestHalfOpenLink(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(3)
	answered := s.now // the link dies right after this answer
	s.after(15 * time.Second)
	s.observe(gateway.HeartbeatSent{Probe: true})
	s.expectStatus(Online, "connected, and Discord answers")
	s.after(5 * time.Second)
	s.observe(gateway.SuspicionRaised{Silent: 20 * time.Second})
	s.move(gateway.Suspect{Silent: 20 * time.Second}, gateway.Reason{Kind: gateway.ReasonSilent})
	if snap := s.expectStatus(Degraded, "an answer from Discord is overdue; a spare connection is being prepared"); snap.Connected || !snap.OfflineSince.Equal(answered) {
		t.Errorf("connected %t, offline since %s", snap.Connected, snap.OfflineSince)
	}
	s.after(200 * time.Millisecond)
	s.observe(gateway.HelloReceived{Interval: interval})
	s.after(4800 * time.Millisecond)
	noticed := s.now
	s.lose(silent)
	s.move(gateway.Connecting{Resuming: true}, silent)
	snap := s.expectStatus(Reconnecting, "the connection was half-open (nothing arrived for 25 s); connecting to resume")
	if !snap.Since.Equal(answered) || snap.Ready || snap.Last == nil || snap.Last.Outcome != OutcomeOpen {
		t.Errorf("since %s, ready %t, last %+v", snap.Since, snap.Ready, snap.Last)
	}
	s.resume(12)

	s.expectSentence("22:02:05 to 22:02:30 (25.1 s): the connection was half-open (nothing arrived for 25 s). Resumed, 12 events replayed, none lost.")
	i := s.newest()
	if !i.Start.Equal(answered) || !i.End.Equal(s.now) || !i.Detected.Equal(noticed) || i.Cause != HalfOpen || i.Outcome != OutcomeResumed {
		t.Errorf("got %+v", i)
	}
	if i.ShownOffline(s.now) != 0 || i.AtRisk(s.now) != 25100*time.Millisecond {
		t.Errorf("grey %s, at risk %s", i.ShownOffline(s.now), i.AtRisk(s.now))
	}
	e := i.Evidence
	if e.Kind != gateway.ReasonSilent || e.By != ByUs || !e.LastACK.Equal(answered) || e.Lasted == 0 || e.Attempts != 0 {
		t.Errorf("evidence %+v", e)
	}
	var did []string
	for _, a := range i.Actions {
		did = append(did, a.String())
		if a.At.IsZero() {
			t.Errorf("%q has no time", a.What)
		}
	}
	if got := strings.Join(did, ", "); got != "probe sent, suspect: spare connection dialled, connection opened, RESUME sent, resumed on the spare, 12 events replayed" {
		t.Errorf("actions: %s", got)
	}
	s.expectStatus(Online, "connected, and Discord answers")
}

// Given events that still arrive after the last answer, then the outage begins
// with the last of them: until then nobody missed anything.
func TestOutageBeginsWithTheLastSignOfLife(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.after(20 * time.Second)
	s.receive()
	heard := s.now
	s.after(25 * time.Second)
	s.lose(silent)
	s.dial(true, silent)
	s.resume(1)
	if i := s.newest(); !i.Start.Equal(heard) {
		t.Errorf("it starts at %s, not at %s", i.Start, heard)
	}
}

// Given a suspicion, when the answer comes after all, then there is no incident
// and nothing of it shows up in the next one.
func TestSuspicionClears(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.after(15 * time.Second)
	s.observe(gateway.HeartbeatSent{Probe: true})
	s.after(5 * time.Second)
	s.observe(gateway.SuspicionRaised{Silent: 20 * time.Second})
	s.move(gateway.Suspect{}, gateway.Reason{Kind: gateway.ReasonSilent})
	s.after(time.Second)
	s.receive()
	s.observe(gateway.HeartbeatACK{Latency: 6 * time.Second})
	s.observe(gateway.SuspicionCleared{After: time.Second})
	s.move(gateway.Live{}, gateway.Reason{})
	if snap := s.expectStatus(Online, "connected, and Discord answers"); snap.Last != nil || snap.Counts.Suspicions != 1 {
		t.Errorf("got %+v", snap)
	}
	s.after(time.Minute)
	s.lose(gateway.Reason{Kind: gateway.ReasonReset})
	if i := s.newest(); len(i.Actions) != 0 || i.Cause != ConnectionCut || i.Evidence.By != ByNetwork {
		t.Errorf("got %+v", i)
	}
}

// Given op 7, when the shard moves and resumes within a second, then the
// incident is routine and costs nothing.
//
// Statements: G-158.
func TestRoutineReconnect(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(5)
	routine := gateway.Reason{Kind: gateway.ReasonReconnect}
	s.observe(gateway.ReconnectRequested{})
	s.move(gateway.Moving{}, routine)
	if snap := s.expectStatus(Online, "connected; moving to another host as Discord asked"); !snap.Connected {
		t.Error("it does not count as connected while the old connection serves")
	}
	s.after(300 * time.Millisecond)
	s.hello()
	s.lose(routine)
	s.move(gateway.Connecting{Resuming: true}, routine)
	s.resume(0)
	s.expectSentence("22:03:28 to 22:03:28 (100 ms): Discord asked for a reconnect (routine). Resumed, nothing was missed.")
	if i := s.newest(); !i.Routine() || i.Evidence.By != ByDiscord {
		t.Errorf("got %+v", i)
	}
	c := s.snapshot().Counts
	if c.Requested != 1 || c.Resumes != 1 || c.Resumed != 1 || c.Identifies != 1 || c.Reconnects != 1 || c.Disconnects != 1 {
		t.Errorf("counts %+v", c)
	}
}

// Given op 9 on a RESUME, when the session cannot be kept, then the incident
// says that events were not delivered and since when the dot was grey.
//
// Statements: G-158.
func TestSessionInvalidated(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(1)
	cut := gateway.Reason{Kind: gateway.ReasonReset, Err: errors.New("connection reset by peer")}
	s.lose(cut)
	s.dial(true, cut)
	s.move(gateway.Resuming{From: 100}, gateway.Reason{})
	s.observe(gateway.ResumeSent{Seq: 100})
	s.after(time.Second)
	s.observe(gateway.SessionInvalidated{})
	op9 := gateway.Reason{Kind: gateway.ReasonInvalidSession}
	s.observe(gateway.Disconnected{Reason: op9, LastByte: s.now, Session: true})
	s.observe(gateway.SessionLost{Reason: op9})
	lost := s.now
	s.move(gateway.Waiting{For: "the next attempt", Until: s.now.Add(3 * time.Second)}, op9)
	s.after(3 * time.Second)
	s.expectStatus(Offline, "the connection was cut without a close frame, then Discord invalidated the session; waiting for the next attempt")
	s.dial(false, op9)
	s.identify()
	s.expectSentence("22:00:43 to 22:00:48 (5.2 s): the connection was cut without a close frame, then Discord invalidated the session. " +
		"A new session was started; events in between were not delivered.")
	i := s.newest()
	if i.Cause != SessionEnded || !i.SessionLost.Equal(lost) || i.ShownOffline(s.now) != s.now.Sub(lost) || i.Evidence.Said != "connection reset by peer" {
		t.Errorf("got %+v", i)
	}
	if c := s.snapshot().Counts; c.Invalidated != 1 || c.Identifies != 2 || c.Sessions != 2 {
		t.Errorf("counts %+v", c)
	}
}

// Given an outage of the network, when attempt after attempt fails, then the
// root cause names the incident, the attempts are counted, the dot is grey once
// Discord stops waiting, and the way back is by RESUME.
func TestNetworkOutage(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(1)
	s.after(25 * time.Second)
	s.lose(silent)
	for n := range 40 {
		s.move(gateway.Connecting{Resuming: true}, silent)
		s.after(time.Second)
		s.failDial(refused, n+1, 4*time.Second)
		s.move(gateway.Waiting{For: "the next attempt", Until: s.now.Add(4 * time.Second), Failures: n + 1}, refused)
		if n+1 == 10 {
			s.observe(gateway.AttemptsExhausted{Failures: 10})
		}
		s.after(4 * time.Second)
		if n == 5 {
			snap := s.expectStatus(Reconnecting, "the connection was half-open (nothing arrived for 25 s), then Discord's gateway could not be reached over the network; 6 attempts failed; waiting for the next attempt")
			if snap.Last.Evidence.Attempts != 6 || snap.Remedy != (Message{}) {
				t.Errorf("last %+v", snap.Last)
			}
		}
	}
	snap := s.expectStatus(Offline, "the connection was half-open (nothing arrived for 25 s), then Discord's gateway could not be reached over the network; 40 attempts failed; waiting for the next attempt")
	if !strings.Contains(snap.Remedy.String(), "firewall") {
		t.Errorf("remedy %q", snap.Remedy)
	}
	s.dial(true, refused)
	s.resume(120)
	i := s.newest()
	if i.Cause != NetworkDown || i.Evidence.Attempts != 40 || i.Evidence.DialKind != gateway.ReasonDial || !strings.Contains(i.Evidence.DialSaid, "connection refused") {
		t.Errorf("got %+v", i)
	}
	if i.ShownOffline(s.now) != i.Duration(s.now)-PresenceTimeout || len(i.Actions) > maxActions {
		t.Errorf("grey %s of %s, %d actions", i.ShownOffline(s.now), i.Duration(s.now), len(i.Actions))
	}
}

// Given a host that sleeps through the night, when it wakes, then the night
// counts as offline and the sleep is the cause.
func TestHostSlept(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(2)
	asleep := s.now
	s.after(8 * time.Hour)
	s.observe(gateway.HostSlept{For: 8 * time.Hour})
	slept := gateway.Reason{Kind: gateway.ReasonSlept, Elapsed: 8 * time.Hour}
	s.lose(slept)
	s.observe(gateway.SessionLost{Reason: slept})
	s.dial(false, slept)
	s.identify()
	s.expectSentence("2026-11-24 22:01:24 to 2026-11-25 06:01:25 (8 h): the host was asleep (for 8 h). A new session was started; events in between were not delivered.")
	i := s.newest()
	if i.Cause != HostSlept || !i.Start.Equal(asleep) || i.Evidence.Slept != 8*time.Hour || i.ShownOffline(s.now) < 7*time.Hour {
		t.Errorf("got %+v", i)
	}
}

// Given a short sleep that the connection survives, then it is no incident; if
// the connection is lost over it, the sleep is behind that.
func TestHostNapped(t *testing.T) {
	for _, survives := range []bool{true, false} {
		s := newFakeShard(t, Options{}).start()
		s.after(20 * time.Second)
		s.observe(gateway.HostSlept{For: 20 * time.Second})
		if survives {
			s.beat()
			if snap := s.expectStatus(Online, "connected, and Discord answers"); snap.Last != nil {
				t.Errorf("got %+v", snap.Last)
			}
			continue
		}
		s.after(10 * time.Second)
		s.lose(silent)
		if i := s.newest(); i.Cause != HostSlept || i.Then.String() != "the host slept for 20 s" || i.Evidence.Slept != 20*time.Second {
			t.Errorf("got %+v", i)
		}
	}
}

// Given a privileged intent that is switched off while the bot runs, then the
// bot says at once that it needs a human, what to switch, and the code; when
// that is mended it comes back by itself.
//
// Statements: G-158.
func TestIntentSwitchedOff(t *testing.T) {
	s := newFakeShard(t, Options{}).start()
	s.beats(1)
	s.lose(gateway.Reason{Kind: gateway.ReasonClosed, Code: 4014, Text: "Disallowed intent(s)."})
	fatal := gateway.Reason{Kind: gateway.ReasonFatal, Code: 4014, Text: gateway.CloseDisallowedIntents.Meaning()}
	s.observe(gateway.SessionLost{Reason: fatal})
	s.move(gateway.Parked{Reason: fatal}, fatal)
	s.after(time.Hour)
	snap := s.expectStatus(NeedsYou, "a privileged intent is switched off for this application (close code 4014)")
	if !strings.Contains(snap.Remedy.String(), "https://discord.com/developers/applications") || snap.Connected || snap.Ready {
		t.Errorf("got %+v", snap)
	}
	i := s.newest()
	if i.Cause != IntentsRefused || i.Evidence.Code != 4014 || i.Evidence.By != ByDiscord || i.Evidence.Said != "Disallowed intent(s)." || i.Then != (Message{}) {
		t.Errorf("got %+v", i)
	}
	s.dial(false, fatal)
	s.identify()
	s.expectStatus(Online, "connected, and Discord answers")
	if i := s.newest(); i.Outcome != OutcomeNewSession {
		t.Errorf("got %+v", i)
	}
}

// Given a token that Discord refuses at the start, then nothing is dialled and
// the bot needs a human.
func TestTokenRefusedAtTheStart(t *testing.T) {
	s := newFakeShard(t, Options{})
	s.move(gateway.Waiting{For: "its turn to identify"}, gateway.Reason{Kind: gateway.ReasonStart})
	fatal := gateway.Reason{Kind: gateway.ReasonFatal, Code: gateway.CloseAuthFailed, Text: gateway.CloseAuthFailed.Meaning(), Err: gateway.ErrUnauthorized}
	s.move(gateway.Parked{Reason: fatal}, fatal)
	if snap := s.expectStatus(NeedsYou, "Discord does not accept the token"); !strings.Contains(snap.Remedy.String(), "DISCORD_TOKEN") {
		t.Errorf("remedy %q", snap.Remedy)
	}
	if i := s.newest(); i.Cause != TokenRefused || !i.AtStart {
		t.Errorf("got %+v", i)
	}
}

// Given attempts that fail at an address, then the advice names that address, and never
// one of Discord's that nobody has tried.
func TestAdviceNamesTheAddressThatWasTried(t *testing.T) {
	dial := gateway.Reason{Kind: gateway.ReasonDial, Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	for name, test := range map[string]struct {
		failed gateway.ConnectFailed
		want   string
	}{
		"a port of its own":  {gateway.ConnectFailed{URL: "ws://gateway.example:8501/?v=10", Reason: dial}, "gateway.example:8501"},
		"the usual port":     {gateway.ConnectFailed{URL: "wss://gateway.example/?v=10", Reason: dial}, "gateway.example:443"},
		"plain":              {gateway.ConnectFailed{URL: "ws://gateway.example", Reason: dial}, "gateway.example:80"},
		"IPv6":               {gateway.ConnectFailed{URL: "wss://[2001:db8::1]:8443", Reason: dial}, "[2001:db8::1]:8443"},
		"WebSockets refused": {gateway.ConnectFailed{URL: "wss://gateway.example", Reason: gateway.Reason{Kind: gateway.ReasonUpgrade, Code: 403}}, "Allow wss to gateway.example:443"},
		"a proxy refuses": {gateway.ConnectFailed{URL: "wss://gateway.example", Reason: gateway.Reason{Kind: gateway.ReasonDial, Err: &network.ProxyError{
			Proxy: "http://proxy:3128", Target: "gateway.example:443", Status: 403,
		}}}, "allow gateway.example:443 on the proxy"},
		"REST": {gateway.ConnectFailed{Reason: gateway.Reason{Kind: gateway.ReasonLocate, Err: &url.Error{
			Op: "Get", URL: "https://api.example:8443/api/v10/gateway", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		}}}, ""},
		"not known": {gateway.ConnectFailed{Reason: dial}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeShard(t, Options{})
			s.observe(test.failed)
			s.after(time.Hour)
			got := s.tracker.Snapshot().Remedy.String()
			if !strings.Contains(got, test.want) || strings.Contains(got, "discord.gg") || strings.Contains(got, "port 443") || got == "" {
				t.Errorf("the advice is %q, want %q in it", got, test.want)
			}
			if i := s.newest(); i.Remedy().String() != got {
				t.Errorf("the incident advises %q, the status %q", i.Remedy(), got)
			}
		})
	}
}
