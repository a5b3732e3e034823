package features

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"evergreen/discordsim"
)

// inspector is a bot in all guilds that only uses REST. It reads what the simulator holds as
// Discord would show it, and does what a moderator does.
type inspector struct {
	token string
	base  string
}

func newInspector(base string, app *discordsim.App) *inspector {
	return &inspector{token: app.Token, base: base}
}

// object is a JSON object.
type object = map[string]any

// request sends a request, again after a 429, and returns the JSON of the answer.
func (i *inspector) request(ctx context.Context, method, path string, body any) (any, error) {
	for {
		answer, wait, err := i.once(ctx, method, path, body)
		if wait == 0 {
			return answer, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// once sends a request once; wait is set where it has to be sent again.
func (i *inspector) once(ctx context.Context, method, path string, body any) (answer any, wait time.Duration, err error) {
	var content io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, 0, err
		}
		content = bytes.NewReader(raw)
	}
	return i.send(ctx, method, path, "application/json", content)
}

// send sends a request with any content.
func (i *inspector) send(ctx context.Context, method, path, kind string, content io.Reader) (answer any, wait time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, method, i.base+path, content)
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Authorization", "Bot "+i.token)
	r.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	r.Header.Set("Content-Type", kind)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, 0, err
	case response.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
		return nil, max(time.Duration(seconds*float64(time.Second)), time.Millisecond), nil
	case response.StatusCode >= http.StatusBadRequest:
		return nil, 0, fmt.Errorf("the inspector's %s %s: %s: %s", method, path, response.Status, raw)
	case len(raw) == 0:
		return nil, 0, nil
	}
	return answer, 0, json.Unmarshal(raw, &answer)
}
