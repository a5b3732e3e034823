package gateway

import (
	"sync/atomic"
	"time"
)

// Stats counts what a shard has seen since it was made. All numbers but the last two
// only grow.
type Stats struct {
	Received    int64         // dispatches of any kind
	Queued      int64         // dispatches handed to the queue
	Handled     int64         // events whose HandleEvent is over, those that are still held included
	Replayed    int64         // dispatches that came during a replay, RESUMED not among them
	Duplicates  int64         // dispatches dropped because their seq had been seen
	Skipped     int64         // payloads that could not be used, see PayloadSkipped
	Missing     int64         // sequence numbers that never came
	Overflowed  int64         // dispatches left with Discord while the queue was full
	Bytes       int64         // payload bytes, decompressed
	WireBytes   int64         // payload bytes as received
	Sent        int64         // payloads sent, heartbeats included
	Heartbeats  int64         // heartbeats sent, those on a spare connection included
	ACKs        int64         // heartbeats answered, those on a spare connection not included
	Identifies  int64         // IDENTIFYs sent
	Resumes     int64         // RESUMEs sent
	Resumed     int64         // RESUMEs that ended in RESUMED
	Connects    int64         // connections that reached HELLO
	Dials       int64         // connections attempted
	Panics      int64         // contained handler panics
	Unobserved  int64         // observations dropped because the observer was too slow
	Checks      int64         // checks of the connection: while there is one, at least one every ClockCheck
	QueuedBytes int64         // bytes waiting now, counted as Options.QueueBytes does
	QueuedAge   time.Duration // age of the oldest event whose HandleEvent is not over; 0 if there is none
}

// counters is the source of [Stats]. Every goroutine of a shard adds to it.
type counters struct {
	received, queued, handled, replayed, duplicates, skipped, missing, overflowed atomic.Int64
	bytes, wireBytes                                                              atomic.Int64
	sent, heartbeats, acks, identifies, resumes, resumed                          atomic.Int64
	connects, dials, panics, unobserved, checks                                   atomic.Int64
}

func (c *counters) stats() Stats {
	return Stats{
		Received: c.received.Load(), Queued: c.queued.Load(), Handled: c.handled.Load(),
		Replayed: c.replayed.Load(), Duplicates: c.duplicates.Load(), Skipped: c.skipped.Load(),
		Missing: c.missing.Load(), Overflowed: c.overflowed.Load(),
		Bytes: c.bytes.Load(), WireBytes: c.wireBytes.Load(),
		Sent: c.sent.Load(), Heartbeats: c.heartbeats.Load(), ACKs: c.acks.Load(),
		Identifies: c.identifies.Load(), Resumes: c.resumes.Load(), Resumed: c.resumed.Load(),
		Connects: c.connects.Load(), Dials: c.dials.Load(),
		Panics: c.panics.Load(), Unobserved: c.unobserved.Load(), Checks: c.checks.Load(),
	}
}

// Plus adds the counts of another shard, or of an earlier one in the same place.
// The age is that of the older event.
func (s Stats) Plus(o Stats) Stats {
	return Stats{
		Received: s.Received + o.Received, Queued: s.Queued + o.Queued, Handled: s.Handled + o.Handled,
		Replayed: s.Replayed + o.Replayed, Duplicates: s.Duplicates + o.Duplicates, Skipped: s.Skipped + o.Skipped,
		Missing: s.Missing + o.Missing, Overflowed: s.Overflowed + o.Overflowed,
		Bytes: s.Bytes + o.Bytes, WireBytes: s.WireBytes + o.WireBytes,
		Sent: s.Sent + o.Sent, Heartbeats: s.Heartbeats + o.Heartbeats, ACKs: s.ACKs + o.ACKs,
		Identifies: s.Identifies + o.Identifies, Resumes: s.Resumes + o.Resumes, Resumed: s.Resumed + o.Resumed,
		Connects: s.Connects + o.Connects, Dials: s.Dials + o.Dials,
		Panics: s.Panics + o.Panics, Unobserved: s.Unobserved + o.Unobserved, Checks: s.Checks + o.Checks,
		QueuedBytes: s.QueuedBytes + o.QueuedBytes, QueuedAge: max(s.QueuedAge, o.QueuedAge),
	}
}
