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
		"rule-1-keep-session", "a failed dial throws the session away", "gateway/reconnect.go",
		"	if f.resume {\n		p.urlFailures++\n	}", "	if f.resume {\n		p.urlFailures++\n		n.dropSession = true\n	}",
		"./gateway", "ReconnectPolicy",
	},
	{
		"rule-1-resume-url", "the base URL is never tried for a RESUME", "gateway/reconnect.go",
		"	return p.urlFailures >= resumeURLTries && p.urlFailures%2 == 1", "	return false",
		"./gateway", "BaseURLGets|DeadResumeURL",
	},
	{
		"rule-1-give-up", "unanswered RESUMEs go on for ever", "gateway/reconnect.go",
		"maxUnanswered     = 3", "maxUnanswered     = 3000",
		"./gateway", "ReconnectPolicy",
	},
	{
		"rule-1-identify-record", "an IDENTIFY is not counted", "identify/grant.go",
		"	l.spent = append(l.spent, g.entry)\n", "",
		"./identify", "",
	},
	{
		"rule-1-base-gateway", "what the base gateway cuts off is a failure", "gateway/reconnect.go",
		"if c.base && c.resume && c.lived >= minLived {", "if c.base && !c.resume {",
		"./gateway", "ReconnectPolicy",
	},
	{
		"rule-1-model", "a RESUME goes on after op 9 false", "gateway/reconnect.go",
		"	if c.reason.Text == invalidResumable && !toIdentify && !p.resumes.refusedTooOften() {", "	if !toIdentify && !p.resumes.refusedTooOften() {",
		"./gateway", "ReconnectPolicy",
	},
	{
		"rule-2-hello", "HELLO has no deadline", "gateway/connect.go",
		"deadline := time.NewTimer(planned)", "deadline := time.NewTimer(1000 * planned)",
		"./gateway", "HelloNeverComes",
	},
	{
		"rule-2-ready", "READY has no deadline", "gateway/options.go",
		"defaultReady            = 125 * time.Second", "defaultReady            = 125 * time.Hour",
		"./gateway", "ReadyNeverComes|SilenceBeforeReady|NoReady",
	},
	{
		"rule-2-resumed", "RESUMED has no deadline", "gateway/options.go",
		"defaultResumed          = 15 * time.Second", "defaultResumed          = 15 * time.Hour",
		"./gateway", "ResumedNeverComes",
	},
	{
		"rule-2-write", "a write has no deadline", "gateway/conn.go",
		"time.AfterFunc(c.shard.opts.Timing.Write,", "time.AfterFunc(1000*c.shard.opts.Timing.Write,",
		"./gateway", "BlockedWrite",
	},
	{
		"rule-2-write-beat", "the write of a heartbeat has no deadline", "gateway/conn.go",
		"late.Reset(write)", "late.Reset(1000 * write)",
		"./gateway", "BlockedHeartbeat",
	},
	{
		"rule-3-probe", "silence is not probed", "gateway/options.go",
		"defaultSilenceProbe     = 15 * time.Second", "defaultSilenceProbe     = 15 * time.Hour",
		"./gateway", "HalfOpen",
	},
	{
		"rule-3-dead", "silence is never deadly", "gateway/options.go",
		"defaultDeadAfter        = 9500 * time.Millisecond", "defaultDeadAfter        = 55 * time.Second",
		"./gateway", "HalfOpen",
	},
	{
		"rule-3-no-false-alarm", "a stall of five seconds is deadly", "gateway/options.go",
		"defaultDeadAfter        = 9500 * time.Millisecond", "defaultDeadAfter        = 4500 * time.Millisecond",
		"./gateway", "SlowLink|Suspicion",
	},
	{
		"rule-3-probes-are-extra", "a probe moves the regular timer", "gateway/heartbeat.go",
		"	case heartbeatRequested:\n		h.requested = false\n", "	case heartbeatProbe:\n		h.nextRegular = now.Add(h.interval)\n	case heartbeatRequested:\n		h.requested = false\n",
		"./gateway", "HeartbeatsKeepTheInterval",
	},
	{
		"rule-3-learnt", "what was learnt of slow answers has no end", "gateway/heartbeat.go",
		"const maxLearnedSuspectAfter = 10 * time.Second", "const maxLearnedSuspectAfter = 1000 * time.Second",
		"./gateway", "HalfOpen",
	},
	{
		"rule-3-sooner", "a slow link is not asked sooner", "gateway/heartbeat.go",
		"	after := h.timing.SilenceProbe - min(more, h.timing.SilenceProbe/2)", "	after := h.timing.SilenceProbe - 0*more",
		"./gateway", "HalfOpen",
	},
	{
		"rule-3-receiving", "a message that comes in excuses no late answer", "gateway/progress.go",
		"	return min(receiving-w.receiving, maxReceiving)", "	return 0",
		"./gateway", "LargeMessageArrives|LongReplayArrives",
	},
	{
		"rule-3-receiving-ends", "a message without end excuses late answers for ever", "gateway/progress.go",
		"	return min(receiving-w.receiving, maxReceiving)", "	return receiving - w.receiving",
		"./gateway", "MessageWithoutEnd",
	},
	{
		"rule-3-trickle", "a trickle is as good as a message", "gateway/progress.go",
		"			p.receiving.Add(int64(min(now-p.at, time.Duration(n)*(time.Second/minReceiveRate))))", "			p.receiving.Add(int64(now - p.at))",
		"./gateway", "MessageWithoutEnd|Trickle",
	},
	{
		"rule-3-busy-zombie", "events that come whole are taken for one that comes in", "gateway/progress.go",
		"func (p *progress) messageEnded() { p.inside = !p.live }", "func (p *progress) messageEnded() {}",
		"./gateway", "BusyZombie",
	},
	{
		"rule-3-uplink", "megabytes wait in the kernel before a heartbeat", "gateway/websocket.go",
		"const writeBuffer = 16 << 10", "const writeBuffer = 16 << 20",
		"./gateway", "ThinUplink",
	},
	{
		"rule-3-bytes", "bytes are told when TLS lets go of them", "gateway/websocket.go",
		"	if watched, ok := raw.(*watchedConn); ok {", "	if watched, ok := raw.(*watchedConn); ok && false {",
		"./gateway", "BytesAreTold",
	},
	{
		"rule-1-ready-zero", "READY with 0 hides the first event", "gateway/numbering.go",
		"func readyNumbering(ready int64) numbering { return numbering{accepted: ready} }", "func readyNumbering(ready int64) numbering { return newNumbering(max(1, ready)) }",
		"./gateway", "NumbersBegin",
	},
	{
		"rule-1-stop", "a stop counts as a short session", "identify/backoff.go",
		"	if b.open = nil; lived >= settled {", "	if b.open = nil; lived >= 0 {",
		"./identify", "DeliberateStops",
	},
	{
		"rule-1-given-up", "a grant is lost with the shard that gave up", "identify/limiter.go",
		"	if ctx.Err() != nil {\n		g.Release(OutcomeUnsent)\n", "	if ctx.Err() != nil {\n",
		"./identify", "GivingUpAnywhere",
	},
	{
		"rule-1-late", "an IDENTIFY is taken to have left with its grant", "identify/limiter.go",
		"maxGrantAge = time.Minute", "maxGrantAge = 10 * time.Second",
		"./identify", "LateIdentify",
	},
	{
		"rule-1-sick-shard", "one shard spends the hour of all", "identify/budget.go",
		"	d.capHour(own, 0, l.opts.Hourly)\n", "	_ = own\n",
		"./identify", "SickShard",
	},
	{
		"rule-1-age", "a resumed session is as old as its process", "identify/record.go",
		"		lived += e.credit\n", "",
		"./identify", "ResumedSession",
	},
	{
		"rule-1-last-start", "two keys share the last start of the day", "identify/budget.go",
		"			d.blocked = true // one in flight may come back\n", "",
		"./identify", "LastStart",
	},
	{
		"rule-1-locked-key", "who waits for a locked key is not woken", "identify/keylock.go",
		"	l.wakeAll() // from now on", "	_ = l // from now on",
		"./identify", "LockedKey",
	},
	{
		"rest-line", "a request that gives up stays in the global line", "internal/discord/rest/acquire.go",
		"	if global := t.globalLimitOf(r); global != nil {\n		global.queue.leave(r)\n	}\n", "",
		"./internal/discord/rest", "ThoseWhoGiveUp",
	},
	{
		"rest-recheck", "all requests test a refused token at once", "internal/discord/rest/guard.go",
		"	r.recheck = true\n	t.refusedTokens.put(r.owner, now)\n", "	r.recheck = true\n",
		"./internal/discord/rest", "OneRequestTests",
	},
	{
		"rest-events", "of several things an answer means, one is told", "internal/discord/rest/release.go",
		"		o.events = append(o.events, *e)\n", "		o.events = []Event{*e}\n",
		"./internal/discord/rest", "SeveralThings",
	},
	{
		"rule-7-address", "the token goes to any host", "gateway/url.go",
		"	case discords && !isDiscords(u.Hostname()):", "	case false:",
		"./gateway", "WhereTheTokenMayGo",
	},
	{
		"rule-4-quiet-bot", "a quiet bot reconnects by itself", "gateway/heartbeat.go",
		"	if len(h.unacked) == 0 {\n		return alive, 0\n	}", "	if now.Sub(lastByte) > h.timing.SilenceProbe && len(h.unacked) == 0 {\n		return noBytes, now.Sub(lastByte)\n	}\n	if len(h.unacked) == 0 {\n		return alive, 0\n	}",
		"./gateway", "SlowLink|HeartbeatsKeep",
	},
	{
		"rule-5-backoff", "no backoff when Discord says no", "gateway/backoff.go",
		"	span := min(limit, time.Second<<min(failures-1, 10))", "	span := min(limit, time.Second<<min(failures-1, 10)) / 1000",
		"./gateway", "ReconnectPolicy|TestBackoff",
	},
	{
		"rule-5-reset", "failures are forgotten with every READY", "gateway/reconnect.go",
		"	p.resumes, p.refusals = resumeStreak{}, 0\n", "	p.resumes, p.refusals, p.failures = resumeStreak{}, 0, 0\n",
		"./gateway", "ReconnectPolicy",
	},
	{
		"rule-5-waited", "an unanswered RESUME is waited for twice", "gateway/reconnect.go",
		"	if c.reason.Kind == ReasonNoResumed {\n", "	if c.reason.Kind == ReasonSilent {\n",
		"./gateway", "ReconnectPolicy",
	},
	{
		"rule-6-private-code", "reconnects close with 1000", "gateway/connect.go",
		"s.group.Go(func() { c.close(closeKeepSession, reason) })", "s.group.Go(func() { c.close(closeEndSession, reason) })",
		"./gateway", "ReconnectRequest|Zombie|Random",
	},
	{
		"rule-6-goodbye", "goodbye leaves the session alive", "gateway/serve.go",
		"		code = closeEndSession\n", "		code = closeKeepSession\n",
		"./gateway", "Goodbye",
	},
	{
		"rule-7-park", "fatal codes are retried", "gateway/close.go",
		"	4014: {\n		effect: parks,", "	4014: {\n		effect: identifies,",
		"./gateway", "ReconnectPolicy",
	},
	{
		"rule-7-come-back", "a parked shard is never inspected", "gateway/park.go",
		"			err := s.checkCredentials(reason)\n			if err == nil {", "			err := errNoChecker\n			if err == nil {",
		"./gateway", "FatalCloseCodesPark",
	},
	{
		"rule-1-reshard-late", "a re-shard does not wait until what came late is handled", "fleet/migration.go",
		"return true, age == 0 || now.Add(-age).After(b.at)", "return true, age >= 0",
		"./fleet", "WhatComesLate",
	},
	{
		"rule-1-reshard-saved", "sessions are saved that have nothing to deliver yet", "fleet/reshard.go",
		"sessionsLater", "sessionsNow",
		"./fleet", "SessionsOfOneSet",
	},
	{
		"rule-8-reshard", "a re-shard does not end with the fleet", "fleet/reshard.go",
		"	defer context.AfterFunc(f.life.StopContext(), cancel)()\n", "",
		"./fleet", "AtOnceInEveryPhase",
	},
	{
		"rule-9-reshard-bound", "a re-shard waits for a handler that hangs", "fleet/migration.go",
		"handlersTimeout = 5 * time.Minute", "handlersTimeout = 5 * time.Hour",
		"./fleet", "WhateverTheHandlersDo",
	},
	{
		"rule-9-reshard-gate", "new shards take over while a handler of the old ones works", "fleet/migration.go",
		"busy == \"\" && g.isBusy()", "busy == \"\" && g.isBusy() && false",
		"./fleet", "HandlerAtWork",
	},
	{
		"rule-8-stop", "a stop during a backoff is not heard", "gateway/run.go",
		"		case <-s.life.StopContext().Done():\n			return false\n", "		case <-s.life.Done():\n			return false\n",
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
		"rule-9-dead-session", "a handler of a dead session saves that session over the new one", "gateway/sequence.go",
		"	if old != nil {\n		old.close()\n	}\n", "	_ = old\n",
		"./gateway", "DeadSession",
	},
	{
		"rule-9-hurried-stop", "what waits at a hurried stop is handed over", "gateway/queue.go",
		"		if ctx.Err() != nil {\n			return // not", "		if ctx.Err() != nil && !ok {\n			return // not",
		"./gateway", "HurriedStop",
	},
	{
		"rule-3-stopped", "after a stop of the process the verdict comes before what waits is read", "gateway/serve.go",
		"	if !now.Before(t.readBy) {\n", "	if true {\n",
		"./gateway", "StoppedProcess",
	},
	{
		"rule-3-stale-spare", "a spare that was silent through a long absence is used", "gateway/serve.go",
		"	if long = t.jump.Absent() > t.conn.interval; long {\n		t.cancelSpare()\n	}\n", "	long = t.jump.Absent() > t.conn.interval\n",
		"./gateway", "StoodStill",
	},
	{
		"rule-3-suspend", "a monotonic reading hides a sleep of the host", "clock/clock.go",
		"c.source.Wall().Round(0)", "c.source.Wall()",
		"./clock", "MonotonicReading",
	},
	{
		"rule-7-again", "a second 4003 parks however long ago the first was", "gateway/reconnect.go",
		"now.Sub(p.lastVerify) < verifyAgain", "!p.lastVerify.IsZero()",
		"./gateway", "ReconnectPolicy|RepeatedInvalidation",
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
		"rule-10-crash-loop", "what another process has sent over the session is forgotten", "gateway/shard.go",
		"		inherited:    opts.Session.Resumable(),\n", "",
		"./gateway", "CrashLoop",
	},
	{
		"rule-11-nonce", "answers do not enforce their nonce", "internal/bot/reply.go",
		"			EnforceNonce:    true,\n", "			EnforceNonce:    false,\n",
		"./internal/bot", "",
	},
	{
		"rule-11-outage", "an answer loses its time while it waits for another", "internal/bot/reply.go",
		"	unlock, err := b.channels.lock(ctx, r.Channel)\n	if err != nil {\n		return err\n	}\n	defer unlock()\n	ctx, cancel := context.WithTimeout(ctx, b.options.AnswerWithin)\n	defer cancel()\n",
		"	ctx, cancel := context.WithTimeout(ctx, b.options.AnswerWithin)\n	defer cancel()\n	unlock, err := b.channels.lock(ctx, r.Channel)\n	if err != nil {\n		return err\n	}\n	defer unlock()\n",
		"./internal/bot", "KeepsItsTime",
	},
	{
		"rule-11-held", "an answer that a stop cuts off is not left to the next process", "internal/bot/message.go",
		"	case ctx.Err() != nil:\n		return completion{}\n", "	case ctx.Err() != nil:\n		return completion{done: true}\n",
		"./internal/bot", "StopEndsInTime|StopCutsOff",
	},
	{
		"rule-10-undelivered", "people are not shown that answers do not get out", "internal/bot/keepalive.go",
		"		b.refreshPresence(false)\n", "",
		"./internal/bot", "PresenceIsIdle",
	},
	{
		"rule-8-answers", "a stop does not wait for the answers that it cuts off", "internal/bot/bot.go",
		"	b.life.Abort()\n	b.serving.Wait()\n", "	b.life.Abort()\n",
		"./internal/bot", "StopEndsInTime",
	},
	{
		"rule-11-refusal", "changed permissions are not heard of", "internal/bot/refusals.go",
		"		if c.Guild == guild {\n			delete(r.channels, channel)\n", "		if c.Guild == guild && false {\n			delete(r.channels, channel)\n",
		"./internal/bot", "ChangedPermissions",
	},
	{
		"rule-12-lock", "a taken token is not noticed", "internal/process/tokenlock/lock_unix.go",
		"			return false, nil\n", "			return true, nil\n",
		"./internal/process/tokenlock", "LockHolds",
	},
	{
		"rule-12-lost", "a lock that was deleted is not noticed", "internal/process/tokenlock/watch.go",
		"	if had != nil && isAt(had, path) {", "	if had != nil {",
		"./internal/process/tokenlock", "LostLock",
	},
	{
		"rule-12-soft", "where files cannot be locked, a second process is not noticed", "internal/process/tokenlock/lock.go",
		"if other := rival(path, self); other != nil {", "if other := rival(path, self); other != nil && c.soft == nil {",
		"./internal/process/tokenlock", "CannotLockFiles",
	},
	{
		"rule-12-told", "a second process takes over without being told to", "internal/process/tokenlock/lock.go",
		"if opts.Temporary || !opts.TakeOver && !holder.Temporary {", "if opts.Temporary {",
		"./internal/process/tokenlock", "SecondProcess",
	},
	{
		"status-other-bot", "status speaks of another bot that answers", "internal/web/api/client.go",
		`if err == nil && c.Instance != "" && s.Instance != c.Instance {`, `if err == nil && c.Instance != "" && s.Instance == "" {`,
		"./internal/web/api", "Client",
	},
	{
		"path-escapes", "a backslash in a path of .env begins an escape", "internal/process/config/dotenv.go",
		"known && s.Place {", "known && s.Secret && s.Place {",
		"./internal/process/config", "Paths",
	},
	{
		"rule-8-disgo-split", "a close during a split of a shard leaves its parts open", "disgogateway/shardmanager.go",
		"		if all = m.takeAll(); len(all) == 0 {\n			return\n		} // a split that was under way has opened them\n", "		return\n",
		"./disgogateway", "DuringASplit",
	},
	{
		"rule-9-disgo-turn", "an event that waits for its turn at a close counts as handled", "disgogateway/events.go",
		"	if !r.config.lock.lock(ctx) {\n		return\n	}\n	defer handled()\n", "	defer handled()\n	if !r.config.lock.lock(ctx) {\n		return\n	}\n",
		"./disgogateway", "WaitsAtAClose",
	},
	{
		"store-gone", "a busy bot does not notice that its database was deleted", "internal/store/writer.go",
		"	alive := due || !now", "	alive := final || !now",
		"./internal/store", "BusyBot",
	},
	{
		"store-full-disk", "what could not be written is forgotten, and with it the end of a session", "internal/store/merge.go",
		"		s.sessionStores[row.shard].markChanged()\n", "		_ = row\n",
		"./internal/store", "FullDiskForgets",
	},
	{
		"store-no-mmap", "a volume without shared memory keeps nothing", "internal/store/volume.go",
		"		l.shared = volume.Map\n", "		l.shared = nil\n",
		"./internal/store", "OddVolumes",
	},
	{
		"rule-13-livez", "/livez depends on Discord", "internal/web/api/probe.go",
		"func (s *Server) livez(w http.ResponseWriter, _ *http.Request) { probeBody{\"alive\"}.write(w) }",
		"func (s *Server) livez(w http.ResponseWriter, r *http.Request) { s.readyz(w, r) }",
		"./internal/web/api", "",
	},
	{
		"rule-13-proxy", "what a proxy brings passes for a request of this machine", "internal/web/api/route.go",
		"	if mark := proxyMark(r); mark != \"\" {\n", "	if mark := proxyMark(r); false {\n",
		"./internal/web/api", "Prox",
	},
	{
		"rule-13-token", "wrong tokens lock out who has the right one", "internal/web/api/route.go",
		"	if s.isToken(token) {\n", "	if s.isToken(token) && s.logins.countWrong(origin(r)) == 0 {\n",
		"./internal/web/api", "WrongTokens",
	},
	{
		"rule-13-storm", "a probe is refused when too many others are answered", "internal/web/api/connlimit.go",
		"		most *= 2\n", "",
		"./internal/web/api", "BusyConnections",
	},
	{
		"rule-11-token", "an interaction's token leads to another path", "internal/bot/api.go",
		"rest.CreateInteractionResponse.Compile(nil, interaction, url.PathEscape(token))", "rest.CreateInteractionResponse.Compile(nil, interaction, token)",
		"./internal/bot", "OddToken",
	},
	{
		"rule-8-console", "a stop waits for a console that takes no output", "cmd/evergreen/console.go",
		"lastWait = time.Second", "lastWait = time.Hour",
		"./cmd/evergreen", "GoOnWithoutTheirConsole|RunGoesOnWithoutItsConsole",
	},
	{
		"rule-9-console", "what the console misses is not counted", "internal/process/output/writer.go",
		"	w.missed += lines\n", "",
		"./internal/process/output", "StreamThat",
	},
	{
		"rule-9-log", "lines that come in a storm are all written", "internal/process/logging/fold.go",
		"	if b.written < foldBurst {", "	if b.written < 1<<30 {",
		"./internal/process/logging", "Folded",
	},
	{
		"rule-13-undelivered", "answers that cannot leave are not told", "internal/health/tracker.go",
		"	if u := w.Activity.Undelivered; !u.Since.IsZero() {", "	if u := w.Activity.Undelivered; u.Since.After(now) {",
		"./internal/health", "AnswersThatDoNotGetOut",
	},
	{
		"rule-11-kept-limits", "a limit ends with the process", "internal/discord/rest/storage.go",
		"		if left < minKept {", "		if left < 24*time.Hour {",
		"./internal/discord/rest", "LimitsOutliveTheProcess",
	},
	{
		"rule-13-look", "a long pause is not looked at", "internal/discord/rest/pause.go",
		"now.Add(min(wait, lookInterval))", "now.Add(wait)",
		"./internal/discord/rest", "LookedAt|OneRequestLooks",
	},
}
