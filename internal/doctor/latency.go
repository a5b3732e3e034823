package doctor

import (
	"context"
	"fmt"
	"time"

	"evergreen/internal/text"
)

const (
	// restSamples is how many questions are timed, one after another.
	restSamples = 6
	// far is the round trip from which a nearer host is worth it, felt the one from
	// which there is a difference at all, near the one up to which the network
	// itself is good.
	far  = 200 * time.Millisecond
	felt = 80 * time.Millisecond
	near = 40 * time.Millisecond
)

// checkLatency times a few round trips and says what would make them shorter. It
// delays answers and never disconnects, so nothing here is a failure.
func (v *visit) checkLatency(ctx context.Context) Finding {
	var rest []time.Duration
	for range restSamples {
		resp, _, took, err := v.question(ctx)
		if err != nil || resp.StatusCode >= 400 {
			break
		}
		rest = append(rest, took)
	}
	v.mu.Lock()
	beats := v.beats
	v.mu.Unlock()
	return v.advise(beats, rest, v.connect)
}

// advise judges round trips of heartbeats, of requests and of TCP.
func (v *visit) advise(beats, rest []time.Duration, connect time.Duration) Finding {
	f := pass("")
	slow := false
	switch {
	case v.running != nil && v.running.Latency.Gateway != nil:
		p := v.running.Latency.Gateway
		f.Says = fmt.Sprintf("gateway %.0f ms", p.P50)
		f = f.saw("gateway, by the running instance: " + p.says())
		slow = time.Duration(p.P50*float64(time.Millisecond)) >= far
	case len(beats) > 0:
		f.Says = "gateway " + ms(percentile(beats, 0.5))
		f = f.saw("gateway, of " + text.Count(len(beats), "heartbeat") + ": " + spread(beats))
		slow = percentile(beats, 0.5) >= far
	default:
		f.Says = "gateway not measured"
	}
	if len(rest) > 0 {
		f.Says += ", REST " + ms(percentile(rest, 0.5)) + " (the middle of the samples)"
		f = f.saw("REST, of " + text.Count(len(rest), "request") + ": " + spread(rest))
		slow = slow || percentile(rest, 0.5) >= far
	}
	if connect > 0 {
		where := "Discord's edge"
		switch {
		case v.answered.edge != "":
			where += ", which is in " + v.answered.edge
		case v.target != nil && v.simulated():
			where = v.target.Host
		}
		f = f.saw("TCP to " + where + ": " + ms(connect))
	}
	if !slow {
		if middle := percentile(beats, 0.5); middle >= felt && !v.simulated() {
			f = f.saw("a host in the eastern United States would be nearer to Discord's gateway; nobody would notice much")
		} else if middle > 0 {
			f = f.saw("no other region or host would make a difference that is felt")
		}
		return f
	}
	f.Level = Warn
	if connect > 0 && connect <= near {
		f.Next = []string{fmt.Sprintf("The network is good (%s to the edge); the rest of the way is distance. Discord's gateway stands in the eastern United States: a host there (Virginia, South Carolina, Ohio) takes 10 to 40 ms instead.", ms(connect))}
	} else {
		f.Next = []string{
			"Even the nearest edge of Discord is far: the network of this host is slow or busy. Try another provider or region before anything else; the eastern United States is nearest to Discord's gateway.",
			"If it jumps instead of being always so, look for load on this host: a shared CPU delays heartbeats too.",
		}
	}
	f.Next = append(f.Next, "Latency delays answers; it does not disconnect the bot.")
	return f
}

// spread says the percentiles of a few samples.
func spread(samples []time.Duration) string {
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s", ms(percentile(samples, 0.5)), ms(percentile(samples, 0.95)), ms(percentile(samples, 0.99)))
}
