//go:build browser

package chat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
)

// object is JSON that the bot sends.
type object = map[string]any

// smallBot is a bot with something of everything: embeds, buttons, selects, a modal,
// autocomplete, sub-commands and context-menu commands.
type smallBot struct {
	t      *testing.T
	sim    *discordsim.Sim
	app    *discordsim.App
	client *http.Client
}

// startBot runs the bot until the test ends, and returns when its commands are registered.
func startBot(t *testing.T, sim *discordsim.Sim, app *discordsim.App) {
	t.Helper()
	b := &smallBot{t: t, sim: sim, app: app, client: &http.Client{Transport: sim.Transport()}}
	ready := make(chan struct{})
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{Token: app.Token, Intents: gateway.IntentGuildMessages | gateway.IntentDirectMessages | gateway.IntentMessageContent},
		URLSource:   gateway.FixedURL("ws://gateway.discord.sim"),
		Dialer:      gateway.WebSocketDialer{DialContext: sim.DialContext},
		Presence:    &gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{{Name: "AI Research | !help", Type: gateway.ActivityWatching}}},
		Events:      []string{"READY", "MESSAGE_CREATE", "INTERACTION_CREATE"},
		Handler: gateway.HandlerFunc(func(_ context.Context, e gateway.Event) {
			switch e.Type {
			case "READY":
				b.send(http.MethodPut, fmt.Sprintf("/applications/%s/commands", app.ID), botCommands)
				close(ready)
			case "MESSAGE_CREATE":
				b.hear(e.Data)
			case "INTERACTION_CREATE":
				b.answer(e.Data)
			}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- shard.Run(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := shard.Stop(ctx, gateway.EndSession); err != nil {
			t.Error(err)
		}
		<-done
	})
	<-ready
}

// send sends one REST request.
func (b *smallBot) send(method, path string, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Error(err)
		return
	}
	req, err := http.NewRequest(method, b.sim.APIURL()+path, bytes.NewReader(raw))
	if err != nil {
		b.t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bot "+b.app.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	answer, err := b.client.Do(req)
	if err != nil {
		b.t.Error(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 300 {
		var said bytes.Buffer
		_, _ = said.ReadFrom(answer.Body)
		b.t.Errorf("%s %s: %d %s", method, path, answer.StatusCode, said.String())
	}
}

// hear answers messages.
func (b *smallBot) hear(raw []byte) {
	var m struct {
		ID, Content string
		ChannelID   string `json:"channel_id"`
		Author      struct{ Bot bool }
	}
	if json.Unmarshal(raw, &m) != nil || m.Author.Bot {
		return
	}
	reply := func(body object) {
		body["message_reference"] = object{"message_id": m.ID}
		b.send(http.MethodPost, "/channels/"+m.ChannelID+"/messages", body)
	}
	switch {
	case m.Content == "!report":
		reply(report(0))
	case m.Content == "!รายงาน":
		reply(reportThai)
	case m.Content == "!layout":
		reply(layout)
	case m.Content == "!poll":
		reply(object{"poll": object{
			"question": object{"text": "Which paper next?"}, "duration": 24, "allow_multiselect": false,
			"answers": []object{{"poll_media": object{"text": "Attention Is All You Need", "emoji": object{"name": "🧠"}}}, {"poll_media": object{"text": "In Search of an Understandable Consensus Algorithm"}}},
		}})
	case strings.HasPrefix(m.Content, "!say "):
		reply(object{"content": strings.TrimPrefix(m.Content, "!say ")})
	case strings.HasPrefix(m.Content, "!echo "):
		reply(object{"content": strings.TrimPrefix(m.Content, "!echo "), "embeds": []object{{"title": strings.TrimPrefix(m.Content, "!echo ")}}, "allowed_mentions": object{"parse": []string{}}})
	}
}

// report is an answer with an embed, buttons and a select.
func report(opened int) object {
	return object{
		"content": "Here is the week in *AI research*.",
		"embeds": []object{{
			"author": object{"name": "ResearchBot"}, "title": "Reading list, week 49", "url": "https://example.com/reading-list", "color": 0x2c8a5b,
			"description": "Three papers were **read**, two are `open`. See **papers** or ask with `/find`.",
			"fields": []object{
				{"name": "Read", "value": "3", "inline": true}, {"name": "Open", "value": "2", "inline": true}, {"name": "Opened here", "value": fmt.Sprint(opened), "inline": true},
				{"name": "Next", "value": "> *Attention Is All You Need*\nThursday, 18:00"},
			},
			"footer": object{"text": "Updated"}, "timestamp": "2026-12-01T05:00:00Z",
		}},
		"components": []object{
			{"type": 1, "components": []object{
				{"type": 2, "style": 1, "label": "Open one", "custom_id": fmt.Sprintf("open %d", opened), "emoji": object{"name": "📖"}}, {"type": 2, "style": 2, "label": "Feedback", "custom_id": "feedback"},
				{"type": 2, "style": 3, "label": "Done", "custom_id": "done"}, {"type": 2, "style": 4, "label": "Drop", "custom_id": "drop", "disabled": true}, {"type": 2, "style": 5, "label": "arXiv", "url": "https://example.com/arxiv"},
			}},
			{"type": 1, "components": []object{{"type": 3, "custom_id": "topic", "placeholder": "Choose a topic", "options": []object{
				{"label": "Language models", "value": "lm", "description": "Text and code"}, {"label": "Robotics", "value": "robotics"}, {"label": "Theory", "value": "theory"},
			}}}},
		},
	}
}

// reportThai is a report in Thai.
var reportThai = object{
	"content": "สรุปงานวิจัย *AI* ประจำสัปดาห์",
	"embeds": []object{{
		"title": "รายการอ่าน สัปดาห์ที่ 49", "color": 0x2c8a5b, "description": "อ่านแล้ว **3** บทความ เหลืออีก **2** ถามเพิ่มเติมได้ด้วย `/find`",
		"fields": []object{
			{"name": "อ่านแล้ว", "value": "3", "inline": true}, {"name": "ยังไม่อ่าน", "value": "2", "inline": true},
			{"name": "ถัดไป", "value": "> *Attention Is All You Need*\nวันพฤหัสบดี 18:00 น."},
		},
		"footer": object{"text": "ปรับปรุงล่าสุดวันนี้"},
	}},
	"components": []object{
		{"type": 1, "components": []object{{"type": 2, "style": 1, "label": "เปิดบทความ", "custom_id": "open 0"}, {"type": 2, "style": 2, "label": "ความคิดเห็น", "custom_id": "feedback"}}},
		{"type": 1, "components": []object{{"type": 3, "custom_id": "topic", "placeholder": "เลือกหัวข้อ", "options": []object{{"label": "แบบจำลองภาษา", "value": "lm"}, {"label": "หุ่นยนต์", "value": "robotics"}}}}},
	},
}

// layout is a message of the newer components.
var layout = object{
	"flags": 1 << 15,
	"components": []object{{"type": 17, "accent_color": 0xd9962a, "components": []object{
		{"type": 10, "content": "## Lab meeting\nThursday, **18:00**"},
		{"type": 14, "spacing": 1, "divider": true},
		{"type": 9, "components": []object{{"type": 10, "content": "Bring a question."}}, "accessory": object{"type": 2, "style": 2, "label": "I come", "custom_id": "done"}},
		{"type": 1, "components": []object{{"type": 5, "custom_id": "who", "placeholder": "Who presents?", "min_values": 1, "max_values": 2}}},
	}}},
}

var botCommands = []object{
	{"name": "report", "description": "The week in AI research", "description_localizations": object{"th": "สรุปงานวิจัย AI ประจำสัปดาห์"}},
	{"name": "find", "description": "Finds a paper", "options": []object{
		{"type": 3, "name": "paper", "description": "Title of the paper", "required": true, "autocomplete": true}, {"type": 4, "name": "year", "description": "Not older than", "min_value": 1950},
		{"type": 3, "name": "sort", "description": "Order of the list", "choices": []object{{"name": "Newest first", "value": "new"}, {"name": "Most cited first", "value": "cited"}}},
	}},
	{"name": "config", "description": "Settings", "options": []object{
		{"type": 1, "name": "set", "description": "Changes a setting", "options": []object{{"type": 3, "name": "name", "description": "Which one", "required": true}, {"type": 5, "name": "on", "description": "On or off", "required": true}}},
		{"type": 1, "name": "show", "description": "Shows the settings"},
	}},
	{"name": "think", "description": "Thinks, and never ends"},
	{"name": "silent", "description": "Says nothing at all"},
	{"name": "Summarise", "type": 3},
	{"name": "Profile", "type": 2},
}

// papers are what the bot suggests.
var papers = []string{"Attention Is All You Need", "Deep Residual Learning", "Generative Adversarial Nets", "Auto-Encoding Variational Bayes"}

// option is an option of a command, or a sub-command with its own.
type option struct {
	Name    string
	Value   any
	Focused bool
	Options []option
}

// answer answers interactions.
func (b *smallBot) answer(raw []byte) {
	var i struct {
		ID, Token string
		Type      int
		Data      struct {
			Name     string
			CustomID string `json:"custom_id"`
			TargetID string `json:"target_id"`
			Values   []string
			Options  []option
		}
		Member struct{ User struct{ Username string } }
	}
	if err := json.Unmarshal(raw, &i); err != nil {
		b.t.Error(err)
		return
	}
	callback := func(kind int, data object) {
		b.send(http.MethodPost, "/interactions/"+i.ID+"/"+i.Token+"/callback", object{"type": kind, "data": data})
	}
	say := func(content string, flags int) { callback(4, object{"content": content, "flags": flags}) }
	switch i.Type {
	case 2:
		switch i.Data.Name {
		case "report":
			callback(4, report(0))
		case "find":
			say(fmt.Sprintf("Found **%v**", i.Data.Options[0].Value), 0)
		case "config":
			sub := i.Data.Options[0]
			text := "config " + sub.Name
			for _, o := range sub.Options {
				text += fmt.Sprintf(" %s=%v", o.Name, o.Value)
			}
			say(text, 0)
		case "think":
			callback(5, object{})
		case "Summarise", "Profile":
			say(i.Data.Name+" of "+i.Data.TargetID, 1<<6)
		}
	case 3:
		var opened int
		switch _, err := fmt.Sscanf(i.Data.CustomID, "open %d", &opened); {
		case err == nil:
			callback(7, report(opened+1))
		case i.Data.CustomID == "feedback":
			callback(9, object{"custom_id": "feedback", "title": "Feedback", "components": []object{
				{"type": 1, "components": []object{{"type": 4, "custom_id": "title", "label": "In one line", "style": 1, "min_length": 3}}},
				{"type": 1, "components": []object{{"type": 4, "custom_id": "text", "label": "More", "style": 2, "required": false}}},
			}})
		default:
			say(i.Member.User.Username+" chose "+i.Data.CustomID+" "+strings.Join(i.Data.Values, ","), 0)
		}
	case 4:
		choices := []object{}
		typed := strings.ToLower(fmt.Sprint(i.Data.Options[0].Value))
		for _, p := range papers {
			if strings.Contains(strings.ToLower(p), typed) {
				choices = append(choices, object{"name": p, "value": p})
			}
		}
		callback(8, object{"choices": choices})
	case 5:
		say("Thank you for the feedback.", 1<<6)
	}
}
