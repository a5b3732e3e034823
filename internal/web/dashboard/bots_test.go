package dashboard_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"evergreen/internal/sidecar"
)

// proxied is how the bots behind a proxy are.
type proxied sidecar.Status

func (p proxied) Status() sidecar.Status { return sidecar.Status(p) }

// withBots makes a proxy that listens, with bots behind it.
func withBots(bots ...sidecar.ConsumerStatus) proxied {
	return proxied{Gateway: "ws://127.0.0.1:8711", Known: true, BacklogLimit: 64 << 20, BacklogAge: time.Hour, Consumers: bots}
}

var markup = regexp.MustCompile(`<[^>]*>`)

// plainText is what a page says to a reader.
func plainText(page string) string {
	text := html.UnescapeString(markup.ReplaceAllString(page, " "))
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\u00a0", " ")), " ")
}

// Given bots behind the proxy, then the page tells connected and attended apart, says in a
// sentence how each is, what waits for it and how full that is, in both languages.
func TestBotsBehindTheProxy(t *testing.T) {
	away := sidecar.ConsumerStatus{
		Shard: [2]int{0, 1}, Library: "discord.py", Version: "2.2.2", Phase: sidecar.PhaseAway, Since: evening.Add(-2 * time.Minute),
		Waiting: 214, WaitingBytes: 84 << 10, Oldest: evening.Add(-115 * time.Second), Starts: []time.Time{evening.Add(-9 * time.Minute)},
		Counts: sidecar.ConsumerCounts{Delivered: 1204, Again: 3, Told: 2},
	}
	there := away
	there.Phase, there.Attended, there.Waiting, there.Unconfirmed, there.Standby, there.Lag = sidecar.PhaseAttached, true, 2, 2, 1, 240*time.Millisecond
	stalled := away
	stalled.Phase, stalled.Waiting, stalled.Shard = sidecar.PhaseStalled, 1, [2]int{1, 2}
	looping := away
	looping.Phase, looping.Attended, looping.Waiting = sidecar.PhaseSettling, true, 60000
	looping.WaitingBytes = 60 << 20
	for n := range 6 {
		looping.Starts = append(looping.Starts, evening.Add(time.Duration(n-7)*20*time.Second))
	}
	for name, c := range map[string]struct {
		bots          []sidecar.ConsumerStatus
		english, thai []string
		lacks         string
	}{
		"away": {
			bots: []sidecar.ConsumerStatus{away},
			english: []string{
				"They connect to ws://127.0.0.1:8711", "discord.py 2.2.2 Connected to Discord Not attended by a bot",
				"The dot is green, but no bot has been attached for 2 min ; 214 events wait.", "Phase: away , for 2 min",
				"214 events, 84 KiB; the oldest is 1 min 55 s old, of at most 1 h (3% full)", "Starts within the hour 1, 9 min ago", "Delivered 1,204",
				"Delivered once more 3", "Interactions answered for it 2",
			},
			thai:  []string{"เชื่อมต่อกับ Discord อยู่ ไม่มีบอตดูแล", "จุดเป็นสีเขียว แต่ไม่มีบอตต่ออยู่มา 2 นาที แล้ว มี 214 เหตุการณ์รออยู่"},
			lacks: "Time in ms",
		},
		"attached": {
			bots:    []sidecar.ConsumerStatus{there},
			english: []string{"Attended by its bot", "The bot is here, and gets events as they come. 1 further process is on standby.", "Not confirmed yet 2, for 240 ms"},
			thai:    []string{"มีบอตดูแลอยู่", "มีอีก 1 โปรเซสสำรองอยู่"},
			lacks:   "% full)",
		},
		"stalled, of two": {
			bots:    []sidecar.ConsumerStatus{there, stalled},
			english: []string{"discord.py 2.2.2 shard 1/2", "The bot is here, but has read nothing for 2 min ; 1 event waits."},
			thai:    []string{"บอตต่ออยู่ แต่ไม่ได้อ่านอะไรมา 2 นาที แล้ว มี 1 เหตุการณ์รออยู่"},
		},
		"a crash loop": {
			bots:    []sidecar.ConsumerStatus{looping},
			english: []string{"gets ready with its servers; events wait until then. It has started 6 times within five minutes.", "60,000 events, 60 MiB of at most 64 MiB (93% full)"},
			thai:    []string{"บอตเริ่มใหม่ 6 ครั้งภายในห้านาที"},
		},
		"nobody yet": {
			english: []string{"No bot has connected yet. Make one setting in your bot and start it, or let Evergreen start it: evergreen proxy -- python bot.py", "evergreen proxy setup", `yarl.URL("ws://127.0.0.1:8711/")`, "twilight Rust"},
			thai:    []string{"ยังไม่มีบอตต่อเข้ามา", `rest: { api: "http://127.0.0.1:8711/api" }`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newScene(evening).options()
			o.Proxy = withBots(c.bots...)
			server := serve(t, o)
			for lang, wants := range map[string][]string{"en": c.english, "th": c.thai} {
				a := ask(t, server, "GET", "/?lang="+lang)
				checkPage(t, a)
				says := plainText(a.Body)
				for _, want := range wants {
					if !strings.Contains(says, want) {
						t.Errorf("%s: no %q in\n%s", lang, want, says)
					}
				}
				if c.lacks != "" && lang == "en" && strings.Contains(says, c.lacks) {
					t.Errorf("it says %q", c.lacks)
				}
			}
		})
	}
}

// While Evergreen is not connected, nothing says that the dot is green.
func TestBotThatIsAwayWhileTheDotIsGrey(t *testing.T) {
	s := newScene(evening)
	s.lose()
	o := s.options()
	o.Proxy = withBots(sidecar.ConsumerStatus{Shard: [2]int{0, 1}, Phase: sidecar.PhaseAway, Since: evening.Add(-time.Minute)})
	says := plainText(ask(t, serve(t, o), "GET", "/").Body)
	if !strings.Contains(says, "Not connected to Discord Not attended by a bot No bot has been attached for 1 min , and Evergreen is not connected to Discord; nothing waits.") {
		t.Error(says)
	}
}

// Without a proxy there is no such panel, and what a library calls itself stays text.
func TestPanelOfBotsIsTheProxysAlone(t *testing.T) {
	o := newScene(evening).options()
	if a := ask(t, serve(t, o), "GET", "/"); strings.Contains(a.Body, `id="bots"`) || !strings.Contains(a.Body, `id="handlers"`) {
		t.Error("a panel of bots without a proxy")
	}
	const hostile = `"><script>alert(1)</script>`
	o.Proxy = withBots(sidecar.ConsumerStatus{Shard: [2]int{0, 1}, Library: hostile, Version: hostile, Phase: hostile, Since: evening})
	a := ask(t, serve(t, o), "GET", "/")
	checkPage(t, a)
	if strings.Contains(a.Body, "<script>") {
		t.Error("a name has become markup")
	}
}
