package app

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"evergreen/gateway"
	"evergreen/internal/process/config"
)

// token is the bot token, which may change while the bot runs. A new one is a candidate
// until Discord has accepted it.
type token struct {
	mu        sync.Mutex
	used      string
	candidate string // empty without one
}

// current returns the token in use.
func (t *token) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// newest returns the candidate, or without one the token in use.
func (t *token) newest() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.candidate != "" {
		return t.candidate
	}
	return t.used
}

// propose makes a token the candidate and reports whether it differs from the one in
// use.
func (t *token) propose(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.candidate = ""
	if text == t.used {
		return false
	}
	t.candidate = text
	return true
}

// adopt takes a token into use and reports whether it is another one.
func (t *token) adopt(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.candidate == text {
		t.candidate = ""
	}
	other := t.used != text
	t.used = text
	return other
}

// tokenTransport replaces the first token in requests by the one in use: their makers
// know only the first.
type tokenTransport struct {
	next  http.RoundTripper
	first string
	token *token
}

// RoundTrip sends the request on.
func (b tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if now := b.token.current(); now != b.first && r.Header.Get("Authorization") == "Bot "+b.first {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bot "+now)
	}
	return b.next.RoundTrip(r)
}

// CloseIdleConnections is called by [http.Client.CloseIdleConnections].
func (b tokenTransport) CloseIdleConnections() {
	if c, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// CheckCredentials asks whether a bot that Discord refused would be accepted now, and
// takes the accepted token into use. It makes an App the [gateway.CredentialChecker] of
// its shards.
func (a *App) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	next, err := a.preflight.CheckCredentials(ctx, cause, current)
	if err == nil {
		a.adopt(next.Token)
	} else {
		a.growShards(cause.Code)
	}
	return next, err
}

// adopt takes a token into use and calls Options.TokenChanged.
func (a *App) adopt(text string) {
	if a.token.adopt(text) && a.opts.TokenChanged != nil {
		a.opts.TokenChanged(text)
	}
}

// checkTimeout bounds the questions about a new token.
const checkTimeout = 30 * time.Second

// Reload reads a token that was changed while the bot runs. A new token is checked over
// REST and then used: by a parked shard at once (G-098), by a live one at its next
// IDENTIFY. With the same token a parked shard checks at once whether it may go on. A
// token that Discord refuses changes nothing. Reload returns within half a minute.
func (a *App) Reload(c config.Config) {
	if c.Token.Empty() || a.life.Stopping() {
		return
	}
	var state gateway.Parked
	parked := false
	for _, shard := range a.Fleet().Shards() {
		if s, is := shard.State().(gateway.Parked); is {
			state, parked = s, true
			break
		}
	}
	fresh := a.token.propose(c.Token.Reveal())
	if !fresh && !parked {
		return
	}
	cause := gateway.Reason{Kind: gateway.ReasonClosed, Code: gateway.CloseNotAuthenticated}
	if fresh {
		a.log.Info("There is a new token: asking Discord whether it is good")
	} else {
		cause = state.Reason
	}
	ctx, cancel := context.WithTimeout(a.life.StopContext(), checkTimeout)
	defer cancel()
	current := gateway.Credentials{Token: a.token.current(), Intents: a.parts.Load().intents}
	next, err := a.CheckCredentials(ctx, cause, current)
	switch {
	case err != nil && fresh:
		if errors.Is(err, gateway.ErrUnauthorized) {
			a.token.propose(a.token.current()) // else a parked shard asks about it again
		}
		a.log.Error("The new token cannot be used yet, and the bot goes on as before", "error", err)
		return
	case err != nil:
		return // CheckCredentials has logged it
	}
	if err := a.Fleet().Reconfigure(next); err != nil {
		return // it has stopped
	}
	if fresh {
		a.log.Info("The new token is good and in use; no restart is needed")
	}
}
