package alert

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Webhook posts messages as JSON:
//
//	{"kind": "offline", "thread": "evergreen-20261124T220105", "bot": "ResearchBot",
//	 "title": "ResearchBot is offline", "text": "Since 22:00:05 ...", "remedy": "...",
//	 "cause": "half-open", "link": "docs/runbook.md#half-open", "incident": "...",
//	 "since": "2026-11-24T22:00:05Z", "at": "2026-11-24T22:01:05Z", "for_s": 60, "held": 0}
//
// Kind is that of [Kind]. What is empty is left out.
type Webhook struct {
	URL    string
	Client *http.Client
}

// Name implements [Channel].
func (w Webhook) Name() string { return "webhook" }

// Send implements [Channel].
func (w Webhook) Send(ctx context.Context, m Notification) error {
	body, err := json.Marshal(struct {
		Kind     Kind      `json:"kind"`
		Thread   string    `json:"thread,omitempty"`
		Bot      string    `json:"bot,omitempty"`
		Title    string    `json:"title"`
		Text     string    `json:"text"`
		Remedy   string    `json:"remedy,omitempty"`
		Cause    string    `json:"cause,omitempty"`
		Link     string    `json:"link,omitempty"`
		Incident string    `json:"incident,omitempty"`
		Since    time.Time `json:"since"`
		At       time.Time `json:"at"`
		For      float64   `json:"for_s"`
		Held     int       `json:"held,omitempty"`
	}{
		m.Kind, m.Thread, m.Bot, m.Title, m.Text, m.Remedy, string(m.Cause), m.Link, m.Incident,
		m.Since.UTC(), m.At.UTC(), m.For.Seconds(), m.Held,
	})
	if err != nil {
		return &Refused{err}
	}
	return request{http.MethodPost, w.URL, map[string]string{"Content-Type": "application/json"}, body}.do(ctx, w.Client)
}
