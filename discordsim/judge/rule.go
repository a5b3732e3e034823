package judge

import (
	"slices"

	"evergreen/discordsim"
)

// statements is how many G- statements there are.
const statements = 160

// rule checks one statement against the evidence.
type rule struct {
	statement, says string
	// breaches are further statements under which the simulator records what
	// breaks this one.
	breaches []string
	// apply counts the occasions and finds what the simulator has not recorded by
	// itself. Without it the statement can only be broken.
	apply func(*check)
}

// rules is every statement that can be judged from the other end of the wire.
var rules = slices.Concat(connectRules, heartbeatRules, identifyRules, resumeRules, reconnectRules, closeRules, sendRules, decodeRules, restRules, retryRules)

// recordedFindings makes findings of what the simulator has recorded under
// statements without a rule: what Discord itself refuses.
func (e *evidence) recordedFindings() (all []Finding) {
	claimed := func(id string) bool {
		return slices.ContainsFunc(rules, func(r rule) bool { return r.statement == id || slices.Contains(r.breaches, id) })
	}
	for _, v := range e.verdict.Violations {
		if claimed(v.Statement) {
			continue
		}
		i := slices.IndexFunc(all, func(f Finding) bool { return f.Statement == v.Statement })
		if i < 0 {
			i = len(all)
			all = append(all, Finding{Statement: v.Statement, Says: "Nothing is sent that Discord refuses.", Verdict: Noted})
		}
		f := &all[i]
		if !v.Note() {
			f.Verdict = Broken
		}
		if f.Exercised++; len(f.Evidence) < maxShown {
			f.Evidence = append(f.Evidence, Evidence{Conn: v.Conn, At: v.At.Sub(e.start), Step: e.step(v.At), What: v.What})
		}
	}
	return all
}

// eachConn counts an occasion for every connection that did something.
func eachConn(did func(*discordsim.ConnLog) bool) func(*check) {
	return func(q *check) {
		for i := range q.conns {
			if did(&q.conns[i]) {
				q.exercised()
			}
		}
	}
}

// eachFrame counts an occasion for every payload of the client that the rule is
// about, and a breach for those that are wrong.
func eachFrame(meant func(discordsim.Frame) bool, wrong func(discordsim.Frame) string) func(*check) {
	return func(q *check) {
		for i := range q.conns {
			c := &q.conns[i]
			for _, f := range c.Frames {
				if f.Sent || !meant(f) {
					continue
				}
				q.exercised()
				if wrong == nil {
					continue
				}
				if what := wrong(f); what != "" {
					q.broken(c, f.At, &f, "%s", what)
				}
			}
		}
	}
}

func identifies(f discordsim.Frame) bool { return f.Op == opIdentify && f.Client != nil }
func anything(discordsim.Frame) bool     { return true }

// sentAnything reports whether the client sent anything on a connection.
func sentAnything(c *discordsim.ConnLog) bool {
	return slices.ContainsFunc(c.Frames, func(f discordsim.Frame) bool { return !f.Sent })
}

// wasLive reports whether a connection was READY or RESUMED and had a heartbeat.
func wasLive(c *discordsim.ConnLog) bool { return c.Session != "" && c.Beats > 0 }
