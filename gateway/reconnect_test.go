package gateway

import (
	"fmt"
	"testing"
	"time"
)

// step is something that happens to a policy: a closed, a dialFailure, an onLive, an
// onMended or a time that passes.
type step any

// onLive is READY, which begins a session, or RESUMED.
type onLive struct{ resume, base bool }

// onMended is that the credentials are good again.
type onMended struct{}

// The ends of connections in the table. Those that were live lived for two minutes.
func onLiveConn(r Reason) closed {
	return closed{reason: r, resume: true, live: true, lived: 2 * time.Minute}
}
func onResume(r Reason) closed   { return closed{reason: r, resume: true} }
func onIdentify(r Reason) closed { return closed{reason: r} }
func onBase(r Reason) closed {
	return closed{reason: r, resume: true, base: true, live: true, lived: time.Minute - 1}
}
func dialResume(r Reason) dialFailure { return dialFailure{reason: r, resume: true} }
func dialBase(r Reason) dialFailure   { return dialFailure{reason: r, base: true} }

// livedFor is the end of a connection that was live for d.
func livedFor(d time.Duration, r Reason) closed {
	return closed{reason: r, resume: true, live: true, lived: d}
}

func closeCode(code CloseCode) Reason { return Reason{Kind: ReasonClosed, Code: code} }

var (
	op7         = Reason{Kind: ReasonReconnect}
	op9True     = Reason{Kind: ReasonInvalidSession, Text: invalidResumable}
	op9False    = Reason{Kind: ReasonInvalidSession}
	cut         = Reason{Kind: ReasonReset}
	noResumed   = Reason{Kind: ReasonNoResumed, Elapsed: 15 * time.Second}
	noHello     = Reason{Kind: ReasonNoHello, Elapsed: 10 * time.Second}
	dnsFailed   = Reason{Kind: ReasonDNS}
	dnsHung     = Reason{Kind: ReasonDNS, Elapsed: time.Minute}
	forbidden   = Reason{Kind: ReasonUpgrade, Code: 403}
	tokenFailed = Reason{Kind: ReasonFatal, Code: 4004, Text: "the bot token was refused"}
)

// times repeats steps.
func times(n int, steps ...step) (all []step) {
	for range n {
		all = append(all, steps...)
	}
	return all
}

func steps(parts ...[]step) (all []step) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// policyRow is one row of the table: after these steps, this end leads to this next. A
// session that the policy gives up is gone until the next READY.
// Every jitter is half of its range: the first try comes after 250 ms, failure n after
// half of 1, 2, 4 ... s, and op 9 after 3 s.
type policyRow struct {
	name      string
	before    []step
	end       step
	noSession bool
	want      followUp
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func policyTable() []policyRow {
	rows := []policyRow{
		// Rule 1: a RESUME is free, an IDENTIFY is scarce.
		{name: "op 9 true: resume", end: onLiveConn(op9True), want: followUp{do: actResume, wait: ms(3000)}},
		{name: "op 9 true to RESUME, the third time", before: times(2, onResume(op9True)), end: onResume(op9True), want: followUp{do: actResume, wait: ms(3000)}},
		{name: "op 9 true to RESUME, the fourth time", before: times(3, onResume(op9True)), end: onResume(op9True), want: followUp{do: actIdentify, wait: ms(3000), dropSession: true}},
		{name: "op 9 false: identify", end: onLiveConn(op9False), want: followUp{do: actIdentify, wait: ms(3000), dropSession: true}},
		{name: "op 9 false to RESUME", end: onResume(op9False), want: followUp{do: actIdentify, wait: ms(3000), dropSession: true}},
		{name: "op 9 to IDENTIFY", noSession: true, end: onIdentify(op9False), want: followUp{do: actIdentify, wait: ms(3000)}},
		{name: "op 9 to IDENTIFY, the third time", noSession: true, before: times(2, onIdentify(op9False)), end: onIdentify(op9False), want: followUp{do: actIdentify, wait: ms(12_000)}},
		{name: "op 9 to IDENTIFY, without end", noSession: true, before: times(8, onIdentify(op9False)), end: onIdentify(op9False), want: followUp{do: actIdentify, wait: maxRefusalWait}},
		{name: "op 9 to IDENTIFY after READY", noSession: true, before: append(times(8, onIdentify(op9False)), onLive{base: true}), end: onLiveConn(op9False), want: followUp{do: actIdentify, wait: ms(3000), dropSession: true}},
		{name: "op 9 to IDENTIFY after the end of a session", before: []step{onLiveConn(op9False)}, end: onIdentify(op9False), want: followUp{do: actIdentify, wait: ms(6000)}},
		{name: "op 9 true to IDENTIFY after the end of a session", before: times(4, onResume(op9True)), end: onIdentify(op9True), want: followUp{do: actIdentify, wait: ms(6000)}},
		{name: "op 9 true to IDENTIFY, the third time", noSession: true, before: times(2, onIdentify(op9True)), end: onIdentify(op9True), want: followUp{do: actIdentify, wait: ms(12_000)}},
		{name: "op 9 true to RESUME, after another session", before: append(times(4, onResume(op9True)), onLive{base: true}), end: onResume(op9True), want: followUp{do: actResume, wait: ms(3000)}},

		{name: "no RESUMED once", end: onResume(noResumed), want: followUp{do: actResume}},
		{name: "no RESUMED three times", before: times(2, onResume(noResumed)), end: onResume(noResumed), want: followUp{do: actProbeSession}},
		{name: "no RESUMED three times, but RESUMED between", before: []step{onResume(noResumed), onResume(noResumed), onLive{resume: true}}, end: onResume(noResumed), want: followUp{do: actResume}},
		{name: "five cut RESUMEs at once", before: times(4, onResume(cut)), end: onResume(cut), want: followUp{do: actResume, wait: ms(8000)}},
		{name: "five cut RESUMEs in 20 s", before: times(4, onResume(cut), 5*time.Second), end: onResume(cut), want: followUp{do: actProbeSession, wait: ms(8000)}},
		{name: "two cut RESUMEs in 74 s", before: []step{onResume(cut), 74 * time.Second}, end: onResume(cut), want: followUp{do: actResume, wait: ms(1000)}},
		{name: "two cut RESUMEs in 75 s", before: []step{onResume(cut), 75 * time.Second}, end: onResume(cut), want: followUp{do: actProbeSession, wait: ms(1000)}},
		{name: "a failed dial after 75 s of cut RESUMEs", before: []step{onResume(cut), 75 * time.Second}, end: dialResume(dnsFailed), want: followUp{do: actProbeSession, wait: ms(1000)}},
		{name: "a probe that is cut: the session is kept", before: times(3, onResume(noResumed)), end: onIdentify(cut), want: followUp{do: actResume, wait: ms(4000)}},
		{name: "a probe that is refused", before: times(3, onResume(noResumed)), end: onIdentify(op9False), want: followUp{do: actResume, wait: ms(3000)}},
		{name: "a probe that is closed with 4009", before: times(3, onResume(noResumed)), end: onIdentify(closeCode(4009)), want: followUp{do: actResume, wait: ms(4000)}},
		{name: "a probe that finds the token refused", before: times(3, onResume(noResumed)), end: onIdentify(closeCode(4004)), want: followUp{do: actPark, reason: fatalReason(4004), dropSession: true}},
		{name: "a probe that finds the token refused is over", before: append(times(3, onResume(noResumed)), onIdentify(closeCode(4004)), onIdentify(op9False)), end: onIdentify(op9False), want: followUp{do: actIdentify, wait: ms(6000)}},
		{name: "a probe that cannot be dialled", before: times(3, onResume(noResumed)), end: dialBase(dnsFailed), want: followUp{do: actResume, wait: ms(2250)}},
		{name: "a probe whose grant has expired goes on", before: times(3, onResume(noResumed)), end: onIdentify(Reason{Kind: ReasonGrantExpired}), want: followUp{do: actProbeSession}},
		{name: "no second probe within 40 s", before: steps(times(3, onResume(noResumed)), []step{onIdentify(cut)}, times(2, onResume(noResumed), 19*time.Second)), end: onResume(noResumed), want: followUp{do: actResume}},
		{name: "a probe begins to count anew", before: steps(times(3, onResume(noResumed)), []step{onIdentify(cut), 41 * time.Second}), end: onResume(noResumed), want: followUp{do: actResume}},
		{name: "no third probe within 80 s", before: steps(times(3, onResume(noResumed)), []step{onIdentify(cut), onResume(cut), 75 * time.Second, onResume(cut), onIdentify(cut), onResume(cut), 79 * time.Second}), end: onResume(cut), want: followUp{do: actResume, wait: ms(12_500)}},
		{name: "a third probe after 80 s", before: steps(times(3, onResume(noResumed)), []step{onIdentify(cut), onResume(cut), 75 * time.Second, onResume(cut), onIdentify(cut), onResume(cut), 80 * time.Second}), end: onResume(cut), want: followUp{do: actProbeSession, wait: ms(12_500)}},
		{name: "a probe every ten minutes at the least", before: append(times(7, onResume(noResumed), 11*time.Minute, onResume(noResumed), onResume(noResumed), onIdentify(cut)), onResume(cut), 10*time.Minute), end: onResume(cut), want: followUp{do: actProbeSession, wait: ms(12_500)}},
		{name: "probes begin anew after RESUMED", before: steps(times(3, onResume(noResumed)), []step{onIdentify(cut), onLive{resume: true}}, times(2, onResume(noResumed))), end: onResume(noResumed), want: followUp{do: actProbeSession}},
		{name: "a probe that READY answers is over", before: append(times(3, onResume(noResumed)), onLive{base: true}), end: onLiveConn(cut), want: followUp{do: actResume, wait: ms(250)}},
		{name: "no RESUMED three times, but of two sessions", before: steps(times(2, onResume(noResumed)), []step{onResume(op9False), onLive{base: true}}), end: onResume(noResumed), want: followUp{do: actResume}},
		{name: "a second probe after 40 s", before: steps(times(3, onResume(noResumed)), []step{onIdentify(cut)}, times(2, onResume(noResumed), 20*time.Second)), end: onResume(noResumed), want: followUp{do: actProbeSession}},

		// A failed dial keeps the session, whatever it failed by.
		{name: "no name resolution", end: dialResume(dnsFailed), want: followUp{do: actResume, wait: ms(500)}},
		{name: "a refused upgrade", end: dialResume(forbidden), want: followUp{do: actResume, wait: ms(500)}},
		{name: "no HELLO", before: times(4, dialResume(noHello)), end: dialResume(noHello), want: followUp{do: actResume}},
		{name: "no session", noSession: true, end: dialBase(dnsFailed), want: followUp{do: actIdentify, wait: ms(500)}},

		// Rule 5: backoff.
		{name: "silence on a live connection", end: onLiveConn(Reason{Kind: ReasonSilent}), want: followUp{do: actResume}},
		{name: "silence before RESUMED", end: onResume(Reason{Kind: ReasonSilent}), want: followUp{do: actResume, wait: ms(500)}},
		{name: "a live connection is cut", end: onLiveConn(cut), want: followUp{do: actResume, wait: ms(250)}},
		{name: "a live connection is cut after 4 s", end: livedFor(4*time.Second, cut), want: followUp{do: actResume, wait: ms(500)}},
		{name: "failures are not forgotten after 59 s", before: append(times(4, dialResume(forbidden)), onLive{resume: true}), end: livedFor(59*time.Second, cut), want: followUp{do: actResume, wait: ms(4000)}},
		{name: "failures are forgotten after 60 s", before: times(4, dialResume(forbidden)), end: livedFor(60*time.Second, cut), want: followUp{do: actResume, wait: ms(250)}},
		{name: "Discord says no: up to 25 s", before: times(8, dialResume(forbidden)), end: dialResume(forbidden), want: followUp{do: actResume, wait: ms(12_500)}},
		{name: "the way there is broken: up to 4.5 s", before: times(8, dialResume(dnsFailed)), end: dialResume(dnsFailed), want: followUp{do: actResume, wait: ms(2250)}},
		{name: "a dial that hung has waited", before: times(8, dialResume(dnsFailed)), end: dialResume(dnsHung), want: followUp{do: actResume}},
		{name: "a tenth failure in a row", before: times(9, dialResume(dnsFailed)), end: dialResume(dnsFailed), want: followUp{do: actResume, wait: ms(2250), exhausted: true}},
		{name: "an eleventh", before: times(10, dialResume(dnsFailed)), end: dialResume(dnsFailed), want: followUp{do: actResume, wait: ms(2250)}},
		{name: "a tenth failure after the credentials were mended", before: append(times(9, dialResume(dnsFailed)), onMended{}), end: dialResume(dnsFailed), want: followUp{do: actResume, wait: ms(500)}},
		{name: "a tenth failure once more, after they were mended", before: steps(times(10, dialResume(dnsFailed)), []step{onMended{}}, times(9, dialResume(dnsFailed))), end: dialResume(dnsFailed), want: followUp{do: actResume, wait: ms(2250), exhausted: true}},
		{name: "a refusal that took long has not waited", end: dialResume(Reason{Kind: ReasonUpgrade, Code: 403, Elapsed: time.Minute}), want: followUp{do: actResume, wait: ms(500)}},
		{name: "silence for long before RESUMED has not waited", end: onResume(Reason{Kind: ReasonSilent, Elapsed: time.Minute}), want: followUp{do: actResume, wait: ms(500)}},
		{name: "op 7", end: onLiveConn(op7), want: followUp{do: actResume}},
		{name: "op 7 before RESUMED", end: onResume(op7), want: followUp{do: actResume}},
		{name: "op 7 twice before RESUMED", before: []step{onResume(op7)}, end: onResume(op7), want: followUp{do: actResume}},
		{name: "nothing but op 7", before: times(2, onResume(op7)), end: onResume(op7), want: followUp{do: actResume, wait: ms(2000)}},
		{name: "op 7 before HELLO", end: dialResume(op7), want: followUp{do: actResume}},
		{name: "op 7 twice before HELLO", before: []step{dialResume(op7)}, end: dialResume(op7), want: followUp{do: actResume}},
		{name: "nothing but op 7 before HELLO", before: times(2, dialResume(op7)), end: dialResume(op7), want: followUp{do: actResume, wait: ms(2000)}},
		{name: "connections that op 7 ends count as one", before: steps(times(4, dialResume(forbidden)), []step{livedFor(31*time.Second, op7)}), end: livedFor(29*time.Second, cut), want: followUp{do: actResume, wait: ms(250)}},
		{name: "those that anything else ends do not", before: steps(times(4, dialResume(forbidden)), []step{livedFor(31*time.Second, cut)}), end: livedFor(29*time.Second, cut), want: followUp{do: actResume, wait: ms(4000)}},
		{name: "three that op 7 ends count as one", before: steps(times(4, dialResume(forbidden)), times(2, livedFor(25*time.Second, op7))), end: livedFor(10*time.Second, cut), want: followUp{do: actResume, wait: ms(250)}},
		{name: "what lies between two that op 7 ends", before: steps(times(4, dialResume(forbidden)), []step{livedFor(31*time.Second, op7), livedFor(10*time.Second, cut)}), end: livedFor(29*time.Second, cut), want: followUp{do: actResume, wait: ms(4000)}},
		{name: "op 7, then one that never was live", before: steps(times(4, dialResume(forbidden)), []step{livedFor(31*time.Second, op7), onResume(op7)}), end: livedFor(29*time.Second, cut), want: followUp{do: actResume, wait: ms(8000)}},
		{name: "op 7, then a turn that has passed", before: steps(times(4, dialResume(forbidden)), []step{livedFor(31*time.Second, op7), onIdentify(Reason{Kind: ReasonGrantExpired})}), end: livedFor(29*time.Second, cut), want: followUp{do: actResume, wait: ms(4000)}},
		{name: "op 7 after a minute, then a cut RESUME", before: []step{livedFor(time.Minute, op7)}, end: onResume(cut), want: followUp{do: actResume, wait: ms(500)}},
		{name: "the way back to the resume URL", before: times(4, dialResume(forbidden)), end: livedFor(15*time.Second, Reason{Kind: ReasonReconnect, Text: returnsToResumeURL}), want: followUp{do: actResume}},
		{name: "the base gateway cuts off what it stood in for", before: times(4, dialResume(dnsFailed)), end: onBase(cut), want: followUp{do: actResume, wait: ms(250)}},
		{name: "the base gateway cuts off at once what it stood in for", end: closed{reason: cut, resume: true, base: true, live: true, lived: 4 * time.Second}, want: followUp{do: actResume, wait: ms(500)}},
		{name: "the base gateway cuts off what was identified there", before: times(4, dialBase(forbidden)), end: closed{reason: cut, base: true, live: true, lived: time.Minute - 1}, want: followUp{do: actResume, wait: ms(4000)}},
		{name: "its turn to identify has passed", noSession: true, end: onIdentify(Reason{Kind: ReasonGrantExpired}), want: followUp{do: actIdentify}},
		{name: "a stop", end: onLiveConn(Reason{Kind: ReasonStop}), want: followUp{}},
		{name: "a stop while it dials", end: dialResume(Reason{Kind: ReasonStop}), want: followUp{}},

		// Rule 7: fatal is not silent.
		{name: "REST refuses the token", end: dialBase(tokenFailed), noSession: true, want: followUp{do: actPark, reason: tokenFailed}},
		{name: "4004 before HELLO", end: dialResume(closeCode(4004)), want: followUp{do: actPark, reason: fatalReason(4004)}},
		{name: "4003 again within a minute", before: []step{onLiveConn(closeCode(4003)), onLive{base: true}, 59 * time.Second}, end: onLiveConn(closeCode(4003)), want: followUp{do: actPark, wait: ms(250), reason: fatalReason(4003), dropSession: true}},
		{name: "4003 again after a minute", before: []step{onLiveConn(closeCode(4003)), onLive{base: true}, time.Minute}, end: onLiveConn(closeCode(4003)), want: followUp{do: actVerify, dropSession: true}},
		{name: "4003 an hour after the first", before: []step{onLiveConn(closeCode(4003)), onLive{base: true}, time.Hour}, end: onLiveConn(closeCode(4003)), want: followUp{do: actVerify, dropSession: true}},
		{name: "4003 within a minute of the second", before: []step{onLiveConn(closeCode(4003)), onLive{base: true}, 70 * time.Second, onLiveConn(closeCode(4003)), onLive{base: true}, 59 * time.Second}, end: onLiveConn(closeCode(4003)), want: followUp{do: actPark, wait: ms(250), reason: fatalReason(4003), dropSession: true}},
		{name: "4003 within a minute of one that parked", before: []step{onLiveConn(closeCode(4003)), onLive{base: true}, 50 * time.Second, onLiveConn(closeCode(4003)), onLive{base: true}, 50 * time.Second}, end: onLiveConn(closeCode(4003)), want: followUp{do: actPark, wait: ms(250), reason: fatalReason(4003), dropSession: true}},
		{name: "4003 of a live session and then of RESUME", before: []step{onLiveConn(closeCode(4003)), onLive{base: true}}, end: onResume(closeCode(4003)), want: followUp{do: actResume, wait: ms(500)}},
		{name: "4003 of RESUME and then of a live session", before: []step{onResume(closeCode(4003)), onLive{resume: true}}, end: onLiveConn(closeCode(4003)), want: followUp{do: actVerify, dropSession: true}},

		{name: "1000, then a cut RESUME", before: []step{onLiveConn(closeCode(1000))}, end: onResume(cut), want: followUp{do: actIdentify, wait: ms(500), dropSession: true}},
		{name: "1000, then op 7 before RESUMED", before: []step{onLiveConn(closeCode(1000))}, end: onResume(op7), want: followUp{do: actIdentify, dropSession: true}},
		{name: "1000, then no RESUMED", before: []step{onLiveConn(closeCode(1000))}, end: onResume(noResumed), want: followUp{do: actIdentify, dropSession: true}},
		{name: "1000, then op 9 true to RESUME", before: []step{onLiveConn(closeCode(1000))}, end: onResume(op9True), want: followUp{do: actIdentify, wait: ms(3000), dropSession: true}},
		{name: "1000, a new session, then a cut RESUME", before: []step{onLiveConn(closeCode(1000)), onResume(cut), onLive{base: true}}, end: onResume(cut), want: followUp{do: actResume, wait: ms(1000)}},
		{name: "1000, then a failed dial", before: []step{onLiveConn(closeCode(1000))}, end: dialResume(dnsFailed), want: followUp{do: actResume, wait: ms(500)}},
		{name: "1000, RESUMED, then a cut RESUME", before: []step{onLiveConn(closeCode(1000)), onLive{resume: true}}, end: onResume(cut), want: followUp{do: actResume, wait: ms(500)}},
	}
	// Each close code on a live connection, in answer to RESUME and in answer to IDENTIFY.
	for _, code := range []CloseCode{1001, 1006, 1011, 1012, 4000, 4001, 4002, 4005, 4006, 4008, 4999} {
		rows = append(rows,
			policyRow{name: "live", end: onLiveConn(closeCode(code)), want: followUp{do: actResume, wait: ms(250)}},
			policyRow{name: "RESUME", end: onResume(closeCode(code)), want: followUp{do: actResume, wait: ms(500)}},
			policyRow{name: "IDENTIFY", noSession: true, end: onIdentify(closeCode(code)), want: followUp{do: actIdentify, wait: ms(500)}})
	}
	rows = append(rows,
		policyRow{name: "live", end: onLiveConn(closeCode(1000)), want: followUp{do: actResume, wait: ms(250)}},
		policyRow{name: "RESUME", end: onResume(closeCode(1000)), want: followUp{do: actIdentify, wait: ms(500), dropSession: true}},
		policyRow{name: "IDENTIFY", noSession: true, end: onIdentify(closeCode(1000)), want: followUp{do: actIdentify, wait: ms(500)}},
		policyRow{name: "live", end: onLiveConn(closeCode(4003)), want: followUp{do: actVerify, dropSession: true}},
		policyRow{name: "RESUME", end: onResume(closeCode(4003)), want: followUp{do: actResume, wait: ms(500)}},
		policyRow{name: "IDENTIFY", noSession: true, end: onIdentify(closeCode(4003)), want: followUp{do: actIdentify, wait: ms(500)}})
	for _, code := range []CloseCode{4007, 4009} {
		rows = append(rows,
			policyRow{name: "live", end: onLiveConn(closeCode(code)), want: followUp{do: actIdentify, wait: ms(250), dropSession: true}},
			policyRow{name: "RESUME", end: onResume(closeCode(code)), want: followUp{do: actIdentify, wait: ms(500), dropSession: true}},
			policyRow{name: "IDENTIFY", noSession: true, end: onIdentify(closeCode(code)), want: followUp{do: actIdentify, wait: ms(500)}})
	}
	for _, code := range []CloseCode{4004, 4010, 4011, 4012, 4013, 4014} {
		rows = append(rows,
			policyRow{name: "live", end: onLiveConn(closeCode(code)), want: followUp{do: actPark, reason: fatalReason(code), dropSession: true}},
			policyRow{name: "RESUME", end: onResume(closeCode(code)), want: followUp{do: actPark, reason: fatalReason(code), dropSession: true}},
			policyRow{name: "IDENTIFY", noSession: true, end: onIdentify(closeCode(code)), want: followUp{do: actPark, reason: fatalReason(code)}})
	}
	return rows
}

// Given what came before and how a connection or an attempt ended, then the policy says
// what to do next: a row for each close code and each history that matters.
// Statements: G-060, G-061, G-062, G-063, G-064, G-071, G-072, G-073, G-075, G-077, G-081, G-082, G-084, G-085, G-094, G-151, G-152.
func TestReconnectPolicy(t *testing.T) {
	for _, row := range policyTable() {
		name := row.name
		if c, ok := row.end.(closed); ok && c.reason.Kind == ReasonClosed {
			name = fmt.Sprint(c.reason.Code, " ", name)
		}
		t.Run(name, func(t *testing.T) {
			h := policyHistory{policy: newTestPolicy(), session: !row.noSession, now: time.Unix(0, 0)}
			for _, s := range row.before {
				h.apply(s)
			}
			if got := h.apply(row.end); got != row.want {
				t.Errorf("next is %+v, want %+v", got, row.want)
			}
		})
	}
}

func newTestPolicy() *policy {
	return &policy{
		backoff:      backoff{local: defaultBackoffLocal, remote: defaultBackoffRemote, rand: func() float64 { return 0.5 }},
		backoffReset: defaultBackoffReset, maxAttempts: defaultMaxAttempts,
	}
}

// policyHistory is what happens to a shard with a policy.
type policyHistory struct {
	*policy
	session bool
	now     time.Time
}

// apply lets a step happen and returns what the policy has decided.
func (h *policyHistory) apply(s step) (n followUp) {
	switch s := s.(type) {
	case closed:
		n = h.onClosed(s, h.session, h.now)
	case dialFailure:
		n = h.onDialFailed(s, h.session, h.now)
	case onLive:
		if replaced, _ := h.onLive(s.base); replaced {
			h.onSessionDropped()
		}
		h.session = h.session || !s.resume
	case onMended:
		h.onMended()
	case time.Duration:
		h.now = h.now.Add(s)
	}
	if n.dropSession {
		h.onSessionDropped()
		h.session = false
	}
	return n
}

// Given a resume URL that cannot be dialled, then the base URL gets every second try
// from the fourth on, until a RESUME at the resume URL or another session works.
// Statements: G-010.
func TestBaseURLGetsEverySecondTry(t *testing.T) {
	p := newTestPolicy()
	for range resumeURLTries {
		p.onDialFailed(dialBase(dnsFailed), false, time.Unix(0, 0))
	}
	if p.useBaseURL() {
		t.Error("failed dials to identify are held against the resume URL")
	}
	var base []bool
	for range 7 {
		base = append(base, p.useBaseURL())
		p.onDialFailed(dialFailure{reason: dnsFailed, resume: true, base: p.useBaseURL()}, true, time.Unix(0, 0))
	}
	if want := []bool{false, false, false, true, false, true, false}; fmt.Sprint(base) != fmt.Sprint(want) {
		t.Errorf("the base URL was used in turns %v, want %v", base, want)
	}
	p.onLive(true)
	if !p.useBaseURL() {
		t.Error("a RESUME at the base URL makes the shard forget that the resume URL is dead")
	}
	p.onLive(false)
	if p.useBaseURL() {
		t.Error("a RESUME at the resume URL does not bring the shard back to it")
	}
	for range resumeURLTries {
		p.onDialFailed(dialResume(dnsFailed), true, time.Unix(0, 0))
	}
	p.onSessionDropped()
	p.onLive(true)
	if p.useBaseURL() {
		t.Error("the resume URL of another session is held for dead")
	}
}

// Given a base URL that could not be connected to, then the policy knows it until a
// connection to it has reached HELLO.
// Statements: G-002.
func TestFailedBaseURLIsKnown(t *testing.T) {
	p := newTestPolicy()
	p.onDialFailed(dialResume(dnsFailed), true, time.Unix(0, 0))
	if p.baseURLFailed {
		t.Error("a failed dial of the resume URL is held against the base URL")
	}
	p.onDialFailed(dialBase(dnsFailed), true, time.Unix(0, 0))
	if p.onHello(false); !p.baseURLFailed {
		t.Error("the failure is not known any more")
	}
	if p.onHello(true); p.baseURLFailed {
		t.Error("the failure is not forgotten")
	}
}

// Given a session probe, when READY answers it, then the session before is over, and how
// long it had been live in total is told once.
// Statements: G-050.
func TestAnsweredProbeReplacesTheSession(t *testing.T) {
	p, now := newTestPolicy(), time.Unix(0, 0)
	p.onClosed(onLiveConn(cut), true, now)
	for range 3 {
		p.onClosed(onResume(noResumed), true, now)
	}
	p.onClosed(onIdentify(Reason{Kind: ReasonGrantExpired}), true, now)
	replaced, reason := p.onLive(true)
	if !replaced || reason.Kind != ReasonNoResumed {
		t.Errorf("replaced %t, because of %q", replaced, reason)
	}
	if lived := p.onSessionDropped(); lived != 2*time.Minute {
		t.Errorf("the session was live for %s, want 2m", lived)
	}
	if replaced, _ := p.onLive(false); replaced || p.onSessionDropped() != 0 {
		t.Error("it is told twice")
	}
}
