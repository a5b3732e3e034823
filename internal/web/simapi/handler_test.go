package simapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
)

// harness is a world with a handler: two guilds that both have #general, one of them with
// #papers and a voice channel, three people and a bot.
type harness struct {
	*testing.T
	sim     *discordsim.Sim
	app     *discordsim.App
	handler *Handler
}

// newHarness makes a harness; change, if any, changes its options.
func newHarness(t *testing.T, change ...func(*Options)) *harness {
	t.Helper()
	sim := discordsim.New(discordsim.Config{Seed: 1})
	t.Cleanup(sim.Close)
	reading, cafe := sim.AddGuild("Reading Group", "general", "papers"), sim.AddGuild("Café", "general")
	sim.AddVoiceChannels(reading, "voice")
	sim.AddMembers(reading, sim.AddUser("ann"), sim.AddUser("bob"), sim.AddUser("12345"))
	app := sim.AddApp(discordsim.AppConfig{Name: "SimBot", Guilds: []*discordsim.Guild{reading, cafe}})
	o := Options{Sim: sim, Apps: []*discordsim.App{app}, KeepAlive: time.Hour}
	for _, one := range change {
		one(&o)
	}
	h := &harness{t, sim, app, New(o)}
	t.Cleanup(h.handler.Close)
	return h
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request from this machine.
func (h *harness) ask(method, path, body string) reply {
	h.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8510"
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.Bytes()}
}

// get reads an answer of 200 into something.
func (h *harness) get(path string, into any) {
	h.Helper()
	h.read(h.ask(http.MethodGet, path, ""), into)
}

// post does something and reads the answer, if there has to be one.
func (h *harness) post(path, body string, into any) {
	h.Helper()
	h.read(h.ask(http.MethodPost, path, body), into)
}

func (h *harness) read(a reply, into any) {
	h.Helper()
	if a.status/100 != 2 {
		h.Fatalf("%d %s", a.status, a.body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		h.Fatalf("%v in %s", err, a.body)
	}
}

// refused expects a problem with a status whose detail says something.
func (h *harness) refused(a reply, status int, says string) {
	h.Helper()
	var p struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" || p.Title == "" || p.Status != a.status {
		h.Errorf("%d %q %s is no problem: %v", a.status, a.header.Get("Content-Type"), a.body, err)
		return
	}
	if a.status != status || !strings.Contains(p.Detail, says) || !strings.HasSuffix(p.Detail, ".") {
		h.Errorf("%d %q, want %d and a sentence with %q", a.status, p.Detail, status, says)
	}
}

// Given a world, when it is asked for, then it lists the bot, the guilds with their
// channels in order, the direct messages and the people.
func TestWorldListsWhatThereIs(t *testing.T) {
	h := newHarness(t)
	h.post("/sim/say", `{"dm":true,"as":"ann","content":"hello"}`, nil)
	var w worldBody
	h.get("/sim/world", &w)
	if w.Bot.Name != "SimBot" || w.Bot.ID != h.app.Bot.ID || w.Bot.Online || w.Bot.Attached || w.Bot.Presence.Status != "offline" || len(w.Bots) != 1 {
		t.Errorf("the bot is %+v of %d", w.Bot, len(w.Bots))
	}
	if len(w.Guilds) != 2 || w.Guilds[0].Name != "Reading Group" || w.Guilds[0].Members != 4 || len(w.Guilds[0].Channels) != 3 || len(w.Guilds[0].Roles) != 2 {
		t.Fatalf("the guilds are %+v", w.Guilds)
	}
	for i, want := range []string{"general", "papers", "voice"} {
		if ch := w.Guilds[0].Channels[i]; ch.Name != want || *ch.Position != i || *ch.GuildID != w.Guilds[0].ID || ch.ParentID != nil {
			t.Errorf("channel %d is %+v", i, ch)
		}
	}
	if len(w.DMs) != 1 || w.DMs[0].User.Username != "ann" || w.DMs[0].Bot != h.app.Bot.ID {
		t.Errorf("the direct messages are %+v", w.DMs)
	}
	if len(w.People) != 4 || w.PeopleCount != 4 || w.People[0].Username != "ann" {
		t.Errorf("the people are %+v", w.People)
	}
	if strings.Contains(string(h.ask(http.MethodGet, "/sim/world", "").body), h.app.Token) {
		t.Error("the token is told")
	}
}

// Given members and messages, when they are read page by page, then each comes once and in
// order.
func TestListsHavePages(t *testing.T) {
	h := newHarness(t)
	var names []string
	for after := "0"; ; {
		var page []memberBody
		h.get("/sim/members?limit=3&guild=Reading+Group&after="+after, &page)
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			names = append(names, m.User.Username)
		}
		after = page[len(page)-1].User.ID.String()
	}
	if strings.Join(names, " ") != "ann bob 12345 SimBot" {
		t.Errorf("the members are %v", names)
	}
	for range 60 {
		h.post("/sim/say", `{"channel":"papers","as":"ann","content":"hello"}`, nil)
	}
	type message struct{ ID discordsim.ID }
	var last, before, after []message
	h.get("/sim/messages?channel=papers", &last)
	h.get("/sim/messages?channel=papers&limit=1000&before="+last[0].ID.String(), &before)
	h.get("/sim/messages?channel=papers&limit=20&after="+before[9].ID.String(), &after)
	if len(last) != 50 || len(before) != 10 || len(after) != 20 || after[0] != last[0] || last[0].ID > last[49].ID {
		t.Errorf("%d, %d and %d messages", len(last), len(before), len(after))
	}
}

// Given people, when they write, answer, change, delete, react, join and leave, then the
// world is as they made it.
func TestPeopleAct(t *testing.T) {
	h := newHarness(t)
	var m struct {
		ID                discordsim.ID
		Content           string
		Author            struct{ Username string }
		ReferencedMessage *struct{ Content string } `json:"referenced_message"`
		Mentions          []struct{ Username string }
		Reactions         []struct{ Count int }
	}
	h.post("/sim/say", `{"channel":"papers","as":"ann","content":"hello"}`, &m)
	if m.Author.Username != "ann" || m.Content != "hello" {
		t.Errorf("the message is %+v", m)
	}
	first := m.ID.String()
	h.post("/sim/say", `{"channel":"papers","as":"12345","content":"hi","reply_to":`+first+`,"ping":true}`, &m)
	if m.ReferencedMessage == nil || m.ReferencedMessage.Content != "hello" || len(m.Mentions) != 1 || m.Author.Username != "12345" {
		t.Errorf("the answer is %+v", m)
	}
	h.post("/sim/edit", `{"message":"`+first+`","as":"ann","content":"hello!"}`, &m)
	if m.Content != "hello!" {
		t.Errorf("the message is %+v", m)
	}
	h.post("/sim/react", `{"message":"`+first+`","as":"bob","emoji":"👍"}`, &m)
	if len(m.Reactions) != 1 || m.Reactions[0].Count != 1 {
		t.Errorf("the reactions are %+v", m.Reactions)
	}
	m.Reactions = nil
	if h.post("/sim/react", `{"message":"`+first+`","as":"bob","emoji":"👍","remove":true}`, &m); len(m.Reactions) != 0 {
		t.Errorf("the reactions are %+v", m.Reactions)
	}
	h.post("/sim/delete", `{"message":"`+first+`","as":"ann"}`, nil)
	h.refused(h.ask(http.MethodPost, "/sim/edit", `{"message":"`+first+`","as":"ann","content":"x"}`), 404, "may have been deleted")

	var joined memberBody
	h.post("/sim/members", `{"guild":"Café","name":"carol"}`, &joined)
	h.post("/sim/members", `{"guild":"Café","name":"ann"}`, &joined)
	h.post("/sim/voice", `{"guild":"Reading Group","as":"ann","channel":"voice"}`, nil)
	var members []memberBody
	if h.get("/sim/members?guild=Reading+Group&limit=1", &members); members[0].VoiceChannel == nil {
		t.Error("ann is not in voice")
	}
	h.post("/sim/voice", `{"guild":"Reading Group","as":"ann","channel":null}`, nil)
	if h.get("/sim/members?guild=Reading+Group&limit=1", &members); members[0].VoiceChannel != nil {
		t.Error("ann is still in voice")
	}
	h.read(h.ask(http.MethodDelete, "/sim/members?guild=Caf%C3%A9&user=carol", ""), nil)
	h.read(h.ask(http.MethodDelete, "/sim/members?guild=Caf%C3%A9&user=SimBot", ""), nil)
	if h.get("/sim/members?guild=Caf%C3%A9", &members); len(members) != 1 || members[0].User.Username != "ann" {
		t.Errorf("the members are %+v", members)
	}
}

// Given requests that are wrong in every way, when they come, then each is refused with a
// sentence that says what would be right.
func TestWrongRequestsAreToldWhatIsRight(t *testing.T) {
	h := newHarness(t)
	said := h.sim.Say(h.app.Guilds[0].Channels[1].ID, h.sim.People(h.app)[0], "hello").ID.String()
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/sim/wrold", "", 404, "did you mean /sim/world?"},
		{"GET", "/", "", 404, "/sim/openapi.json"},
		{"PUT", "/sim/world", "", 405, "takes GET, not PUT"},
		{"PATCH", "/sim/members", "", 405, "takes GET and POST and DELETE, not PATCH"},
		{"GET", "/sim/members", "", 400, `parameter "guild" is missing`},
		{"GET", "/sim/members?guild=Reading+Gruop", "", 404, `did you mean "Reading Group"?`},
		{"GET", "/sim/members?guild=1", "", 404, `There is no guild "1"`},
		{"GET", "/sim/members?guild=Caf%C3%A9&limt=3", "", 400, `did you mean "limit"?`},
		{"GET", "/sim/members?guild=Caf%C3%A9&limit=3&limit=4", "", 400, "more than once"},
		{"GET", "/sim/members?guild=Caf%C3%A9&limit=0", "", 400, "from 1 to 1000"},
		{"GET", "/sim/members?guild=Caf%C3%A9&after=ann", "", 400, "has to be an id"},
		{"GET", "/sim/messages?channel=general", "", 400, "the name of several channels"},
		{"GET", "/sim/messages?channel=papesr", "", 404, `did you mean "papers"?`},
		{"GET", "/sim/messages?channel=papers&after=1&before=2", "", 400, "give one of them"},
		{"GET", "/sim/commands?channel=papers&bot=SimBto", "", 404, `did you mean "SimBot"?`},
		{"GET", "/sim/verdict?bot=7", "", 404, "There is no bot"},
		{"POST", "/sim/say", "", 400, "it is empty"},
		{"POST", "/sim/say", "null", 400, "this is null"},
		{"POST", "/sim/say", "[1]", 400, `a JSON object with "as", "content"`},
		{"POST", "/sim/say", `{"as":"ann"} x`, 400, "this is not one"},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann"}`, 400, `"content" is missing`},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","contnet":"x"}`, 400, `did you mean "content"?`},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","content":7}`, 400, `"content" has to be a text such as "hello", not 7`},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","content":"x","ping":"yes"}`, 400, "true or false"},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","content":"x","reply_to":"x"}`, 400, "has to be an id"},
		{"POST", "/sim/say", `{"channel":"papers","as":{},"content":"x"}`, 400, "or a name"},
		{"POST", "/sim/say", `{"channel":"papers","as":"an","content":"x"}`, 404, `did you mean "ann"?`},
		{"POST", "/sim/say", `{"channel":"papers","as":"SimBot","content":"x"}`, 400, "is a bot"},
		{"POST", "/sim/say", `{"channel":"papers","as":"` + h.app.Bot.ID.String() + `","content":"x"}`, 400, "is a bot"},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","content":" \n"}`, 400, "is empty"},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","content":"` + strings.Repeat("x", 2001) + `"}`, 400, "2001 characters; a person can write 2000"},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","content":"` + strings.Repeat("x", maxBody) + `"}`, 413, "more than 1024 KiB"},
		{"POST", "/sim/say", `{"as":"ann","content":"x"}`, 400, `either "channel"`},
		{"POST", "/sim/say", `{"dm":true,"channel":"papers","as":"ann","content":"x"}`, 400, `either "channel"`},
		{"POST", "/sim/say", `{"channel":"Café/general","as":"ann","content":"x","reply_to":` + said + `}`, 400, "is in another channel"},
		{"POST", "/sim/say", `{"dm":true,"as":"ann","content":"x","reply_to":` + said + `}`, 400, "is in another channel"},
		{"POST", "/sim/say", `{"channel":"papers","as":"ann","content":"x","reply_to":5}`, 404, "There is no message"},
		{"POST", "/sim/edit", `{"message":"` + said + `","as":"bob","content":"x"}`, 409, "is by ann, and only its author"},
		{"POST", "/sim/delete", `{"message":"` + said + `","as":"bob"}`, 409, "MANAGE_MESSAGES is missing"},
		{"POST", "/sim/react", `{"message":"` + said + `","as":"bob","emoji":"smile"}`, 400, "has to be one emoji"},
		{"POST", "/sim/vote", `{"message":"` + said + `","as":"bob","answer":1}`, 409, "has no poll"},
		{"POST", "/sim/voice", `{"guild":"Café","as":"bob","channel":"voice"}`, 400, "is not in the guild"},
		{"POST", "/sim/voice", `{"guild":"Reading Group","as":"bob","channel":"papers"}`, 409, "no voice channel"},
		{"POST", "/sim/members", `{"guild":"Reading Group","name":"ann"}`, 409, "is a member"},
		{"POST", "/sim/members", `{"guild":"Reading Group","name":"x"}`, 400, "2 to 32 characters"},
		{"DELETE", "/sim/members?guild=Caf%C3%A9&user=ann", "", 409, "is no member"},
		{"DELETE", "/sim/members?guild=Caf%C3%A9", "", 400, `parameter "user" is missing`},
		{"POST", "/sim/faults", `{"fault":"clsoe"}`, 404, `did you mean "close"?`},
		{"POST", "/sim/faults", `{"fault":"close","for":"soon"}`, 400, "has to be a time"},
		{"POST", "/sim/faults", `{"fault":"close","code":7}`, 400, "."},
		{"POST", "/sim/faults", `{"fault":"latency","host":"voice"}`, 400, "one of api, gateway, resume"},
		{"POST", "/sim/faults", `{"fault":"rest-5xx","route":"GET /gatway/bot"}`, 404, `did you mean "GET /gateway/bot"?`},
		{"POST", "/sim/faults", `{"fault":"close","count":-1}`, 400, `"count"`},
		{"POST", "/sim/faults", `{"fault":"close","probability":2}`, 400, "from 0 to 1"},
		{"DELETE", "/sim/faults/7", "", 404, "There is no fault"},
		{"DELETE", "/sim/faults/x/y", "", 404, "nothing at this path"},
	} {
		h.refused(h.ask(c.method, c.path, c.body), c.status, c.says)
	}
	if n := len(h.sim.Messages(h.app.Guilds[0].Channels[1].ID)); n != 1 {
		t.Errorf("%d messages were said", n)
	}
}
