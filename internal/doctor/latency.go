package doctor

import (
	"context"
	"fmt"
	"time"

	"evergreen/internal/text"
)

const (
	// restSamples is how many requests are timed, one after another.
	restSamples = 6
	// From farRoundTrip on a nearer host is worth it, from noticeableRoundTrip on it
	// makes a difference. Up to goodConnect the network itself is good.
	farRoundTrip        = 200 * time.Millisecond
	noticeableRoundTrip = 80 * time.Millisecond
	goodConnect         = 40 * time.Millisecond
)

// checkLatency measures a few round trips and says what would make them shorter.
// Latency never disconnects a bot, so this check never fails.
func (x *examination) checkLatency(ctx context.Context) Finding {
	var rest []time.Duration
	for range restSamples {
		resp, _, took, err := x.getGateway(ctx)
		if err != nil || resp.StatusCode >= 400 {
			break
		}
		rest = append(rest, took)
	}
	x.mu.Lock()
	beats := x.heartbeats
	x.mu.Unlock()
	return x.latencyFinding(beats, rest, x.connectTime)
}

// latencyFinding returns the finding for round trips of heartbeats, of requests
// and of TCP.
func (x *examination) latencyFinding(beats, rest []time.Duration, connect time.Duration) Finding {
	f := pass("")
	slow := false
	switch {
	case x.instance != nil && x.instance.Latency.Gateway != nil:
		p := x.instance.Latency.Gateway
		f.Says = fmt.Sprintf("gateway %.0f ms", p.P50)
		f = f.with("gateway, by the running instance: " + p.String())
		slow = time.Duration(p.P50*float64(time.Millisecond)) >= farRoundTrip
	case len(beats) > 0:
		f.Says = "gateway " + roundTrip(percentile(beats, 0.5))
		f = f.with("gateway, of " + text.Count(len(beats), "heartbeat") + ": " + percentilesOf(beats))
		slow = percentile(beats, 0.5) >= farRoundTrip
	default:
		f.Says = "gateway not measured"
	}
	if len(rest) > 0 {
		f.Says += ", REST " + roundTrip(percentile(rest, 0.5)) + " (the middle of the samples)"
		f = f.with("REST, of " + text.Count(len(rest), "request") + ": " + percentilesOf(rest))
		slow = slow || percentile(rest, 0.5) >= farRoundTrip
	}
	if connect > 0 {
		where := "Discord's edge"
		switch {
		case x.answer.edge != "":
			where += ", which is in " + x.answer.edge
		case x.target != nil && x.isSimulated():
			where = x.target.Host
		}
		f = f.with("TCP to " + where + ": " + roundTrip(connect))
	}
	if !slow {
		if middle := percentile(beats, 0.5); middle >= noticeableRoundTrip && !x.isSimulated() {
			f = f.with("a host in the eastern United States would be nearer to Discord's gateway; nobody would notice much")
		} else if middle > 0 {
			f = f.with("no other region or host would make a difference that is felt")
		}
		return f
	}
	f.Level = Warn
	if connect > 0 && connect <= goodConnect {
		f.Next = []string{fmt.Sprintf("The network is good (%s to the edge); the rest of the way is distance. Discord's gateway stands in the eastern United States: a host there (Virginia, South Carolina, Ohio) takes 10 to 40 ms instead.", roundTrip(connect))}
	} else {
		f.Next = []string{
			"Even the nearest edge of Discord is far: the network of this host is slow or busy. Try another provider or region before anything else; the eastern United States is nearest to Discord's gateway.",
			"If it jumps instead of being always so, look for load on this host: a shared CPU delays heartbeats too.",
		}
	}
	f.Next = append(f.Next, "Latency delays answers; it does not disconnect the bot.")
	return f
}

func percentilesOf(samples []time.Duration) string {
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s", roundTrip(percentile(samples, 0.5)), roundTrip(percentile(samples, 0.95)), roundTrip(percentile(samples, 0.99)))
}
