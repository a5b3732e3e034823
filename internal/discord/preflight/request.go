package preflight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/rest"
	"evergreen/internal/text"
)

// bodyLimit bounds the body of an answer.
const bodyLimit = 1 << 20

// requestError is a request that failed. It names the path and holds no token.
type requestError struct {
	Request string
	// Status is 0 when no answer came; Err says why.
	Status  int
	Message string
	Err     error
}

// Error says what was asked and what happened.
func (e *requestError) Error() string {
	if e.Status == 0 {
		text := e.Err.Error()
		if strings.HasPrefix(text, e.Request) {
			return text
		}
		return e.Request + ": " + text
	}
	return e.Request + ": Discord answered " + strconv.Itoa(e.Status) + ": " + e.Message
}

// Unwrap returns gateway.ErrUnauthorized after a 401, a gateway.ConnectError
// with the status after 5xx, and otherwise why no answer came.
func (e *requestError) Unwrap() error { return e.Err }

// getObject requests a path and decodes the answer. An error wraps
// gateway.ErrUnauthorized if Discord refuses the token, which is then not used again
// (G-095).
func (c *Client) getObject(ctx context.Context, token, path string) (object, error) {
	request := "GET " + path
	if token == "" {
		return nil, &requestError{Request: request, Err: errors.New("there is no token: set DISCORD_TOKEN")}
	}
	if c.isRefused(token) {
		return nil, &requestError{Request: request, Err: gateway.ErrUnauthorized}
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	body, err := c.getBody(ctx, token, path)
	if err == nil {
		var answer object
		if answer, err = readObject(body); err == nil {
			return answer, nil
		}
	}
	if errors.Is(err, rest.ErrUnauthorized) {
		err = &requestError{Request: request, Err: gateway.ErrUnauthorized}
	}
	if errors.Is(err, gateway.ErrUnauthorized) {
		c.mu.Lock()
		c.refused, c.refusedAt = token, time.Now()
		c.mu.Unlock()
	}
	if _, ok := errors.AsType[*requestError](err); ok {
		return nil, err
	}
	return nil, &requestError{Request: request, Err: err}
}

// isRefused reports whether the token was answered 401 and is not to be tested again yet.
func (c *Client) isRefused(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	recheck := c.opts.TokenRecheck > 0 && time.Since(c.refusedAt) >= c.opts.TokenRecheck
	return c.refused == token && !recheck
}

// getBody requests a path and returns the body of a 200.
func (c *Client) getBody(ctx context.Context, token, path string) ([]byte, error) {
	request := "GET " + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.opts.APIURL+path, nil)
	if err != nil {
		return nil, fmt.Errorf("the address in DISCORD_API_URL cannot be used: %w", rest.Plain(err))
	}
	req.Header.Set("Authorization", "Bot "+token)
	req.Header.Set("User-Agent", c.opts.UserAgent)
	resp, err := c.opts.HTTPClient.Do(req)
	if err != nil {
		return nil, rest.Plain(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if resp.StatusCode == http.StatusOK {
		return body, err
	}
	refusal := &requestError{Request: request, Status: resp.StatusCode}
	answer, notDiscords := readObject(body)
	refusal.Message = clean(answer.text("message"), token)
	if refusal.Message == "" {
		refusal.Message = http.StatusText(resp.StatusCode)
	}
	if refusal.Message == "" {
		refusal.Message = "no explanation"
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && notDiscords == nil:
		refusal.Err = gateway.ErrUnauthorized
	case resp.StatusCode == http.StatusNotFound:
		refusal.Message += "; is DISCORD_API_URL right?"
	case resp.StatusCode >= 500:
		refusal.Err = &gateway.ConnectError{Kind: gateway.ReasonLocate, Status: resp.StatusCode, Err: errors.New(refusal.Message)}
	}
	return nil, refusal
}

// clean returns foreign text as one printable line without the token, at most 200
// bytes long. The token is looked for last, in what is shown.
func clean(s, token string) string {
	return text.Clip(strings.ReplaceAll(text.OneLine(s), token, "***"), 200)
}

// unauthorized reports whether Discord refuses the token.
func unauthorized(err error) bool { return errors.Is(err, gateway.ErrUnauthorized) }
