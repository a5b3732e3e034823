package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	transport "evergreen/internal/discord/rest"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// api is the part of Discord's REST API that the bot uses. The HTTP client keeps rate
// limits, retries and stops after a 401. So disgo's own limiter is replaced by one that
// does nothing: disgo then makes every request once, also after a 429.
//
// The bodies of messages are not disgo's, which leave out a false
// fail_if_not_exists; Discord then reads it as true.
type api struct{ client rest.Client }

func newAPI(o Options) api {
	opts := []rest.ClientConfigOpt{
		rest.WithHTTPClient(o.HTTPClient),
		rest.WithRateLimiter(rest.NewNoopRateLimiter()),
		rest.WithUserAgent(o.UserAgent),
		// disgo logs whole bodies, interaction tokens among them.
		rest.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if o.APIURL != "" {
		opts = append(opts, rest.WithURL(o.APIURL))
	}
	return api{client: rest.NewClient(o.Token, opts...)}
}

// Every part of a path is an id, which is a number, or a token, which is escaped: disgo
// puts what it gets into the address as it is.

// messageBody is the body of a message. G-138: it pings no user, and a reply to a
// message that is gone is sent all the same.
type messageBody struct {
	Content         string               `json:"content"`
	Nonce           string               `json:"nonce,omitempty"`
	EnforceNonce    bool                 `json:"enforce_nonce,omitempty"`
	AllowedMentions mentions             `json:"allowed_mentions"`
	Reference       *reference           `json:"message_reference,omitempty"`
	Flags           discord.MessageFlags `json:"flags,omitempty"`
}

type mentions struct {
	Parse       []string `json:"parse"`
	RepliedUser bool     `json:"replied_user"`
}

type reference struct {
	MessageID       snowflake.ID `json:"message_id"`
	FailIfNotExists bool         `json:"fail_if_not_exists"`
}

// noMentions is the allowed_mentions of every message.
var noMentions = mentions{Parse: []string{}}

// callback is the initial response to an interaction.
type callback struct {
	Type discord.InteractionResponseType `json:"type"`
	Data *messageBody                    `json:"data,omitempty"`
}

func (a api) createMessage(ctx context.Context, channel snowflake.ID, m messageBody) error {
	return a.do(ctx, rest.CreateMessage.Compile(nil, channel), m, nil)
}

func (a api) callback(ctx context.Context, interaction snowflake.ID, token string, c callback) error {
	return a.do(ctx, rest.CreateInteractionResponse.Compile(nil, interaction, url.PathEscape(token)), c, nil)
}

func (a api) editOriginal(ctx context.Context, application snowflake.ID, token string, m messageBody) error {
	return a.do(ctx, rest.UpdateInteractionResponse.Compile(nil, application, url.PathEscape(token)), m, nil)
}

func (a api) followUp(ctx context.Context, application snowflake.ID, token string, m messageBody) error {
	return a.do(ctx, rest.CreateFollowupMessage.Compile(nil, application, url.PathEscape(token)), m, nil)
}

// isLoading reports whether the response to an interaction is still the deferral.
func (a api) isLoading(ctx context.Context, application snowflake.ID, token string) (bool, error) {
	m, err := get[struct {
		Flags lenient[int64] `json:"flags"`
	}](ctx, a, rest.GetInteractionResponse.Compile(nil, application, url.PathEscape(token)))
	return discord.MessageFlags(m.Flags.Value).Has(discord.MessageFlagLoading), err
}

func (a api) application(ctx context.Context) (application, error) {
	app, err := get[application](ctx, a, rest.GetCurrentApplication.Compile(nil))
	if err == nil && app.ID == 0 {
		err = errors.New("the answer about the application has no id")
	}
	return app, err
}

// touch makes the cheapest authorised request there is.
func (a api) touch(ctx context.Context) error {
	return a.do(ctx, rest.GetCurrentUser.Compile(nil), nil, nil)
}

// guildsPage is how many guilds one request asks for, the most Discord gives.
const guildsPage = 200

// guilds lists every guild of the bot, page by page (G-143).
func (a api) guilds(ctx context.Context) ([]guild, error) {
	var all []guild
	after := id(0)
	for {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		page, err := get[[]guild](limited, a, rest.GetCurrentUserGuilds.Compile(discord.QueryValues{
			"limit": guildsPage,
			"after": after.String(),
		}))
		cancel()
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < guildsPage {
			return all, nil
		}
		last := page[len(page)-1].ID
		if last <= after {
			return nil, errors.New("the list of guilds does not advance")
		}
		after = last
	}
}

func (a api) guild(ctx context.Context, of snowflake.ID) (guild, error) {
	return get[guild](ctx, a, rest.GetGuild.Compile(nil, of))
}

// commands lists the global commands with their translations, so that those sent along
// with a new list keep them.
func (a api) commands(ctx context.Context, application snowflake.ID) ([]standingCommand, error) {
	return get[[]standingCommand](ctx, a, rest.GetGlobalCommands.Compile(discord.QueryValues{"with_localizations": true}, application))
}

// replaceCommands replaces the list of global commands by the bot's and those that are
// kept as they are.
func (a api) replaceCommands(ctx context.Context, application snowflake.ID, own []definition, kept []jsontext.Value) error {
	all := make([]any, 0, len(own)+len(kept))
	for _, d := range own {
		all = append(all, d)
	}
	for _, raw := range kept {
		all = append(all, raw)
	}
	return a.do(ctx, rest.SetGlobalCommands.Compile(nil, application), all, nil)
}

// get decodes an answer leniently.
func get[T any](ctx context.Context, a api, endpoint *rest.CompiledEndpoint) (value T, err error) {
	var raw rawJSON
	if err := a.do(ctx, endpoint, nil, &raw); err != nil {
		return value, err
	}
	value, err = read[T](raw)
	if err != nil {
		return value, fmt.Errorf("%s: Discord's answer cannot be read: %w", requestName(endpoint), err)
	}
	return value, nil
}

// rawJSON is an answer that is not decoded yet.
type rawJSON jsontext.Value

// maxDecoded is the largest answer that is decoded, in bytes: a hundred times the usual,
// and empty objects take thirty times as much once they are decoded.
const maxDecoded = 4 << 20

// UnmarshalJSON copies the value.
func (r *rawJSON) UnmarshalJSON(b []byte) error {
	if len(b) > maxDecoded {
		return fmt.Errorf("the answer of %d MiB is larger than any of Discord's", len(b)>>20)
	}
	*r = append((*r)[:0], b...)
	return nil
}

func (a api) do(ctx context.Context, endpoint *rest.CompiledEndpoint, in, out any) error {
	return toRequestError(requestName(endpoint), a.client.Do(endpoint, in, out, rest.WithCtx(ctx)))
}

// requestName names a request without the secrets that its path may contain.
func requestName(endpoint *rest.CompiledEndpoint) string {
	return endpoint.Endpoint.Method + " " + endpoint.Endpoint.Route
}

// requestError is a request that failed. Unlike disgo's error it has no header, no
// body and no interaction token, and can always be printed.
type requestError struct {
	Request string
	// Status is 0 when no answer came; Err says why.
	Status  int
	Code    rest.JSONErrorCode
	Message string
	Err     error
}

// Error returns the request and why it failed.
func (e *requestError) Error() string {
	if unsent, ok := errors.AsType[*transport.Error](e.Err); ok {
		return unsent.Error()
	}
	if e.Status == 0 {
		return e.Request + ": no answer: " + e.Err.Error()
	}
	said := e.Request + ": Discord answered " + strconv.Itoa(e.Status)
	if e.Code != 0 {
		said += " (code " + strconv.Itoa(int(e.Code)) + ")"
	}
	if e.Message != "" {
		said += ": " + e.Message
	}
	return said
}

// Unwrap returns why no answer came.
func (e *requestError) Unwrap() error { return e.Err }

// temporary reports whether the same request may succeed later. If no answer came,
// the HTTP client decides: a token that was refused stays refused.
func (e *requestError) temporary() bool {
	if e.Status != 0 {
		return e.Status == http.StatusTooManyRequests || e.Status >= 500
	}
	unsent, ok := errors.AsType[*transport.Error](e.Err)
	return !ok || unsent.Temporary()
}

// toRequestError converts disgo's errors.
func toRequestError(request string, err error) error {
	if err == nil {
		return nil
	}
	explained := &requestError{Request: request, Err: err}
	if answer, ok := errors.AsType[*rest.Error](err); ok {
		// disgo loses its own error over a body that says "null".
		if answer == nil || answer.Response == nil {
			explained.Err = errors.New("the answer is not an error Discord documents")
			return explained
		}
		explained.Err = nil
		explained.Status = answer.Response.StatusCode
		explained.Code = answer.Code
		explained.Message = answer.Message
		return explained
	}
	// The URL of an interaction holds its token.
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		explained.Err = wrapped.Err
	}
	return explained
}

// hasCode reports whether Discord answered with one of the codes.
func hasCode(err error, codes ...rest.JSONErrorCode) bool {
	answer, ok := errors.AsType[*requestError](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if answer.Code == code {
			return true
		}
	}
	return false
}

// temporary reports whether the request that led to the error may succeed later.
func temporary(err error) bool {
	answer, ok := errors.AsType[*requestError](err)
	return ok && answer.temporary()
}

// limited reports whether Discord refused the request with a 429: then it has done
// nothing with it.
func limited(err error) bool {
	answer, ok := errors.AsType[*requestError](err)
	return ok && answer.Status == http.StatusTooManyRequests
}
