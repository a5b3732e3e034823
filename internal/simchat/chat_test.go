package simchat

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/simtest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen remembers what is printed, one write at a time.
type screen struct {
	mu     sync.Mutex
	writes []string
}

func (s *screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, string(lines))
	return len(lines), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.writes, "")
}

// chatWithShop chats with the shop's bot and returns what was printed.
func chatWithShop(t *testing.T, meanwhile func(*discordsim.Sim, *discordsim.App), lines ...string) string {
	t.Helper()
	var s screen
	simtest.Run(t, simtest.Options{Guilds: 1, App: discordsim.AppConfig{Name: "shop"}}, func(w *simtest.World) {
		w.Sim.AddMembers(w.Guilds[0], w.Sim.AddUser("bob"))
		shop := simtest.RunShop(w.T, w.Sim, w.App)
		defer shop.Stop()
		typed := make(chan string)
		go func() {
			defer close(typed)
			for _, line := range lines {
				typed <- line
			}
		}()
		if meanwhile != nil {
			w.Sim.After(time.Second, func() { meanwhile(w.Sim, w.App) })
		}
		if err := Run(w.T.Context(), Options{Sim: w.Sim, App: w.App, Out: &s, Lines: typed}); err != nil {
			t.Error(err)
		}
		for range typed { // a chat that ended early has left some
		}
	})
	for _, write := range s.writes {
		if !strings.HasSuffix(write, "\n") {
			t.Errorf("%q is no whole line", write)
		}
	}
	return s.String()
}

// holds fails the test unless the texts stand in what was printed, in this order.
func holds(t *testing.T, printed string, wants ...string) {
	t.Helper()
	rest := printed
	for _, want := range wants {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is missing, or too early, in\n%s", want, printed)
		}
		rest = after
	}
}

// Given a bot with buttons, menus and modals, when a person types what can be typed, then it
// is done, and what comes of it is shown with numbers to press, in the order of what was
// typed.
func TestChatDoesWhatIsTyped(t *testing.T) {
	printed := chatWithShop(t, nil,
		".wait online", "!ping", ".wait", "", "//ping is said", "..and this",
		".complete order tea kind:gr", ".wait",
		"/order tea kind:green with milk", ".wait",
		".press 3 Large", ".wait",
		".press 1", ".wait", `.submit street:"Elm Street 1"`, ".wait",
		".menu bob Wave", ".wait", ".menu last Quote", ".wait",
		".react 🍵", "!poll", ".wait", ".vote 2",
		".as bob", "it is me", ".edit it is bob", ".delete",
		".channel dm", "!ping", ".wait", ".channel general", ".people", ".channels", ".commands", ".verdict",
	)
	holds(t, printed,
		"You are ada in #general.", "#general ada: !ping\n", "#general shop (to ada): pong\n", "#general ada: /ping is said\n", "#general ada: .and this\n",
		"choices: 1\n    Green tea (green)\n",
		"#general shop (to ada): order tea green with milk\n    [1 Pay] [2 Ignore]\n    {3 How large?: Large, Small}\n",
		"#general shop (to ada) (edited): Size l\n",
		"modal: Where to?\n    street: Street\n    .submit street:...\n", "#general shop (to ada): Thank you: Elm Street 1\n",
		"#general shop (to ada): Wave at ", "#general shop (to ada): Quote at ", "reactions: 🍵 1\n",
		"poll: Tea?\n      1 Yes\n      2 No\n",
		"You are bob in #general.", "#general bob: it is me\n", "#general bob (edited): it is bob\n", "#general a message was deleted: it is bob\n",
		"You are bob in dm:bob.", "dm:bob bob: !ping\n", "dm:bob shop (to bob): pong\n",
		"You are bob in #general.", "ada, shop-owner, bob", "#general, dm\n", "/order tea for x\n", "0 lost, 0 twice",
	)
	if strings.Contains(printed, "! ") {
		t.Errorf("something was wrong in\n%s", printed)
	}
}

// Given what cannot be, then a line says why and what would be right, and the chat goes on.
func TestChatSaysWhatIsWrong(t *testing.T) {
	printed := chatWithShop(t, nil,
		".wait online", "/odrer", ".pres 1", ".press", ".press 7", ".press x", ".submit street:x", ".complete order tea", ".menu last", ".menu last Quote", ".menu nobody Wave",
		".react", ".react x", ".vote 1", ".edit x", ".delete", ".as bbo", ".as somebody else", ".channel moon", ".fault half-opne", ".fault close code=x", ".fault close colour=red",
		".fault refuse 5x", ".fault close code=99", ".wait soon", "/silent", ".wait", "still here",
	)
	holds(t, printed,
		`! shop has no slash command "odrer" here; registered are: order, silent`, "! there is no .pres; did you mean .press?", "! which? Such as .press 2",
		`! there is no button or menu "7" here`, `! there is no button or menu "x" here`, "! no modal is open", "! which option? Such as .complete order kind:gr",
		"! which command, and on what?", "! shop has said nothing in #general", `! there is nobody "nobody"`,
		"! with which emoji?", "! shop has said nothing in #general", `! there is no poll with an answer "1"`, "! say something first", "! you have said nothing here",
		`! there is nobody "bbo"; did you mean bob?`, `! there is nobody "somebody else"; .people tells`, `! there is no channel "moon"; .channels tells`,
		`! there is no fault "half-opne"; did you mean half-open?`, `! "code=x": want a number`, `! a fault has no "colour"; there are: code, count`,
		`! "5x": want seconds (30)`, "! ", "99", "! want seconds (30)", "! shop has not answered /silent", "#general ada: still here",
	)
}

// Given text of others with control characters, line breaks and mentions, when it is shown,
// then a terminal obeys none of it and the lines after the first are indented.
func TestChatShowsForeignTextSafely(t *testing.T) {
	printed := chatWithShop(t, func(sim *discordsim.Sim, app *discordsim.App) {
		g := app.Guilds[0]
		eve := sim.AddUser("eve\x1b[2J\nshop")
		sim.AddMembers(g, eve)
		sim.Say(g.Channels[0].ID, eve.ID, "\x1b]0;title\x07one\r\ntwo\x1b[31m <@"+eve.ID.String()+"> \u202e#general shop: three\n#general shop: four")
	}, ".wait 2s", ".people")
	holds(t, printed, "#general eve [2J shop:  ]0;title one\n    two [31m @eve [2J\n    shop #general shop: three\n    #general shop: four\n")
	if i := strings.IndexAny(printed, "\x1b\x07\r\u202e"); i >= 0 {
		t.Errorf("%q is printed", printed[i])
	}
}

// Given a fault set by hand, then it begins, lasts as long as it says, and its end is shown.
func TestChatSetsFaults(t *testing.T) {
	printed := chatWithShop(t, func(sim *discordsim.Sim, _ *discordsim.App) {
		if all := sim.Injected(); len(all) != 2 || all[0].Name != "latency" || all[0].For != 3*time.Second || all[0].Delay != 20*time.Millisecond || all[1].Name != "zombie" {
			t.Errorf("the faults are %+v", all)
		}
	}, ".fault latency 3s delay=20ms", ".fault zombie", ".wait 5s", ".lift", ".fault", ".help")
	holds(t, printed, "It lasts until .lift.", "* fault latency is over", "* fault zombie is over")
	for _, want := range []string{"\nhalf-open ", "\n.press 2 ", "\n.quit "} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not listed", want)
		}
	}
}

// Given a chat with what nobody types any more, when what was asked is unanswered, then its
// end waits for the answer; when the context ends or .quit is typed, it ends at once.
func TestChatEnds(t *testing.T) {
	holds(t, chatWithShop(t, nil, ".wait online", "/order tea kind:green"), "#general shop (to ada): order tea green")
	if printed := chatWithShop(t, nil, ".quit", "never said"); strings.Contains(printed, "never said") {
		t.Errorf("it went on:\n%s", printed)
	}
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(discordsim.Config{})
		defer sim.Close()
		app := sim.AddApp(discordsim.AppConfig{})
		if err := Run(t.Context(), Options{Sim: sim, App: app, Out: &bytes.Buffer{}}); err == nil {
			t.Error("a chat with nobody began")
		}
	})
}

// Options are recognised by their names alone, whatever their values hold.
func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		line, bare string
		values     map[string]any
	}{
		{"order tea", "order tea", nil},
		{"order tea kind:green size:2", "order tea", map[string]any{"kind": "green", "size": "2"}},
		{"order kind:green with milk size:2", "order", map[string]any{"kind": "green with milk", "size": "2"}},
		{`order kind:"a  size:2" size:""`, "order", map[string]any{"kind": "a  size:2", "size": ""}},
		{"order kind:https://example.com/ size", "order", map[string]any{"kind": "https://example.com/ size"}},
		{`say "kind:x" 5" nails`, `say kind:x 5" nails`, nil},
		{"kind:", "", map[string]any{"kind": ""}},
		{"", "", nil},
	} {
		bare, values := parseOptions(c.line, []string{"kind", "size"})
		if bare != c.bare || len(values) != len(c.values) {
			t.Errorf("%q: %q %v", c.line, bare, values)
		}
		for name, want := range c.values {
			if values[name] != want {
				t.Errorf("%q: %s is %q, want %q", c.line, name, values[name], want)
			}
		}
	}
}
