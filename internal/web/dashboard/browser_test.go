//go:build browser

package dashboard_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/health"
	"evergreen/internal/process/logging"
	"evergreen/internal/sidecar"
	"evergreen/internal/web/api"

	"github.com/chromedp/chromedp/kb"
)

// stage serves a scene that goes on in real time.
func stage(t *testing.T, change ...func(*api.Options)) (*scene, *api.Server) {
	t.Helper()
	s := newScene(time.Now())
	s.clock = time.Now
	o := s.options()
	o.Lines = logging.NewRing(nil, nil)
	for n, l := range []struct {
		level slog.Level
		text  string
	}{
		{slog.LevelInfo, "Preflight: ResearchBot, 128 guilds, intents complete"},
		{slog.LevelInfo, "Connected as ResearchBot in 128 guilds"},
		{slog.LevelWarn, "Nothing has arrived for 15 s; asking with an extra heartbeat"},
		{slog.LevelInfo, "Resumed after 16.2 s, 12 events replayed, none lost"},
	} {
		r := slog.NewRecord(time.Now().Add(time.Duration(n-4)*time.Minute), l.level, l.text, 0)
		if err := o.Lines.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range change {
		c(&o)
	}
	server := serve(t, o)
	server.Observe(gateway.Observation{At: time.Now(), Event: gateway.PresenceSent{Presence: s.wanted}})
	return s, server
}

// happened lets the server notice what the scene did, as a transition of a
// shard would.
func happened(server *api.Server, from, to gateway.State) {
	server.Observe(gateway.Observation{At: time.Now(), Event: gateway.Transition{From: from, To: to}})
}

// TestBrowser looks at the pages the way a person does, in one browser.
func TestBrowser(t *testing.T) {
	in := browser(t)
	for _, c := range []struct {
		name string
		show func(*testing.T, context.Context)
	}{
		{"DotFollowsLive", showDotFollowsLive},
		{"NobodyAnswers", showNobodyAnswers},
		{"BarsTellWhatHappened", showBarsTellWhatHappened},
		{"ThaiSwitch", showThaiSwitch},
		{"DarkMode", showDarkMode},
		{"Contrast", showContrast},
		{"PhoneWidth", showPhoneWidth},
		{"BotsBehindTheProxy", showBotsBehindTheProxy},
		{"Keyboard", showKeyboard},
		{"ReducedMotion", showReducedMotion},
		{"SignIn", showSignIn},
		{"BelowAPath", showBelowAPath},
	} {
		t.Run(c.name, func(t *testing.T) { c.show(t, in) })
	}
}

// Given a reader with the dashboard open, when the connection is lost, then the
// dot goes from green to reconnecting by itself and a screen reader is told;
// when it is back, so is the dot, and the bars and the timeline tell of it.
func showDotFollowsLive(t *testing.T, in context.Context) {
	s, server := stage(t)
	w := look(t, in, server)
	w.open("/")
	w.until(`document.documentElement.dataset.state === "online" && !document.getElementById("livemark").hidden`)
	green := askPage[string](w, `getComputedStyle(document.querySelector(".dot-core")).fill`)
	w.picture("dashboard-online")

	s.lose()
	happened(server, gateway.Live{}, gateway.Connecting{Resuming: true})
	w.until(`document.documentElement.dataset.state === "reconnecting" && document.getElementById("announcer").textContent.startsWith("Reconnecting. ")`)
	if lost := askPage[string](w, `getComputedStyle(document.querySelector(".dot-core")).fill`); lost == green {
		t.Errorf("the dot is still %s", lost)
	}
	if title := askPage[string](w, `document.title`); !strings.HasPrefix(title, "Reconnecting") {
		t.Errorf("the title is %s", title)
	}
	w.until(`document.querySelector(".incident.open .sentence")?.textContent.includes("Not back yet")`)
	w.picture("dashboard-reconnecting")

	s.restore()
	happened(server, gateway.Connecting{Resuming: true}, gateway.Live{})
	w.until(`document.documentElement.dataset.state === "online" && document.querySelector(".incident .sentence").textContent.includes("4 events replayed")`)
	w.until(`document.querySelector(".bar:last-child").dataset.text.includes("offline 1\u00a0min 35\u00a0s")`)
	if back := askPage[string](w, `getComputedStyle(document.querySelector(".dot-core")).fill`); back != green {
		t.Errorf("the dot is %s, it was %s", back, green)
	}
	w.clean()
}

// Given a reader with the dashboard open, when the process is gone, then the
// page does not go on to say that all is well.
func showNobodyAnswers(t *testing.T, in context.Context) {
	s := newScene(time.Now())
	s.clock = time.Now
	server, err := api.New(api.Options{Addr: "127.0.0.1:0", Bot: s})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	w := look(t, in, server)
	w.open("/")
	w.until(`!document.getElementById("livemark").hidden`)
	w.mu.Lock()
	w.expected = true
	w.mu.Unlock()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.until(`document.documentElement.dataset.state === "lost" && document.getElementById("state-name").textContent === "No contact"`)
	w.picture("dashboard-no-contact")
	w.clean()
}

// The bars and the chart can be explored with the keyboard, and what is under
// the pointer is told in words.
func showBarsTellWhatHappened(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := look(t, in, server)
	w.open("/")
	w.until(`document.querySelector("[data-bars][role=slider]")`)
	w.do("focus the bars", focus("[data-bars]"))
	w.press(kb.ArrowLeft)
	w.press(kb.ArrowLeft)
	w.until(`document.querySelector("#bars .readout.on")?.textContent.includes("offline 2\u00a0min 48\u00a0s · 1 incident: Trouble at Discord")`)
	if value := askPage[string](w, `document.querySelector("[data-bars]").getAttribute("aria-valuetext")`); !strings.Contains(value, "Trouble at Discord") {
		t.Errorf("a screen reader is told %q", value)
	}
	w.do("focus the chart", focus("[data-plot]"))
	w.press(kb.Home)
	w.until(`/Gateway .*ms.* REST .*ms/.test(document.querySelector("#latency .readout.on")?.textContent)`)
	w.picture("dashboard-pointing")
	// The chart takes its line of text away when it loses the focus, and a page that
	// moves between the press and the release of the mouse has no click.
	w.do("leave the chart", focus(".incident.grey summary"))
	w.do("open an incident", click(".incident.grey summary"))
	w.until(`document.querySelector(".incident.grey details").open`)
	if text := askPage[string](w, `document.querySelector(".incident.grey details").innerText`); !strings.Contains(text, "HTTP status") || !strings.Contains(text, "503") {
		t.Errorf("the evidence is %s", text)
	}
	w.do("choose a period", click(`[data-period="24h"]`))
	w.until(`document.querySelector('[data-period="24h"][aria-current]')`)
	if !askPage[bool](w, `document.querySelector(".incident.grey details").open`) {
		t.Error("what was open has closed")
	}
	w.clean()
}

// The switch to Thai changes every word, is remembered, and leads back.
func showThaiSwitch(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := look(t, in, server)
	w.open("/")
	w.do("switch", click(`a[hreflang="th"]`))
	w.until(`document.documentElement.lang === "th" && document.getElementById("state-name").textContent === "ออนไลน์"`)
	w.open("/runbook")
	w.until(`document.documentElement.lang === "th"`)
	w.picture("runbook-thai")
	w.open("/")
	w.until(`document.querySelector("#h-incidents").textContent === "เหตุขัดข้อง"`)
	w.do("switch back", click(`a[hreflang="en"]`))
	w.until(`document.documentElement.lang === "en"`)
	w.clean()
}

// Dark is what the system prefers, unless the reader chose otherwise.
func showDarkMode(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := look(t, in, server)
	paper := func() string { return askPage[string](w, `getComputedStyle(document.body).backgroundColor`) }
	w.prefer("prefers-color-scheme", "light")
	w.open("/")
	light := paper()
	w.prefer("prefers-color-scheme", "dark")
	dark := paper()
	if light == dark {
		t.Errorf("the page is %s in both", light)
	}
	w.do("choose light", click(`a[href="?theme=light"]`))
	w.until(`document.documentElement.dataset.theme === "light"`)
	if chosen := paper(); chosen != light {
		t.Errorf("light was chosen and the page is %s", chosen)
	}
	w.picture("sample-light")
	w.open("/?theme=dark&lang=th")
	w.until(`document.documentElement.dataset.theme === "dark"`)
	w.picture("sample-dark-thai")
	w.clean()
}

// Every state, language and appearance keeps the contrast of WCAG AA for text.
func showContrast(t *testing.T, in context.Context) {
	s, server := stage(t)
	w := look(t, in, server)
	for _, status := range allStatuses {
		s.change(func(s *scene) {
			s.snap.Status, s.snap.Remedy = status, health.Text("Do it")
			s.snap.Discord = statuspage.Status{Indicator: "major", Description: "Outage", At: s.now()}
		})
		for _, theme := range []string{"light", "dark"} {
			w.open("/?theme=" + theme)
			w.until(`document.documentElement.dataset.state === "` + status.ID() + `" && document.querySelector(".live")`)
			for _, weak := range askPage[[]string](w, contrastScript) {
				t.Errorf("%s, %s: %s", status.ID(), theme, weak)
			}
		}
	}
	w.picture("dashboard-needs-you")
}

// contrastScript lists the texts whose contrast with what is behind them is less
// than 4.5 to 1, or 3 to 1 for large ones.
const contrastScript = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
	const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c.rgb; } return [255, 255, 255]; };
	const weak = [];
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		if (!texts.currentNode.textContent.trim() || !e.checkVisibility() || e.closest("noscript, .hidden, .skip, [aria-hidden]")) continue;
		const style = getComputedStyle(e);
		const [a, b] = [light(parse(style.color).rgb), light(behind(e))].sort((x, y) => y - x);
		const ratio = (a + .05) / (b + .05);
		const size = parseFloat(style.fontSize);
		if (ratio < (size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5)) weak.push(ratio.toFixed(2) + " " + texts.currentNode.textContent.trim().slice(0, 40));
	}
	return weak;
})()`

// At the width of a phone nothing has to be scrolled sideways, whatever the page
// and language.
func showPhoneWidth(t *testing.T, in context.Context) {
	s, server := stage(t)
	w := look(t, in, server)
	w.size(390, 844)
	check := func() {
		for _, path := range []string{"/?lang=en", "/?lang=th", "/status?lang=en", "/status?lang=th", "/runbook?lang=en", "/runbook?lang=th"} {
			w.open(path)
			if wide := askPage[int](w, `document.documentElement.scrollWidth`); wide > 390 {
				t.Errorf("%s is %d pixels wide: %s", path, wide, askPage[string](w, `[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > 391 && !e.closest(".scroll")).map((e) => e.className || e.tagName).slice(0, 8).join()`))
			}
		}
	}
	check()
	s.lose()
	check()
	w.open("/?lang=en")
	w.picture("dashboard-phone")
	w.open("/status")
	w.picture("status-phone")
	w.clean()
}

// The cards of bots behind the proxy, and the settings of libraries with their code open, fit
// the width of a phone and keep the contrast, in both languages and appearances.
func showBotsBehindTheProxy(t *testing.T, in context.Context) {
	away := sidecar.ConsumerStatus{
		Shard: [2]int{0, 2}, Library: "discord.py", Version: "2.2.2", Phase: sidecar.PhaseAway, Since: time.Now().Add(-time.Minute),
		Waiting: 60000, WaitingBytes: 60 << 20, Oldest: time.Now().Add(-time.Minute), Counts: sidecar.ConsumerCounts{Lost: 3},
	}
	there := sidecar.ConsumerStatus{Shard: [2]int{1, 2}, Library: "@discordjs/ws", Phase: sidecar.PhaseAttached, Since: time.Now().Add(-time.Minute), Attended: true}
	for name, bots := range map[string][]sidecar.ConsumerStatus{"two": {away, there}, "nobody yet": nil} {
		_, server := stage(t, func(o *api.Options) { o.Proxy = withBots(bots...) })
		w := look(t, in, server)
		w.size(390, 844)
		for _, page := range []string{"lang=en&theme=light", "lang=th&theme=light", "lang=en&theme=dark", "lang=th&theme=dark"} {
			w.open("/?" + page)
			w.until(`document.querySelector("#bots")`)
			if wide := askPage[int](w, `(() => { for (const d of document.querySelectorAll("#bots details")) d.open = true; return document.documentElement.scrollWidth; })()`); wide > 390 {
				t.Errorf("%s, %s: the page is %d pixels wide", name, page, wide)
			}
			for _, weak := range askPage[[]string](w, contrastScript) {
				t.Errorf("%s, %s: %s", name, page, weak)
			}
		}
		w.picture("bots-" + strings.ReplaceAll(name, " ", "-"))
		w.clean()
	}
}

// The keyboard reaches everything in the order of the page, the focus can be
// seen, and the first stop leads past the head.
func showKeyboard(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := look(t, in, server)
	w.open("/")
	w.until(`document.querySelector("[data-plot][role=slider]")`)
	var stops []string
	for range 14 {
		w.press(kb.Tab)
		stops = append(stops, askPage[string](w, `(() => { const e = document.activeElement; return e.className.split(" ")[0] || e.getAttribute("href") || e.tagName.toLowerCase(); })()`))
		if !askPage[bool](w, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`) {
			t.Errorf("the focus on %s cannot be seen", stops[len(stops)-1])
		}
	}
	want := []string{
		"skip", "?theme=auto", "?theme=light", "?theme=dark", "?lang=th", "bars", "summary",
		"?latency=1h", "?latency=24h", "?latency=7d", "plot", "summary", "summary", "summary",
	}
	if !slices.Equal(stops, want) {
		t.Errorf("the stops are %v, want %v", stops, want)
	}
	w.open("/")
	w.press(kb.Tab)
	w.press(kb.Enter)
	w.until(`location.hash === "#main" && document.activeElement.id === "main"`)
	w.clean()
}

// Who prefers no motion sees none.
func showReducedMotion(t *testing.T, in context.Context) {
	s, server := stage(t)
	s.lose()
	w := look(t, in, server)
	w.open("/")
	if name := askPage[string](w, `getComputedStyle(document.querySelector(".dot-arc")).animationName`); name != "turn" {
		t.Errorf("the animation is %s", name)
	}
	w.prefer("prefers-reduced-motion", "reduce")
	if name := askPage[string](w, `getComputedStyle(document.querySelector(".dot-arc")).animationName`); name != "none" {
		t.Errorf("the animation is %s", name)
	}
	w.clean()
}

// The token opens the dashboard, a wrong one does not, and signing out leads
// back to the form.
func showSignIn(t *testing.T, in context.Context) {
	_, server := stage(t, func(o *api.Options) { o.Token = "a-long-token" })
	w := look(t, in, server)
	w.mu.Lock()
	w.expected = true // without the token, and with a wrong one, the answer is no
	w.mu.Unlock()
	w.open("/")
	w.until(`document.activeElement.id === "token"`)
	w.picture("login")
	w.press("wrong" + kb.Enter)
	w.until(`document.querySelector('[role="alert"]')`)
	w.do("the field", focus("#token"))
	w.press("a-long-token" + kb.Enter)
	w.until(`document.documentElement.dataset.page === "dashboard" && !document.getElementById("livemark").hidden`)
	w.do("sign out", click(`form[action="logout"] button`))
	w.until(`document.documentElement.dataset.page === "login"`)
	w.clean()
}

// Below a path of a proxy the dashboard is whole: it has its colours, is live, leads
// to the runbook and back, and asks for nothing beside the path.
func showBelowAPath(t *testing.T, in context.Context) {
	_, server := stage(t, func(o *api.Options) { o.Token = "a-long-token" })
	front := startProxy(t, server)
	w := look(t, in, server)
	w.mu.Lock()
	w.expected = true // without the token the answer is no
	w.mu.Unlock()
	w.base = front.URL + proxyPath
	w.open("/")
	w.until(`document.activeElement.id === "token"`)
	w.press("a-long-token" + kb.Enter)
	w.until(`document.documentElement.dataset.page === "dashboard" && !document.getElementById("livemark").hidden`)
	w.until(`getComputedStyle(document.querySelector(".dot-core")).fill !== "rgb(0, 0, 0)"`)
	w.do("the runbook", click(`footer a[href="runbook"]`))
	w.until(`document.documentElement.dataset.page === "runbook" && location.pathname === "` + proxyPath + `/runbook"`)
	w.do("back", click(`footer a[href="./"]`))
	w.until(`document.documentElement.dataset.page === "dashboard" && location.pathname === "` + proxyPath + `/"`)
	w.clean()
}

// restore lets it come back.
func (s *scene) restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.incidents[0].End, s.incidents[0].Outcome, s.incidents[0].Replayed = now, health.OutcomeResumed, 4
	last := s.incidents[0]
	s.snap.Status, s.snap.Reason, s.snap.Since, s.snap.Last = health.Online, health.NewMessage("status.connected"), now, &last
	s.snap.Ready, s.snap.Connected = true, true
	today := &s.days[len(s.days)-1]
	today.Offline, today.Incidents = 95*time.Second, today.Incidents+1
}
