package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"

	"github.com/disgoorg/snowflake/v2"
)

// TestEveryCommandBothWays: each command answers the same by prefix and as a
// slash command, and each answer has what the command promises.
func TestEveryCommandBothWays(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"help", []string{"What I can do", "help [command]", "ping", "status", "uptime", "about", "shutdown` Shuts me down (owner only)", "explains one of them"}},
		{"ping", []string{"Pong! Gateway: 45ms, REST: 120ms"}},
		{"status", []string{"**Live**", "Uptime: 1 h 1 min", "Session: 1 h 1 min old", "Resumes: 4, identifies: 2", "Guilds: 0", "Last incident: none"}},
		{"uptime", []string{"I have been running for 1 h 1 min."}},
		{"about", []string{"I am ResearchBot", "Evergreen 1.2.3", "go1."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start()
				h.discord.latency = 120 * time.Millisecond
				h.shard.stats = gateway.Stats{Resumed: 4, Identifies: 2}
				h.wait(time.Hour + time.Minute)

				byPrefix := h.say("!" + c.name)
				slash, token := h.use(askerID, c.name)
				h.wait(time.Second)

				said := h.discord.said()
				shown := h.discord.interaction(token)
				if len(said) != 1 || shown.content == "" || !byPrefix.released() || !slash.released() {
					t.Fatalf("the answers are %q and %q", said, shown.content)
				}
				for _, want := range c.want {
					if !strings.Contains(said[0], want) {
						t.Errorf("by prefix: %s\nwithout %q", said[0], want)
					}
					if !strings.Contains(shown.content, want) {
						t.Errorf("as a slash command: %s\nwithout %q", shown.content, want)
					}
				}
				if shown.edits > 0 || shown.flags != 0 {
					t.Errorf("the slash command was answered in a roundabout way: %+v", shown)
				}
				if counts := h.bot.Counts(); counts.Commands != 2 || counts.Answered != 2 {
					t.Errorf("counts: %+v", counts)
				}
			})
		})
	}
}

// TestHelpExplains: help with the name of a command, or one of its aliases, or
// the name with its prefix, explains that command.
func TestHelpExplains(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) {
			o.Commands = append(Builtin(), Command{
				Name: "cite", Aliases: []string{"quote"}, Summary: "Cites a paper", Details: "It knows every paper.", OwnerOnly: true,
				Parameters: []Parameter{{Name: "paper", Summary: "Its DOI", Required: true}, {Name: "style", Summary: "How"}},
				Run:        func(context.Context, *Request) (Answer, error) { return Answer{}, nil },
			})
		})
		want := "`%[1]scite <paper> [style]`\nCites a paper. It knows every paper.\n- `paper`: Its DOI\n- `style`: How (optional)\nAlso: `quote`\nOnly my owner may use it."
		for _, text := range []string{"!help cite", "!h QUOTE", "!commands !cite"} {
			h.say(text)
		}
		for _, said := range h.discord.said() {
			if said != fmt.Sprintf(want, "!") {
				t.Errorf("help said\n%s", said)
			}
		}
		_, token := h.use(askerID, "help", "command", "cite")
		if got := h.discord.interaction(token).content; got != fmt.Sprintf(want, "/") {
			t.Errorf("help said\n%s", got)
		}
		h.say("!help pnig")
		if said := h.discord.said(); len(said) != 4 || said[3] != "I do not know `!pnig`. Did you mean `!ping`?" {
			t.Errorf("help said %q", said)
		}
		for _, c := range Builtin() {
			_, token := h.use(7, "help", "command", c.Name)
			if got := h.discord.interaction(token).content; !strings.Contains(got, c.Summary) || !strings.Contains(got, "`/"+c.Name) {
				t.Errorf("help %s said %q", c.Name, got)
			}
			h.wait(time.Minute)
		}
	})
}

// TestHelpWordForWord: a command is listed and explained with what it has, and nothing of
// what it has not.
func TestHelpWordForWord(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) {
			plain, owners := sayCommand(""), sayCommand("")
			plain.Name, owners.Name, owners.OwnerOnly = "plain", "owners", true
			o.Commands, o.Version = []Command{helpCommand, plain, owners, aboutCommand}, ""
		})
		h.say("!help")
		h.say("!help plain")
		h.say("!help !!plain") // one prefix is cut
		h.say("!about")
		want := []string{
			"**What I can do**\n`!help [command]` Lists what I can do, or explains one command\n`!plain` Says it\n`!owners` Says it (owner only)\n`!about` Says what I am\n" +
				"`!help ping` explains one of them. Every command also works as a slash command, in a direct message, and when you mention me.",
			"`!plain`\nSays it.",
			"I do not know `!!plain`. Did you mean `!plain`?",
			"I am ResearchBot. Evergreen keeps me online (" + runtime.Version() + "). Ask `!help` for what I can do.",
		}
		if got := h.discord.said(); !slices.Equal(got, want) {
			t.Errorf("the bot said %q, want %q", got, want)
		}
	})
	run(t, func(h *harness) {
		h.start(func(o *Options) {
			echo := sayCommand("")
			echo.Name = "echo"
			o.Commands, o.Prefix = []Command{helpCommand, echo}, "e"
		})
		h.say("e help echo") // the name and not the prefix with a name
		_, token := h.use(askerID, "help", "command", "eecho")
		h.expect("`eecho`\nSays it.")
		if got := h.discord.interaction(token).content; got != "`/echo`\nSays it." {
			t.Errorf("help said %q", got)
		}
	})
}

// TestPingWithoutMeasures: a ping before the first heartbeat and while REST is
// down says so, in time; many pings at once cost one request.
func TestPingWithoutMeasures(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.shard.latency = 0
		h.discord.fail(fault{on: "GET /users/@me", times: -1, hang: true})
		for user := range uint64(5) {
			h.sayAs(100+user, "!ping")
		}
		h.wait(1600 * time.Millisecond)
		h.expect(strings.Split(strings.Repeat("Pong! Gateway: not measured yet, REST: no answer\n", 5), "\n")[:5]...)
		if n := len(h.discord.asked("GET /users/@me")); n != 1 {
			t.Errorf("five pings made %d requests", n)
		}
	})
}

// TestPingMeasuresAgain: a measurement is used for five seconds.
func TestPingMeasuresAgain(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		for _, want := range []int{1, 1, 2, 2, 3} {
			h.say("!ping")
			if n := len(h.discord.asked("GET /users/@me")); n != want {
				t.Errorf("%d measurements, want %d", n, want)
			}
			h.wait(roundTripAge * 3 / 5)
		}
	})
}

// TestPingOfASlowDiscord: an answer that comes while a slash command can still be answered
// is a measurement.
func TestPingOfASlowDiscord(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.discord.fail(fault{on: "GET /users/@me", times: -1, after: 1400 * time.Millisecond})
		_, token := h.use(askerID, "ping")
		h.wait(2 * time.Second)
		if got := h.discord.interaction(token); got.content != "Pong! Gateway: 45ms, REST: 1400ms" || got.edits != 0 {
			t.Errorf("the interaction is %+v", got)
		}
	})
}

// TestPingGivesUpWithItsTime: a ping that waits for another's measurement does
// not outlive its own time limit.
func TestPingGivesUpWithItsTime(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.bot.roundTrip.lock <- struct{}{}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := h.bot.roundTrip.measure(ended, h.bot.api); !errors.Is(err, context.Canceled) {
			t.Errorf("the measurement ended with %v", err)
		}
	})
}

// report is a Health with a fixed answer.
type report Report

func (r report) Report() Report { return Report(r) }

// TestStatusFromHealth: what a watcher reports is what status says.
func TestStatusFromHealth(t *testing.T) {
	run(t, func(h *harness) {
		now := time.Now()
		for _, c := range []struct {
			report Report
			want   string
		}{
			{Report{State: "Online", Uptime: 26 * time.Hour, SessionAge: 90 * time.Second, Resumes: 7, Identifies: 1, Incident: "op 7", IncidentAt: now.Add(-3 * time.Hour), IncidentFor: 2 * time.Second},
				"**Online**\nUptime: 1 d 2 h\nSession: 1 min 30 s old\nResumes: 7, identifies: 1\nGuilds: 0\nLast incident: op 7, 3 h 0 min ago, for 2 s"},
			{Report{State: "Offline", Incident: "no network", IncidentAt: now.Add(-5 * time.Second)},
				"**Offline**\nUptime: 0 s\nResumes: 0, identifies: 0\nGuilds: 0\nLast incident: no network, 5 s ago, not over yet"},
			{Report{State: "Online", Incident: "long ago"}, "**Online**\nUptime: 0 s\nResumes: 0, identifies: 0\nGuilds: 0\nLast incident: long ago"},
		} {
			h.start(func(o *Options) { o.Health = report(c.report) })
			h.say("!status")
			if said := h.discord.said(); said[len(said)-1] != c.want {
				t.Errorf("status said\n%s\nwant\n%s", said[len(said)-1], c.want)
			}
			h.say("!uptime")
			_ = h.bot.Stop(context.Background())
		}
	})
}

// TestBeforeAnythingIsKnown: a bot without a shard believes to be offline, and
// the age of a session it did not see begin is left out.
func TestBeforeAnythingIsKnown(t *testing.T) {
	run(t, func(h *harness) {
		h.unattached = true
		h.make()
		h.say("!status")
		h.say("!ping")
		h.expect("**Idle**\nUptime: 0 s\nResumes: 0, identifies: 0\nGuilds: 0\nLast incident: none", "Gateway: not measured yet")
		if err := h.bot.shard().SetPresence(gateway.Presence{}); err != nil {
			t.Error(err)
		}
	})
}

// TestShutdownSaysGoodbyeFirst: the owner asks for shutdown while REST is cut;
// Goodbye is called once, after the answer stands and the event is let go.
func TestShutdownSaysGoodbyeFirst(t *testing.T) {
	for _, way := range []string{"prefix", "slash"} {
		t.Run(way, func(t *testing.T) {
			run(t, func(h *harness) {
				var event *heldEvent
				var token string
				goodbyes := 0
				h.start(func(o *Options) {
					o.Shutdown = func() {
						goodbyes++
						if len(h.discord.said()) == 0 && (token == "" || !h.discord.interaction(token).acked) {
							t.Error("Goodbye came before the answer stood")
						}
						if event != nil && !event.released() {
							t.Error("Goodbye came before the event was let go: the next run would shut down again")
						}
					}
				})
				h.discord.fail(fault{on: "POST /", times: 1, cut: true})
				if way == "prefix" {
					event = h.sayAs(ownerID, "!shutdown")
				} else {
					var data string
					data, token = h.slash(ownerID, "shutdown")
					event = h.deliver("INTERACTION_CREATE", data)
				}
				if goodbyes != 0 || !event.held() {
					t.Error("Goodbye came while the answer was being cut off")
				}
				h.wait(2 * time.Second)
				if goodbyes != 1 {
					t.Errorf("Goodbye was called %d times", goodbyes)
				}
				h.logged(1, "WARN Shutdown requested user=80351110224678912")
			})
		})
	}
}

// TestShutdownWhereTheBotMayNotSpeak: the owner's word counts even where the
// answer is refused for good.
func TestShutdownWhereTheBotMayNotSpeak(t *testing.T) {
	run(t, func(h *harness) {
		goodbyes := 0
		h.start(func(o *Options) { o.Shutdown = func() { goodbyes++ } })
		h.discord.fail(fault{on: "POST /channels", times: -1, status: 403, body: `{"code":50013,"message":"Missing Permissions"}`})
		if event := h.sayAs(ownerID, "!shutdown"); goodbyes != 1 || !event.released() {
			t.Errorf("Goodbye was called %d times", goodbyes)
		}
	})
}

// TestShutdownIsForOwners: who is not the owner gets a polite refusal, as a
// slash command for his eyes only; a team's owner and its accepted admins, and
// those named in the options, may.
func TestShutdownIsForOwners(t *testing.T) {
	run(t, func(h *harness) {
		goodbyes := 0
		h.discord.application = fmt.Sprintf(`{"id":"%d","bot":{"id":"%d"},"owner":{"id":"1"},"team":{"owner_user_id":"2","members":[
			{"membership_state":2,"role":"admin","user":{"id":"3"}},
			{"membership_state":1,"role":"admin","user":{"id":"4"}},
			{"membership_state":2,"role":"developer","user":{"id":"5"}},
			{"membership_state":2,"role":"admin"}]}}`, appID, selfID)
		h.start(func(o *Options) {
			o.Shutdown = func() { goodbyes++ }
			o.Owners = []snowflake.ID{6}
		})
		for user, may := range map[uint64]bool{1: true, 2: true, 3: true, 4: false, 5: false, 6: true, askerID: false} {
			before := goodbyes
			h.sayAs(user, "!shutdown")
			_, token := h.use(user, "shutdown")
			if got := goodbyes - before; got != map[bool]int{true: 2, false: 0}[may] {
				t.Errorf("user %d shut the bot down %d times", user, got)
			}
			if shown := h.discord.interaction(token); !may && (shown.content != textNotOwner || shown.flags != 1<<6) {
				t.Errorf("user %d was told %+v", user, shown)
			}
		}
		if n := len(h.discord.asked("GET /applications/@me")); n != 1 {
			t.Errorf("the owner was asked for %d times", n)
		}
	})
}

// TestOwnerUnknown: while Discord cannot tell who the owner is, no user counts as
// the owner, and the answer does not accuse.
func TestOwnerUnknown(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.Shutdown = func() { t.Error("it shut down") } })
		h.discord.fail(fault{on: "GET /applications", times: -1, status: 503})
		h.sayAs(ownerID, "!shutdown")
		h.expect(textOwnerUnknown)
		h.logged(1, "WARN Owner of the bot could not be fetched")
	})
}

// TestCommandTableIsChecked: a mistake in the table is found by New, not by
// Discord and not by the first who calls the command.
func TestCommandTableIsChecked(t *testing.T) {
	run := func(context.Context, *Request) (Answer, error) { return Answer{}, nil }
	good := Command{Name: "a", Summary: "s", Run: run}
	parameters := func(p ...Parameter) Command {
		c := good
		c.Parameters = p
		return c
	}
	long := strings.Repeat("x", 101)
	for want, commands := range map[string][]Command{
		"a name is":           {{Name: "Ping", Summary: "s", Run: run}},
		"nobody can call it ": {{Name: "8ball", Summary: "s", Run: run}},
		`call it ""`:          {{Name: "a", Aliases: []string{""}, Summary: "s", Run: run}},
		`call it "two words"`: {{Name: "a", Aliases: []string{"two words"}, Summary: "s", Run: run}},
		"is taken":            {good, {Name: "b", Aliases: []string{"A"}, Summary: "s", Run: run}},
		"has 0 characters":    {{Name: "a", Run: run}},
		"has 101 characters":  {{Name: "a", Summary: long, Run: run}},
		"no Run":              {{Name: "a", Summary: "s"}},
		`parameter "B"`:       {parameters(Parameter{Name: "B", Summary: "s"})},
		`"b": the summary`:    {parameters(Parameter{Name: "b"})},
		`"c": the summary`:    {parameters(Parameter{Name: "c", Summary: long})},
		"behind an optional":  {parameters(Parameter{Name: "b", Summary: "s"}, Parameter{Name: "c", Summary: "s", Required: true})},
		"two parameters":      {parameters(Parameter{Name: "b", Summary: "s"}, Parameter{Name: "b", Summary: "s"})},
	} {
		if err := checkCommands(commands); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	longest := Command{
		Name: strings.Repeat("n", 32), Summary: long[1:], Run: run,
		Parameters: []Parameter{{Name: strings.Repeat("p", 32), Summary: long[1:], Required: true}, {Name: "b", Summary: "s", Required: true}, {Name: "c", Summary: "s"}, {Name: "d", Summary: "s"}},
	}
	if err := checkCommands(append(Builtin(), good, longest)); err != nil {
		t.Error(err)
	}
}

// TestOptionsAreChecked: New names what cannot work and never shows the token.
func TestOptionsAreChecked(t *testing.T) {
	sound := Options{Token: testToken, HTTPClient: http.DefaultClient}
	for _, test := range []struct {
		want   string
		change func(o *Options)
	}{
		{"no token", func(o *Options) { o.Token = "" }},
		{"no HTTP client", func(o *Options) { o.HTTPClient = nil }},
		{"concurrency limits must", func(o *Options) { o.Concurrency = -1 }},
		{"concurrency limits must", func(o *Options) { o.Outstanding = -1 }},
		{"time limits must", func(o *Options) { o.SlowAfter = -1 }},
		{"time limits must", func(o *Options) { o.HandlerTimeout = -1 }},
		{"time limits must", func(o *Options) { o.AnswerWithin = -1 }},
		{"status", func(o *Options) { o.Presence.Status = "green" }},
		{"it has no Run", func(o *Options) { o.Commands = []Command{{Name: "a", Summary: "s"}} }},
	} {
		o := sound
		test.change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), testToken) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	o, err := Options{Token: "Bot " + testToken, HTTPClient: http.DefaultClient}.complete()
	if err != nil || o.Token != testToken || o.Prefix != "!" || o.UserAgent != "DiscordBot (https://github.com/evergreen, 0)" {
		t.Errorf("%v, prefix %q, agent %q", err, o.Prefix, o.UserAgent)
	}
	if o.KeepaliveInterval != 300*time.Second || o.ActivityWarningAfter != 30*time.Minute || o.Concurrency != 16 || o.Outstanding != 512 ||
		o.HandlerTimeout != 30*time.Second || o.SlowAfter != 3*time.Second || o.AnswerWithin != 3*time.Minute || o.Cooldown != time.Second ||
		o.Presence.Status != gateway.StatusOnline || o.Intents != Intents(false) || o.Undelivered() {
		t.Errorf("the defaults are %+v", o)
	}
	if r := o.Rand(); r < 0 || r >= 1 {
		t.Error("the default jitter is", r)
	}
}

// TestEvents: the bot asks for the events it reads and the intents that bring
// them.
func TestEvents(t *testing.T) {
	want := "CHANNEL_CREATE CHANNEL_DELETE CHANNEL_UPDATE GUILD_CREATE GUILD_DELETE GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_ROLE_CREATE GUILD_ROLE_DELETE GUILD_ROLE_UPDATE GUILD_UPDATE INTERACTION_CREATE MESSAGE_CREATE READY RESUMED THREAD_DELETE THREAD_UPDATE"
	if got := strings.Join(Events(), " "); got != want {
		t.Errorf("events: %s", got)
	}
	if got := Intents(false).String(); got != "GUILDS|GUILD_MEMBERS|GUILD_MESSAGES|DIRECT_MESSAGES|MESSAGE_CONTENT" {
		t.Errorf("intents: %s", got)
	}
	if extra := Intents(true) &^ Intents(false); extra != gateway.IntentGuildPresences {
		t.Errorf("with presences: %s", extra)
	}
}

// TestParameters: words become parameters in order, the last takes the rest, a
// missing one is asked for.
func TestParameters(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) {
			o.Commands = append(Builtin(), Command{
				Name: "tell", Summary: "Tells",
				Parameters: []Parameter{{Name: "whom", Summary: "The person", Required: true}, {Name: "what", Summary: "The words"}},
				Run: func(_ context.Context, r *Request) (Answer, error) {
					return Answer{Text: fmt.Sprintf("%q %q", r.Argument("whom"), r.Argument("what"))}, nil
				},
			})
		})
		h.say("!tell  mai \n all  the words ")
		h.say("!TELL mai")
		h.say("!tell")
		_, token := h.use(askerID, "tell", "whom", "mai", "what", "everything")
		h.expect(`"mai" "all  the words"`, `"mai" ""`, "I need `whom` (The person): `!tell <whom> [what]`")
		if got := h.discord.interaction(token).content; got != `"mai" "everything"` {
			t.Errorf("the slash command said %s", got)
		}
	})
}
