package gateway

import "time"

// trial is at heart a doubt about the session. Its RESUMEs have come to nothing
// too often, but nobody has said that it is over: either the session is broken,
// or Discord is. An IDENTIFY tells. If it is answered by READY, the new session
// takes the place of the old one. If it comes to nothing too, the session was
// not to blame: RESUMEs, which are free, go on, and the next trial waits longer.
// So an outage in which Discord ends every connection costs few IDENTIFYs, and
// no event if the session outlives it (rule 1, G-060, G-072).
type trial struct {
	// on says that the next attempt, or this one, is the IDENTIFY.
	on bool
	// why the session is doubted.
	why Reason
	// failed is how many trials in a row came to nothing.
	failed int
}

// trialPatience is how long a trial waits for the right to identify, while which
// nothing is resumed.
const trialPatience = 10 * time.Second

// maxTrialGap is the longest that only RESUMEs are tried between two trials.
const maxTrialGap = 10 * time.Minute

// gap is for how long only RESUMEs are tried before the next trial, at the least.
func (t *trial) gap() time.Duration {
	return min(minCutTime<<min(t.failed, 8), maxTrialGap)
}

// begin puts the session in doubt.
func (t *trial) begin(why Reason) { t.on, t.why = true, why }

// tried ends a trial that came to nothing.
func (s *Shard) tried() {
	s.trial.on = false
	s.trial.failed++
	s.resumes = resumeStreak{}
}

// replaced ends a trial that was answered by READY: the session before is over.
func (s *Shard) replaced() {
	s.urlFails = 0
	s.reportSessionEnd(s.trial.why)
	s.trial = trial{}
}
