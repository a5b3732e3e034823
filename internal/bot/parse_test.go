package bot

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestInvocationForms: a prefix or a mention in both forms calls the bot, with or
// without the prefix behind it; prose does not.
//
// Statements: G-148.
func TestInvocationForms(t *testing.T) {
	for content, want := range map[string]string{
		"!about":                              "ResearchBot",
		" \n!ABOUT  now ":                     "ResearchBot",
		fmt.Sprintf("<@%d> about", selfID):    "ResearchBot",
		fmt.Sprintf("<@!%d>about", selfID):    "ResearchBot",
		fmt.Sprintf("<@!%d>  !about", selfID): "ResearchBot",
		fmt.Sprintf("<@%d>", selfID):          "You called? Ask `!help`",
		fmt.Sprintf("<@!%d> ", selfID):        "You called? Ask `!help`",
		"!abuot":                              "I do not know `!abuot`. Did you mean `!about`?",
		"!uptme":                              "Did you mean `!uptime`?",
		"!commnads":                           "Did you mean `!help`?",
		"!xylophone":                          "I do not know `!xylophone`. Ask `!help` for what I can do.",
		"!ab`out":                             "I do not know `!about`. Did you mean",
		"!ช่วย":                               "I do not know `!ช่วย`. Ask",
		"about":                               "",
		"! about":                             "ResearchBot",
		"! hello":                             "",
		"!!!":                                 "",
		"!":                                   "",
		"":                                    "",
		"!8":                                  "",
		"<@5> about":                          "",
		"<@" + strings.Repeat("9", 30) + "> about": "",
		"<@x> about":                           "",
		fmt.Sprintf("<@%d about", selfID):      "",
		fmt.Sprintf("hey <@%d> about", selfID): "",
		fmt.Sprintf("<@%d>, hello", selfID):    "I do not know `!hello`",
		"!" + strings.Repeat("a", 33):          "",
		"!" + strings.Repeat("a", 32):          "I do not know `!" + strings.Repeat("a", 32) + "`",
		fmt.Sprintf("<@%d> @about", selfID):    "",
		fmt.Sprintf("%d> about", selfID):       "",
		fmt.Sprintf("<@%d", selfID):            "",
		"<@0> about":                           "",
		"<@&0> about":                          "",
		"!xylophone? x":                        "I do not know `!xylophone?`",
	} {
		run(t, func(h *harness) {
			h.start()
			event := h.say(content)
			said := strings.Join(h.discord.said(), "|")
			if want == "" && (said != "" || event.taken) {
				t.Errorf("%q: the bot said %q", content, said)
			}
			if want != "" && (!strings.Contains(said, want) || !event.released()) {
				t.Errorf("%q: the bot said %q", content, said)
			}
		})
	}
}

// TestOtherPrefix: the prefix is what the operator chose, in the answers too.
func TestOtherPrefix(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) { o.Prefix = "bot, " })
		h.say("!about")
		h.say("bot, about")
		h.say("bot, hlep")
		h.expect("Ask `bot, help`", "Did you mean `bot, help`?")
	})
}

// TestInvisibleCharactersDoNotCount: people see neither where an invisible character
// stands nor which of two equal characters they typed, so neither matters.
func TestInvisibleCharactersDoNotCount(t *testing.T) {
	const about, none = "ResearchBot", ""
	self, role := fmt.Sprintf("<@%d>", selfID), fmt.Sprintf("<@&%d>", roleID)
	for content, want := range map[string]string{
		"\u200b!about":              about,
		"!\u200babout":              about,
		"!ab\u200b\u00adout":        about,
		"!about\ufe0f":              about,
		"!\ufe0fabout":              about,
		"\u200e!about\u200f":        about,
		"\u2066!about\u2069":        about,
		"!about\ufeff \ufe0f now":   about,
		"\u2060 \u200b\n!about":     about,
		"!about\u2800":              about,
		"\u3164!about":              about,
		"! \u200b about":            about,
		"!\u00a0about":              about,
		"!\nabout":                  about,
		"\u3000！ａｂｏｕｔ\u3000":        about,
		"！About":                    about,
		"!about!":                   about,
		"!about.":                   about,
		"!about？":                   about,
		"!abo\u200but?":             about,
		"!about?\u200b x":           about,
		"!abuot\u200b":              "I do not know `!abuot`. Did you mean `!about`?",
		"!аbout":                    "I do not know `!аbout`. Did you mean `!about`?", // a Cyrillic letter
		"!help ab\u200bout":         "`!about`\nSays what I am.",
		"!help !about\u200b":        "`!about`\nSays what I am.",
		"!help ！ＡＢＯＵＴ":              "`!about`\nSays what I am.",
		"!help \u200b":              "**What I can do**",
		self + ", about":            about,
		self + ": about":            about,
		self + "，about":             about,
		self + "、 about":            about,
		self + " - about":           about,
		self + "\u200b about":       about,
		self + "\nabout":            about,
		self + " !about":            about,
		self + ", ! about":          about,
		self + "! about":            about,
		self + " " + self + "about": about,
		"\u200b" + self + "about":   about,
		self + " **about**":         about,
		self + "?":                  "You called? Ask `!help`",
		self + " ! ":                "You called? Ask `!help`",
		self + " \u200b":            "You called? Ask `!help`",
		role + " about":             about,
		role + ", !about":           about,
		role:                        "You called? Ask `!help`",
		"<@&77> about":              none,
		"! ! about":                 none,
		"!!about":                   none,
		"\u200b":                    none,
		"!\u200b":                   none,
		"`!about`":                  none,
		"**!about**":                none,
		"> !about":                  none,
		"||!about||":                none,
		"\\!about":                  none,
		self + " 8ball":             none,
	} {
		run(t, func(h *harness) {
			h.start()
			h.deliver("GUILD_CREATE", guildWithRole)
			event := h.say(content)
			said := strings.Join(h.discord.said(), "|")
			if !strings.Contains(said, want) || (want == none) != (said == "") || (want != none) != event.released() {
				t.Errorf("%+q: the bot said %q, want %q", content, said, want)
			}
		})
	}
}

// roleID is the bot's own role in the guild.
const roleID = 1203000000000000003

var guildWithRole = fmt.Sprintf(`{"id":"%d","name":"Lab","roles":[{"id":"%d","tags":null},{"id":"%d","tags":{"bot_id":"%d"}},5]}`, guildID, guildID, roleID, selfID)

// TestOwnRoleOfResumedProcess: a process that began with a RESUME has seen no guild, and
// asks for its role once.
func TestOwnRoleOfResumedProcess(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		h.discord.guild = guildWithRole
		h.say(fmt.Sprintf("<@&%d> about", roleID))
		h.say("<@&77> about")
		h.say(fmt.Sprintf("<@&%d> about", roleID))
		h.expect("ResearchBot", "ResearchBot")
		if n := len(h.discord.asked("GET /guilds/")); n != 1 {
			t.Errorf("asked for the guild %d times", n)
		}
		h.discord.guild = strings.ReplaceAll(guildWithRole, fmt.Sprint(roleID), "78")
		h.deliver("GUILD_ROLE_CREATE", fmt.Sprintf(`{"guild_id":"%d","role":{"id":"78"}}`, guildID))
		h.say("<@&78> about")
		h.expect("ResearchBot", "ResearchBot", "ResearchBot")
		// What does not touch its role is no reason to ask again, what may is.
		asked := len(h.discord.asked("GET /guilds/"))
		h.forbids(1, 50013)
		h.say("!about")
		looked := len(h.discord.asked("GET /guilds/")) - asked // for the reason of the refusal
		h.deliver("CHANNEL_UPDATE", fmt.Sprintf(`{"guild_id":"%d","id":"5"}`, guildID))
		h.deliver("GUILD_CREATE", `{"id":"5","roles":[]}`)
		h.say("<@&77> about")
		if n := len(h.discord.asked("GET /guilds/")); n != asked+looked {
			t.Errorf("asked for the guild %d times, want %d", n, asked+looked)
		}
		h.deliver("GUILD_ROLE_DELETE", fmt.Sprintf(`{"guild_id":"%d","role_id":"78"}`, guildID))
		h.discord.guild = guildWithRole
		h.say(fmt.Sprintf("<@&%d> about", roleID))
		h.expect("ResearchBot", "ResearchBot", "ResearchBot", "You asked me something", "ResearchBot")
		h.deliver("GUILD_DELETE", fmt.Sprintf(`{"id":"%d"}`, guildID))
		h.discord.fail(fault{on: "GET /guilds/", times: -1, status: 404})
		event := h.say("<@&77> about")
		h.logged(1, "WARN Message may mention the bot, whose own id or role is not known yet")
		if !event.released() {
			t.Error("a message that is not for the bot stays held")
		}
	})
}

// TestRoleOfAnUnreadGuild: a guild in an outage, or one that arrived before the bot knew
// who it is, tells nothing about the bot's role there.
func TestRoleOfAnUnreadGuild(t *testing.T) {
	for name, arrive := range map[string]func(h *harness){
		"outage": func(h *harness) {
			h.start()
			h.deliver("GUILD_CREATE", fmt.Sprintf(`{"id":"%d","unavailable":true}`, guildID))
		},
		"before the identity": func(h *harness) {
			h.make(func(o *Options) { o.KeepCommands = true })
			h.deliver("GUILD_CREATE", guildWithRole)
			h.run()
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(h *harness) {
				arrive(h)
				h.say(fmt.Sprintf("<@&%d> about", roleID))
				h.expect("ResearchBot")
			})
		})
	}
}

// TestPrefixes: whatever the operator chose as the prefix is recognised in every way in
// which clients write it.
func TestPrefixes(t *testing.T) {
	for _, test := range []struct{ prefix, called string }{
		{"❗\ufe0f", "❗about"},
		{"❗", "❗\ufe0fabout"},
		{"✅", "✅ about"},
		{"👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧about"},
		{"！", "!about"},
		{"e!", "E!about"},
		{"é!", "e\u0301!about"},
		{"e\u0301!", "É!about"},
		{"...", "…about"},
		{"bot ", "Bot\u00a0about"},
		{"bot ", "bot   about"},
		{"ｂｏｔ", "bot about"},
		{"น้ำ", "น้ำabout"},
		{"น้ำ", "น\u0e49\u0e4d\u0e32about"},
		{"$", fmt.Sprintf("<@%d>, $about", selfID)},
		{"a", fmt.Sprintf("<@%d> about", selfID)}, // a command's name may begin with the prefix
		{"e!", fmt.Sprintf("<@%d> e!about", selfID)},
	} {
		run(t, func(h *harness) {
			h.start(func(o *Options) { o.Prefix = test.prefix })
			h.say(test.called)
			if said := h.discord.said(); len(said) != 1 || !strings.Contains(said[0], "ResearchBot") {
				t.Errorf("prefix %+q: %+q was answered with %q", test.prefix, test.called, said)
			}
		})
	}
	_, err := New(Options{Token: testToken, HTTPClient: http.DefaultClient, Prefix: "\u200b\ufe0f"})
	if err == nil || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("a prefix that nobody can see was accepted: %v", err)
	}
}

// TestArgumentsStayAsTheyAre: only what surrounds a command is cleaned; joiners, vowels
// and the variants of an emoji belong to what people say.
func TestArgumentsStayAsTheyAre(t *testing.T) {
	echo := Command{Name: "echo", Aliases: []string{"สถานะ", "état"}, Summary: "Echoes", Parameters: []Parameter{{Name: "first", Summary: "One"}, {Name: "rest", Summary: "All"}},
		Run: func(_ context.Context, r *Request) (Answer, error) {
			return Answer{Text: fmt.Sprintf("%+q %+q", r.Argument("first"), r.Argument("rest"))}, nil
		}}
	for content, want := range map[string]string{
		"!echo 20\u200b ❤\ufe0f":                  fmt.Sprintf("%+q %+q", "20", "❤\ufe0f"),
		"!echo \u200b a\u3000 👨\u200d👩\u200d👧 b ": fmt.Sprintf("%+q %+q", "a", "👨\u200d👩\u200d👧 b"),
		"!สถานะ น้ำ เป็นอย่างไร\u200b":            fmt.Sprintf("%+q %+q", "น้ำ", "เป็นอย่างไร"),
		"!e\u0301tat e\u0301 x \ufe0f":            fmt.Sprintf("%+q %+q", "e\u0301", "x"),
		"!echo":                                   `"" ""`,
		"!echo a\u200d \ufe0f":                    fmt.Sprintf("%+q %+q", "a\u200d", ""),
		"!echo 1 🏴\U000e0067\U000e007f":           fmt.Sprintf("%+q %+q", "1", "🏴\U000e0067\U000e007f"), // the tags of a flag
		"!echo 1 🏴\U000e0020":                     fmt.Sprintf("%+q %+q", "1", "🏴\U000e0020"),
		"!echo 1 x\U000e0001":                     fmt.Sprintf("%+q %+q", "1", "x"),
		"!echo 1 x\U000e0080":                     fmt.Sprintf("%+q %+q", "1", "x"),
	} {
		run(t, func(h *harness) {
			h.start(func(o *Options) { o.Commands = append(Builtin(), echo) })
			h.say(content)
			h.expect(want)
		})
	}
}

// TestPunctuationInNames: a name that ends with punctuation is not taken for one without.
func TestPunctuationInNames(t *testing.T) {
	run(t, func(h *harness) {
		h.start(func(o *Options) {
			with, without := sayCommand("with"), sayCommand("without")
			with.Name, with.Aliases, without.Name = "question", []string{"what?"}, "what"
			o.Commands = []Command{with, without}
		})
		h.say("!what?")
		h.say("!what")
		h.say("!what!")
		h.expect("with", "without", "without")
	})
}

// TestMentionsThatAreNone: while the bot does not know who it is, only what may be a
// mention of it waits for that.
func TestMentionsThatAreNone(t *testing.T) {
	run(t, func(h *harness) {
		h.make()
		for _, content := range []string{"<@abc> about", "<@0> about", "<@> about", "<@99999999999999999999999> about", "<@5 about", "5> about"} {
			if event := h.say(content); event.taken {
				t.Errorf("%q is held", content)
			}
		}
	})
}

// FuzzParse: any text is parsed, and what is found is in it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"!ping", "\u200b! ping\ufe0f", "<@5>, ping", "<@&6> !ping", "\xff!p\xfeing", "<@", "❗\ufe0fping"} {
		f.Add(s, "!")
	}
	f.Fuzz(func(t *testing.T, content, prefix string) {
		a := addressing{prefix: prefix, self: 5, role: 6, isCommand: func(name string) bool { return name == "ping" }}
		got := a.parse(content)
		if (got.kind == commandInvocation) != (got.name != "") || !strings.Contains(content, got.rest) {
			t.Errorf("%q with prefix %q: %+v", content, prefix, got)
		}
	})
}
