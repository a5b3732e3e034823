package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"evergreen/discordsim"
	"evergreen/discordsim/scenario"
	"evergreen/gateway"
)

// shopBot is a small bot with buttons, menus, modals and autocomplete. What it does not
// know it leaves unanswered.
type shopBot struct {
	t      *testing.T
	app    *discordsim.App
	api    string
	client *http.Client

	mu    sync.Mutex
	heard map[string]int // events by type
}

// event is what the bot reads of its events.
type event struct {
	ID, Token, Content string
	ChannelID          string `json:"channel_id"`
	Type               int
	Author             struct{ Bot bool }
	Data               struct {
		Name     string
		CustomID string `json:"custom_id"`
		Values   []string
		TargetID string `json:"target_id"`
		Options  []struct {
			Name    string
			Value   any
			Options []struct {
				Name  string
				Value any
			}
		}
		Components []struct{ Component struct{ Value string } }
	}
}

// HandleEvent answers one event.
func (b *shopBot) HandleEvent(_ context.Context, e gateway.Event) {
	b.mu.Lock()
	b.heard[e.Type]++
	b.mu.Unlock()
	var d event
	_ = json.Unmarshal(e.Data, &d) // of other events nothing is wanted
	switch e.Type {
	case "MESSAGE_CREATE":
		b.read(d)
	case "INTERACTION_CREATE":
		if kind, data := b.answer(d); kind != 0 {
			b.post("/interactions/"+d.ID+"/"+d.Token+"/callback", map[string]any{"type": kind, "data": data})
		}
	}
}

func (b *shopBot) read(d event) {
	switch {
	case d.Author.Bot:
	case d.Content == "!poll":
		b.reply(d, map[string]any{"poll": map[string]any{
			"question": map[string]any{"text": "Tea?"}, "duration": 1, "answers": []any{
				map[string]any{"poll_media": map[string]any{"text": "Yes"}}, map[string]any{"poll_media": map[string]any{"text": "No"}},
			},
		}})
	case d.Content == "!invite":
		var made struct{ Code string }
		_ = json.Unmarshal(b.post("/channels/"+d.ChannelID+"/invites", map[string]any{}), &made)
		b.reply(d, map[string]any{"content": "https://discord.gg/" + made.Code})
	case d.Content == "!ping":
		b.reply(d, map[string]any{"content": "pong"})
	}
}

func (b *shopBot) reply(to event, message map[string]any) {
	message["message_reference"] = map[string]any{"message_id": to.ID, "fail_if_not_exists": false}
	message["allowed_mentions"] = map[string]any{"parse": []any{}}
	b.post("/channels/"+to.ChannelID+"/messages", message)
}

// answer is the callback that answers an interaction; type 0 is none.
func (b *shopBot) answer(d event) (kind int, data map[string]any) {
	text := func(text string, more ...any) (int, map[string]any) {
		return 4, map[string]any{"content": text, "components": more}
	}
	row := func(parts ...any) any { return map[string]any{"type": 1, "components": parts} }
	switch {
	case d.Type == 4:
		return 8, map[string]any{"choices": []any{map[string]any{"name": "Green tea", "value": "green"}}}
	case d.Type == 5:
		return text("Thank you: " + d.Data.Components[0].Component.Value)
	case d.Data.Name == "order":
		option := d.Data.Options[0]
		return text(fmt.Sprintf("%s %s %v", d.Data.Name, option.Name, option.Options[0].Value),
			row(map[string]any{"type": 2, "style": 1, "label": "Pay", "custom_id": "pay-1"}, map[string]any{"type": 2, "style": 2, "label": "Ignore", "custom_id": "ignore"}),
			row(map[string]any{"type": 3, "custom_id": "size", "placeholder": "How large?", "options": []any{map[string]any{"label": "Large", "value": "l"}, map[string]any{"label": "Small", "value": "s"}}}))
	case d.Data.Name == "Wave", d.Data.Name == "Quote":
		return text(d.Data.Name + " at " + d.Data.TargetID)
	case d.Data.CustomID == "size":
		return 7, map[string]any{"content": "Size " + d.Data.Values[0]}
	case d.Data.CustomID == "pay-1":
		return 9, map[string]any{"custom_id": "address", "title": "Where to?", "components": []any{
			map[string]any{"type": 18, "label": "Street", "component": map[string]any{"type": 4, "custom_id": "street", "style": 1}},
		}}
	}
	return 0, nil
}

// post sends a request and gives what was answered.
func (b *shopBot) post(path string, body any) []byte { return b.request(http.MethodPost, path, body) }

func (b *shopBot) request(method, path string, body any) []byte {
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Error(err)
		return nil
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.api+path, bytes.NewReader(raw))
	if err != nil {
		b.t.Error(err)
		return nil
	}
	req.Header.Set("Authorization", "Bot "+b.app.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	answer, err := b.client.Do(req)
	if err != nil {
		b.t.Error(err)
		return nil
	}
	defer answer.Body.Close()
	var out bytes.Buffer
	_, _ = out.ReadFrom(answer.Body)
	if answer.StatusCode >= 300 {
		b.t.Errorf("%s %s was answered %d %s", method, path, answer.StatusCode, &out)
	}
	return out.Bytes()
}

// playShop plays a scenario to the shop's bot.
func playShop(t *testing.T, text string) (out *scenario.Outcome, heard map[string]int) {
	t.Helper()
	sc, err := scenario.Read("shop.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		sim := discordsim.New(sc.Rules())
		defer sim.Close()
		transport := sim.Transport()
		defer transport.CloseIdleConnections()
		b := &shopBot{t: t, app: sc.Populate(sim, discordsim.AppConfig{Name: "shop"}), api: sim.APIURL(), client: &http.Client{Transport: transport}, heard: map[string]int{}}
		option := func(kind int, name string, more map[string]any) map[string]any {
			o := map[string]any{"type": kind, "name": name, "description": "x"}
			for k, v := range more {
				o[k] = v
			}
			return o
		}
		b.request(http.MethodPut, "/applications/"+b.app.ID.String()+"/commands", []any{
			option(1, "order", map[string]any{"options": []any{
				option(1, "tea", map[string]any{"options": []any{option(3, "kind", map[string]any{"autocomplete": true, "required": true})}}),
				option(1, "for", map[string]any{"options": []any{option(6, "friend", map[string]any{"required": true})}}),
			}}),
			map[string]any{"type": 2, "name": "Wave"}, map[string]any{"type": 3, "name": "Quote"},
			option(1, "silent", nil),
		})
		const intents = gateway.IntentGuilds | gateway.IntentGuildMembers | gateway.IntentGuildVoiceStates | gateway.IntentGuildMessages | gateway.IntentGuildMessageReactions |
			gateway.IntentGuildMessageTyping | gateway.IntentDirectMessages | gateway.IntentMessageContent | gateway.IntentGuildMessagePolls
		shard, err := gateway.New(gateway.Options{
			Credentials: gateway.Credentials{Token: b.app.Token, Intents: intents}, URLSource: gateway.FixedURL("ws://gateway.discord.sim"),
			Dialer: gateway.WebSocketDialer{DialContext: sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"}, Handler: b,
		})
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() { ran <- shard.Run(context.Background()) }()
		defer func() {
			_ = shard.Stop(context.Background(), gateway.EndSession)
			<-ran
		}()
		if out, err = sc.Run(t.Context(), sim, b.app); err != nil {
			t.Fatal(err)
		}
		heard = b.heard
	})
	return out, heard
}

// Given a bot with everything that people can press, when a scenario has people do all
// they can, then each step is done and answered as it says, and the bot hears of each.
//
// Statements: S-101.
func TestScenarioPeopleDoAllTheyCan(t *testing.T) {
	out, heard := playShop(t, `
name: shop
says: People order tea.
world: {people: 4, voice_channels: 1}
steps:
  - {at: 10s, complete: order tea, options: {kind: gr}, focused: kind, contains: Green tea}
  - {after: 1s, use: order tea, options: {kind: green}, as: 2, in: room-1, answer: message, contains: order tea green}
  - {after: 1s, choose: "How large?", values: [Large], answer: update, contains: Size l}
  - {after: 1s, use: order tea, options: {kind: black}, as: 2, in: room-1}
  - {after: 1s, press: Pay, answer: modal, contains: Street}
  - {after: 1s, submit: {street: Elm Street 1}, answer: message, contains: "Thank you: Elm Street 1"}
  - {after: 1s, use: order for, options: {friend: person-3}, as: person-1, in: 2}
  - {after: 1s, use: Wave, target: person-3, as: person-1, contains: Wave at}
  - {after: 1s, use: Quote, target: last, contains: Quote at}
  - {after: 1s, say: "!poll", as: 1, in: room-1}
  - {after: 1s, vote: 2}
  - {after: 1s, unvote: 2}
  - {after: 1s, react: "🍵", as: 3}
  - {after: 1s, unreact: "🍵"}
  - {after: 1s, say: "!invite", as: 1, in: room-1, contains: discord.gg}
  - {after: 1s, invite: eve, in: room-1}
  - {after: 1s, dm: "!ping", as: eve, contains: pong}
  - {after: 1s, join: adam}
  - {after: 1s, type: true, as: adam, in: room-2}
  - {after: 1s, say: hello, chatter: true, as: adam, in: room-2}
  - {after: 1s, edit: hello again}
  - {after: 1s, thread: tea time, on: own}
  - {after: 1s, say: "!ping", in: tea time, as: adam, contains: pong}
  - {after: 1s, delete: own, in: room-2}
  - {after: 1s, join_voice: voice-1, as: adam}
  - {after: 1s, leave_voice: true}
  - {after: 1s, leave: adam}
  - {after: 10s, end: true}
expect: {answered: 13}
`)
	for _, what := range out.Broken() {
		t.Error(what)
	}
	for event, want := range map[string]int{
		"INTERACTION_CREATE": 9, "MESSAGE_POLL_VOTE_ADD": 1, "MESSAGE_POLL_VOTE_REMOVE": 1, "MESSAGE_REACTION_ADD": 1, "MESSAGE_REACTION_REMOVE": 1,
		"GUILD_MEMBER_ADD": 2, "GUILD_MEMBER_REMOVE": 1, "TYPING_START": 1, "THREAD_CREATE": 1, "MESSAGE_DELETE": 1, "VOICE_STATE_UPDATE": 2,
	} {
		if heard[event] != want {
			t.Errorf("the bot has heard of %d %s, want %d", heard[event], event, want)
		}
	}
	if t.Failed() {
		for _, m := range out.Diary {
			t.Log(m)
		}
	}
}

// Given a bot that leaves a press and a command unanswered, or answers otherwise than is
// said, when a scenario is played, then the outcome names line and reason, and what stayed
// unanswered is lost as with any command; what a person waits for a moment is waited for.
func TestScenarioPeopleAreNotAnswered(t *testing.T) {
	out, _ := playShop(t, `
name: shop
says: People order tea.
config: {answer_grace: 5s}
steps:
  - {at: 10s, use: order tea, options: {kind: green}, as: 1, in: room-1, answer: modal}
  - {after: 10s, press: Ignore}
  - {after: 10s, press: Sell}
  - {after: 10s, use: silent}
  - {after: 10s, use: nothing}
  - {after: 10s, submit: {street: x}}
  - {after: 10s, press: Pay, in: dm}
  - {at: 2m, press: Pay, as: 2, in: room-2}
  - {at: 2m2s, use: order tea, options: {kind: green}, in: room-2}
  - {after: 1m, end: true}
expect: {undone: 0, ends: any}
`)
	v := out.Bots[0].Verdict
	if v.Asked != 5 || v.Answered != 3 || v.Lost != 2 {
		t.Errorf("%d asked, %d answered, %d lost", v.Asked, v.Answered, v.Lost)
	}
	want := []string{
		`line 6: person-1 uses /order tea: the bot has answered with "message" and not with "modal"`,
		`line 8: the same person presses "Sell": the bot's last message there has no button "Sell", but Pay, Ignore`,
		`line 10: somebody uses /nothing: shop has no slash command "nothing" here; registered are: `,
		`line 11: the same person fills in a modal: the bot has shown this person no modal`,
		`line 12: the same person presses "Pay": there is no message of the bot there`,
	}
	if got := out.Bots[0].Undone; len(got) != len(want) || !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("undone:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if broken := strings.Join(out.Broken(), "\n"); !strings.Contains(broken, "5 steps of people could not be done, at most 0 are expected: line 6") {
		t.Errorf("broken: %s", broken)
	}
}
