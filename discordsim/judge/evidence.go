package judge

import (
	"fmt"
	"slices"
	"time"

	"evergreen/discordsim"
)

// The opcodes a judge looks for.
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opPresence  = 3
	opResume    = 6
	opReconnect = 7
	opInvalid   = 9
	opHello     = 10
)

// slack is what the clocks and the network of a real machine may add to a
// measured time.
const slack = 250 * time.Millisecond

// playedStep is a step as it was played.
type playedStep struct {
	name string
	// What the bot does between from and to is its answer to the step.
	from, to time.Time
	// open are the bot's connections that had a session when it began.
	open []int64
	// struck counts how often each of its faults struck.
	struck map[string]int
	// baits are the messages that must not be answered, asked those that must.
	baits, asked []discordsim.ID
}

// endAt ends the time in which the bot answers the step, if it has not ended yet.
func (a *playedStep) endAt(at time.Time) {
	if a.to.IsZero() {
		a.to = at
	}
}

// justNow is a moment before anything that happens from now on, in virtual time too.
func justNow() time.Time { return time.Now().Add(-1) }

// shards is how many shards took part, for what cannot be told of one alone.
func (a playedStep) shards() int { return max(1, len(a.open)) }

// sessionRequest is an IDENTIFY or a RESUME.
type sessionRequest struct {
	conn  *discordsim.ConnLog
	at    time.Time
	op    int
	said  discordsim.ClientPayload
	shard int
}

// evidence is everything that is known of what a bot did.
type evidence struct {
	start    time.Time
	until    time.Time            // when the log was read
	conns    []discordsim.ConnLog // oldest first
	requests []discordsim.Request
	verdict  discordsim.Verdict
	acts     []playedStep
	config   discordsim.Config
	// changed is when the heartbeat interval was.
	changed time.Time
	answers map[discordsim.ID]int

	// load is how late the judge itself was.
	load *loadMeter

	intros []sessionRequest
	shards map[string]int // by session
}

// gather reads the evidence from the simulator's log.
func gather(o Options, config discordsim.Config) *evidence {
	e := &evidence{until: time.Now(), config: config, load: &loadMeter{}, verdict: o.Sim.Verdict(o.App), requests: o.Sim.Requests(nil), shards: map[string]int{}, answers: map[discordsim.ID]int{}}
	for _, c := range o.Sim.Connections(nil) {
		if c.App == 0 || c.App == o.App.ID {
			e.conns = append(e.conns, c)
		}
	}
	e.requests = slices.DeleteFunc(e.requests, func(q discordsim.Request) bool { return q.App != 0 && q.App != o.App.ID })
	for i := range e.conns {
		c := &e.conns[i]
		for _, f := range c.Frames {
			if f.Sent || f.Client == nil || (f.Op != opIdentify && f.Op != opResume) {
				continue
			}
			in := sessionRequest{conn: c, at: f.At, op: f.Op, said: *f.Client}
			if len(in.said.Shard) == 2 {
				in.shard = in.said.Shard[0]
			}
			if f.Op == opResume {
				in.shard = e.shards[in.said.Session]
			} else if c.Session != "" {
				e.shards[c.Session] = in.shard
			}
			e.intros = append(e.intros, in)
		}
	}
	slices.SortStableFunc(e.intros, func(a, b sessionRequest) int { return a.at.Compare(b.at) })
	return e
}

// interval is what HELLO told a connection.
func (e *evidence) interval(c *discordsim.ConnLog) time.Duration {
	if !e.changed.IsZero() && c.Opened.After(e.changed) {
		return nextInterval
	}
	return firstInterval
}

// extended is a limit that begins at a time, longer by what the judge's own load explains.
func (e *evidence) extended(from time.Time, limit time.Duration) time.Duration {
	return limit + e.load.between(from, from.Add(limit))
}

// during finds the played steps of these names.
func (e *evidence) during(names ...string) (found []playedStep) {
	for _, a := range e.acts {
		if slices.Contains(names, a.name) {
			found = append(found, a)
		}
	}
	return found
}

// step names the step that was played at a time.
func (e *evidence) step(at time.Time) string {
	for _, a := range slices.Backward(e.acts) {
		if !at.Before(a.from) && (a.to.IsZero() || !at.After(a.to)) {
			return a.name
		}
	}
	return ""
}

// conn finds a connection by its number.
func (e *evidence) conn(id int64) *discordsim.ConnLog {
	i := slices.IndexFunc(e.conns, func(c discordsim.ConnLog) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &e.conns[i]
}

// next is the first IDENTIFY or RESUME of a shard between two times; nil for none.
func (e *evidence) next(shard int, after, before time.Time) *sessionRequest {
	for i := range e.intros {
		in := &e.intros[i]
		if in.shard == shard && !in.at.Before(after) && !in.at.After(before) {
			return in
		}
	}
	return nil
}

// anyNext is next for any shard.
func (e *evidence) anyNext(after, before time.Time) *sessionRequest {
	for i := range e.intros {
		if in := &e.intros[i]; !in.at.Before(after) && !in.at.After(before) {
			return in
		}
	}
	return nil
}

// between lists a shard's IDENTIFYs and RESUMEs within a time.
func (e *evidence) between(shard int, after, before time.Time) (found []sessionRequest) {
	for _, in := range e.intros {
		if in.shard == shard && !in.at.Before(after) && !in.at.After(before) {
			found = append(found, in)
		}
	}
	return found
}

// ended is when a connection ended; far in the future while it has not.
func ended(c *discordsim.ConnLog) time.Time {
	if c.Closed.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return c.Closed
}

// endsSession reports whether the client closed with a code that ends the session.
func endsSession(c *discordsim.ConnLog) bool { return c.ByClient && (c.Code == 1000 || c.Code == 1001) }

// sentAt is when the server sent the first frame of a kind on a connection.
func sentAt(c *discordsim.ConnLog, op int, typ string) (time.Time, bool) {
	for _, f := range c.Frames {
		if f.Sent && f.Op == op && f.Type == typ {
			return f.At, true
		}
	}
	return time.Time{}, false
}

// helloAt is when HELLO was sent.
func helloAt(c *discordsim.ConnLog) (time.Time, bool) { return sentAt(c, opHello, "") }

// heartbeat is a heartbeat of the client.
type heartbeat struct {
	at        time.Time
	requested bool // the server had asked for it
	frame     discordsim.Frame
}

// heartbeats lists the heartbeats of a connection. One that comes within a second
// and a half of a request answers it.
func heartbeats(c *discordsim.ConnLog) (all []heartbeat) {
	const answering = 1500 * time.Millisecond
	var asked []time.Time
	for _, f := range c.Frames {
		if f.Op != opHeartbeat {
			continue
		}
		if f.Sent {
			asked = append(asked, f.At)
			continue
		}
		b := heartbeat{at: f.At, frame: f}
		// Several requests that come together may be answered by one beat.
		if n := len(asked); n > 0 && f.At.Sub(asked[n-1]) <= answering {
			b.requested = true
			asked = asked[1:]
		}
		all = append(all, b)
	}
	return all
}

// readBy is when a frame of the server has certainly been read, where the one before was read
// by a time: after a while, and later if it is large.
func readBy(before time.Time, f discordsim.Frame, while time.Duration) time.Time {
	const megabyte = 400 * time.Millisecond
	by := f.At.Add(while + time.Duration(f.Size)*megabyte/1_000_000)
	if by.Before(before) {
		return before
	}
	return by
}

// describeFrame describes a frame.
func describeFrame(f discordsim.Frame) string {
	who := "client"
	if f.Sent {
		who = "server"
	}
	text := fmt.Sprintf("%s op %d", who, f.Op)
	if f.Type != "" {
		text += " " + f.Type
	}
	if s := f.Client; s != nil {
		switch {
		case f.Op == opHeartbeat && s.Null:
			text += " d null"
		case f.Op == opHeartbeat || f.Op == opResume:
			text += fmt.Sprintf(" seq %d", s.Seq)
		}
	}
	return text
}

// check applies one rule to the evidence: it counts the occasions on which the
// statement could have been broken, and collects those on which it was.
type check struct {
	*evidence
	occasions int
	breaches  int
	shown     []Evidence // the first of the breaches
	advice    []Evidence
}

// maxShown is how much evidence a finding carries.
const maxShown = 5

// exercised counts an occasion on which the statement could have been broken.
func (q *check) exercised() { q.occasions++ }

// broken records that the statement was broken. Connection and frame may be nil.
func (q *check) broken(c *discordsim.ConnLog, at time.Time, f *discordsim.Frame, format string, args ...any) {
	if q.breaches++; len(q.shown) < maxShown {
		q.shown = append(q.shown, q.evidenceOf(c, at, f, fmt.Sprintf(format, args...)))
	}
}

// noted records what Discord does not mind and a careful bot leaves out. Connection and
// frame may be nil.
func (q *check) noted(c *discordsim.ConnLog, at time.Time, f *discordsim.Frame, format string, args ...any) {
	if len(q.advice) < maxShown {
		q.advice = append(q.advice, q.evidenceOf(c, at, f, fmt.Sprintf(format, args...)))
	}
}

// evidenceOf puts together what shows something.
func (q *check) evidenceOf(c *discordsim.ConnLog, at time.Time, f *discordsim.Frame, what string) Evidence {
	e := Evidence{At: at.Sub(q.start), Step: q.step(at), What: what}
	if c != nil {
		e.Conn = c.ID
	}
	if f != nil {
		e.Frame = describeFrame(*f)
	}
	return e
}

// findings applies every rule.
func (e *evidence) findings() (all []Finding) {
	for _, r := range rules {
		q := &check{evidence: e}
		for _, v := range e.verdict.Violations {
			switch about := v.Statement == r.statement || slices.Contains(r.breaches, v.Statement); {
			case !about:
			case v.Note():
				q.noted(&discordsim.ConnLog{ID: v.Conn}, v.At, nil, "%s", v.What)
			default:
				q.broken(&discordsim.ConnLog{ID: v.Conn}, v.At, nil, "%s", v.What)
			}
		}
		if r.apply != nil {
			r.apply(q)
		}
		f := Finding{Statement: r.statement, Says: r.says, Exercised: q.occasions, Evidence: q.shown}
		switch {
		case q.breaches > 0:
			f.Verdict = Broken
			f.Exercised = max(q.occasions, q.breaches)
			if more := q.breaches - len(q.shown); more > 0 {
				f.Evidence[len(f.Evidence)-1].What += fmt.Sprintf(" (and %d times more)", more)
			}
		case len(q.advice) > 0:
			f.Verdict, f.Evidence = Noted, q.advice
		case q.occasions > 0:
			f.Verdict = Kept
		default:
			f.Verdict = Never
		}
		all = append(all, f)
	}
	return all
}
