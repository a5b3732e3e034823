package bot

import (
	"fmt"
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
		"! about":                             "",
		"!!!":                                 "",
		"!":                                   "",
		"":                                    "",
		"!8":                                  "",
		"<@5> about":                          "",
		"<@" + strings.Repeat("9", 30) + "> about": "",
		"<@x> about":                           "",
		fmt.Sprintf("<@%d about", selfID):      "",
		fmt.Sprintf("hey <@%d> about", selfID): "",
		fmt.Sprintf("<@%d>, hello", selfID):    "",
		"!" + strings.Repeat("a", 33):          "",
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
