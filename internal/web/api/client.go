package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"evergreen/internal/process/tokenlock"

	"evergreen/internal/text"
)

// The answers that a [Client] reads. openapi.json explains every field.
type (
	// Status is the answer of /api/v1/status.
	Status = statusBody
	// Condition is something wrong beside the connection.
	Condition = conditionBody
	// Bots is the part of it about the bots behind evergreen proxy, Consumer one of them.
	Bots     = proxyBody
	Consumer = consumerBody
	// Fleet is the answer of /api/v1/fleet.
	Fleet = fleetBody
	// FleetShard is one shard in it.
	FleetShard = fleetShardBody
	// FailedReshard is the change of the number of shards in it that has failed.
	FailedReshard = failedBody
	// Incident is one of the answer of /api/v1/incidents.
	Incident = incidentBody
)

// RefusedError is the answer to a client that is not told what it asked: the
// token is missing or wrong, the server has none where it needs one, or, from
// 500 on, it is busy or has failed.
type RefusedError struct {
	// Code is the HTTP status, Detail what the server says of it.
	Code   int
	Detail string
	// Wait is how long the server asks to wait, in whole seconds; 0 if it does not.
	Wait time.Duration
}

// Error says why.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("it does not say (HTTP %d): %s", e.Code, e.Detail)
}

// remedies are what to do about each refusal.
var remedies = map[int]string{
	http.StatusUnauthorized:       "Give this command the same API_TOKEN as the bot.",
	http.StatusForbidden:          "Set API_TOKEN in the bot's settings, start the bot again, and give this command the same.",
	http.StatusMisdirectedRequest: "Ask at 127.0.0.1 or localhost, or set API_TOKEN for the bot and for this command.",
	http.StatusTooManyRequests:    "Give this command the same API_TOKEN as the bot: the right one is let in at once. Then see what sends the wrong ones, such as a scraper with an old token.",
}

// Remedy says what to do about it; empty if only waiting helps.
func (e *RefusedError) Remedy() string { return remedies[e.Code] }

var (
	// ErrNotEvergreen means that something answers that is no server of this kind.
	ErrNotEvergreen = errors.New("what answers there is not Evergreen")
	// ErrOtherInstance means that the server of another run answers.
	ErrOtherInstance = errors.New("another bot answers there")
)

// maxDetail is how much of the reason of a refusal is passed on, in bytes.
const maxDetail = 500

// mostAnswer is how much of an answer is read, in bytes.
const mostAnswer = 4 << 20

// Client asks a [Server] from another process on the same machine or network.
// The zero Client with an Addr is ready to use. Every call is bounded by its
// context alone.
type Client struct {
	// Addr is what the server listens on, as host:port. A host that stands for
	// every interface is asked on this machine.
	Addr string
	// Token is the server's API_TOKEN; empty if it has none. It goes to whatever listens
	// at Addr: see [ClientOf].
	Token string
	// Instance is the run that is meant; empty if any is.
	Instance string
}

// ClientOf returns a client for the API of a process that holds a bot's lock; false if
// it has none. The token is sent only where the address means the same as to that
// process, which is on its machine; a client on another one goes without it.
func ClientOf(holder tokenlock.Holder, token string) (Client, bool) {
	c := Client{Addr: holder.API, Instance: holder.ID}
	if holder.IsLocal() {
		c.Token = token
	}
	return c, holder.API != ""
}

// Base is the address of the server, such as http://127.0.0.1:8000.
func (c Client) Base() string {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return "http://" + c.Addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Status asks how the bot is, and returns the answer also as it came. The error
// is a [*RefusedError], wraps [ErrNotEvergreen] or [ErrOtherInstance], or is that of the
// connection.
func (c Client) Status(ctx context.Context) (Status, json.RawMessage, error) {
	var s Status
	raw, err := c.ask(ctx, "/api/v1/status", &s)
	if err == nil && (s.Status == "" || s.At == nil) {
		err = ErrNotEvergreen
	}
	if err == nil && c.Instance != "" && s.Instance != c.Instance {
		err = ErrOtherInstance
	}
	return s, raw, err
}

// Incidents asks for the newest incidents, at most 200. The error is as that of
// Status.
func (c Client) Incidents(ctx context.Context, limit int) ([]Incident, error) {
	var list incidentsBody
	_, err := c.ask(ctx, "/api/v1/incidents?limit="+strconv.Itoa(limit), &list)
	return list.Incidents, err
}

// Fleet asks how far the shards are.
func (c Client) Fleet(ctx context.Context) (Fleet, error) {
	var f Fleet
	_, err := c.ask(ctx, "/api/v1/fleet", &f)
	return f, err
}

// Operate pauses, resumes, restarts or moves out one shard (the action as it
// stands in the path) and returns the answer as it came. The error is as that of
// Status.
func (c Client) Operate(ctx context.Context, shard int, action string) (json.RawMessage, error) {
	var done struct{}
	return c.send(ctx, http.MethodPost, "/api/v1/shards/"+strconv.Itoa(shard)+"/"+action, &done)
}

// Reshard begins to change the number of shards.
func (c Client) Reshard(ctx context.Context, count int) error {
	var f Fleet
	_, err := c.send(ctx, http.MethodPost, "/api/v1/fleet/reshard?count="+strconv.Itoa(count), &f)
	return err
}

// Get reads one answer of another path, such as /api/v1/logs. The error is as that of
// Status.
func (c Client) Get(ctx context.Context, path string, into any) error {
	_, err := c.ask(ctx, path, into)
	return err
}

// ask reads one answer.
func (c Client) ask(ctx context.Context, path string, into any) (json.RawMessage, error) {
	return c.send(ctx, http.MethodGet, path, into)
}

// send sends a request without a body. It uses no proxy: the server is near, and a
// proxy could read the token.
func (c Client) send(ctx context.Context, method, path string, into any) (json.RawMessage, error) {
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, method, c.Base()+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode/100 == 2 && kind == "application/json":
		if json.Unmarshal(body, into) != nil {
			return nil, ErrNotEvergreen
		}
		return body, nil
	case kind == "application/problem+json":
		var p Problem
		if json.Unmarshal(body, &p) != nil || p.Title == "" {
			return nil, ErrNotEvergreen
		}
		wait, _ := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 16)
		return nil, &RefusedError{Code: answer.StatusCode, Detail: text.Clip(text.OneLine(p.Detail), maxDetail), Wait: time.Duration(wait) * time.Second}
	}
	return nil, fmt.Errorf("%w (HTTP %d)", ErrNotEvergreen, answer.StatusCode)
}
