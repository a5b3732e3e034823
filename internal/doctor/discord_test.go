package doctor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/fleet"
	"evergreen/gateway"
	"evergreen/internal/bot"
	"evergreen/internal/health"
	"evergreen/internal/process/config"
	"evergreen/internal/process/tokenlock"
	"evergreen/internal/store"
)

// withStore opens the bot's database as a run does, for a moment.
func (s *harness) withStore(use func(*store.Store)) {
	s.t.Helper()
	k, err := store.Open(s.t.Context(), store.Options{Dir: s.settings().StateDir, Fingerprint: tokenlock.FingerprintOf(s.settings().Token.Reveal())})
	if err != nil {
		s.t.Fatal(err)
	}
	use(k)
	if err := k.Close(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// Given a bot that does not run and with which all is well, then the doctor
// proves it with one session start, leaves so that the session could be resumed,
// breaks no rule, and the session that the bot has saved is as it was.
//
// Statements: G-090.
func TestHealthyBotIsProved(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	saved := gateway.Session{ID: "saved", ResumeURL: "ws://resume.test", Seq: 42}
	intents := bot.Intents(false)
	s.withStore(func(k *store.Store) { k.Sessions(intents).SessionStore(gateway.ShardID{}).Save(saved) })

	seen := s.examine()
	seen.expectOnly(Pass, "ready", "").says(t, "ResearchBot, in 2 guilds", "HELLO", "first heartbeat answered", "4900")
	seen.results["latency"].says(t, "gateway, of", "REST, of 6 requests")
	seen.results["content"].says(t, "the switch is on")
	if seen.report.Exit() != config.ExitOK {
		t.Errorf("exit code %d", seen.report.Exit())
	}
	finishedWithin(t, MaxDuration+time.Second, seen.report)
	verdict := s.sim.Verdict(s.app)
	if verdict.Identifies != 1 || len(verdict.Violations) != 0 || verdict.CloseCodes[4900] != 1 {
		t.Errorf("IDENTIFYs %d, broken rules %v, close codes %v", verdict.Identifies, verdict.Violations, verdict.CloseCodes)
	}
	s.withStore(func(k *store.Store) {
		if got := k.Sessions(intents).Session(gateway.ShardID{}); got != saved {
			t.Errorf("the saved session is %+v now", got)
		}
	})
	if holder, err := tokenlock.Inspect(s.settings().StateDir, tokenlock.FingerprintOf(s.app.Token)); holder != nil || err != nil {
		t.Errorf("the token is still held: %v, %v", holder, err)
	}
}

// Given a proof a moment ago, then a second one waits its turn rather than break
// Discord's spacing, or says when that is.
//
// Statements: G-038.
func TestSecondProofKeepsTheSpacing(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.examine().expectOnly(Pass, "ready", "")
	again := s.examine().results["ready"]
	if again.Level == Warn {
		again.says(t, "to spare session starts")
	}
	verdict := s.sim.Verdict(s.app)
	if again.Level == Fail || len(verdict.Violations) != 0 || verdict.Identifies > 2 {
		t.Errorf("%q with %d IDENTIFYs, broken rules %v", again.Level, verdict.Identifies, verdict.Violations)
	}
}

// Given a token that Discord refuses, then one request finds it out, and where to
// reset it is told.
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.settings().Token = config.NewSecret("another")
	seen := s.examine()
	r := seen.expectOnly(Fail, "login", "Reset Token", afterLogin...)
	if r.Cause != health.TokenRefused || seen.report.Exit() != config.ExitConfig {
		t.Errorf("cause %q, exit code %d", r.Cause, seen.report.Exit())
	}
}

// Given switches that are off, then they are named with the page, before an
// IDENTIFY is spent.
//
// Statements: G-096.
func TestIntentsThatAreOff(t *testing.T) {
	t.Parallel()
	flags := uint64(1 << 15) // members only
	s := newHarness(t, discordsim.AppConfig{Flags: &flags})
	seen := s.examine()
	r := seen.expectOnly(Fail, "intents", fmt.Sprintf("applications/%s/bot", s.app.ID), afterIntents...)
	r.says(t, "Message Content Intent off")
	if seen.report.Exit() != config.ExitConfig || s.sim.Verdict(s.app).Identifies != 0 {
		t.Errorf("exit code %d, %d IDENTIFYs", seen.report.Exit(), s.sim.Verdict(s.app).Identifies)
	}
}

// Given that the switch may be off, then the bot starts without, and what it does
// not hear then is told.
func TestOptionalIntentThatIsOff(t *testing.T) {
	t.Parallel()
	flags := uint64(1 << 15)
	s := newHarness(t, discordsim.AppConfig{Flags: &flags})
	s.settings().OptionalIntents = gateway.IntentMessageContent
	seen := s.examine()
	for id, want := range map[string]Level{"intents": Warn, "content": Warn, "ready": Pass} {
		if got := seen.results[id]; got.Level != want {
			t.Errorf("%s is %q: %s %v", id, got.Level, got.Says, got.Evidence)
		}
	}
}

// Given session starts that are spent, then none is risked, and the time of the
// next is told; given few, they are spared; given many that this folder knows
// nothing of, somebody else is suspected.
//
// Statements: G-041.
func TestSessionStartsThatAreSpent(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{StartsUsed: 1000})
	s.examine().expectOnly(Fail, "budget", "Find out what spent them", "ready").says(t, "all 1000 of the day are spent")

	s = newHarness(t, discordsim.AppConfig{StartsUsed: 300})
	s.skipReady = true
	r := s.examine().expectOnly(Warn, "budget", "Reset Token")
	r.says(t, "300 were spent elsewhere")
	if r.Cause != "two-instances" {
		t.Errorf("the cause is %q", r.Cause)
	}

	s = newHarness(t, discordsim.AppConfig{StartsUsed: 950})
	s.skipReady = true
	s.examine().expectOnly(Warn, "budget", "Find out what spent them").says(t, "50 of 1000 left")
}

// Given more shards recommended than are set, then that is a warning; where the
// number is left to Discord, READY is proved with a shard of so many.
func TestMoreShardsAreRecommended(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{Shards: 3})
	seen := s.examine()
	seen.expectOnly(Pass, "shards", "").says(t, "Discord recommends 3", "SHARDS is auto")
	seen.results["ready"].says(t, "this was shard 0 of 3")

	s.settings().Shards = fleet.All(1)
	s.skipReady = true
	s.examine().expectOnly(Warn, "shards", "2500 guilds").says(t, "SHARDS is 1")
}

// Given a gateway that refuses the session although REST finds nothing wrong,
// then the close code is told with its remedy.
func TestSessionThatIsRefused(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	if _, err := s.sim.Inject(discordsim.Fault{Name: "always-close", Code: 4013}); err != nil {
		t.Fatal(err)
	}
	r := s.examine().expectOnly(Fail, "ready", gateway.CloseInvalidIntents.Remedy())
	r.says(t, "4013")
	if !r.NeedsYou || r.Cause != health.IntentsRefused {
		t.Errorf("%+v", r)
	}
}

// Given a Discord that swallows IDENTIFYs, then HELLO and READY are told apart,
// in time.
func TestReadyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.shortTimeouts = true
	if _, err := s.sim.Inject(discordsim.Fault{Name: "no-ready"}); err != nil {
		t.Fatal(err)
	}
	seen := s.examine()
	seen.expectOnly(Fail, "ready", "discordstatus.com").says(t, "HELLO came, READY did not")
	finishedWithin(t, MaxDuration+time.Second, seen.report)
}

// Given a bot that starts while the doctor is at its proof, then the bot is not
// kept waiting: the doctor lets go of the token and says so.
func TestBotThatStartsMeanwhileGoesFirst(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	if _, err := s.sim.Inject(discordsim.Fault{Name: "no-ready"}); err != nil {
		t.Fatal(err)
	}
	of := tokenlock.FingerprintOf(s.app.Token)
	began := make(chan error, 1)
	go func() {
		look := time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
		for range look.C {
			holder, err := tokenlock.Inspect(s.settings().StateDir, of)
			if err == nil && (holder == nil || holder.PID == 0) {
				continue // not there yet
			}
			if err == nil {
				var bot *tokenlock.Lock
				if bot, err = tokenlock.Acquire(s.t.Context(), s.settings().StateDir, of, tokenlock.Options{Version: "1.0"}); err == nil {
					bot.Release()
				}
			}
			began <- err
			return
		}
	}()
	r := s.examine().results["ready"]
	if err := <-began; err != nil {
		t.Error("the bot could not start: ", err)
	}
	if r.Level != Warn {
		t.Errorf("%+v", r)
	}
	r.says(t, "has taken over")
}

// Given a process that runs the bot and cannot be asked, then the doctor names it
// and starts no second session.
func TestInstanceThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.takeLock()
	seen := s.examine()
	for _, id := range []string{"instance", "ready"} {
		if r := seen.results[id]; r.Level != Warn || !strings.Contains(strings.Join(r.Next, " "), "run --api") {
			t.Errorf("%s: %+v", id, r)
		}
	}
	seen.results["instance"].says(t, "process ", "version 1.0", "without the HTTP API")
	if n := s.sim.Verdict(s.app).Identifies; n != 0 {
		t.Errorf("%d IDENTIFYs", n)
	}
}

// takeLock makes this process the one that runs the bot.
func (s *harness) takeLock() *tokenlock.Lock {
	s.t.Helper()
	o, err := tokenlock.Acquire(s.t.Context(), s.settings().StateDir, tokenlock.FingerprintOf(s.app.Token), tokenlock.Options{Version: "1.0"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(o.Release)
	return o
}

// runInstance is an HTTP API of a running bot that says what a test wants, and returns the
// name of the run.
func (s *harness) runInstance(status string, lines ...string) (instance string) {
	s.t.Helper()
	lock := s.takeLock()
	status = strings.Replace(status, "{", fmt.Sprintf(`{"at":%q,"instance":%q,`, time.Now().UTC().Format(time.RFC3339), lock.ID()), 1)
	s.settings().APIToken = config.NewSecret("a token of the API")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Authorization") != "Bearer a token of the API":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/api/v1/status":
			fmt.Fprint(w, status)
		case r.URL.Path == "/api/v1/incidents":
			at := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
			fmt.Fprintf(w, `{"incidents":[{"cause":"host-slept","start":%q,"duration_s":1800,"grey_s":1700,"outcome":"resumed","evidence":{"slept_s":1790}},`+
				`{"cause":"dns-failure","start":%q,"duration_s":60,"grey_s":0,"outcome":"resumed"},{"cause":"routine-reconnect","start":%q,"routine":true}]}`, at, at, at)
		case r.URL.Path == "/api/v1/logs":
			fmt.Fprintf(w, `{"lines":[{"text":"hello"},{"text":%q}]}`, strings.Join(lines, ""))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	s.t.Cleanup(server.Close)
	if err := lock.Announce(server.Listener.Addr().String()); err != nil {
		s.t.Fatal(err)
	}
	return lock.ID()
}

const online = `{"status":"online","status_text":"Online","connected":true,"ready":true,"bot":{"username":"ResearchBot","guilds":2},` +
	`"work":{"ok":true,"asked":5,"answered":5},"latency":{"gateway_ms":{"p50":42,"p95":60,"p99":80}},"counts":{"heartbeats":7,"acks":7}}`

// Given a running instance, then its word is the proof, its messages are the
// proof that content arrives, and its incidents are told by cause.
func TestRunningInstanceIsAsked(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.runInstance(strings.TrimSuffix(online, "}") + `,"conditions":[{"cause":"channel-permission","trouble":"#general: the permission Send Messages is missing","says":"not allowed to answer in #general: the permission Send Messages is missing"}]}`)
	seen := s.examine()
	seen.results["instance"].says(t, "not allowed to answer in #general: the permission Send Messages is missing")
	seen.results["ready"].says(t, "by the running instance: ResearchBot is online", "7 heartbeats sent, 7 answered", "p50 42 ms")
	seen.results["content"].says(t, "has heard 5 commands")
	seen.results["incidents"].says(t, "2 incidents in seven days, of 2 causes", "1 x The host slept")
	seen.results["jumps"].says(t, "this machine slept 1 time in seven days, for 29 min")
	for id, want := range map[string]Level{"ready": Pass, "content": Pass, "instance": Pass, "incidents": Warn, "jumps": Warn} {
		if got := seen.results[id].Level; got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	if n := s.sim.Verdict(s.app).Identifies; n != 0 {
		t.Errorf("%d IDENTIFYs", n)
	}
}

// Given a running instance that is offline, needs its operator, or is deaf, then
// that is the failure, in its own words.
func TestRunningInstanceThatIsNotWell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, line, id string
		exit             config.Exit
		says             string
	}{
		{`{"status":"offline","status_text":"Offline","reason":"no route to Discord","work":{"ok":true}}`, "", "instance", config.ExitUnexpected, "no route to Discord"},
		{`{"status":"needs-you","status_text":"Needs you","reason":"the token is refused","remedy":"Reset the token."}`, "", "instance", config.ExitConfig, "the token is refused"},
		{online, "Message content intent missing: people's messages arrive empty", "content", config.ExitUnexpected, "arrive empty"},
	} {
		s := newHarness(t, discordsim.AppConfig{})
		s.runInstance(c.status, c.line)
		seen := s.examine()
		if r := seen.results[c.id]; r.Level != Fail || seen.report.Exit() != c.exit {
			t.Errorf("%s: %+v, exit code %d", c.id, r, seen.report.Exit())
		}
		seen.results[c.id].says(t, c.says)
	}
}

// Given a running instance whose API the doctor has the wrong token for, and that has
// seen too many wrong ones, then that is what is said.
func TestRunningInstanceThatRefusesTheDoctor(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	lock := s.takeLock()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"title":"Too many requests","status":429,"detail":"slow down"}`)
	}))
	s.t.Cleanup(server.Close)
	if err := lock.Announce(server.Listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	s.examine().results["instance"].says(t, "too many wrong tokens", "the right one is let in at once")
}

// Given a running instance that has only just begun, then nothing has failed: the
// next look will tell.
func TestRunningInstanceThatIsStarting(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]Level{3 * time.Second: Warn, 10 * time.Minute: Fail} {
		s := newHarness(t, discordsim.AppConfig{})
		s.runInstance(fmt.Sprintf(`{"status":"starting","status_text":"Starting","reason":"waiting for its turn to identify","work":{"ok":true},"started":%q}`,
			time.Now().Add(-ago).UTC().Format(time.RFC3339)))
		seen := s.examine()
		if r := seen.results["instance"]; r.Level != want {
			t.Errorf("started %s ago: %+v", ago, r)
		}
		seen.results["instance"].says(t, "waiting for its turn to identify")
	}
}

// Given incidents of earlier runs in the database, then they are told by cause,
// the costliest first, with what to do.
func TestIncidentsOfEarlierRuns(t *testing.T) {
	t.Parallel()
	s := newHarness(t, discordsim.AppConfig{})
	s.skipReady = true
	s.withStore(func(k *store.Store) {
		k.BeginRun()
		for i := range 3 {
			start := time.Now().Add(-time.Duration(i+2) * time.Hour)
			k.Journal().Write(health.Incident{ID: fmt.Sprint("slept-", i), Cause: health.HostSlept, Start: start, End: start.Add(30 * time.Minute),
				Outcome: health.OutcomeResumed, Evidence: health.Evidence{Slept: 29 * time.Minute}})
		}
		start := time.Now().Add(-time.Hour)
		k.Journal().Write(health.Incident{ID: "cut", Cause: health.ConnectionCut, Start: start, End: start.Add(time.Second), Outcome: health.OutcomeResumed})
		k.EndRun(store.EndSessionKept, "")
	})
	seen := s.examine()
	r := seen.results["incidents"]
	r.says(t, "4 incidents in seven days, of 2 causes")
	if r.Level != Warn || len(r.Evidence) != 2 || !strings.HasPrefix(r.Evidence[0], "3 x The host slept") || !strings.Contains(strings.Join(r.Next, ""), "Keep the host awake") {
		t.Errorf("%+v", r)
	}
	if jumps := seen.results["jumps"]; jumps.Level != Warn || !strings.Contains(jumps.Says, "this machine slept 3 times in seven days, for 1 h 27 min") {
		t.Errorf("%+v", jumps)
	}
}

// Given a Discord that is far away behind a network that is near, then the region
// is what would help, and that is no failure.
func TestDistanceIsToldFromABadNetwork(t *testing.T) {
	t.Parallel()
	x := newExamination(newHarness(t, discordsim.AppConfig{}))
	x.target = &url.URL{Host: "discord.com"}
	f := x.latencyFinding([]time.Duration{250 * time.Millisecond}, []time.Duration{260 * time.Millisecond}, 9*time.Millisecond)
	if f.Level != Warn || !strings.Contains(f.Next[0], "eastern United States") || !strings.Contains(f.Next[0], "9.0 ms to the edge") {
		t.Errorf("far: %+v", f)
	}
	f = x.latencyFinding([]time.Duration{450 * time.Millisecond}, nil, 210*time.Millisecond)
	if f.Level != Warn || !strings.Contains(f.Next[0], "the network of this host is slow") {
		t.Errorf("slow: %+v", f)
	}
	if f = x.latencyFinding([]time.Duration{45 * time.Millisecond}, []time.Duration{60 * time.Millisecond}, 9*time.Millisecond); f.Level != Pass {
		t.Errorf("near: %+v", f)
	}
}

// Given slash commands that are registered, are not yet, could not be or are not wanted,
// then the doctor tells these apart.
func TestSlashCommandsAreCompared(t *testing.T) {
	t.Parallel()
	const trouble = `"conditions":[{"cause":"commands-unregistered","trouble":"PUT /applications/{application.id}/commands: Discord answered 400 (code 50240): You cannot"}]`
	for name, c := range map[string]struct {
		status string // of a running instance
		change func(*harness)
		level  Level
		says   string
	}{
		"nothing runs":        {level: Pass, says: "0 of 6 are registered; the bot registers the others when it starts"},
		"not wanted":          {change: func(s *harness) { s.settings().SlashCommands = false }, level: Pass, says: "DISCORD_SLASH_COMMANDS is false"},
		"running and missing": {status: online, level: Warn, says: "6 commands not registered although the bot is running"},
		"refused":             {status: strings.TrimSuffix(online, "}") + "," + trouble + "}", level: Fail, says: "code 50240"},
		"all there":           {status: online, change: (*harness).register, level: Pass, says: "all 6 are registered"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHarness(t, discordsim.AppConfig{})
			s.skipReady = true
			if c.change != nil {
				c.change(s)
			}
			if c.status != "" {
				s.runInstance(c.status)
			}
			r := s.examine().results["commands"]
			if r.Level != c.level || (c.level == Fail) != (len(r.Next) > 0 && strings.Contains(r.Next[0], "DISCORD_SLASH_COMMANDS")) {
				t.Errorf("%+v", r)
			}
			r.says(t, c.says)
		})
	}
}

// register lets a bot register its slash commands.
func (s *harness) register() {
	s.t.Helper()
	lines, log := io.Pipe()
	b, err := bot.New(bot.Options{Token: s.app.Token, HTTPClient: http.DefaultClient, APIURL: s.url, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(s.t.Context(), time.Minute)
	defer stop()
	go func() {
		defer log.Close()
		_ = b.Run(ctx)
		_ = b.Stop(context.WithoutCancel(ctx))
	}()
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		if strings.Contains(scan.Text(), "Slash commands registered") {
			stop()
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
