package discordsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Given a bot, when its client identifies, then READY comes as s 1 with the
// bot, the guild stubs of its shard, a session and where to resume it, and what
// is undocumented too unless Discord is configured plain.
//
// Statements: S-003, S-027, S-028.
func TestReady(t *testing.T) {
	for _, plain := range []bool{false, true} {
		cfg := patient
		cfg.Identify.PlainReady, cfg.Heartbeat.Interval = plain, 30*time.Second
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			c := sc.connect(inMemory)
			hello := c.next()
			d := hello.object()
			if hello.Op != 10 || d["heartbeat_interval"] != 30_000.0 || !strings.HasPrefix(hello.raw, `{"t":null,"s":null,`) {
				t.Errorf("HELLO is %s", hello.raw)
			}
			if _, traced := d["_trace"]; traced == plain {
				t.Errorf("plain %t, but HELLO is %s", plain, hello.raw)
			}
			c.send(2, sc.identifyData(map[string]any{"shard": []int{0, 1}}))
			ready := c.next()
			d = ready.object()
			if ready.T != "READY" || ready.S != 1 || d["v"] != 10.0 || asObject(d["user"])["id"] != sc.app.Bot.ID.String() {
				t.Errorf("READY is %s", ready.raw)
			}
			stub := asObject(asList(d["guilds"])[0])
			if stub["id"] != sc.guild.ID.String() || stub["unavailable"] != true || len(asList(d["guilds"])) != 1 {
				t.Errorf("the guilds are %v", d["guilds"])
			}
			if fmt.Sprint(d["shard"]) != "[0 1]" || d["session_id"] == "" || d["resume_gateway_url"] != "ws://resume.discord.sim" {
				t.Errorf("READY is %s", ready.raw)
			}
			about := asObject(d["application"])
			if about["id"] != sc.app.ID.String() || about["flags"] != float64(limitedFlags) || about["flags_new"] != fmt.Sprint(limitedFlags) {
				t.Errorf("the application is %v", about)
			}
			if _, extra := d["session_type"]; extra == plain {
				t.Errorf("plain %t, but READY is %s", plain, ready.raw)
			}
			wait(5 * time.Second)
			unsharded := sc.identified(nil)
			if unsharded.session == d["session_id"] {
				t.Error("two sessions have the same id")
			}
		})
	}
}

// Given tokens good and bad, when a client identifies with them, then the token
// is taken raw or with one prefix, and everything else closes with 4004.
//
// Statements: S-019.
func TestTokens(t *testing.T) {
	withClient(t, patient, AppConfig{Token: "aaa.bbb.ccc"}, func(sc *clientHarness) {
		for token, code := range map[string]int{
			"aaa.bbb.ccc": 0, "Bot aaa.bbb.ccc": 0, "Bot Bot aaa.bbb.ccc": 4004, "aaa.bbb.ccd": 4004, "": 4004, "Bot ": 4004, "bot aaa.bbb.ccc": 4004,
		} {
			wait(5 * time.Second)
			c := sc.identify(map[string]any{"token": token})
			if code == 0 {
				c.ready()
				c.closeWith(4900)
			} else {
				c.closedWith(code)
			}
		}
		sc.violations("G-033") // for the prefix
		old := sc.app.Token
		sc.ResetToken(sc.app)
		sc.identify(map[string]any{"token": old}).closedWith(4004)
	})
}

// Given IDENTIFYs that are wrong in one field, when they are sent, then each
// closes with the code that names the field.
//
// Statements: S-018, S-020, S-022.
func TestWrongFields(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		for _, wrong := range []struct {
			field string
			value any
			code  int
		}{
			{"intents", nil, 4013}, {"intents", "513", 4013}, {"intents", 1.5, 4013}, {"intents", -1, 4013}, {"intents", 1 << 17, 4013}, {"intents", 1 << 40, 4013},
			{"shard", []int{1, 1}, 4010}, {"shard", []int{-1, 2}, 4010}, {"shard", []int{0, 0}, 4010}, {"shard", []int{0}, 4010}, {"shard", []int{0, 1, 2}, 4010},
			{"shard", []any{"0", "1"}, 4010}, {"shard", []float64{0.5, 2}, 4010}, {"shard", "0,1", 4010},
			{"token", nil, 4002}, {"token", 7, 4002}, {"compress", 7, 4002}, {"large_threshold", "many", 4002},
			{"presence", map[string]any{"status": "asleep", "activities": []any{}}, 4002}, {"presence", 1, 4002},
		} {
			c := sc.identify(map[string]any{wrong.field: wrong.value})
			c.closedWith(wrong.code)
		}
		c := sc.connect(inMemory)
		c.send(2, nil)
		c.closedWith(4002)
		if v := sc.Verdict(sc.app); sc.Sessions(sc.app) != 0 || v.Identifies == 0 {
			t.Errorf("%d sessions after %d wrong IDENTIFYs", sc.Sessions(sc.app), v.Identifies)
		}
	})
}

// Given an app without a privileged toggle, when its client asks for that
// intent, then it is closed with 4014; the plain flag and the LIMITED one both
// open it, and all documented intents together are accepted.
//
// Statements: S-020, S-021.
func TestPrivilegedIntents(t *testing.T) {
	for bit, flags := range map[int][]uint64{1: {1 << 14, 1 << 15}, 8: {1 << 12, 1 << 13}, 15: {1 << 18, 1 << 19}} {
		withClient(t, patient, AppConfig{Flags: new(uint64)}, func(sc *clientHarness) {
			sc.identify(map[string]any{"intents": 1 | 1<<bit}).closedWith(4014)
			if v := sc.Verdict(sc.app); v.RefusedIntents != 1 || v.Identifies != 1 {
				t.Errorf("%d of %d IDENTIFYs were refused", v.RefusedIntents, v.Identifies)
			}
			for _, flag := range flags {
				wait(5 * time.Second)
				sc.SetFlags(sc.app, flag)
				sc.identified(map[string]any{"intents": 1 | 1<<bit}).closeWith(4900)
			}
			wait(5 * time.Second)
			sc.SetFlags(sc.app, limitedFlags)
			sc.identified(map[string]any{"intents": 53_608_447}).closeWith(4900)
			sc.violations()
		})
	}
}

// Given a large bot, when a shard count is no multiple of its number, or the
// bot does not shard at all, then that closes with 4010.
//
// Statements: S-022.
func TestLargeBot(t *testing.T) {
	withClient(t, patient, AppConfig{LargeMultiple: 16, MaxConcurrency: 16}, func(sc *clientHarness) {
		for shard, code := range map[[2]int]int{{0, 8}: 4010, {3, 17}: 4010, {0, 1}: 4010, {0, 16}: 0, {31, 32}: 0} {
			c := sc.identify(map[string]any{"shard": shard})
			if code != 0 {
				c.closedWith(code)
				continue
			}
			c.ready()
		}
		sc.identify(nil).closedWith(4010)
	})
}

// Given more guilds than one shard may have, when a bot identifies as one
// shard, then it is closed with 4011; as two it is not.
//
// Statements: S-023.
func TestTooManyGuilds(t *testing.T) {
	cfg := patient
	cfg.Identify.MaxGuilds = 10
	inSimBubble(t, cfg, func(t *testing.T, s *Sim) {
		var guilds []*Guild
		for range 15 {
			guilds = append(guilds, s.AddGuild("one of many"))
		}
		sc := newClientHarness(t, s, AppConfig{Guilds: guilds, MaxConcurrency: 2})
		sc.identify(nil).closedWith(4011)
		total := 0
		for id := range 2 {
			c := sc.identify(map[string]any{"shard": []int{id, 2}})
			total += len(asList(c.ready().object()["guilds"]))
		}
		if total != 16 {
			t.Errorf("the two shards have %d guilds", total)
		}
	})
}

// startLimit asks REST for what is left of the identify budget.
func (sc *clientHarness) startLimit() (remaining int, resets time.Duration) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	_, remaining, resets = sc.Sim.startLimit(sc.app)
	return remaining, resets
}

// Given a budget, when sessions are begun and resumed, then an IDENTIFY costs
// one and a RESUME nothing, and after the window the budget is whole again.
//
// Statements: S-024.
func TestBudget(t *testing.T) {
	withClient(t, patient, AppConfig{StartsTotal: 10}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		c = c.reconnectAndResume()
		c.event("RESUMED")
		wait(5 * time.Second)
		sc.identified(nil)
		if left, resets := sc.startLimit(); left != 8 || resets != 24*time.Hour-5*time.Second {
			t.Errorf("%d are left for %s", left, resets)
		}
		wait(24*time.Hour - 5*time.Second)
		if left, resets := sc.startLimit(); left != 10 || resets != 24*time.Hour {
			t.Errorf("%d are left for %s after the window", left, resets)
		}
	})
}

// Given a budget, when IDENTIFYs are refused, then they cost nothing, or one
// each where Discord is configured to count them.
//
// Statements: S-024.
func TestRejectedIdentify(t *testing.T) {
	for _, counted := range []bool{false, true} {
		cfg := patient
		cfg.Identify.CountRejected = counted
		withClient(t, cfg, AppConfig{StartsTotal: 100, Flags: new(uint64)}, func(sc *clientHarness) {
			old := sc.app.Token
			sc.ResetToken(sc.app)
			sc.identify(map[string]any{"token": old}).closedWith(4004)
			sc.identify(map[string]any{"intents": 1 << 30}).closedWith(4013)
			sc.identify(map[string]any{"intents": 1 << 1}).closedWith(4014)
			sc.identify(map[string]any{"shard": []int{2, 1}, "intents": 1}).closedWith(4010)
			sc.identified(map[string]any{"intents": 1})
			early := sc.identify(map[string]any{"intents": 1}) // too early
			early.op(9)
			want := 99
			if counted {
				want = 94
			}
			if left, _ := sc.startLimit(); left != want {
				t.Errorf("counted %t: %d are left, want %d", counted, left, want)
			}
			if n := sc.Verdict(sc.app).Identifies; n != 6 {
				t.Errorf("%d IDENTIFYs are in the verdict", n)
			}
		})
	}
}

// Given a spent budget, when the client identifies all the same, then every
// session of the app ends with 4003, the token is good for nothing any more,
// and its owner gets an e-mail.
//
// Statements: S-025.
func TestExhaustedBudget(t *testing.T) {
	withClient(t, patient, AppConfig{StartsTotal: 2, MaxConcurrency: 3}, func(sc *clientHarness) {
		old := sc.app.Token
		first, second := sc.identified(map[string]any{"shard": []int{0, 3}}), sc.identified(map[string]any{"shard": []int{1, 3}})
		sc.identify(map[string]any{"shard": []int{2, 3}}).closedWith(4004)
		first.closedWith(4003)
		second.closedWith(4003)
		if sc.Sessions(sc.app) != 0 || sc.Online(sc.app) || sc.app.Token == old {
			t.Errorf("%d sessions are left, and the token changed: %t", sc.Sessions(sc.app), sc.app.Token != old)
		}
		req, _ := http.NewRequest(http.MethodGet, sc.APIURL()+"/users/@me", nil)
		req.Header.Set("User-Agent", goodAgent)
		req.Header.Set("Authorization", "Bot "+old)
		transport := sc.Transport()
		defer transport.CloseIdleConnections()
		answer, err := transport.RoundTrip(req)
		if err != nil || answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("REST says %v, %v", answer, err)
		}
		_ = answer.Body.Close()
		sc.identify(map[string]any{"token": old}).closedWith(4004)
		v := sc.Verdict(sc.app)
		if len(v.Emails) != 1 || v.Emails[0].To != sc.app.Owner || !v.Emails[0].At.Equal(time.Now()) {
			t.Errorf("the e-mails are %v", v.Emails)
		}
		sc.violations("G-041")
	})
}

// Given a session, when another shard of the same key identifies within five
// seconds, then op 9 false comes two seconds later, and the same connection can
// be used for an IDENTIFY that keeps the time.
//
// Statements: S-026, S-050.
func TestConcurrency(t *testing.T) {
	withClient(t, patient, AppConfig{MaxConcurrency: 2}, func(sc *clientHarness) {
		sc.identified(map[string]any{"shard": []int{0, 4}})
		sc.identified(map[string]any{"shard": []int{1, 4}}) // another key
		wait(4900 * time.Millisecond)
		c := sc.identify(map[string]any{"shard": []int{2, 4}})
		sent := time.Now()
		if p := c.next(); p.Op != 9 || string(p.D) != "false" || p.at.Sub(sent) != 2*time.Second {
			t.Errorf("after %s came %s", p.at.Sub(sent), p.raw)
		}
		sc.violations("G-038")
		wait(3 * time.Second)
		c.send(2, sc.identifyData(map[string]any{"shard": []int{2, 4}}))
		c.ready()
		v := sc.Verdict(sc.app)
		if v.MinIdentifySpacing != 4900*time.Millisecond || v.Identifies != 4 {
			t.Errorf("%d IDENTIFYs, %s apart", v.Identifies, v.MinIdentifySpacing)
		}
		wait(4960 * time.Millisecond) // the one before was longer under way
		sc.identified(map[string]any{"shard": []int{0, 4}})
		if n := len(sc.Verdict(sc.app).Violations); n != 1 {
			t.Errorf("%d violations, want 1", n)
		}
	})
}

// Given a session on a connection, when the client identifies or resumes on it
// again, then it is closed with 4005 and the session kept.
//
// Statements: S-017.
func TestAlreadyAuthenticated(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.send(2, sc.identifyData(nil))
		c.closedWith(4005)
		again := c.reconnectAndResume()
		again.event("RESUMED")
		again.resume(c.session, c.seq)
		again.closedWith(4005)
		c.reconnectAndResume().event("RESUMED")
		sc.violations("G-037", "S-017")
	})
}

// Given sessions with the same and with different shard pairs, when something
// happens, then each gets its own copy.
//
// Statements: S-009, S-033.
func TestSessionsSideBySide(t *testing.T) {
	withClient(t, patient, AppConfig{MaxConcurrency: 16}, func(sc *clientHarness) {
		other := sc.AddApp(AppConfig{Name: "other", Guilds: []*Guild{sc.guild}})
		of := int(uint64(sc.guild.ID)>>22) % 5
		var clients []*client
		for _, ask := range []map[string]any{{"shard": []int{0, 1}}, {"shard": []int{of, 5}}, {"token": other.Token}, {"shard": []int{0, 1}}} {
			clients = append(clients, sc.identified(ask))
			wait(5 * time.Second)
		}
		elsewhere := sc.identified(map[string]any{"shard": []int{(of + 1) % 5, 5}})
		said := sc.say("hello all")
		for i, c := range clients {
			if p := c.event("MESSAGE_CREATE"); p.object()["id"] != said.ID.String() {
				t.Errorf("client %d got %s", i, p.raw)
			}
		}
		if got := elsewhere.events(); slices.Contains(got, "MESSAGE_CREATE") {
			t.Errorf("another shard got %q", got)
		}
		if sc.Sessions(sc.app) != 4 || sc.Sessions(other) != 1 || len(sc.Connections(other)) != 1 || len(sc.Connections(sc.app)) != 4 {
			t.Errorf("%d and %d sessions", sc.Sessions(sc.app), sc.Sessions(other))
		}
		sc.violations()
	})
}

// Given a client that says nothing after HELLO, then nothing happens, or with an
// identify time-out its connection is closed with 4009. An IDENTIFY that Discord
// itself sits on is no silence.
//
// Statements: S-061.
func TestIdentifyTimeout(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.connect(inMemory)
		c.op(10)
		c.nothingWithin(time.Hour)
	})
	cfg := patient
	cfg.Identify.Timeout = 30 * time.Second
	withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
		sc.inject(Fault{Name: "no-ready", Count: 1})
		swallowed := sc.identify(nil)
		start := time.Now()
		sc.connect(inMemory).closedWith(4009)
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("it took %s", took)
		}
		live := sc.identified(nil)
		live.event("GUILD_CREATE")
		live.nothingWithin(time.Minute)
		swallowed.nothingWithin(time.Second)
	})
}

// Given an IDENTIFY that came too early, then the window goes on from the one before it, or
// begins anew where that is configured.
//
// Statements: S-026.
func TestEarlyIdentifyExtendsTheWindowAsConfigured(t *testing.T) {
	for _, extends := range []bool{false, true} {
		cfg := patient
		cfg.Identify.EarlyExtends = extends
		withClient(t, cfg, AppConfig{}, func(sc *clientHarness) {
			sc.identified(nil)
			wait(3 * time.Second)
			c := sc.identify(nil)
			c.op(9) // two seconds later
			c.send(2, sc.identifyData(nil))
			if extends {
				c.op(9)
			} else {
				c.ready()
			}
		})
	}
}
