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

// token is the bot token from the settings, which may change while the bot runs.
// A new one is only a candidate until Discord has said that it is good: what is
// in use may well be the better one.
type token struct {
	mu        sync.Mutex
	used      string
	candidate string // empty without one
}

// current is the token that requests carry.
func (t *token) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// newest is the token to ask about: the candidate, if there is one.
func (t *token) newest() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.candidate != "" {
		return t.candidate
	}
	return t.used
}

// propose makes a token the candidate, and reports whether it is a new one.
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

// adopt takes a token into use, and reports whether it is another one.
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

// tokenTransport puts the token that is in use into requests that carry an earlier one,
// because their clients were made with the token of the start.
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

// CloseIdleConnections passes on what an [http.Client] asks for.
func (b tokenTransport) CloseIdleConnections() {
	if c, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// CheckCredentials finds out whether a bot that Discord refused would be accepted now,
// and takes the token that is good into use. It makes an App the
// [gateway.CredentialChecker] of its shard.
func (a *App) CheckCredentials(ctx context.Context, cause gateway.Reason, current gateway.Credentials) (gateway.Credentials, error) {
	next, err := a.check.CheckCredentials(ctx, cause, current)
	if err == nil {
		a.adopt(next.Token)
	} else {
		a.growShards(cause.Code)
	}
	return next, err
}

// adopt takes a token into use, and what is kept goes with it.
func (a *App) adopt(text string) {
	if a.token.adopt(text) && a.opts.TokenChanged != nil {
		a.opts.TokenChanged(text)
	}
}

// checkTimeout bounds the questions about a new token.
const checkTimeout = 30 * time.Second

// Reload takes notice of settings that were written while the bot runs. A new
// token is asked about over REST and then used: a parked shard goes on with it
// at once (G-098), a live one at its next IDENTIFY. With the same token a parked
// shard looks at once whether what parked it has been mended. A token that
// Discord refuses changes nothing. It returns when Discord has answered, within
// half a minute.
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
	current := gateway.Credentials{Token: a.token.current(), Intents: a.runtime.Load().intents}
	next, err := a.CheckCredentials(ctx, cause, current)
	switch {
	case err != nil && fresh:
		if errors.Is(err, gateway.ErrUnauthorized) {
			a.token.propose(a.token.current()) // else a parked shard asks about it again
		}
		a.log.Error("The new token cannot be used yet, and the bot goes on as before", "error", err)
		return
	case err != nil:
		return // Inspect has said it
	}
	if err := a.Fleet().Reconfigure(next); err != nil {
		return // it has stopped
	}
	if fresh {
		a.log.Info("The new token is good and in use; no restart is needed")
	}
}
