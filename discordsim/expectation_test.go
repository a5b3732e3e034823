package discordsim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// commandCounts are the counts of commands in a verdict, in the order answered, twice,
// lost, waiting, unheard.
func (sc *clientHarness) commandCounts() [5]int {
	v := sc.Verdict(sc.app)
	if v.Asked != v.Answered+v.Twice+v.Lost+v.Waiting {
		sc.t.Errorf("the verdict does not add up: %+v", v)
	}
	return [5]int{v.Answered, v.Twice, v.Lost, v.Waiting, v.Unheard}
}

// verdictIs fails the test unless the commands fared like that.
func (sc *clientHarness) verdictIs(want [5]int) {
	sc.t.Helper()
	if got := sc.commandCounts(); got != want {
		sc.t.Errorf("answered, twice, lost, waiting, unheard are %v, want %v", got, want)
	}
}

// answer posts a reply of the bot over REST.
func (sc *clientHarness) answer(m Message) ID {
	sc.t.Helper()
	var id ID
	sc.postREST("/channels/"+m.Channel.ID.String()+"/messages",
		map[string]any{"content": "pong", "message_reference": map[string]any{"message_id": m.ID, "fail_if_not_exists": false}, "allowed_mentions": map[string]any{"parse": []string{}}})
	if all := sc.Answers(m.ID); len(all) > 0 {
		id = all[len(all)-1].ID
	}
	return id
}

func (sc *clientHarness) postREST(path string, body any) int {
	sc.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, sc.APIURL()+path, strings.NewReader(string(marshal(body))))
	req.Header.Set("User-Agent", goodAgent)
	req.Header.Set("Content-Type", "application/json")
	if !strings.HasPrefix(path, "/interactions/") {
		req.Header.Set("Authorization", "Bot "+sc.app.Token)
	}
	transport := sc.Transport()
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(req)
	if err != nil {
		sc.t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// respondTo answers an interaction that came over the gateway.
func (sc *clientHarness) respondTo(p packet) int {
	sc.t.Helper()
	d := p.object()
	return sc.postREST("/interactions/"+d["id"].(string)+"/"+d["token"].(string)+"/callback", map[string]any{"type": 4, "data": map[string]any{"content": "pong"}})
}

// Given commands, when they are answered once, twice, late and never, then the
// verdict counts each as what it is, and how long the slowest answer took; an
// answer that is deleted is none.
//
// Statements: S-100.
func TestWhatBecomesOfCommands(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		once, twice, never, unsaid := sc.say("!once", Expect()), sc.say("!twice", Expect()), sc.say("!never", Expect()), sc.say("!unsaid", Expect())
		sc.say("no command")
		c.all()
		wait(2 * time.Second)
		sc.verdictIs([5]int{0, 0, 0, 4, 0})
		sc.answer(once)
		sc.answer(twice)
		sc.answer(twice)
		sc.Delete(sc.answer(unsaid))
		sc.verdictIs([5]int{1, 1, 0, 2, 0})
		wait(8 * time.Second)
		sc.verdictIs([5]int{1, 1, 2, 0, 0})
		if lost := sc.Unanswered(sc.app); len(lost) != 2 || !strings.HasSuffix(lost[0], "!never") {
			t.Errorf("unanswered: %q", lost)
		}
		sc.answer(never) // late is better than never
		sc.verdictIs([5]int{2, 1, 1, 0, 0})
		wait(5 * time.Minute)
		sc.answer(once) // and a second answer counts, however late
		sc.verdictIs([5]int{1, 2, 1, 0, 0})
		if v := sc.Verdict(sc.app); v.Slowest < 10*time.Second || v.Slowest > 11*time.Second {
			t.Errorf("the slowest took %s", v.Slowest)
		}
		wait(time.Hour)
		sc.verdictIs([5]int{1, 2, 1, 0, 0}) // the verdict of what is forgotten stays
		if len(sc.Unanswered(sc.app)) != 0 {
			t.Error("what is settled is still open")
		}
	})
}

// Given interactions, when they are answered in time, not at all, or after the
// answer was due, then the verdict counts them.
//
// Statements: S-100.
func TestWhatBecomesOfInteractions(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.all()
		for i := range 3 {
			sc.Interact(sc.app, sc.channel, sc.ada.ID, "ping")
			p := c.event("INTERACTION_CREATE")
			wait(time.Duration(i) * 2 * time.Second)
			if status := sc.respondTo(p); (status == 204) != (i < 2) {
				t.Errorf("interaction %d was answered %d", i, status)
			}
		}
		wait(20 * time.Second)
		sc.verdictIs([5]int{2, 0, 1, 0, 0})
	})
}

// Given commands nobody could hear, then they count apart: before there was a
// session, after it was thrown away by the server, where a fault withheld them,
// or when an interaction's three seconds fell into a fault.
//
// Statements: S-100.
func TestCommandsThatNoClientCouldAnswer(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.say("!early", Expect())
		sc.verdictIs([5]int{0, 0, 0, 0, 1})
		c := sc.identified(nil)
		sc.say("!stolen", Expect())
		c.event("MESSAGE_CREATE")
		sc.inject(Fault{Name: "session-loss"})
		sc.verdictIs([5]int{0, 0, 0, 0, 2})
		wait(10 * time.Second)
		c = sc.identified(nil)
		sc.say("!confirmed", Expect())
		c.event("MESSAGE_CREATE")
		c.send(1, c.seq)
		c.op(11)
		sc.inject(Fault{Name: "op9-false"})
		sc.verdictIs([5]int{0, 0, 0, 1, 2}) // the bot has it
		wait(time.Minute)
		sc.verdictIs([5]int{0, 0, 1, 0, 2})
		c = sc.identified(nil)
		c.all()
		sc.inject(Fault{Name: "lost", Count: 1})
		sc.say("!withheld", Expect())
		wait(time.Minute)
		sc.verdictIs([5]int{0, 0, 1, 0, 3})
		sc.inject(Fault{Name: "rest-5xx", For: time.Second})
		sc.Interact(sc.app, sc.channel, sc.ada.ID, "ping")
		wait(time.Minute)
		sc.verdictIs([5]int{0, 0, 1, 0, 4})
		sc.Interact(sc.app, sc.channel, sc.ada.ID, "ping")
		wait(time.Minute)
		sc.verdictIs([5]int{0, 0, 2, 0, 4})
	})
}

// Given a command on its way, when the client lets its session die, then it is
// lost if nothing was in the client's way, and unheard if something was; a
// client that ends the session itself is never excused.
//
// Statements: S-100.
func TestWhoLetTheSessionDie(t *testing.T) {
	for what, want := range map[string][5]int{
		"nothing": {0, 0, 1, 0, 0}, "fault": {0, 0, 0, 0, 1}, "foreign fault": {0, 0, 1, 0, 0}, "old fault": {0, 0, 1, 0, 0}, "goodbye": {0, 0, 1, 0, 0},
	} {
		withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			switch what {
			case "old fault":
				sc.inject(Fault{Name: "resume-dead", For: time.Second})
				wait(10 * time.Minute)
			case "foreign fault":
				sc.inject(Fault{Name: "zombie", App: sc.AddApp(AppConfig{}).ID})
			}
			wait(10 * time.Minute)
			sc.say("!help", Expect())
			c.all()
			if what == "goodbye" {
				c.closeWith(1000)
			} else {
				c.drop()
			}
			if what == "fault" {
				sc.inject(Fault{Name: "offline", For: time.Second})
			}
			wait(3 * time.Minute)
			sc.verdictIs(want)
		})
	}
}

// Given an interaction asked while the bot is away, when the bot hears of it with a
// RESUME and answers at once, then it is too late for Discord and no fault of the
// bot's; one that it has had all the while and answers as late is.
//
// Statements: S-094.
func TestInteractionHeardLate(t *testing.T) {
	for away, want := range map[bool][]string{true: nil, false: {"G-141"}} {
		withClient(t, Config{Identify: IdentifyConfig{GuildSpacing: -1}, Heartbeat: HeartbeatConfig{Grace: -1}}, AppConfig{}, func(sc *clientHarness) {
			c := sc.identified(nil)
			if away {
				c.drop()
			}
			sc.Interact(sc.app, sc.channel, sc.ada.ID, "ping")
			wait(8 * time.Second)
			if away {
				c = c.reconnectAndResume()
			}
			if status := sc.respondTo(c.event("INTERACTION_CREATE")); status != 404 {
				t.Errorf("the answer was taken with %d", status)
			}
			sc.violations(want...)
		})
	}
}

// Given a command said while the bot is away or hindered, then its time counts
// from when the bot is back and nothing hinders it.
//
// Statements: S-100.
func TestAnswerGrace(t *testing.T) {
	withClient(t, Config{Identify: IdentifyConfig{GuildSpacing: -1}, Heartbeat: HeartbeatConfig{Grace: -1}, Session: SessionConfig{Lifetime: time.Hour}}, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		c.drop()
		sc.say("!away", Expect())
		wait(10 * time.Minute)
		sc.verdictIs([5]int{0, 0, 0, 1, 0})
		next := c.reconnectAndResume()
		next.event("RESUMED")
		wait(9 * time.Second)
		sc.verdictIs([5]int{0, 0, 0, 1, 0})
		wait(time.Second)
		sc.verdictIs([5]int{0, 0, 1, 0, 0})
		hindered := sc.inject(Fault{Name: "rest-timeout"})
		sc.say("!hindered", Expect())
		wait(time.Hour / 2)
		sc.verdictIs([5]int{0, 0, 1, 1, 0})
		sc.Lift(hindered)
		wait(9 * time.Second)
		sc.verdictIs([5]int{0, 0, 1, 1, 0})
		wait(time.Second)
		sc.verdictIs([5]int{0, 0, 2, 0, 0})
	})
}

// Given a command that two sessions heard, when the server throws one of them
// away, then the other has to answer.
//
// Statements: S-100.
func TestTwoSessionsHeardIt(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.identified(nil)
		wait(time.Minute)
		sc.identified(nil)
		sc.say("!help", Expect())
		sc.inject(Fault{Name: "op9-false", Conn: 1})
		wait(time.Minute)
		sc.verdictIs([5]int{0, 0, 1, 0, 0})
		sc.say("!help", Expect())
		sc.inject(Fault{Name: "op9-false", Conn: 2})
		sc.verdictIs([5]int{0, 0, 1, 0, 1})
	})
}

// Given very many commands and messages, then what is remembered of them stays
// bounded, and their counts stay right.
//
// Statements: S-100, S-101.
func TestCommandsOfAYear(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		b := sc.bots[sc.app.ID]
		const n = 20_000
		for i := range n {
			m := sc.say("!help", Expect())
			sc.say("chatter")
			if i%2 == 0 {
				sc.mu.Lock()
				sc.storeMessage(&Message{ID: sc.newID(), Channel: m.Channel, Author: sc.app.Bot, Timestamp: time.Now(), Type: typeReply, ReplyTo: m.ID})
				sc.mu.Unlock()
			}
			if i%100 == 0 {
				c.all()
				wait(10 * time.Minute)
			}
			if len(b.expectations) > 2*minSweep || len(sc.messages) > 3*keptMessages || len(sc.answers) > 2*keptMessages {
				t.Fatalf("%d asks, %d messages, %d answers are kept", len(b.expectations), len(sc.messages), len(sc.answers))
			}
		}
		wait(time.Hour)
		sc.verdictIs([5]int{n / 2, 0, n / 2, 0, 0})
		if log := sc.newest(); len(log.Frames) > 500 {
			t.Errorf("%d frames are kept", len(log.Frames))
		}
	})
}
