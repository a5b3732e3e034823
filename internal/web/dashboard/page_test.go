package dashboard_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/statuspage"
	"evergreen/internal/health"
	"evergreen/internal/process/logging"
	"evergreen/internal/simtest"
	"evergreen/internal/web/api"
	"evergreen/internal/web/dashboard"
)

var allStatuses = []health.Status{
	health.Online, health.Degraded, health.Stopping, health.Starting, health.Reconnecting, health.Offline, health.NeedsYou,
}

// wellFormed reads a page to its end, as XML as far as HTML allows, and fails at
// the first element that is not closed.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	page = strings.TrimPrefix(page, "<!DOCTYPE html>")
	// Attributes without a value are HTML, not XML.
	bare := regexp.MustCompile(`(<[a-z][^<>]*?) (data-[a-z]+|hidden|required|autofocus)([ >])`)
	for bare.MatchString(page) {
		next := bare.ReplaceAllString(page, `$1 x-$2=""$3`)
		if next == page {
			break
		}
		page = next
	}
	page = regexp.MustCompile(`<((?:meta|link|input)\b[^>]*)>`).ReplaceAllString(page, "<$1/>")
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			line, column := d.InputPos()
			rows := strings.Split(page, "\n")
			t.Errorf("line %d, column %d: %v\n%s", line, column, err, rows[min(line, len(rows))-1])
			return
		}
	}
}

// checkPage holds what every page has to keep.
func checkPage(t *testing.T, a simtest.Reply) {
	t.Helper()
	if kind := a.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("the type is %q", kind)
	}
	wellFormed(t, a.Body)
	for _, policy := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(a.Header.Get("Content-Security-Policy"), policy) {
			t.Errorf("the policy lacks %s", policy)
		}
	}
	for what, pattern := range map[string]string{
		"an inline style": `\sstyle=`, "an inline script": `<script>|\son[a-z]+="`, "an address elsewhere": `(?:src|href|action)="(?:https?:)?//`,
		"an element of style": `<style`, "a word that is missing": `>[a-z]+\.[a-z.]+</(?:h1|h2|dt|th|summary|li|a)>`, "a failed verb": `%!`,
	} {
		if found := regexp.MustCompile(pattern).FindString(a.Body); found != "" {
			t.Errorf("the page has %s: %s", what, found)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(a.Body, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s stands twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:aria-labelledby|aria-describedby|for)="([^"]*)"`).FindAllStringSubmatch(a.Body, -1) {
		for _, id := range strings.Fields(m[1]) {
			if !ids[id] {
				t.Errorf("nothing has the id %s", id)
			}
		}
	}
}

// Whatever the bot's state and the reader's language, the pages are well formed
// and keep the policy against foreign code.
func TestPagesAreWellFormed(t *testing.T) {
	s := newScene(evening)
	server := serve(t, s.options())
	for _, status := range allStatuses {
		s.change(func(s *scene) {
			s.snap.Status, s.snap.Reason, s.snap.Remedy = status, health.Text("something that nobody translated"), health.Lookup(health.TokenRefused).Remedy()
		})
		for _, page := range []string{"/", "/status", "/runbook"} {
			for _, tag := range []string{"en", "th"} {
				t.Run(fmt.Sprint(status.ID(), page, tag), func(t *testing.T) {
					a := ask(t, server, "GET", page+"?lang="+tag)
					if a.Status != http.StatusOK {
						t.Fatalf("the answer is %d", a.Status)
					}
					checkPage(t, a)
				})
			}
		}
	}
}

// A bot of which nothing is known has a page too, and the page says so.
func TestPageOfTheUnknown(t *testing.T) {
	snap := health.Snapshot{At: evening, Started: evening, Since: evening, Status: health.Starting, Reason: health.Text("no shard has reported yet")}
	a := ask(t, serve(t, api.Options{Bot: &scene{snap: snap}}), "GET", "/")
	checkPage(t, a)
	for _, want := range []string{
		">Starting</h1>", "No shard has reported yet", "Not known: no history is kept.", "Not known: no journal is kept.", "Not known yet.",
		"No handler has run yet.", "Not known: the log is not kept here.", "Discord bot",
	} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Without any script the dashboard tells the state with its reason and since
// when, the uptime and its days, the incidents as sentences with their evidence,
// and the numbers.
func TestDashboardWithoutScript(t *testing.T) {
	s := newScene(evening)
	o := s.options()
	server := serve(t, o)
	server.Observe(gateway.Observation{At: evening.Add(-time.Minute), Event: gateway.PresenceSent{Presence: s.wanted}})
	a := ask(t, server, "GET", "/")
	text := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(strings.ReplaceAll(a.Body, "\u00a0", " "), " ")), " ")
	for _, want := range []string{
		"Online Connected, and Discord answers since 24 Nov, 19:33:33 · for 2 h 11 min",
		"90 days 99.8", "24 h 100%", "Tue 24 Nov",
		"The connection was half-open (nothing arrived for 15 s). Resumed, 12 events replayed, none lost. dot stayed green",
		"Discord answered HTTP 503; 11 attempts failed. A new session was started; events in between were not delivered. dot grey for 2 min 48 s",
		"HTTP status 503", "Sent an extra heartbeat", "Runbook: A half-open (zombie) connection", "3 earlier",
		"In 184,212", "Handled 184,212", "Answered 2,417", "Answers given up 1", "991 of 1,000 left today",
		"Wanted online, watching AI Research | !help Sent as wanted, 1 min ago", "ask 1,204 runs, 7 failed 412 1840 9200", "0/1 Online live 45, 71 12 s ago 4 d 3 h",
		"Version 1.4.0",
	} {
		if !strings.Contains(text, want) && !strings.Contains(a.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(a.Body, `<i class="bar `) != 90 || !strings.Contains(a.Body, "offline 9 min 12 s") && !strings.Contains(a.Body, "offline 9\u00a0min 12\u00a0s") {
		t.Error("the bars do not tell what happened")
	}
	if !strings.Contains(a.Body, `class="gateway" d="M`) {
		t.Error("the chart is not drawn")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// In Thai what happened is told in Thai, by its key. A reason that has no key is
// summed up and quoted in English, marked as such.
func TestReasonsInThai(t *testing.T) {
	s := newScene(evening)
	server := serve(t, s.options())
	page := func() string {
		return strings.ReplaceAll(ask(t, server, "GET", "/?lang=th").Body, "\u00a0", " ")
	}
	holds := func(body string, all ...string) {
		t.Helper()
		for _, want := range all {
			if !strings.Contains(body, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
	}
	holds(page(), ">ออนไลน์</h1>", "เชื่อมต่ออยู่ และ Discord ตอบกลับตามปกติ", `<html lang="th"`,
		"การเชื่อมต่อค้างครึ่งทาง (half-open ไม่มีอะไรมาถึงนาน 15 วินาที)", "ต่อเซสชันเดิมได้ ได้รับย้อนหลัง 12 เหตุการณ์ ไม่มีสูญหาย",
		`<span lang="en">Discord answered HTTP 503; 11 attempts failed</span>`)
	s.change(func(s *scene) {
		s.snap.Conditions = []health.Condition{{Cause: health.ChannelPermission, Trouble: "#general (Lab): the permission Send Messages is missing", Since: evening}}
	})
	holds(page(), ">ออนไลน์</h1>", `<p class="trouble" lang="th">ตอบใน #general (Lab): the permission Send Messages is missing ไม่ได้</p>`)
	s.lose()
	s.change(func(s *scene) { s.snap.Remedy = health.Lookup(health.NetworkDown).Remedy() })
	const remedy = "ถ้านาน ให้ตรวจการเชื่อมต่อและไฟร์วอลล์ของโฮสต์นี้"
	holds(page(), `lang="th">การเชื่อมต่อขาดโดยไม่มี close frame; กำลังเชื่อมต่อเพื่อต่อเซสชันเดิม</p>`, remedy)
	s.change(func(s *scene) {
		s.snap.Reason = health.Text("the connection was cut without a close frame; connecting")
	})
	holds(page(), "การเชื่อมต่อขาด – การเชื่อมต่อหลุด", `<p class="detail" lang="en">The connection was cut without a close frame; connecting</p>`, remedy)
}

// The language is what the address says, then what was chosen before, then what
// the browser likes; the choice is remembered. So is the appearance.
func TestPreferences(t *testing.T) {
	server := serve(t, newScene(evening).options())
	with := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, c := range []struct {
		path, accept, cookie string
		lang, theme          string
	}{
		{"/", "", "", "en", "auto"},
		{"/", "th-TH,th;q=0.9,en;q=0.8", "", "th", "auto"},
		{"/", "en;q=0.8, th;q=0.2", "", "en", "auto"},
		{"/", "fr, th;q=0.2", "", "th", "auto"},
		{"/", "th;q=x", "", "en", "auto"},
		{"/", "th", "evergreen_lang=en", "en", "auto"},
		{"/", "", "evergreen_lang=xx; evergreen_theme=pink", "en", "auto"},
		{"/?lang=th", "en", "evergreen_lang=en; evergreen_theme=dark", "th", "dark"},
		{"/?theme=light", "", "evergreen_theme=dark", "en", "light"},
		{"/?theme=%22%3E", "", "", "en", "auto"},
	} {
		a := ask(t, server, "GET", c.path, with("Accept-Language", c.accept), with("Cookie", c.cookie))
		if want := fmt.Sprintf(`<html lang=%q data-theme=%q`, c.lang, c.theme); !strings.Contains(a.Body, want) {
			t.Errorf("%+v: not %s", c, want)
		}
		if chosen := strings.Contains(c.path, "=th") || strings.Contains(c.path, "=light"); chosen != (len(a.Header.Values("Set-Cookie")) == 1) {
			t.Errorf("%+v: cookies %v", c, a.Header.Values("Set-Cookie"))
		}
	}
}

// Names and texts from elsewhere stay text.
func TestHostileNames(t *testing.T) {
	const hostile = `"><script>alert(1)</script><i onmouseover='x' a="`
	s := newScene(evening)
	s.snap.Username, s.snap.Reason = hostile, health.Text(hostile)
	s.snap.Shards[0].State, s.snap.Shards[0].Reason, s.snap.Shards[0].Changes[0].Cause = hostile, health.Text(hostile), hostile
	s.incidents[0].What, s.incidents[0].ID, s.incidents[0].Evidence.Said, s.incidents[0].Evidence.DialSaid = health.Text(hostile), hostile, hostile, hostile
	s.incidents[0].Actions[0].What = health.Text(hostile)
	s.handlers[0].Name, s.wanted.Activities[0].Name = hostile, hostile
	s.snap.Discord = statuspage.Status{Indicator: "major", Incidents: []statuspage.Incident{{Name: hostile}}, At: evening}
	s.days[80].Incidents, s.days[80].Worst = 1, &health.Incident{Cause: hostile, What: health.Text(hostile)}
	o := s.options()
	o.Version = hostile
	o.Lines = logging.NewRing(nil, nil)
	logTo := o.Lines
	if err := logTo.Handle(t.Context(), record(evening, hostile)); err != nil {
		t.Fatal(err)
	}
	server := serve(t, o)
	for _, path := range []string{"/", "/?lang=th", "/status", "/runbook"} {
		a := ask(t, server, "GET", path)
		checkPage(t, a)
		if strings.Contains(a.Body, "<script>") || strings.Contains(a.Body, "<i onmouseover") {
			t.Errorf("%s: a name has become markup", path)
		}
	}
}

// Files of the pages are kept by browsers for good under the address that names
// their content, and not at all under another.
func TestAssets(t *testing.T) {
	s := serve(t, api.Options{})
	for _, name := range dashboard.Files.Names() {
		kind := dashboard.Files.Kind(name)
		a := ask(t, s, "GET", "/"+dashboard.Files.Address(name))
		if a.Status != http.StatusOK || a.Header.Get("Content-Type") != kind || a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
			a.Body != string(dashboard.Files.Content(name)) {
			t.Errorf("%s: %d %v", name, a.Status, a.Header)
		}
		if a := ask(t, s, "GET", "/assets/"+name); a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s without its version: %v", name, a.Header)
		}
		if strings.Contains(string(dashboard.Files.Content(name)), "://") && !strings.Contains(string(dashboard.Files.Content(name)), "http://www.w3.org/2000/svg") {
			t.Errorf("%s names another site", name)
		}
	}
	for _, path := range []string{"/assets/dashboard.html", "/assets/", "/assets", "/assets/../page.go", "/assets/web/evergreen.css"} {
		if a := ask(t, s, "GET", path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
}

// Who has not shown the token is asked for it by a form, in their language.
func TestLoginPage(t *testing.T) {
	o := newScene(evening).options()
	o.Token = "a-long-token"
	server := serve(t, o)
	a := ask(t, server, "GET", "/?lang=th")
	checkPage(t, a)
	for _, want := range []string{`<form class="panel login" method="post" action="login">`, `name="token" type="password"`, `name="next" value="/"`, "เข้าสู่ระบบ"} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(a.Body, "ResearchBot") || strings.Contains(a.Body, o.Token) {
		t.Error("the page tells a stranger too much")
	}
	if a := ask(t, server, "GET", "/status"); a.Status != http.StatusOK || !strings.Contains(a.Body, "Status of ResearchBot") {
		t.Errorf("the public page: %d", a.Status)
	}
}
