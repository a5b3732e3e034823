package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// Shop is a small bot for tests with buttons, menus, modals and autocomplete. What it does not
// know it leaves unanswered.
type Shop struct {
	t      *testing.T
	app    *discordsim.App
	api    string
	client *http.Client
	shard  *gateway.Shard
	ran    chan error

	mu    sync.Mutex
	heard map[string]int // events by type
}

// shopEvent is what the bot reads of its events.
type shopEvent struct {
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
func (b *Shop) HandleEvent(_ context.Context, e gateway.Event) {
	b.mu.Lock()
	b.heard[e.Type]++
	b.mu.Unlock()
	var d shopEvent
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

func (b *Shop) read(d shopEvent) {
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

func (b *Shop) reply(to shopEvent, message map[string]any) {
	message["message_reference"] = map[string]any{"message_id": to.ID, "fail_if_not_exists": false}
	message["allowed_mentions"] = map[string]any{"parse": []any{}}
	b.post("/channels/"+to.ChannelID+"/messages", message)
}

// answer is the callback that answers an interaction; type 0 is none.
func (b *Shop) answer(d shopEvent) (kind int, data map[string]any) {
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
func (b *Shop) post(path string, body any) []byte { return b.request(http.MethodPost, path, body) }

func (b *Shop) request(method, path string, body any) []byte {
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

// RunShop registers the shop's commands and connects it: /order with the sub-commands tea and
// for, /silent, which it does not answer, and Wave and Quote of the context menu.
func RunShop(t *testing.T, sim *discordsim.Sim, app *discordsim.App) *Shop {
	t.Helper()
	b := &Shop{t: t, app: app, api: sim.APIURL(), client: &http.Client{Transport: sim.Transport()}, heard: map[string]int{}, ran: make(chan error, 1)}
	option := func(kind int, name string, more map[string]any) map[string]any {
		o := map[string]any{"type": kind, "name": name, "description": "x"}
		maps.Copy(o, more)
		return o
	}
	b.request(http.MethodPut, "/applications/"+app.ID.String()+"/commands", []any{
		option(1, "order", map[string]any{"options": []any{
			option(1, "tea", map[string]any{"options": []any{option(3, "kind", map[string]any{"autocomplete": true, "required": true})}}),
			option(1, "for", map[string]any{"options": []any{option(6, "friend", map[string]any{"required": true})}}),
		}}),
		map[string]any{"type": 2, "name": "Wave"}, map[string]any{"type": 3, "name": "Quote"},
		option(1, "silent", nil),
	})
	const intents = gateway.IntentGuilds | gateway.IntentGuildMembers | gateway.IntentGuildVoiceStates | gateway.IntentGuildMessages | gateway.IntentGuildMessageReactions |
		gateway.IntentGuildMessageTyping | gateway.IntentDirectMessages | gateway.IntentMessageContent | gateway.IntentGuildMessagePolls
	var err error
	b.shard, err = gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: app.Token, Intents: intents}, URLSource: gateway.FixedURL("ws://gateway.discord.sim"),
		Dialer: gateway.WebSocketDialer{DialContext: sim.DialContext, UserAgent: "DiscordBot (https://example.com, 1)"}, Handler: b,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { b.ran <- b.shard.Run(context.Background()) }()
	return b
}

// Stop disconnects it.
func (b *Shop) Stop() {
	_ = b.shard.Stop(context.Background(), gateway.EndSession)
	<-b.ran
	b.client.CloseIdleConnections()
}

// Heard counts the events that it got, by type.
func (b *Shop) Heard() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.heard)
}
