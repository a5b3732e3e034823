package disgogateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/internal/discord/rest"

	"github.com/disgoorg/disgo/discord"
	disgorest "github.com/disgoorg/disgo/rest"
)

// fakeRest answers the questions of a gatewayBot and counts them.
type fakeRest struct {
	disgorest.Rest
	asked  int
	answer discord.GatewayBot
	err    error
	took   time.Duration
	flags  discord.ApplicationFlags
	appErr error
}

func (f *fakeRest) GetGatewayBot(...disgorest.RequestOpt) (*discord.GatewayBot, error) {
	f.asked++
	time.Sleep(f.took)
	if f.err != nil {
		return nil, f.err
	}
	answer := f.answer
	return &answer, nil
}

func (f *fakeRest) GetCurrentApplication(...disgorest.RequestOpt) (*discord.Application, error) {
	return &discord.Application{Flags: f.flags}, f.appErr
}

// refusal is disgo's error of an answer.
func refusal(status int) error {
	return &disgorest.Error{Response: &http.Response{StatusCode: status}, Message: "no"}
}

// Given an address of the gateway, then Discord is asked for it while it is not known, and
// again when it fails, but not more often than every 15 s; without an answer the one that
// is known counts, unless the token is refused.
func TestTheGatewaysAddressIsAskedForWhenItIsOfUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeRest{}
		b := newGatewayBot(f)
		for _, step := range []struct {
			after  time.Duration
			url    string // of the answer
			err    error
			failed string
			asked  int
			want   string
			says   string
		}{
			{err: errors.New("no way"), asked: 1, says: "no way"},
			{asked: 2, says: "has no url"},
			{url: "wss://a", asked: 3, want: "wss://a"},
			{after: time.Hour, url: "wss://b", asked: 3, want: "wss://a"},
			{url: "wss://b", failed: "wss://other", asked: 3, want: "wss://a"},
			{url: "wss://b", failed: "wss://a", asked: 4, want: "wss://b"},
			{url: "wss://c", failed: "wss://b", asked: 4, want: "wss://b"},
			{after: 14 * time.Second, url: "wss://c", failed: "wss://b", asked: 4, want: "wss://b"},
			{after: time.Second, url: "wss://c", failed: "wss://b", asked: 5, want: "wss://c"},
			{after: time.Minute, err: errors.New("no way"), failed: "wss://c", asked: 6, want: "wss://c"},
			{after: time.Minute, err: refusal(500), failed: "wss://c", asked: 7, want: "wss://c"},
			{after: time.Minute, err: refusal(401), failed: "wss://c", asked: 8, says: "401"},
			{after: time.Minute, failed: "wss://c", asked: 9, want: "wss://c"}, // an answer without an address
			{url: "wss://d", asked: 10, want: "wss://d"},
		} {
			time.Sleep(step.after)
			f.answer.URL, f.err = step.url, step.err
			got, err := b.GatewayURL(t.Context(), step.failed)
			if got != step.want || f.asked != step.asked || (err == nil) != (step.says == "") {
				t.Errorf("%+v: got %q, %v, asked %d times", step, got, err, f.asked)
			}
			if step.says == "401" {
				if !errors.Is(err, gateway.ErrUnauthorized) {
					t.Errorf("a refused token is %v", err)
				}
			} else if err != nil && !strings.Contains(err.Error(), step.says) {
				t.Errorf("got %v, want %q", err, step.says)
			}
		}
	})
}

// Given answers to GET /gateway/bot, then a start is decided by one that is at most five
// minutes old, and by none that makes no sense.
func TestAStartIsDecidedByAFreshAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeRest{took: 2 * time.Second, answer: discord.GatewayBot{Shards: 5, SessionStartLimit: discord.SessionStartLimit{
			Total: 1000, Remaining: 900, ResetAfter: 3_600_000, MaxConcurrency: 2,
		}}}
		b := newGatewayBot(f)
		began := time.Now()
		limit, err := b.sessionStartLimit(t.Context())
		if err != nil || limit.Total != 1000 || limit.Remaining != 900 || limit.MaxConcurrency != 2 || limit.ResetAfter != time.Hour || !limit.At.Equal(began) {
			t.Errorf("the limit is %+v, %v", limit, err)
		}
		for _, step := range []struct {
			after               time.Duration
			says, asked, shards int
			err                 error
		}{
			{says: 7, asked: 1, shards: 5},
			{after: 4 * time.Minute, says: 7, asked: 1, shards: 5},
			{after: time.Minute, says: 7, asked: 2, shards: 7},
			{after: time.Hour, says: 0, asked: 3, shards: 1},
			{after: time.Hour, says: 1 << 30, asked: 4},
			{after: time.Hour, says: 7, asked: 5, err: refusal(500)},
			{says: 7, asked: 6, shards: 7},
		} {
			time.Sleep(step.after)
			f.answer.Shards, f.err = step.says, step.err
			if n, err := b.shards(t.Context()); n != step.shards || f.asked != step.asked || (err == nil) != (step.shards > 0) {
				t.Errorf("%+v: %d shards, %v, asked %d times", step, n, err, f.asked)
			}
		}
		for _, odd := range []discord.SessionStartLimit{{}, {Total: -1, Remaining: -1, ResetAfter: -1, MaxConcurrency: -1}} {
			time.Sleep(time.Hour)
			f.answer.SessionStartLimit = odd
			if got, err := b.sessionStartLimit(t.Context()); err == nil {
				t.Errorf("the limit %+v is taken for %+v", odd, got)
			}
		}
		time.Sleep(time.Hour)
		f.err = refusal(500)
		if _, err := b.sessionStartLimit(t.Context()); err == nil {
			t.Error("without an answer there is a limit")
		}
	})
}

// Given a shard that was refused, then whether it would be accepted now is what Discord
// says of the token, the application and the intents; other mistakes only a person mends.
func TestARefusedShardIsAskedAbout(t *testing.T) {
	privileged := gateway.Intents(1 << 1) // members
	const on = discord.ApplicationFlags(1 << 14)
	for name, test := range map[string]struct {
		code         gateway.CloseCode
		err, appErr  error
		flags        discord.ApplicationFlags
		ok           bool
		unauthorized bool
		says         string
	}{
		"the token is good again":        {code: gateway.CloseAuthFailed, ok: true},
		"the token is refused":           {code: gateway.CloseAuthFailed, err: refusal(401), unauthorized: true},
		"refused by our own limits":      {code: gateway.CloseAuthFailed, err: &url.Error{Op: "Get", URL: "https://x/secret", Err: rest.ErrUnauthorized}, unauthorized: true},
		"no answer":                      {code: gateway.CloseAuthFailed, err: &url.Error{Op: "Get", URL: "https://x/secret", Err: errors.New("no way")}, says: "no way"},
		"the intents are on":             {code: gateway.CloseDisallowedIntents, flags: on, ok: true},
		"the intents are off":            {code: gateway.CloseDisallowedIntents, says: "still switched off"},
		"4003 with intents that are off": {code: gateway.CloseNotAuthenticated, says: "still switched off"},
		"the application is refused":     {code: gateway.CloseDisallowedIntents, appErr: refusal(401), unauthorized: true},
		"the application is not known":   {code: gateway.CloseDisallowedIntents, appErr: refusal(500), says: "Status"},
		"the shard":                      {code: gateway.CloseInvalidShard, says: gateway.CloseInvalidShard.Remedy()},
		"too few shards":                 {code: gateway.CloseShardingRequired, says: gateway.CloseShardingRequired.Remedy()},
		"the version":                    {code: gateway.CloseInvalidVersion, says: gateway.CloseInvalidVersion.Remedy()},
		"unknown intents":                {code: gateway.CloseInvalidIntents, says: gateway.CloseInvalidIntents.Remedy()},
	} {
		f := &fakeRest{err: test.err, appErr: test.appErr, flags: test.flags}
		b := newGatewayBot(f)
		if test.err == nil {
			if _, _, err := b.ask(context.Background(), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		before := f.asked
		current := gateway.Credentials{Token: "t", Intents: privileged}
		got, err := b.CheckCredentials(t.Context(), gateway.Reason{Code: test.code}, current)
		if got != current || (err == nil) != test.ok || errors.Is(err, gateway.ErrUnauthorized) != test.unauthorized {
			t.Errorf("%s: %v", name, err)
		}
		if f.asked != before+1 {
			t.Errorf("%s: asked %d times", name, f.asked-before)
		}
		if err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %q does not say %q", name, err, test.says)
		}
	}
}
