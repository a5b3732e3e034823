package simapi

import (
	"net/http"
	"strings"
	"testing"

	"evergreen/discordsim"
)

// commandsOfBot are what the bot of these tests registers.
const commandsOfBot = `[
	{"name":"ping","description":"Pong","contexts":[0]},
	{"name":"find","description":"Find","options":[{"type":3,"name":"what","description":"What","autocomplete":true,"required":true}]},
	{"name":"silent","description":"Says nothing"}
]`

// answers is what the bot answers: a message with a button, choices, a modal, a message.
func answers(asked interaction) any {
	text := func(content string, components ...any) any {
		return map[string]any{"type": 4, "data": map[string]any{"content": content, "components": components}}
	}
	switch {
	case asked.Type == 4:
		return map[string]any{"type": 8, "data": map[string]any{"choices": []any{map[string]any{"name": "Paper", "value": "p1"}}}}
	case asked.Type == 5:
		return text("thanks")
	case asked.Type == 3:
		row := map[string]any{"type": 1, "components": []any{map[string]any{"type": 4, "custom_id": "name", "label": "Name", "style": 1}}}
		return map[string]any{"type": 9, "data": map[string]any{"custom_id": "form", "title": "Your name", "components": []any{row}}}
	case asked.Data.Name == "silent":
		return nil
	}
	row := map[string]any{"type": 1, "components": []any{map[string]any{"type": 2, "style": 1, "label": "More", "custom_id": "more"}}}
	return text("pong", row)
}

// Given a bot with commands, when a person uses one, presses a button of the answer and
// sends the modal that follows, then each is answered and can be followed by its id.
func TestPeopleUseTheBot(t *testing.T) {
	h := newHarness(t)
	h.connect(commandsOfBot, answers)
	var commands []struct{ Name string }
	if h.get("/sim/commands?channel=papers", &commands); len(commands) != 3 || commands[0].Name != "find" {
		t.Errorf("the commands are %v", commands)
	}
	h.post("/sim/say", `{"dm":true,"as":"ann","content":"hello"}`, nil)
	var w worldBody
	h.get("/sim/world", &w)
	if !w.Bot.Online || !w.Bot.Attached || w.Bot.Presence.Status != "online" {
		t.Errorf("the bot is %+v", w.Bot)
	}
	if h.get("/sim/commands?channel="+w.DMs[0].ID.String(), &commands); len(commands) != 2 {
		t.Errorf("in direct messages the commands are %v", commands)
	}

	var done interactionMade
	h.post("/sim/use", `{"channel":"papers","as":"ann","command":"ping"}`, &done)
	ping := h.await(done.Interaction, discordsim.StateAnswered)
	if ping.Message == nil || ping.Message.Content != "pong" || ping.Type != 4 {
		t.Fatalf("ping came to %+v", ping)
	}
	h.post("/sim/press", `{"message":"`+ping.Message.ID.String()+`","as":"bob","custom_id":"more"}`, &done)
	modal := h.await(done.Interaction, discordsim.StateAnswered)
	if modal.Modal == nil || modal.Modal.Title != "Your name" {
		t.Fatalf("the button came to %+v", modal)
	}
	opened := done.Interaction.String()
	h.post("/sim/submit", `{"interaction":"`+opened+`","as":"bob","fields":{"name":"Bob"}}`, &done)
	if sent := h.await(done.Interaction, discordsim.StateAnswered); sent.Message == nil || sent.Message.Content != "thanks" {
		t.Errorf("the modal came to %+v", sent)
	}
	var suggested struct{ Choices []discordsim.Choice }
	h.post("/sim/complete", `{"channel":"papers","as":"ann","command":"find","options":{"what":"pa"},"focused":"what"}`, &suggested)
	if len(suggested.Choices) != 1 || suggested.Choices[0].Value != "p1" {
		t.Errorf("the suggestions are %+v", suggested)
	}

	for _, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/sim/use", `{"channel":"papers","as":"ann","command":"pong"}`, 409, `has no slash command "pong"`},
		{"/sim/use", `{"channel":"Café/general","as":"ann","command":"ping"}`, 409, "Ann is no member of the guild"},
		{"/sim/use", `{"channel":"papers","as":"ann","command":"find"}`, 409, `needs the option "what"`},
		{"/sim/use", `{"channel":"papers","as":"ann","command":"find","options":{"what":{"name":"x"}}}`, 400, `In "options": a file is an object such as`},
		{"/sim/use", `{"channel":"papers","as":"ann","command":"find","options":["x"]}`, 400, `has to be an object`},
		{"/sim/complete", `{"channel":"papers","as":"ann","command":"ping","focused":"x"}`, 409, `has no option "x"`},
		{"/sim/press", `{"message":"` + ping.Message.ID.String() + `","as":"bob","custom_id":"less"}`, 409, "less"},
		{"/sim/press", `{"message":"7","as":"bob","custom_id":"more"}`, 404, "There is no message"},
		{"/sim/submit", `{"interaction":"7","as":"bob","fields":{}}`, 404, "There is no interaction"},
		{"/sim/submit", `{"interaction":"` + opened + `","as":"ann","fields":{}}`, 409, "open for bob only"},
	} {
		h.refused(h.ask(http.MethodPost, c.path, c.body), c.status, c.says)
	}
	h.refused(h.ask(http.MethodGet, "/sim/interactions/7", ""), 404, "There is no interaction")
	h.refused(h.ask(http.MethodGet, "/sim/interactions/x", ""), 400, "the id of an interaction")
}

// Given a bot that does not answer a command, when its three seconds are over, then the
// interaction has failed, and the live stream says so by itself.
func TestStreamTellsThatNothingCame(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.connect(commandsOfBot, answers)
	url, _ := h.serve()
	s := h.follow(url, "")
	h.post("/sim/use", `{"channel":"papers","as":"ann","command":"silent"}`, nil)
	s.next("interaction", `"state":"waiting"`)
	s.next("interaction", `"state":"failed"`)
	h.post("/sim/use", `{"channel":"papers","as":"ann","command":"ping"}`, nil)
	s.next("interaction", `"state":"waiting"`)
	for _, want := range []string{`"state":"answered"`, `"content":"pong"`} {
		for {
			_, data, ok := s.block()
			if !ok {
				t.Fatalf("the stream ends before %s", want)
			}
			if strings.Contains(data, want) {
				break
			}
		}
	}
	h.post("/sim/type", `{"channel":"papers","as":"ann"}`, nil)
	for kind := ""; kind != "typing"; {
		var ok bool
		if kind, _, ok = s.block(); !ok {
			t.Fatal("the stream ends before ann types")
		}
	}
}
