package main

// mutation is one way to break a rule.
type mutation struct {
	name   string // rule-N and a word
	breaks string // what no longer holds
	file   string
	old    string // stands exactly once in the file
	new    string
	tests  string // package
	run    string // the tests that should notice; empty: all of the package
}

// mutations holds at least one for every rule of docs/architecture.md.
var mutations = []mutation{
	{
		"rule-1-keep-session", "a failed dial throws the session away", "gateway/run.go",
		"	if a.resume {\n		s.urlFails++\n	}", "	if a.resume {\n		s.urlFails++\n		s.dropSession(cause)\n	}",
		"./gateway", "Outage|Random",
	},
	{
		"rule-1-resume-url", "the base URL is never tried for a RESUME", "gateway/connect.go",
		"a.base = !a.resume || (s.urlFails >= resumeURLTries && s.urlFails%2 == 1)", "a.base = !a.resume",
		"./gateway", "DeadResumeURL",
	},
	{
		"rule-1-give-up", "unanswered RESUMEs go on for ever", "gateway/run.go",
		"maxUnanswered = 3", "maxUnanswered = 3000",
		"./gateway", "ResumedNeverComes",
	},
	{
		"rule-1-identify-account", "an IDENTIFY is not counted", "identify/grant.go",
		"	l.spent = append(l.spent, g.record)\n", "",
		"./identify", "",
	},
	{
		"rule-1-base-gateway", "what the base gateway cuts off is a failure", "gateway/run.go",
		"if a.base && a.resume && end.authenticated && end.lived >= minLived {", "if a.base && !a.resume {",
		"./gateway", "BaseGatewayStandsIn",
	},
	{
		"rule-1-model", "a RESUME goes on after op 9 false", "gateway/run.go",
		"	if end.reason.Text == invalidResumable && !s.resumes.refusedTooOften() {", "	if !s.resumes.refusedTooOften() {",
		"./gateway", "Model",
	},
	{
		"rule-2-hello", "HELLO has no deadline", "gateway/connect.go",
		"deadline := time.NewTimer(s.opts.Timing.Hello)", "deadline := time.NewTimer(1000 * s.opts.Timing.Hello)",
		"./gateway", "HelloNeverComes",
	},
	{
		"rule-2-ready", "READY has no deadline", "gateway/shard.go",
		"or(&t.Ready, 125*time.Second)", "or(&t.Ready, 125*time.Hour)",
		"./gateway", "ReadyNeverComes|SilenceBeforeReady|NoReady",
	},
	{
		"rule-2-resumed", "RESUMED has no deadline", "gateway/shard.go",
		"or(&t.Resumed, 15*time.Second)", "or(&t.Resumed, 15*time.Hour)",
		"./gateway", "ResumedNeverComes",
	},
	{
		"rule-2-write", "a write has no deadline", "gateway/conn.go",
		"time.AfterFunc(c.timing.Write,", "time.AfterFunc(1000*c.timing.Write,",
		"./gateway", "BlockedWrite",
	},
	{
		"rule-2-write-beat", "the write of a heartbeat has no deadline", "gateway/conn.go",
		"late.Reset(c.timing.Write)", "late.Reset(1000 * c.timing.Write)",
		"./gateway", "BlockedHeartbeat",
	},
	{
		"rule-3-probe", "silence is not probed", "gateway/shard.go",
		"or(&t.SilenceProbe, 15*time.Second)", "or(&t.SilenceProbe, 15*time.Hour)",
		"./gateway", "HalfOpen",
	},
	{
		"rule-3-dead", "silence is never deadly", "gateway/shard.go",
		"or(&t.DeadAfter, 9500*time.Millisecond)", "or(&t.DeadAfter, 55*time.Second)",
		"./gateway", "HalfOpen",
	},
	{
		"rule-3-no-false-alarm", "a stall of five seconds is deadly", "gateway/shard.go",
		"or(&t.DeadAfter, 9500*time.Millisecond)", "or(&t.DeadAfter, 4500*time.Millisecond)",
		"./gateway", "SlowLink|Suspicion",
	},
	{
		"rule-3-probes-are-extra", "a probe moves the regular timer", "gateway/heartbeat.go",
		"	case HeartbeatRequested:\n		p.requested = false\n", "	case HeartbeatProbe:\n		p.nextRegular = now.Add(p.interval)\n	case HeartbeatRequested:\n		p.requested = false\n",
		"./gateway", "HeartbeatsKeepTheInterval",
	},
	{
		"rule-3-learnt", "what was learnt of slow answers has no end", "gateway/heartbeat.go",
		"const maxLearnedSuspectAfter = 10 * time.Second", "const maxLearnedSuspectAfter = 1000 * time.Second",
		"./gateway", "HalfOpen",
	},
	{
		"rule-3-sooner", "a slow link is not asked sooner", "gateway/heartbeat.go",
		"	return p.timing.SilenceProbe - min(more, p.timing.SilenceProbe/2)", "	return p.timing.SilenceProbe - 0*more",
		"./gateway", "HalfOpen",
	},
	{
		"rule-4-quiet-bot", "a quiet bot reconnects by itself", "gateway/heartbeat.go",
		"	if len(p.unacked) == 0 {\n		return alive, 0\n	}", "	if now.Sub(heard) > p.timing.SilenceProbe && len(p.unacked) == 0 {\n		return noBytes, now.Sub(heard)\n	}\n	if len(p.unacked) == 0 {\n		return alive, 0\n	}",
		"./gateway", "SlowLink|HeartbeatsKeep",
	},
	{
		"rule-5-backoff", "no backoff when Discord says no", "gateway/backoff.go",
		"	span := min(limit, time.Second<<min(failures-1, 10))", "	span := min(limit, time.Second<<min(failures-1, 10)) / 1000",
		"./gateway", "Always4000",
	},
	{
		"rule-5-reset", "failures are forgotten with every READY", "gateway/serve.go",
		"	t.refusals = 0\n", "	t.refusals, t.failures = 0, 0\n	t.opts.IdentifyLimiter.(SessionWatcher).SessionEnded(t.opts.Shard, time.Hour)\n",
		"./gateway", "ReadyThenDrop",
	},
	{
		"rule-5-waited", "an unanswered RESUME is waited for twice", "gateway/run.go",
		"	if end.reason.Kind == ReasonNoResumed {\n", "	if end.reason.Kind == ReasonSilent {\n",
		"./gateway", "LiveSoonAfterSilence",
	},
	{
		"rule-6-private-code", "reconnects close with 1000", "gateway/connect.go",
		"s.group.Go(func() { c.close(CloseKeepSession, cause) })", "s.group.Go(func() { c.close(CloseGoodbye, cause) })",
		"./gateway", "ReconnectRequest|Zombie|Random",
	},
	{
		"rule-6-goodbye", "goodbye leaves the session alive", "gateway/serve.go",
		"		code = CloseGoodbye\n", "		code = CloseKeepSession\n",
		"./gateway", "Goodbye",
	},
	{
		"rule-7-park", "fatal codes are retried", "gateway/close.go",
		"	CloseDisallowedIntents: {\n		Verdict: VerdictPark,", "	CloseDisallowedIntents: {\n		Verdict: VerdictIdentify,",
		"./gateway", "Fatal|ClosePolicies",
	},
	{
		"rule-7-come-back", "a parked shard is never inspected", "gateway/run.go",
		"			err := s.checkCredentials(cause)\n			if err == nil {", "			err := errNoChecker\n			if err == nil {",
		"./gateway", "FatalCloseCodesPark",
	},
	{
		"rule-8-stop", "a stop during a backoff is not heard", "gateway/run.go",
		"		case <-s.stopCtx.Done():\n			return false\n", "		case <-s.finished:\n			return false\n",
		"./gateway", "StopIsFinal",
	},
	{
		"rule-9-queue", "the reader waits for the handler", "gateway/queue.go",
		"	case q.wake <- struct{}{}:\n	default:\n	}\n	return true", "	case q.wake <- struct{}{}:\n	}\n	return true",
		"./gateway", "BlockedHandler|LongReplay|FullQueue",
	},
	{
		"rule-9-watermark", "the kept number runs ahead of the handlers", "gateway/watermark.go",
		"	return min(w.accepted, w.pending[0].seq-1)", "	return w.accepted",
		"./gateway", "Kept|Watermark",
	},
	{
		"rule-9-panic", "a panic ends the process", "gateway/queue.go",
		"		if v := recover(); v != nil {", "		if v := any(nil); v != nil {",
		"./gateway", "HandlerPanic",
	},
	{
		"rule-10-identify", "IDENTIFY carries no presence", "gateway/payload.go",
		"		Presence:       presence,\n", "		Presence:       nil,\n",
		"./gateway", "WhatAClientSays",
	},
	{
		"rule-10-resumed", "the presence is not sent after RESUMED", "gateway/serve.go",
		"	if p := t.presence.Load(); p != nil {\n		t.sends.setPresence(*p)\n	}", "	if p := t.presence.Load(); p != nil && !t.attempt.resume {\n		t.sends.setPresence(*p)\n	}",
		"./gateway", "ResumedIsLive",
	},
	{
		"rule-11-nonce", "answers do not enforce their nonce", "internal/bot/reply.go",
		"			EnforceNonce:    true,\n", "			EnforceNonce:    false,\n",
		"./internal/bot", "",
	},
	{
		"rule-12-lock", "nobody looks whether the token is taken", "internal/process/tokenlock/lock_unix.go",
		"			return false, nil\n", "			return true, nil\n",
		"./internal/process/tokenlock", "SecondProcess",
	},
	{
		"rule-12-told", "a second process takes over without being told to", "internal/process/tokenlock/lock.go",
		"if opts.Temporary || !opts.TakeOver && !holder.Temporary {", "if opts.Temporary {",
		"./internal/process/tokenlock", "SecondProcess",
	},
	{
		"rule-13-livez", "/livez depends on Discord", "internal/web/api/probe.go",
		"func (s *Server) livez(w http.ResponseWriter, _ *http.Request) { probeBody{\"alive\"}.write(w) }",
		"func (s *Server) livez(w http.ResponseWriter, r *http.Request) { s.readyz(w, r) }",
		"./internal/web/api", "",
	},
}
