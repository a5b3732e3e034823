package health

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/identify"
	"evergreen/internal/simtest"
)

// simulatedCause is the faults that lead to a cause, and what the incident then
// says. The runbook names the same faults.
type simulatedCause struct {
	cause  CauseID
	faults []discordsim.Fault
	says   string
}

// simulatedCauses are the causes that faults alone lead to.
var simulatedCauses = []simulatedCause{
	{RoutineReconnect, []discordsim.Fault{{Name: "op7"}}, "Discord asked for a reconnect (routine). Resumed, nothing was missed."},
	{ConnectionCut, []discordsim.Fault{{Name: "cut"}}, "the connection was cut without a close frame. Resumed, nothing was missed."},
	{ConnectionCut, []discordsim.Fault{{Name: "drop"}}, "the connection was cut without a close frame. Resumed, nothing was missed."},
	{DiscordClosed, []discordsim.Fault{{Name: "close", Code: 4000}}, "Discord had an unknown error (close code 4000). Resumed, nothing was missed."},
	{ClientMistake, []discordsim.Fault{{Name: "close", Code: 4002}}, "(close code 4002). Resumed"},
	{SendLimit, []discordsim.Fault{{Name: "close", Code: 4008}}, "too many payloads were sent on one connection (close code 4008)"},
	{Unknown, []discordsim.Fault{{Name: "close", Code: 4242}}, "Discord closed the connection with code 4242, for a reason that is not known"},
	{ClientOutdated, []discordsim.Fault{{Name: "close", Code: 4012}}, "(close code 4012)"},
	{HalfOpen, []discordsim.Fault{{Name: "half-open"}}, "the connection was half-open (nothing arrived for 24.5 s). Resumed, nothing was missed."},
	{HalfOpen, []discordsim.Fault{{Name: "black-hole", For: time.Minute}}, "the connection was half-open (nothing arrived for 24.5 s). Resumed, nothing was missed."},
	{HalfOpen, []discordsim.Fault{{Name: "zombie", For: time.Minute}}, "the connection was half-open (nothing arrived for 24.5 s). Resumed, nothing was missed."},
	{SessionEnded, []discordsim.Fault{{Name: "op9-false"}}, "Discord invalidated the session. A new session was started; events in between were not delivered."},
	{SessionEnded, []discordsim.Fault{{Name: "resume-op9-false", For: time.Minute}, {Name: "cut"}}, "the connection was cut without a close frame, then Discord invalidated the session."},
	{ReconnectLoop, []discordsim.Fault{{Name: "cut"}, {Name: "cut"}, {Name: "cut"}, {Name: "cut"}}, "the connection was cut without a close frame, then the 3rd time in a row, each soon after coming back. Resumed"},
	{ResumeDropped, []discordsim.Fault{{Name: "resume-silent", For: 2 * time.Minute}, {Name: "cut"}}, "the connection was cut without a close frame, then "},
	{GarbledStream, []discordsim.Fault{{Name: "corrupt"}}, "the compressed stream broke"},
	{DNSFailure, []discordsim.Fault{{Name: "dns", For: 30 * time.Second}, {Name: "cut"}}, "then the name of Discord's gateway did not resolve"},
	{NetworkDown, []discordsim.Fault{{Name: "refuse", For: 30 * time.Second}, {Name: "cut"}}, "then Discord's gateway could not be reached over the network"},
	{NetworkDown, []discordsim.Fault{{Name: "unreachable", For: time.Minute}}, "then Discord's gateway could not be reached over the network"},
	{CertificateBad, []discordsim.Fault{{Name: "tls", For: 30 * time.Second}, {Name: "cut"}}, "then the TLS handshake with Discord's gateway failed"},
	{ProxyBlocks, []discordsim.Fault{{Name: "no-wss", For: 30 * time.Second}, {Name: "cut"}}, "then Discord's gateway did not open a WebSocket (HTTP 403)"},
	{IPBanned, []discordsim.Fault{{Name: "upgrade-status", Code: 429, For: 30 * time.Second}, {Name: "cut"}}, "then Discord's gateway did not open a WebSocket (HTTP 429)"},
	{DiscordOutage, []discordsim.Fault{{Name: "outage", For: time.Minute}}, "then Discord's gateway did not open a WebSocket (HTTP 503)"},
	{DiscordOutage, []discordsim.Fault{{Name: "no-hello", For: time.Minute}, {Name: "cut"}}, "then Discord accepted the connection but never said HELLO"},
	{DiscordOutage, []discordsim.Fault{{Name: "no-ready", For: time.Minute}, {Name: "op9-false"}}, "then READY was slow to come"},
	{PathMTU, []discordsim.Fault{{Name: "mtu", For: 2 * time.Minute}, {Name: "session-loss"}}, "times: large packets are lost on the way (MTU)"},
	{TokenRefused, []discordsim.Fault{{Name: "token-reset"}}, "token"},
	{IntentsRefused, []discordsim.Fault{{Name: "intents-off"}}, "intent"},
	{ShardingRequired, []discordsim.Fault{{Name: "always-close", Code: 4011}, {Name: "cut"}}, "(close code 4011)"},
}

// Given each cause that the simulator can stage, when its fault strikes a bot
// that is online, then an incident tells it by its name and in the right words,
// with what was seen and done, and its link leads into the runbook.
func TestEveryCauseIsToldByItsName(t *testing.T) {
	for _, c := range simulatedCauses {
		names := make([]string, len(c.faults))
		for n, f := range c.faults {
			names[n] = f.Name
		}
		t.Run(string(c.cause)+"/"+strings.Join(names, "+"), func(t *testing.T) {
			for _, name := range names {
				if !slices.Contains(faultNames(Lookup(c.cause).Reproduce), name) {
					t.Errorf("the runbook does not say that %s stages it: %s", name, Lookup(c.cause).Reproduce)
				}
			}
			simulateCause(t, c.cause, c.faults, c.says)
		})
	}
}

// simulateCause injects the faults into a live shard and checks the incident.
func simulateCause(t *testing.T, want CauseID, faults []discordsim.Fault, says string) {
	runSimulatedBot(t, nil, func(b *simulatedBot) {
		for _, f := range faults {
			b.Inject(f)
			if want == ReconnectLoop {
				b.wait(10 * time.Second)
			}
		}
		b.wait(5 * time.Minute)
		i := b.incident(want, says)
		if i.Evidence.Kind == "" || len(i.Actions) == 0 || i.Detected.Before(i.Start) {
			b.Errorf("evidence %+v, actions %v", i.Evidence, i.Actions)
		}
	})
}

// Given a host that sleeps for three minutes with the bot on it, then the
// incident says so, and that the session was resumed.
//
// Statements: G-032.
func TestSleepOfTheHostIsTold(t *testing.T) {
	var ahead atomic.Int64
	runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) {
		o.Clock = simtest.SleepyClock(&ahead)
	}, func(b *simulatedBot) {
		ahead.Store(int64(3 * time.Minute))
		b.wait(time.Minute)
		if i := b.incident(HostSlept, "the host was asleep (for 3 min). Resumed, nothing was missed."); i.Evidence.Slept != 3*time.Minute || i.Outcome != OutcomeResumed {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a process that stands still for three minutes while its host runs, then the
// incident says that, and nothing of sleep.
//
// Statements: G-032.
func TestProcessThatStoodStillIsTold(t *testing.T) {
	var stalled atomic.Int64
	runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) { o.Clock = simtest.StalledClock(&stalled) }, func(b *simulatedBot) {
		stalled.Store(int64(3 * time.Minute))
		b.wait(time.Minute)
		i := b.incident(ProcessStalled, "the process stood still (for 3 min). Resumed, nothing was missed.")
		if i.Evidence.Stalled != 3*time.Minute || i.Evidence.Slept != 0 || i.Outcome != OutcomeResumed {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a wall clock that is set by two hours, forward or back, then there is no
// incident, and all moments are told by the clock as it stands now.
//
// Statements: G-032.
func TestSetClockIsNoIncident(t *testing.T) {
	for _, by := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		var set atomic.Int64
		runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) { o.Clock = simtest.SetClock(&set) }, func(b *simulatedBot) {
			before := b.tracker.Snapshot()
			set.Store(int64(by))
			b.wait(time.Minute)
			after := b.tracker.Snapshot()
			if after.Status != Online || !after.Since.Equal(before.Since.Add(by)) || !after.Started.Equal(before.Started.Add(by)) {
				b.Errorf("%s set by %s: %s since %s, started %s; before: since %s, started %s", after.Reason, by, after.Status, after.Since, after.Started, before.Since, before.Started)
			}
			for _, i := range b.tracker.Incidents(MemoryJournalSize) {
				if !i.AtStart || i.Duration(after.At) > time.Minute || i.Start.Before(after.Started) || i.Start.After(after.At) {
					b.Errorf("set by %s: %s", by, i.Sentence(after.At, time.UTC))
				}
			}
		})
	}
}

// Given a host with IPv6 addresses and no route for them, when the connection is
// lost, then the incident names that, and not Discord.
func TestBrokenIPv6IsTold(t *testing.T) {
	var broken atomic.Bool
	runSimulatedBot(t, func(sim *discordsim.Sim, o *gateway.Options) {
		o.Dialer = gateway.WebSocketDialer{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if broken.Load() {
				return nil, &net.OpError{
					Op: "dial", Net: "tcp6", Addr: &net.TCPAddr{IP: net.ParseIP("2606:4700::1"), Port: 443},
					Err: os.NewSyscallError("connect", syscall.ENETUNREACH),
				}
			}
			return sim.DialContext(ctx, network, addr)
		}}
	}, func(b *simulatedBot) {
		broken.Store(true)
		b.Inject(discordsim.Fault{Name: "cut"})
		b.wait(20 * time.Second)
		broken.Store(false)
		b.wait(time.Minute)
		if i := b.incident(IPv6NoRoute, "the connection was cut without a close frame, then "); i.Outcome != OutcomeResumed || i.Evidence.Attempts == 0 {
			b.Errorf("got %+v", i)
		}
	})
}

// Given a bot whose sessions are ended again and again, when the account saves
// its session starts, then the incident says what is waited for.
//
// Statements: G-042.
func TestSavedBudgetIsTold(t *testing.T) {
	runSimulatedBot(t, func(_ *discordsim.Sim, o *gateway.Options) {
		o.IdentifyLimiter = identify.New(identify.Options{Hourly: 3, Rand: func() float64 { return 0.5 }})
	}, func(b *simulatedBot) {
		for range 4 {
			b.Inject(discordsim.Fault{Name: "op9-false"})
			b.wait(3 * time.Minute)
		}
		b.expect(Offline, "3 session starts were spent within an hour")
		b.wait(time.Hour)
		if i := b.incident(IdentifyBudget, "the right to start a session has to be waited for"); i.Outcome != OutcomeNewSession {
			b.Errorf("got %+v", i)
		}
	})
}
