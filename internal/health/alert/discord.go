package alert

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"evergreen/internal/text"
)

// Discord posts messages to a webhook of a Discord channel. While Discord is down
// they wait in the queue.
type Discord struct {
	URL    string
	Client *http.Client
}

// The limits of an embed, in characters.
const (
	embedTitle = 256
	embedText  = 4096
)

// colours are the stripes beside the messages.
var colours = map[Kind]int{
	Offline: 0xDA373C, NeedsYou: 0xDA373C, NotWorking: 0xF0B232, Reminder: 0xDA373C,
	NotYou: 0x80848E, Resolved: 0x23A55A, Notice: 0x80848E,
}

// markdown keeps Discord from reading text as Markdown. Names and reasons that others
// have chosen could otherwise pass for links and headings. The remedy is ours, and is
// Markdown.
var markdown = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "|", `\|`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`,
)

// Name implements [Channel].
func (d Discord) Name() string { return "discord" }

// Send implements [Channel]. The message mentions no user, whatever it contains.
func (d Discord) Send(ctx context.Context, m Notification) error {
	type embed struct {
		Title       string    `json:"title"`
		Description string    `json:"description"`
		URL         string    `json:"url,omitempty"`
		Color       int       `json:"color"`
		Timestamp   time.Time `json:"timestamp"`
	}
	m.Title, m.Text = markdown.Replace(text.OneLine(m.Title)), markdown.Replace(m.Text)
	e := embed{Title: clipRunes(m.Title, embedTitle), Description: clipRunes(m.Body(), embedText), Color: colours[m.Kind], Timestamp: m.At.UTC()}
	if strings.HasPrefix(m.Link, "https://") || strings.HasPrefix(m.Link, "http://") {
		e.URL = m.Link
	}
	body, err := json.Marshal(map[string]any{
		"username": "Evergreen", "embeds": []embed{e}, "allowed_mentions": map[string]any{"parse": []string{}},
	})
	if err != nil {
		return &Refused{err}
	}
	return request{http.MethodPost, d.URL, map[string]string{"Content-Type": "application/json"}, body}.do(ctx, d.Client)
}

// clipRunes shortens a text to a number of characters.
func clipRunes(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-3]) + "..."
}
