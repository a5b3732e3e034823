package sidecar

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"evergreen/gateway"
	"evergreen/internal/health"
	"evergreen/internal/sidecar/backlog"
)

// Counts are totals since the start.
type Counts struct {
	// Delivered are events that were written to a line, Lost those that fell out of the
	// backlog before, and Told the interactions that were answered for a bot.
	Delivered, Lost, Told int64
	// SetAside are events that ended a bot three times in a row.
	SetAside int64
	// WrongTokens are connections and requests with another token.
	WrongTokens int64
}

// ConsumerCounts are totals of one shard pair since the start, as in [Counts].
type ConsumerCounts struct {
	Delivered, Lost, Told, SetAside int64
	// Again are events that were delivered once more, because they had not been confirmed.
	Again int64
}

// Status is how the bots are.
type Status struct {
	// Gateway is where bots connect, such as ws://127.0.0.1:8001; Addr is what is listened
	// on. Both are empty before [Sidecar.Listen].
	Gateway, Addr string
	// Known: a bot has said what it wants, in this run or an earlier one, or the settings do.
	Known bool
	// Intents are those that the bot has asked for, or the settings.
	Intents   gateway.Intents
	Consumers []ConsumerStatus
	Lines     int
	// Backlog is what is kept, BacklogLimit how much may be, both in bytes. BacklogAge is
	// how long an event is kept.
	Backlog, BacklogLimit int64
	BacklogAge            time.Duration
	Counts                Counts
}

// Phase is how far the bot of a shard pair is.
type Phase string

// The phases.
const (
	// PhaseAway: there is no connection of the bot.
	PhaseAway Phase = "away"
	// PhaseWaiting: it has identified, and Evergreen has never been connected to Discord.
	PhaseWaiting Phase = "waiting"
	// PhaseSnapshot: READY and its guilds are being written.
	PhaseSnapshot Phase = "snapshot"
	// PhaseSettling: its library becomes ready with them. Events wait until then.
	PhaseSettling Phase = "settling"
	// PhaseReplay: it has resumed, and what it has missed is being written.
	PhaseReplay Phase = "replay"
	// PhaseAttached: it gets events as they come.
	PhaseAttached Phase = "attached"
	// PhaseStalled: it is there and reads nothing.
	PhaseStalled Phase = "stalled"
	// PhaseStandby: it has to identify anew, because the process before it has ended.
	PhaseStandby Phase = "standby"
)

// phases are the phases of lines, as the status calls them.
var phases = map[phase]Phase{
	phaseWaiting: PhaseWaiting, phaseSnapshot: PhaseSnapshot, phaseSettling: PhaseSettling,
	phaseReplay: PhaseReplay, phaseLive: PhaseAttached, phaseStandby: PhaseStandby,
}

// ConsumerStatus is how the bot of one shard pair is.
type ConsumerStatus struct {
	Shard [2]int
	// Library is what the bot's library calls itself, Version its version; empty if it
	// does not say.
	Library, Version string
	// From is the address of its connection; empty while it is away.
	From string
	// Phase is how far it is, since Since.
	Phase Phase
	Since time.Time
	// Attended: a bot is there, and reads.
	Attended bool
	// Standby are the further lines.
	Standby int
	// Waiting are events that no bot has confirmed, with their bytes as the bound counts
	// them; Oldest is when the first of them came, zero without one.
	Waiting      int
	WaitingBytes int64
	Oldest       time.Time
	// Unconfirmed are payloads that were written to the bot and are not confirmed, and Lag
	// for how long the oldest of them has not been.
	Unconfirmed int
	Lag         time.Duration
	// Starts are when the bot has identified, of the last hour, the oldest first.
	Starts []time.Time
	Counts ConsumerCounts
}

// Name returns the shard pair as in 0/1.
func (c ConsumerStatus) Name() string { return pairName(c.Shard) }

// StartsSince returns how often the bot has identified since a time, and when first.
func (c ConsumerStatus) StartsSince(since time.Time) (count int, first time.Time) {
	for i, at := range c.Starts {
		if at.After(since) {
			return len(c.Starts) - i, at
		}
	}
	return 0, time.Time{}
}

// RecentStarts returns how often the bot has identified in the five minutes before a time,
// and when first: five times make a crash loop.
func (c ConsumerStatus) RecentStarts(now time.Time) (count int, first time.Time) {
	return c.StartsSince(now.Add(-crashLoopTime))
}

// crashLoop is how many IDENTIFYs within crashLoopTime make a crash loop.
const (
	crashLoop     = 5
	crashLoopTime = 5 * time.Minute
)

// Status returns how the bots are.
func (s *Sidecar) Status() Status {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		Known: s.identity.Known, Intents: s.identity.Intents, Lines: len(s.lines), Counts: s.counts,
		Backlog: s.backlog.Bytes(), BacklogLimit: s.backlog.Limit(),
		BacklogAge: cmp.Or(s.opts.BacklogAge, backlog.DefaultAge),
	}
	if s.address != nil {
		st.Addr = s.address.String()
		st.Gateway = GatewayURL(st.Addr, s.opts.PublicURL, s.opts.TLSCert != "")
	}
	for _, c := range s.consumers {
		st.Consumers = append(st.Consumers, s.consumerStatus(c, now))
	}
	slices.SortFunc(st.Consumers, func(a, b ConsumerStatus) int {
		return cmp.Or(cmp.Compare(a.Shard[1], b.Shard[1]), cmp.Compare(a.Shard[0], b.Shard[0]))
	})
	return st
}

// Guilds returns how many guilds the bot is in, as far as Discord has told.
func (s *Sidecar) Guilds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known)
}

// consumerStatus is how the bot of one shard pair is. The caller holds the lock.
func (s *Sidecar) consumerStatus(c *consumer, now time.Time) ConsumerStatus {
	waits := s.countWaiting(c)
	one := ConsumerStatus{
		Shard: c.shard, Library: c.library, Version: c.version, Phase: PhaseAway, Since: c.away,
		Waiting: waits.count, WaitingBytes: waits.bytes, Oldest: waits.oldest, Counts: c.counts,
	}
	one.Starts = slices.DeleteFunc(slices.Clone(c.identifies), func(at time.Time) bool { return now.Sub(at) > time.Hour })
	a := c.active()
	if a == nil {
		return one
	}
	one.Standby, one.From = len(c.lines)-1, a.line.RemoteAddr()
	one.Phase, one.Since = phases[a.phase], a.phaseSince
	progress := a.line.Progress()
	if one.Unconfirmed = progress.UnconfirmedCount; one.Unconfirmed > 0 {
		one.Lag = max(now.Sub(a.unconfirmedSince), 0)
	}
	if one.Attended = progress.Stalled.IsZero(); !one.Attended {
		one.Phase, one.Since = PhaseStalled, progress.Stalled
	}
	return one
}

// waiting is what a consumer has not confirmed, as far as it has been counted.
type waiting struct {
	from, until int64 // positions
	count       int
	bytes       int64
	oldestAt    int64 // position of the first of them, or before it
	oldest      time.Time
}

// drop follows an event that falls out of the backlog: the first of those that were counted.
func (w *waiting) drop(r backlog.Record, waits bool) {
	if r.Position != w.from || w.from == w.until {
		return
	}
	w.from++
	if waits {
		w.count--
		w.bytes -= r.Size()
	}
}

// countWaiting counts what a consumer has not confirmed. While nothing is confirmed, only
// what is new is looked at, also while the oldest fall out: there may be hundreds of
// thousands of events. The caller holds the lock.
func (s *Sidecar) countWaiting(c *consumer) waiting {
	from := max(c.cursor, s.backlog.Tail())
	if c.waiting.from != from {
		c.waiting = waiting{from: from, until: from}
	}
	w := &c.waiting
	for ; ; w.until++ {
		r, ok := s.backlog.At(w.until)
		if !ok {
			break
		}
		if c.waitsFor(r) {
			w.count++
			w.bytes += r.Size()
		}
	}
	if w.oldest = (time.Time{}); w.count > 0 {
		for w.oldestAt = max(w.oldestAt, from); ; w.oldestAt++ {
			if r, ok := s.backlog.At(w.oldestAt); !ok || c.waitsFor(r) {
				w.oldest = r.Received
				break
			}
		}
	}
	return *w
}

// waitsFor reports whether an event that the consumer has not confirmed counts as one that
// waits for it.
func (c *consumer) waitsFor(r backlog.Record) bool { return !r.LiveOnly && c.gets(r) }

// lossShown is how long lost events are shown.
const lossShown = 10 * time.Minute

// hangsAfter is how long a bot may read nothing before it counts as one that hangs, and
// awayAfter how long it may be gone before it counts as away.
const (
	hangsAfter = 10 * time.Second
	awayAfter  = 10 * time.Second
)

// trouble is something wrong with the bot of one shard pair.
type trouble struct {
	cause health.CauseID
	count int // of starts, or of events that wait
	since time.Time
}

// troubleKey names what is wrong with which bot.
type troubleKey struct {
	shard [2]int
	cause health.CauseID
}

// troubles returns what is wrong with the bot.
func (c ConsumerStatus) troubles(now time.Time) (list []trouble) {
	if starts, first := c.RecentStarts(now); starts >= crashLoop {
		list = append(list, trouble{health.BotCrashLoop, starts, first})
	}
	switch {
	case c.Phase == PhaseAway && now.Sub(c.Since) >= awayAfter:
		list = append(list, trouble{health.BotAway, c.Waiting, c.Since})
	case c.Phase == PhaseStalled && now.Sub(c.Since) >= hangsAfter:
		list = append(list, trouble{health.BotHangs, c.Waiting, c.Since})
	}
	return list
}

// troubleLines are what the log says when something is wrong with a bot, and when it is over.
var troubleLines = map[health.CauseID]struct{ begins, ends string }{
	health.BotAway:      {"No bot is attached; the dot stays green, and events wait for it", "A bot is attached again"},
	health.BotHangs:     {"The bot hangs: it reads nothing, and events wait for it", "The bot that has hung reads again, or has ended"},
	health.BotCrashLoop: {"The bot starts again and again", "The bot has not started anew for a while"},
}

// tellTroubles has the log tell what has begun to be wrong with bots, or is over. Only Run
// calls it.
func (s *Sidecar) tellTroubles(now time.Time) {
	holds := map[troubleKey]bool{}
	for _, c := range s.Status().Consumers {
		for _, one := range c.troubles(now) {
			at := troubleKey{c.Shard, one.cause}
			holds[at] = true
			if !s.toldTroubles[at] {
				s.log.Warn(troubleLines[one.cause].begins, "shard", c.Name(), "library", c.Library, "since", one.since, "count", one.count, "do", health.Lookup(one.cause).Do)
			}
		}
	}
	for at := range s.toldTroubles {
		if !holds[at] {
			s.log.Info(troubleLines[at.cause].ends, "shard", pairName(at.shard))
		}
	}
	s.toldTroubles = holds
}

// Conditions returns what is wrong with the bots: the dot is green, and nobody answers.
func (s *Sidecar) Conditions() []health.Condition {
	now := time.Now()
	var list []health.Condition
	for _, c := range s.Status().Consumers {
		name := ""
		if c.Shard[1] > 1 {
			name = fmt.Sprintf(" (%s)", c.Name())
		}
		for _, one := range c.troubles(now) {
			list = append(list, health.Condition{Cause: one.cause, Trouble: fmt.Sprintf("%d%s", one.count, name), Since: one.since})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recent.Count > 0 && now.Sub(s.lostAt) <= lossShown {
		list = append(list, health.Condition{Cause: health.EventsLost, Trouble: strconv.Itoa(s.recent.Count), Since: s.lostSince})
	}
	return list
}
