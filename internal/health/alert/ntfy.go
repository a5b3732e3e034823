package alert

import (
	"context"
	"mime"
	"net/http"
	"strings"

	"evergreen/internal/text"
)

// Ntfy publishes messages to a topic of ntfy (https://ntfy.sh or one's own).
type Ntfy struct {
	// URL is the topic's, such as https://ntfy.sh/topic.
	URL string
	// Token is the access token of a protected topic; empty: none.
	Token  string
	Client *http.Client
}

// ntfyStyles are the priority and the tag, which ntfy shows as a symbol.
var ntfyStyles = map[Kind]struct{ priority, tag string }{
	Offline: {"high", "red_circle"}, NeedsYou: {"urgent", "sos"}, NotWorking: {"high", "warning"}, Reminder: {"default", "red_circle"},
	NotYou: {"low", "cloud"}, Resolved: {"default", "green_circle"}, Notice: {"default", "information_source"},
}

// maxNtfyText is the most bytes ntfy takes as text; longer ones become a file.
const maxNtfyText = 4000

// Name implements [Channel].
func (n Ntfy) Name() string { return "ntfy" }

// Send implements [Channel].
func (n Ntfy) Send(ctx context.Context, m Notification) error {
	looks := ntfyStyles[m.Kind]
	header := map[string]string{
		"Title": mime.QEncoding.Encode("utf-8", text.OneLine(m.Title)), "Priority": looks.priority, "Tags": looks.tag,
		"Content-Type": "text/plain; charset=utf-8",
	}
	if n.Token != "" {
		header["Authorization"] = "Bearer " + n.Token
	}
	if strings.HasPrefix(m.Link, "https://") || strings.HasPrefix(m.Link, "http://") {
		header["Click"] = m.Link
	}
	body := strings.ToValidUTF8(m.Body()[:min(len(m.Body()), maxNtfyText)], "")
	return request{http.MethodPost, n.URL, header, []byte(body)}.do(ctx, n.Client)
}
