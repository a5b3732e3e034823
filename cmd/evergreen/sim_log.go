package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/demo"
	"evergreen/internal/text"
)

// simLogEvery is how often simLog reads the simulator's record.
const simLogEvery = 250 * time.Millisecond

// maxAbsent bounds the routes that are told of as not simulated.
const maxAbsent = 1000

// simLog writes a line for each connection, session start, fault, broken rule and route
// that is not simulated.
type simLog struct {
	world  *demo.World
	w      io.Writer
	conns  map[int64]bool // those seen; true once they are closed
	broken int
	struck discordsim.ID   // the newest fault seen
	until  time.Time       // frames up to here have been seen
	absent map[string]bool // by route: told that it is not simulated
}

func newSimLog(world *demo.World, w io.Writer) *simLog {
	return &simLog{world: world, w: w, conns: map[int64]bool{}, absent: map[string]bool{}, until: time.Now()}
}

// follow looks until ctx ends, and then once more.
func (w *simLog) follow(ctx context.Context) {
	ticker := time.NewTicker(simLogEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			w.update()
			return
		case <-ticker.C:
			w.update()
		}
	}
}

// say writes one line. The bot has a say in it, by close reasons and by what it asks
// for.
func (w *simLog) say(at time.Time, format string, args ...any) {
	fmt.Fprintln(w.w, at.Local().Format("15:04:05.000"), text.OneLine(fmt.Sprintf(format, args...)))
}

// update writes what is new.
func (w *simLog) update() {
	for _, f := range w.world.Sim.Injected() {
		if f.ID > w.struck {
			w.struck = f.ID
			w.say(f.Began, "fault %s: %s", f.Name, discordsim.DescribeFault(f.Name).Description)
		}
	}
	now := time.Now()
	for _, c := range w.world.Sim.Connections(nil) {
		closed, known := w.conns[c.ID]
		if closed {
			continue
		}
		if !known {
			w.conns[c.ID] = false
			w.say(c.Opened, "connection %d opened at the %s gateway, compression %s", c.ID, gatewayName(c), orNone(c.Compress))
		}
		for _, f := range c.Frames {
			if name := frameName(f); name != "" && f.At.After(w.until) && !f.At.After(now) {
				w.say(f.At, "connection %d %s", c.ID, name)
			}
		}
		if !c.Closed.IsZero() {
			w.conns[c.ID] = true
			w.say(c.Closed, "connection %d closed by the %s with %s after %s", c.ID, closedBy(c), closeCode(c), c.Closed.Sub(c.Opened).Round(time.Millisecond))
		}
	}
	for _, q := range w.world.Sim.Requests(nil) {
		if q.Status == http.StatusNotImplemented && !w.absent[q.Route] && len(w.absent) < maxAbsent {
			w.absent[q.Route] = true
			w.say(q.At, "%s is not simulated; it was answered 501", q.Route)
		}
	}
	w.until = now
	violations := w.world.Sim.Verdict(w.world.Bot).Violations
	for _, v := range violations[min(w.broken, len(violations)):] {
		if v.Note() {
			w.say(v.At, "%s %s", v.Statement, v.What)
			continue
		}
		w.say(v.At, "BROKEN RULE %s: %s", v.Statement, v.What)
	}
	w.broken = len(violations)
}

func gatewayName(c discordsim.ConnLog) string {
	if c.Base {
		return "base"
	}
	return "resume"
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// Opcodes worth a line.
const (
	opIdentify  = 2
	opResume    = 6
	opReconnect = 7
	opInvalid   = 9
)

// frameName names a payload that is worth a line.
func frameName(f discordsim.Frame) string {
	switch {
	case f.Sent && (f.Type == "READY" || f.Type == "RESUMED"):
		return f.Type
	case f.Sent && f.Op == opReconnect:
		return "was asked to reconnect (op 7)"
	case f.Sent && f.Op == opInvalid:
		return "was told that its session is invalid (op 9)"
	case !f.Sent && f.Op == opIdentify:
		return "sent IDENTIFY"
	case !f.Sent && f.Op == opResume:
		return "sent RESUME"
	}
	return ""
}

func closedBy(c discordsim.ConnLog) string {
	if c.ByClient {
		return "client"
	}
	return "server"
}

func closeCode(c discordsim.ConnLog) string {
	switch {
	case c.Code == 0:
		return "no close frame"
	case c.Reason != "":
		return fmt.Sprintf("%d (%s)", c.Code, c.Reason)
	}
	return fmt.Sprint(c.Code)
}

// answersLine says how it is known what a bot's messages answered.
func answersLine(v discordsim.Verdict) string {
	line := fmt.Sprintf("answers    %d by reply", v.AnsweredByReply)
	if v.AnsweredInOrder > 0 {
		line += fmt.Sprintf(", %d in order: plain messages of a bot that never replies count for the oldest open command of the channel", v.AnsweredInOrder)
	}
	return line
}

// verdictLines is the verdict for a person.
func verdictLines(v discordsim.Verdict) []string {
	lines := []string{
		"",
		fmt.Sprintf("commands   %d asked, %d answered exactly once, %d lost, %d twice, %d open, %d nobody could hear; slowest answer %s",
			v.Asked, v.Answered, v.Lost, v.Twice, v.Waiting, v.Unheard, v.Slowest.Round(time.Millisecond)),
		answersLine(v),
		fmt.Sprintf("dot        green for %s, grey for %s; longest gap without a connection %s",
			v.Online.Round(time.Second), v.Offline.Round(time.Second), v.LongestGap.Round(time.Millisecond)),
		fmt.Sprintf("sessions   %d connections, %d IDENTIFYs (at least %s apart), %d RESUMEs, %d of them resumed",
			v.Dials, v.Identifies, v.MinIdentifySpacing.Round(time.Millisecond), v.Resumes, v.Resumed),
		fmt.Sprintf("limits     %d payloads in 60 s, %d presences in 20 s at most; %d invalid requests; close codes sent %v",
			v.MaxSends, v.MaxPresences, v.InvalidRequests, v.CloseCodes),
	}
	if len(v.Broken()) == 0 {
		lines = append(lines, "rules      none broken")
	}
	for _, one := range v.Violations {
		kind := "broken"
		if one.Note() {
			kind = "advice"
		}
		lines = append(lines, fmt.Sprintf("%s     %s: %s", kind, one.Statement, text.OneLine(one.What)))
	}
	return lines
}
