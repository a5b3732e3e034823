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
	"evergreen/internal/web/browsertest"

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
	in := browsertest.Start(t)
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
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.Open("/")
	w.Until(`document.documentElement.dataset.state === "online" && !document.getElementById("livemark").hidden`)
	green := browsertest.Ask[string](w, `getComputedStyle(document.querySelector(".dot-core")).fill`)
	w.Picture("dashboard-online")

	s.lose()
	happened(server, gateway.Live{}, gateway.Connecting{Resuming: true})
	w.Until(`document.documentElement.dataset.state === "reconnecting" && document.getElementById("announcer").textContent.startsWith("Reconnecting. ")`)
	if lost := browsertest.Ask[string](w, `getComputedStyle(document.querySelector(".dot-core")).fill`); lost == green {
		t.Errorf("the dot is still %s", lost)
	}
	if title := browsertest.Ask[string](w, `document.title`); !strings.HasPrefix(title, "Reconnecting") {
		t.Errorf("the title is %s", title)
	}
	w.Until(`document.querySelector(".incident.open .sentence")?.textContent.includes("Not back yet")`)
	w.Picture("dashboard-reconnecting")

	s.restore()
	happened(server, gateway.Connecting{Resuming: true}, gateway.Live{})
	w.Until(`document.documentElement.dataset.state === "online" && document.querySelector(".incident .sentence").textContent.includes("4 events replayed")`)
	w.Until(`document.querySelector(".bar:last-child").dataset.text.includes("offline 1\u00a0min 35\u00a0s")`)
	if back := browsertest.Ask[string](w, `getComputedStyle(document.querySelector(".dot-core")).fill`); back != green {
		t.Errorf("the dot is %s, it was %s", back, green)
	}
	w.Clean()
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
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.Open("/")
	w.Until(`!document.getElementById("livemark").hidden`)
	w.MayFail()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.Until(`document.documentElement.dataset.state === "lost" && document.getElementById("state-name").textContent === "No contact"`)
	w.Picture("dashboard-no-contact")
	w.Clean()
}

// The bars and the chart can be explored with the keyboard, and what is under
// the pointer is told in words.
func showBarsTellWhatHappened(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.Open("/")
	w.Until(`document.querySelector("[data-bars][role=slider]")`)
	w.Do("focus the bars", browsertest.Focus("[data-bars]"))
	w.Press(kb.ArrowLeft)
	w.Press(kb.ArrowLeft)
	w.Until(`document.querySelector("#bars .readout.on")?.textContent.includes("offline 2\u00a0min 48\u00a0s · 1 incident: Trouble at Discord")`)
	if value := browsertest.Ask[string](w, `document.querySelector("[data-bars]").getAttribute("aria-valuetext")`); !strings.Contains(value, "Trouble at Discord") {
		t.Errorf("a screen reader is told %q", value)
	}
	w.Do("focus the chart", browsertest.Focus("[data-plot]"))
	w.Press(kb.Home)
	w.Until(`/Gateway .*ms.* REST .*ms/.test(document.querySelector("#latency .readout.on")?.textContent)`)
	w.Picture("dashboard-pointing")
	// The chart takes its line of text away when it loses the focus, and a page that
	// moves between the press and the release of the mouse has no click.
	w.Do("leave the chart", browsertest.Focus(".incident.grey summary"))
	w.Do("open an incident", browsertest.Click(".incident.grey summary"))
	w.Until(`document.querySelector(".incident.grey details").open`)
	if text := browsertest.Ask[string](w, `document.querySelector(".incident.grey details").innerText`); !strings.Contains(text, "HTTP status") || !strings.Contains(text, "503") {
		t.Errorf("the evidence is %s", text)
	}
	w.Do("choose a period", browsertest.Click(`[data-period="24h"]`))
	w.Until(`document.querySelector('[data-period="24h"][aria-current]')`)
	if !browsertest.Ask[bool](w, `document.querySelector(".incident.grey details").open`) {
		t.Error("what was open has closed")
	}
	w.Clean()
}

// The switch to Thai changes every word, is remembered, and leads back.
func showThaiSwitch(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.Open("/")
	w.Do("switch", browsertest.Click(`a[hreflang="th"]`))
	w.Until(`document.documentElement.lang === "th" && document.getElementById("state-name").textContent === "ออนไลน์"`)
	w.Open("/runbook")
	w.Until(`document.documentElement.lang === "th"`)
	w.Picture("runbook-thai")
	w.Open("/")
	w.Until(`document.querySelector("#h-incidents").textContent === "เหตุขัดข้อง"`)
	w.Do("switch back", browsertest.Click(`a[hreflang="en"]`))
	w.Until(`document.documentElement.lang === "en"`)
	w.Clean()
}

// Dark is what the system prefers, unless the reader chose otherwise.
func showDarkMode(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	paper := func() string { return browsertest.Ask[string](w, `getComputedStyle(document.body).backgroundColor`) }
	w.Prefer("prefers-color-scheme", "light")
	w.Open("/")
	light := paper()
	w.Prefer("prefers-color-scheme", "dark")
	dark := paper()
	if light == dark {
		t.Errorf("the page is %s in both", light)
	}
	w.Do("choose light", browsertest.Click(`a[href="?theme=light"]`))
	w.Until(`document.documentElement.dataset.theme === "light"`)
	if chosen := paper(); chosen != light {
		t.Errorf("light was chosen and the page is %s", chosen)
	}
	w.Picture("sample-light")
	w.Open("/?theme=dark&lang=th")
	w.Until(`document.documentElement.dataset.theme === "dark"`)
	w.Picture("sample-dark-thai")
	w.Clean()
}

// Every state, language and appearance keeps the contrast of WCAG AA for text.
func showContrast(t *testing.T, in context.Context) {
	s, server := stage(t)
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	for _, status := range allStatuses {
		s.change(func(s *scene) {
			s.snap.Status, s.snap.Remedy = status, health.Text("Do it")
			s.snap.Discord = statuspage.Status{Indicator: "major", Description: "Outage", At: s.now()}
		})
		for _, theme := range []string{"light", "dark"} {
			w.Open("/?theme=" + theme)
			w.Until(`document.documentElement.dataset.state === "` + status.ID() + `" && document.querySelector(".live")`)
			for _, weak := range w.WeakContrasts() {
				t.Errorf("%s, %s: %s", status.ID(), theme, weak)
			}
		}
	}
	w.Picture("dashboard-needs-you")
}

// At the width of a phone nothing has to be scrolled sideways, whatever the page
// and language.
func showPhoneWidth(t *testing.T, in context.Context) {
	s, server := stage(t)
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.Size(390, 844)
	check := func() {
		for _, path := range []string{"/?lang=en", "/?lang=th", "/status?lang=en", "/status?lang=th", "/runbook?lang=en", "/runbook?lang=th"} {
			w.Open(path)
			if wide := browsertest.Ask[int](w, `document.documentElement.scrollWidth`); wide > 390 {
				t.Errorf("%s is %d pixels wide: %s", path, wide, browsertest.Ask[string](w, `[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > 391 && !e.closest(".scroll")).map((e) => e.className || e.tagName).slice(0, 8).join()`))
			}
		}
	}
	check()
	s.lose()
	check()
	w.Open("/?lang=en")
	w.Picture("dashboard-phone")
	w.Open("/status")
	w.Picture("status-phone")
	w.Clean()
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
		w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
		w.Size(390, 844)
		for _, page := range []string{"lang=en&theme=light", "lang=th&theme=light", "lang=en&theme=dark", "lang=th&theme=dark"} {
			w.Open("/?" + page)
			w.Until(`document.querySelector("#bots")`)
			if wide := browsertest.Ask[int](w, `(() => { for (const d of document.querySelectorAll("#bots details")) d.open = true; return document.documentElement.scrollWidth; })()`); wide > 390 {
				t.Errorf("%s, %s: the page is %d pixels wide", name, page, wide)
			}
			for _, weak := range w.WeakContrasts() {
				t.Errorf("%s, %s: %s", name, page, weak)
			}
		}
		w.Picture("bots-" + strings.ReplaceAll(name, " ", "-"))
		w.Clean()
	}
}

// The keyboard reaches everything in the order of the page, the focus can be
// seen, and the first stop leads past the head.
func showKeyboard(t *testing.T, in context.Context) {
	_, server := stage(t)
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.Open("/")
	w.Until(`document.querySelector("[data-plot][role=slider]")`)
	var stops []string
	for range 14 {
		w.Press(kb.Tab)
		stops = append(stops, browsertest.Ask[string](w, `(() => { const e = document.activeElement; return e.className.split(" ")[0] || e.getAttribute("href") || e.tagName.toLowerCase(); })()`))
		if !browsertest.Ask[bool](w, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`) {
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
	w.Open("/")
	w.Press(kb.Tab)
	w.Press(kb.Enter)
	w.Until(`location.hash === "#main" && document.activeElement.id === "main"`)
	w.Clean()
}

// Who prefers no motion sees none.
func showReducedMotion(t *testing.T, in context.Context) {
	s, server := stage(t)
	s.lose()
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.Open("/")
	if name := browsertest.Ask[string](w, `getComputedStyle(document.querySelector(".dot-arc")).animationName`); name != "turn" {
		t.Errorf("the animation is %s", name)
	}
	w.Prefer("prefers-reduced-motion", "reduce")
	if name := browsertest.Ask[string](w, `getComputedStyle(document.querySelector(".dot-arc")).animationName`); name != "none" {
		t.Errorf("the animation is %s", name)
	}
	w.Clean()
}

// The token opens the dashboard, a wrong one does not, and signing out leads
// back to the form.
func showSignIn(t *testing.T, in context.Context) {
	_, server := stage(t, func(o *api.Options) { o.Token = "a-long-token" })
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.MayFail() // without the token, and with a wrong one, the answer is no
	w.Open("/")
	w.Until(`document.activeElement.id === "token"`)
	w.Picture("login")
	w.Press("wrong" + kb.Enter)
	w.Until(`document.querySelector('[role="alert"]')`)
	w.Do("the field", browsertest.Focus("#token"))
	w.Press("a-long-token" + kb.Enter)
	w.Until(`document.documentElement.dataset.page === "dashboard" && !document.getElementById("livemark").hidden`)
	w.Do("sign out", browsertest.Click(`form[action="logout"] button`))
	w.Until(`document.documentElement.dataset.page === "login"`)
	w.Clean()
}

// Below a path of a proxy the dashboard is whole: it has its colours, is live, leads
// to the runbook and back, and asks for nothing beside the path.
func showBelowAPath(t *testing.T, in context.Context) {
	_, server := stage(t, func(o *api.Options) { o.Token = "a-long-token" })
	front := startProxy(t, server)
	w := browsertest.NewWindow(t, in, "http://"+server.Addr().String())
	w.MayFail() // without the token the answer is no
	w.Base = front.URL + proxyPath
	w.Open("/")
	w.Until(`document.activeElement.id === "token"`)
	w.Press("a-long-token" + kb.Enter)
	w.Until(`document.documentElement.dataset.page === "dashboard" && !document.getElementById("livemark").hidden`)
	w.Until(`getComputedStyle(document.querySelector(".dot-core")).fill !== "rgb(0, 0, 0)"`)
	w.Do("the runbook", browsertest.Click(`footer a[href="runbook"]`))
	w.Until(`document.documentElement.dataset.page === "runbook" && location.pathname === "` + proxyPath + `/runbook"`)
	w.Do("back", browsertest.Click(`footer a[href="./"]`))
	w.Until(`document.documentElement.dataset.page === "dashboard" && location.pathname === "` + proxyPath + `/"`)
	w.Clean()
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
