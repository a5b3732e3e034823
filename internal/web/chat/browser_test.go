//go:build browser

package chat_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"evergreen/discordsim"
	"evergreen/internal/web/browsertest"

	"github.com/chromedp/chromedp/kb"
)

// TestBrowserChat uses the page the way a person does, in one browser.
func TestBrowserChat(t *testing.T) {
	in := browsertest.Start(t)
	for _, c := range []struct {
		name string
		show func(*testing.T, context.Context)
	}{
		{"ButtonSelectAndModal", showButtonSelectAndModal},
		{"SlashCommandsByKeyboard", showSlashCommandsByKeyboard},
		{"BotThatDoesNotAnswer", showBotThatDoesNotAnswer},
		{"ContextMenus", showContextMenus},
		{"MessagesOfPeople", showMessagesOfPeople},
		{"NewComponentsAndPolls", showNewComponentsAndPolls},
		{"NewPersonDirectMessageVoice", showNewPersonDirectMessageVoice},
		{"FaultByButton", showFaultByButton},
		{"HostileMessages", showHostileMessages},
		{"LanguageAndTheme", showLanguageAndTheme},
		{"Contrast", showContrast},
		{"PhoneWidth", showPhoneWidth},
		{"StreamIsDown", showStreamIsDown},
		{"FocusCanBeSeen", showFocusCanBeSeen},
		{"AnswersOverABrokenLink", showAnswersOverABrokenLink},
	} {
		t.Run(c.name, func(t *testing.T) { c.show(t, in) })
	}
}

// visit opens the page of a scene and waits until it is live.
func visit(t *testing.T, in context.Context, s *scene, query string) *browsertest.Window {
	t.Helper()
	w := browsertest.NewWindow(t, in, "http://"+s.addr)
	w.Open("/" + query)
	w.Until(live)
	return w
}

// live holds once the page shows the world and follows it.
const live = `document.documentElement.dataset.live === "on" && document.getElementById("as").value && document.querySelectorAll(".member").length > 4 && document.getElementById("messages").children.length`

// write types into the box and sends it.
func write(w *browsertest.Window, text string) {
	w.Do("focus the box", browsertest.Focus("#text"))
	w.Press(text)
	w.Press(kb.Enter)
}

// activate presses a button that shows only under the pointer or with the focus.
func activate(w *browsertest.Window, what, selector string) {
	w.Do(what, browsertest.Focus(selector))
	w.Press(kb.Enter)
}

// said holds once a message with this text stands there.
func said(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".message .content")].some((e) => e.textContent === %q)`, text)
}

// Given a person, when she asks by a message, then the answer stands below with its embed;
// its button changes the message, its select is answered, and its modal is filled in.
func showButtonSelectAndModal(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	write(w, "!report")
	w.Until(`document.querySelector(".embed-title")?.textContent === "Reading list, week 49"`)
	w.Do("press the button", browsertest.Click(`.button.primary[data-custom="open 0"]`))
	w.Until(`document.querySelector(".button.primary[data-custom='open 1']") && document.querySelector(".edited")`)
	w.Do("open the select", browsertest.Click(`[data-custom="topic"] summary`))
	w.Do("choose", browsertest.Click(`[data-custom="topic"] [data-value="robotics"]`))
	w.Until(said("ada chose topic robotics"))
	w.Do("feedback", browsertest.Click(`[data-custom="feedback"]`))
	w.Until(`document.querySelector("dialog[open] h2")?.textContent === "Feedback"`)
	w.Press("Well done" + kb.Tab + "and more")
	w.Picture("chat-modal")
	w.Do("submit", browsertest.Click(`dialog [type="submit"]`))
	w.Until(`!document.querySelector("dialog") && document.querySelector(".message.ephemeral .only")?.textContent === "Only ada sees this"`)
	if disabled := browsertest.Ask[int](w, `document.querySelectorAll(".message .button:disabled").length`); disabled != 1 {
		t.Errorf("%d buttons are disabled, want the one that the bot has disabled", disabled)
	}
	w.Clean()
}

// The keyboard alone is enough for a slash command: suggestions by its first letters, an
// option with suggestions of the bot, one with choices, and a sub-command.
func showSlashCommandsByKeyboard(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	w.Do("focus the box", browsertest.Focus("#text"))
	w.Press("/")
	w.Until(`document.querySelectorAll("#commands [role=option]").length === 6`)
	w.Picture("chat-suggestions")
	w.Press("fi")
	w.Until(`document.querySelector("#commands [aria-selected=true]")?.textContent.includes("/find")`)
	w.Press(kb.Tab)
	w.Until(`document.activeElement.name === "paper"`)
	w.Press("gen")
	w.Until(`document.querySelector(".completed [aria-selected=true]")?.textContent === "Generative Adversarial Nets"`)
	w.Picture("chat-autocomplete")
	w.Press(kb.Tab)
	w.Until(`document.activeElement.value === "Generative Adversarial Nets"`)
	w.Press(kb.Tab + "2014" + kb.Tab + kb.ArrowDown)
	w.Press(kb.Tab + kb.Tab)
	w.Press(" ")
	w.Until(said("Found Generative Adversarial Nets"))
	if used := browsertest.Ask[string](w, `document.querySelector(".above").textContent`); used != "ada used /find" {
		t.Errorf("above the answer stands %q", used)
	}
	w.Until(`document.activeElement.id === "text"`)
	w.Press("/config se")
	w.Until(`document.querySelector("#commands [aria-selected=true]")?.textContent.includes("/config set")`)
	w.Press(kb.Tab)
	w.Until(`document.activeElement.name === "name"`)
	w.Press("alerts" + kb.Tab + kb.ArrowDown)
	w.Press(kb.Tab + kb.Tab)
	w.Press(" ")
	w.Until(said("config set name=alerts on=true"))
	w.Until(`document.activeElement.id === "text"`)
	w.Press("/config set")
	w.Until(`document.querySelectorAll("#commands [role=option]").length > 0`)
	w.Press(kb.Tab)
	w.Until(`document.activeElement.name === "name"`)
	w.Press(kb.Escape)
	w.Until(`document.activeElement.id === "text" && document.getElementById("options").hidden`)
	w.Clean()
}

// Given a bot that does not answer, or never ends thinking, then the page says so.
func showBotThatDoesNotAnswer(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	write(w, "/silent")
	w.Until(`document.querySelector(".notice.bad")?.textContent === "ResearchBot did not answer in time: /silent"`)
	write(w, "/think")
	w.Until(`document.querySelector(".thinking")?.textContent === "ResearchBot is thinking…"`)
	write(w, "/nothing of the kind")
	w.Until(said("/nothing of the kind"))
	w.Clean()
}

// The bot's commands for a message and for a person stand in their menus.
func showContextMenus(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	m := s.sim.Say(s.guild.Channels[0].ID, s.ada.ID, "A long text about research")
	w.Until(said("A long text about research"))
	activate(w, "the message's menu", `.message [aria-label="Commands of the bot for this message"]`)
	w.Until(`document.querySelector("dialog .menu button")?.textContent === "Summarise"`)
	w.Press(kb.Enter)
	w.Until(said("Summarise of "+m.ID.String()) + ` && !document.querySelector("dialog")`)
	w.Do("the person's menu", browsertest.Click(`.member[data-user="`+s.ada.ID.String()+`"]`))
	w.Until(`document.querySelector("dialog .menu button")?.textContent === "Profile"`)
	w.Do("choose", browsertest.Click(`dialog .menu button`))
	w.Until(said("Profile of " + s.ada.ID.String()))
	w.Clean()
}

// People say, answer, edit, delete and react, as themselves; others see that they type.
func showMessagesOfPeople(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	write(w, "first")
	w.Until(said("first"))
	w.Do("become grace", browsertest.Focus("#as"))
	w.Press("grace")
	w.Until(`document.getElementById("as").selectedOptions[0].textContent === "grace"`)
	activate(w, "answer", `.message [aria-label="Reply"]`)
	w.Until(`!document.getElementById("replying").hidden && document.activeElement.id === "text"`)
	w.Press("second" + kb.Enter)
	w.Until(`document.querySelector(".above")?.textContent === "ada first" && document.querySelectorAll(".author")[1].textContent === "grace"`)
	activate(w, "edit", `.message [aria-label="Edit the message"]`)
	w.Until(`document.activeElement.value === "second"`)
	w.Press(kb.End + " thoughts")
	w.Do("save", browsertest.Click(`dialog [type="submit"]`))
	w.Until(said("second thoughts(edited)") + ` && !document.querySelector("dialog")`)
	activate(w, "react", `.message:last-child [aria-label="Add a reaction"]`)
	w.Do("choose", browsertest.Click(`.emoji-grid [aria-label="🎉"]`))
	w.Until(`document.querySelector('.reactions [aria-pressed="true"]')?.textContent === "🎉 1" && !document.querySelector("dialog")`)
	s.sim.React(last(s), s.ada.ID, "🎉")
	w.Until(`document.querySelector(".reactions button")?.textContent === "🎉 2"`)
	w.Do("take it away", browsertest.Click(`.reactions button`))
	w.Until(`document.querySelector('.reactions [aria-pressed="false"]')?.textContent === "🎉 1"`)
	s.sim.Type(s.guild.Channels[0].ID, s.ada.ID)
	w.Until(`document.getElementById("typing").textContent === "ada is typing…"`)
	activate(w, "delete", `.message:last-child [aria-label="Delete the message"]`)
	w.Until(`document.querySelectorAll(".message").length === 1`)
	s.sim.Say(s.guild.Channels[1].ID, s.ada.ID, "elsewhere")
	w.Until(`document.querySelector('.channel.unread .count')?.textContent === "1"`)
	w.Do("go there", browsertest.Click(`.channel.unread`))
	w.Until(said("elsewhere"))
	w.Until(`!document.querySelector(".channel.unread")`)
	w.Clean()
}

// last is the newest message of the first channel.
func last(s *scene) discordsim.ID {
	list := s.sim.Messages(s.guild.Channels[0].ID)
	return list[len(list)-1].ID
}

// Containers, sections and selects of people are shown and work; so do polls.
func showNewComponentsAndPolls(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	write(w, "!layout")
	w.Until(`document.querySelector(".container .section .button")`)
	w.Do("open the select", browsertest.Click(`[data-custom="who"] summary`))
	for _, name := range []string{"grace", "linus"} {
		w.Do("choose "+name, browsertest.Click(`[data-custom="who"] .choice[data-value="`+idOf(s, name)+`"]`))
	}
	if off := browsertest.Ask[int](w, `document.querySelectorAll('[data-custom="who"] .choice:disabled').length`); off == 0 {
		t.Error("more than two can be chosen")
	}
	w.Picture("chat-components")
	w.Do("done", browsertest.Click(`[data-custom="who"] .button.primary`))
	w.Until(said("ada chose who " + idOf(s, "grace") + "," + idOf(s, "linus")))
	write(w, "!poll")
	w.Until(`document.querySelectorAll(".poll li").length === 2`)
	w.Do("vote", browsertest.Click(`.poll li:first-child button`))
	w.Until(`document.querySelector('.poll [aria-pressed="true"] .num')?.textContent === "1"`)
	w.Do("take the vote back", browsertest.Click(`.poll li:first-child button`))
	w.Until(`!document.querySelector('.poll [aria-pressed="true"]') && document.querySelector(".poll .num").textContent === "0"`)
	w.Clean()
}

func idOf(s *scene, name string) string {
	for _, u := range s.sim.Users() {
		if u.Username == name {
			return u.ID.String()
		}
	}
	return ""
}

// A new person joins and can act at once; direct messages to the bot and voice channels work.
func showNewPersonDirectMessageVoice(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	w.Do("new person", browsertest.Click("#new-person"))
	w.Until(`document.activeElement.name === "name"`)
	w.Press("margaret")
	w.Do("join", browsertest.Click(`dialog [type="submit"]`))
	w.Until(`!document.querySelector("dialog") && document.getElementById("as").selectedOptions[0].textContent === "margaret"`)
	w.Do("the voice channel", browsertest.Click(`.channel[data-channel="`+voiceOf(s)+`"]`))
	w.Until(`document.getElementById("voice").textContent === "Join voice"`)
	w.Do("join voice", browsertest.Click("#voice"))
	w.Until(`document.querySelector(".in-voice")?.textContent === "Mmargaret" && document.getElementById("voice").textContent === "Leave voice"`)
	w.Do("leave voice", browsertest.Click("#voice"))
	w.Until(`!document.querySelector(".in-voice")`)
	w.Do("direct messages", browsertest.Click(`.guild[data-guild=""]`))
	w.Do("write to the bot", browsertest.Click("#new-dm"))
	w.Until(`document.querySelector("dialog textarea")`)
	w.Do("the text", browsertest.Focus("dialog textarea"))
	w.Press("!echo hello in private")
	w.Do("send", browsertest.Click(`dialog [type="submit"]`))
	w.Until(said("hello in private"))
	w.Clean()
}

func voiceOf(s *scene) string {
	for _, c := range s.guild.Channels {
		if c.Type == 2 {
			return c.ID.String()
		}
	}
	return ""
}

// Given a person who sets a fault by its button, then it is in force, the page says so, the
// dot stays green, and its button lifts it; what the bot breaks is shown as it happens.
func showFaultByButton(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	w.Do("the faults", browsertest.Click("#tab-faults"))
	w.Until(`document.querySelectorAll("#fault-list .fault").length > 20`)
	w.Do("find one", browsertest.Focus("#fault-filter"))
	w.Press("half-open")
	w.Until(`document.querySelectorAll("#fault-list .fault").length === 1`)
	w.Do("set it", browsertest.Click(`#fault-list [data-fault="half-open"] button`))
	w.Until(`document.querySelector('#in-force [data-active="half-open"]') && document.getElementById("fault-banner").textContent.includes("half-open")`)
	if green := browsertest.Ask[string](w, `document.getElementById("bot").dataset.status`); green != "online" {
		t.Errorf("the bot is seen %s", green)
	}
	w.Picture("chat-fault")
	if all := s.sim.Injected(); len(all) != 1 || all[0].Name != "half-open" || all[0].For == 0 {
		t.Errorf("the faults are %+v", all)
	}
	w.Do("lift it", browsertest.Click(`#in-force [data-active="half-open"] button`))
	w.Until(`!document.querySelector("#in-force .fault") && document.getElementById("fault-banner").hidden`)
	w.Do("a name that no fault has", browsertest.Focus("#fault-filter"))
	w.Press("xyz")
	w.Until(`document.querySelector("#fault-list .quiet")`)
	w.Do("the verdict", browsertest.Click("#tab-verdict"))
	w.Until(`document.querySelectorAll("#verdict dt").length > 8 && document.querySelector("#verdict dd").textContent.includes("%")`)
	w.Clean()
}

// hostile are texts that want to be more than text.
var hostile = []string{
	`<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`,
	`[click](javascript:alert(1)) <javascript:alert(1)> **<b>bold</b>** <@!99999999999999999999>`,
	strings.Repeat("W", 1900),
	"\u202eright to left\u202c and \u2066\u2067\u2068 isolates",
	"\u200b\u200d\u2060\ufeff",
	strings.Repeat("Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u030d\u030e\u030f", 60),
	strings.Repeat("**", 900), strings.Repeat("*_~~||", 300), strings.Repeat("> ", 500), strings.Repeat(">>> ", 400), strings.Repeat("`", 1500), "```\nnever closed",
	"<t:99999999999999:R> <t:1:R> <:e:1> </a:2> <@&1> <#1> @everyone",
}

// Given messages and names that want to be markup, scripts or wider than the page, then all
// of it is text, in its place, and the page complains of nothing.
func showHostileMessages(t *testing.T, in context.Context) {
	s := stage(t)
	evil := s.sim.AddUser("\u202e<script>alert(1)</script>")
	s.sim.AddMembers(s.guild, evil)
	w := visit(t, in, s, "?theme=light")
	room := s.guild.Channels[0].ID
	for _, text := range hostile {
		s.sim.Say(room, evil.ID, text)
	}
	s.sim.Say(room, s.ada.ID, "!echo <img src=x onerror=alert(1)>")
	s.sim.Say(room, s.ada.ID, "the end")
	w.Until(said("the end"))
	w.Until(`document.querySelector(".embed-title")?.textContent === "<img src=x onerror=alert(1)>"`)
	for _, text := range hostile[:1] {
		if there := browsertest.Ask[bool](w, said(text)); !there {
			t.Errorf("not as it was sent: %s", text)
		}
	}
	if found := browsertest.Ask[int](w, `document.querySelectorAll("#messages :is(img, script, b, iframe, [onerror], [style*=url], a[href^='javascript'])").length`); found != 0 {
		t.Errorf("%d elements were made of text", found)
	}
	if title := browsertest.Ask[string](w, `document.title`); strings.Contains(title, "owned") {
		t.Error("a script of a message ran")
	}
	for _, width := range []int64{1280, 390} {
		w.Size(width, 900)
		if wide := browsertest.Ask[int64](w, `Math.max(document.documentElement.scrollWidth, document.getElementById("scroller").scrollWidth)`); wide > width {
			t.Errorf("at %d pixels the page is %d wide", width, wide)
		}
	}
	if invisible := browsertest.Ask[bool](w, `[...document.querySelectorAll(".content .soft")].some((e) => e.textContent.includes("4 characters"))`); !invisible {
		t.Error("a message of which nothing can be seen is not told")
	}
	w.Picture("chat-hostile")
	w.Clean()
}

// The switch to Thai changes the words, is remembered with the theme, and leads back to
// the channel that was looked at.
func showLanguageAndTheme(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	paper := func() string { return browsertest.Ask[string](w, `getComputedStyle(document.body).backgroundColor`) }
	light := paper()
	w.Do("another channel", browsertest.Click(`[data-channel="`+s.guild.Channels[1].ID.String()+`"]`))
	w.Until(`document.getElementById("channel-name").textContent === "#papers"`)
	w.Do("Thai", browsertest.Click(`a[hreflang="th"]`))
	w.Until(`document.documentElement.lang === "th" && ` + live)
	w.Until(`document.getElementById("channel-name").textContent === "#papers" && document.getElementById("tab-members").textContent === "สมาชิก"`)
	w.Do("dark", browsertest.Click(`a[href="?theme=dark"]`))
	w.Until(`document.documentElement.dataset.theme === "dark" && document.documentElement.lang === "th" && ` + live)
	if dark := paper(); dark == light {
		t.Errorf("the page is %s in both", dark)
	}
	w.Do("the faults", browsertest.Click("#tab-faults"))
	w.Until(`document.querySelector('[data-fault="half-open"] p')?.textContent.includes("ลิงก์")`)
	w.Picture("chat-dark-thai")
	w.Do("English", browsertest.Click(`a[hreflang="en"]`))
	w.Until(`document.documentElement.lang === "en"`)
	w.Clean()
}

// Each panel, in both languages and appearances, keeps the contrast of WCAG AA.
func showContrast(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	write(w, "!report")
	w.Until(`document.querySelector(".embed-title")`)
	write(w, "!layout")
	w.Until(`document.querySelector(".container")`)
	if _, err := s.sim.Inject(discordsim.Fault{Name: "rest-403", Route: "GET /users/@me"}); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"?theme=light&lang=en", "?theme=dark&lang=th"} {
		w.Open("/" + query)
		w.Until(live + ` && document.querySelector(".embed-title") && document.querySelector("#in-force .fault")`)
		for _, panel := range []string{"members", "faults", "verdict"} {
			w.Do("the panel", browsertest.Click("#tab-"+panel))
			for _, weak := range w.WeakContrasts() {
				t.Errorf("%s, %s: %s", query, panel, weak)
			}
		}
	}
	w.Clean()
}

// On a phone one part is shown at a time, and nothing has to be scrolled sideways.
func showPhoneWidth(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	write(w, "!report")
	w.Until(`document.querySelector(".embed-title")`)
	for _, lang := range []string{"en", "th"} {
		w.Size(390, 844)
		w.Open("/?lang=" + lang)
		w.Until(`document.querySelector(".embed-title")`)
		for _, view := range []string{"rooms", "chat", "members", "faults", "verdict"} {
			w.Do("show "+view, browsertest.Click(`[data-show="`+view+`"]`))
			w.Until(`document.body.dataset.view === "` + view + `"`)
			if wide := browsertest.Ask[int](w, `Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll("#scroller, .panel-side > section, .rooms")].map((e) => e.scrollWidth))`); wide > 390 {
				t.Errorf("%s, %s: %d pixels wide", lang, view, wide)
			}
			w.Picture("chat-phone-" + view + "-" + lang)
		}
		w.Do("back to the channels", browsertest.Click(`[data-show="rooms"]`))
		w.Do("choose a channel", browsertest.Click(`[data-channel="`+s.guild.Channels[0].ID.String()+`"]`))
		w.Until(`document.body.dataset.view === "chat"`)
	}
	w.Clean()
}

// Given a simulator that does not answer any more, then the page says so; once it does, the
// page has what was said meanwhile.
func showStreamIsDown(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	w.MayFail()
	s.stop()
	w.Until(`document.documentElement.dataset.live === "off" && !document.getElementById("lost").hidden`)
	w.Picture("chat-lost")
	write(w, "nobody takes this")
	w.Until(`document.getElementById("composer-trouble").textContent.includes("does not answer") && document.getElementById("text").value.includes("nobody takes this")`)
	s.sim.Say(s.guild.Channels[0].ID, s.ada.ID, "said meanwhile")
	s.serve(t, s.addr)
	w.Until(live)
	w.Until(said("said meanwhile"))
	w.Until(`document.getElementById("lost").hidden`)
	w.Clean()
}

// The focus can be seen at every stop of the keyboard, and the first one leads to the box.
func showFocusCanBeSeen(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	write(w, "!report")
	w.Until(`document.querySelector(".embed-title")`)
	w.Open("/")
	w.Until(live + ` && document.querySelector(".embed-title")`)
	for n := range 40 {
		w.Press(kb.Tab)
		if !browsertest.Ask[bool](w, `(() => { const e = document.activeElement; const s = getComputedStyle(e.id === "text" ? e.closest("form") : e); return e === document.body || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== "none"; })()`) {
			t.Errorf("the focus of stop %d cannot be seen: %s", n, browsertest.Ask[string](w, `document.activeElement.outerHTML.slice(0, 120)`))
		}
	}
	w.Open("/")
	w.Until(live)
	w.Press(kb.Tab)
	w.Press(kb.Enter)
	w.Until(`document.activeElement.id === "text"`)
	w.Clean()
}

// Given a link that breaks while people ask, then the page shows at once that it is broken,
// that the dot is green all the same, and the answers; in Thai and dark, too.
func showAnswersOverABrokenLink(t *testing.T, in context.Context) {
	s := stage(t)
	w := visit(t, in, s, "?theme=light")
	w.Size(1280, 860)
	write(w, "!report")
	w.Until(`document.querySelector(".embed-title")`)
	write(w, "/silent")
	w.Until(`document.querySelector(".notice.bad")`)
	w.Do("the faults", browsertest.Click("#tab-faults"))
	w.Do("break the link", browsertest.Click(`#fault-list [data-fault="cut"] button`))
	w.Do("and the heartbeats", browsertest.Click(`#fault-list [data-fault="zombie"] button`))
	w.Until(`document.querySelector("#in-force .fault") && document.querySelector(".link-mark.there")`)
	write(w, "!say Still here, and **green**.")
	w.Until(`document.querySelector("#messages").textContent.includes("Still here, and green.")`)
	w.Until(`document.getElementById("bot").dataset.status === "online"`)
	browsertest.Ask[bool](w, `(document.getElementById("panel-faults").scrollTop = 0) === 0`)
	w.Picture("chat")

	thaiGuild := s.sim.Guilds()[1]
	room := thaiGuild.Channels[0].ID
	w.Open("/?theme=dark&lang=th")
	w.Until(live)
	w.Do("the Thai guild", browsertest.Click(`[data-guild="`+thaiGuild.ID.String()+`"]`))
	w.Until(`document.getElementById("guild-name").textContent === "ห้องวิจัย" && document.querySelectorAll(".member").length > 4`)
	somchai, err := strconv.ParseUint(idOf(s, "สมชาย"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.sim.Say(room, discordsim.ID(somchai), "!รายงาน")
	w.Until(`document.querySelector(".embed-title")?.textContent === "รายการอ่าน สัปดาห์ที่ 49"`)
	w.Do("the faults", browsertest.Click("#tab-faults"))
	w.Until(`document.querySelector('[data-fault="half-open"] p')`)
	w.Picture("chat-th")
	w.Clean()
}
