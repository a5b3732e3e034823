package pingbot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// userAgent is in the form that Discord documents (G-125).
const userAgent = "DiscordBot (https://example.com/ping-bot, 1.0)"

// commandInteraction is the type of the interaction of a slash command, answerMessage that of
// an answer that is a message.
const (
	commandInteraction = 2
	answerMessage      = 4
)

// onMessage replies to a message that begins with an exclamation mark.
func (b *bot) onMessage(ctx context.Context, d []byte) error {
	var m struct {
		ID      string `json:"id"`
		Channel string `json:"channel_id"`
		Content string `json:"content"`
		Author  struct {
			Bot bool `json:"bot"`
		} `json:"author"`
	}
	if err := json.Unmarshal(d, &m); err != nil {
		return err
	}
	if m.Author.Bot || !strings.HasPrefix(m.Content, "!") {
		return nil
	}
	b.post(ctx, "channels/"+url.PathEscape(m.Channel)+"/messages", map[string]any{
		"content": "pong", "message_reference": map[string]string{"message_id": m.ID},
	})
	return nil
}

// onInteraction answers a slash command.
func (b *bot) onInteraction(ctx context.Context, d []byte) error {
	var i struct {
		ID    string `json:"id"`
		Token string `json:"token"`
		Type  int    `json:"type"`
	}
	if err := json.Unmarshal(d, &i); err != nil {
		return err
	}
	if i.Type == commandInteraction {
		b.post(ctx, "interactions/"+url.PathEscape(i.ID)+"/"+url.PathEscape(i.Token)+"/callback", map[string]any{
			"type": answerMessage, "data": map[string]string{"content": "pong"},
		})
	}
	return nil
}

// post sends one request. What Discord says to it is not looked at, as in many a bot: an
// answer that is refused is one that came too late.
func (b *bot) post(ctx context.Context, route string, body any) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := b.request(ctx, route, body)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}

func (b *bot) request(ctx context.Context, route string, body any) (*http.Response, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/v10/%s", strings.TrimSuffix(b.opts.APIURL, "/"), route), bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bot "+b.opts.Token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	return b.client.Do(r)
}
