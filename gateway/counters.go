package gateway

import "sync/atomic"

// counters backs [Stats]; every goroutine of a shard adds to it.
type counters struct {
	received, queued, handled, replayed, duplicates, skipped, missing, left atomic.Int64
	bytes, wireBytes                                                        atomic.Int64
	sent, heartbeats, acks, identifies, resumes, resumed                    atomic.Int64
	connects, dials, panics, unobserved                                     atomic.Int64
}

func (c *counters) stats() Stats {
	return Stats{
		Received: c.received.Load(), Queued: c.queued.Load(), Handled: c.handled.Load(),
		Replayed: c.replayed.Load(), Duplicates: c.duplicates.Load(), Skipped: c.skipped.Load(),
		Missing: c.missing.Load(), Left: c.left.Load(),
		Bytes: c.bytes.Load(), WireBytes: c.wireBytes.Load(),
		Sent: c.sent.Load(), Heartbeats: c.heartbeats.Load(), ACKs: c.acks.Load(),
		Identifies: c.identifies.Load(), Resumes: c.resumes.Load(), Resumed: c.resumed.Load(),
		Connects: c.connects.Load(), Dials: c.dials.Load(),
		Panics: c.panics.Load(), Unobserved: c.unobserved.Load(),
	}
}
