package discordsim

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// route is a route of the API: its path, who may call it, its rate limit bucket
// and its handler.
type route struct {
	method, path string
	bucket       string // name in bucketTable; empty: no known quota
	open         bool   // needs no token: none at all, or one in the path
	exempt       bool   // outside the global limit
	handle       func(*restAPI, *restRequest) restResponse

	segments []string
}

const (
	channelPath     = "/channels/{channel}"
	messagePath     = channelPath + "/messages/{message}"
	reactionPath    = messagePath + "/reactions/{emoji}"
	appPath         = "/applications/{application}"
	guildAppPath    = appPath + "/guilds/{guild}"
	webhookPath     = "/webhooks/{webhook}/{token}"
	webhookMessage  = webhookPath + "/messages/{message}"
	interactionPath = "/interactions/{interaction}/{token}/callback"
)

// routes is the API this simulator serves; everything else is 501.
func routes() []*route {
	table := []*route{
		{method: "GET", path: "/gateway", open: true, handle: (*restAPI).getGateway},
		{method: "GET", path: "/gateway/bot", handle: (*restAPI).getGatewayBot},

		{method: "GET", path: "/users/@me", bucket: "user-me", handle: (*restAPI).getMe},
		{method: "GET", path: "/users/{user}", bucket: "user-read", handle: (*restAPI).getUser},
		{method: "GET", path: "/users/@me/guilds", bucket: "guild-list", handle: (*restAPI).listGuilds},
		{method: "POST", path: "/users/@me/channels", bucket: "dm-open", handle: (*restAPI).openDM},
		{method: "GET", path: "/guilds/{guild}", bucket: "guild-read", handle: on((*restAPI).guildFor, (*restAPI).getGuild)},
		{method: "GET", path: "/guilds/{guild}/members/{user}", bucket: "member-read", handle: on((*restAPI).guildFor, (*restAPI).getMember)},
		{method: "GET", path: channelPath, bucket: "channel-read", handle: on((*restAPI).channelFor, (*restAPI).getChannel)},

		{method: "GET", path: "/applications/@me", bucket: "app-me", handle: (*restAPI).getApplication},
		{method: "GET", path: "/oauth2/applications/@me", bucket: "app-me", handle: (*restAPI).getApplication},
		{method: "PATCH", path: "/applications/@me", bucket: "app-edit", handle: (*restAPI).editApplication},

		{method: "GET", path: channelPath + "/messages", bucket: "message-read", handle: on((*restAPI).channelFor, (*restAPI).listMessages)},
		{method: "POST", path: channelPath + "/messages", bucket: "message-write", handle: on((*restAPI).channelFor, (*restAPI).createMessage)},
		{method: "GET", path: messagePath, bucket: "message-read", handle: on((*restAPI).messageFor, (*restAPI).getMessage)},
		{method: "PATCH", path: messagePath, bucket: "message-write", handle: on((*restAPI).messageFor, (*restAPI).editMessage)},
		{method: "DELETE", path: messagePath, bucket: "message-delete", handle: on((*restAPI).messageFor, (*restAPI).deleteMessage)},
		{method: "POST", path: channelPath + "/typing", bucket: "typing", handle: on((*restAPI).channelFor, (*restAPI).startTyping)},

		{method: "PUT", path: reactionPath + "/@me", bucket: "reaction", handle: (*restAPI).addReaction},
		{method: "DELETE", path: reactionPath + "/@me", bucket: "reaction", handle: (*restAPI).removeReaction},
		{method: "DELETE", path: reactionPath + "/{user}", bucket: "reaction", handle: (*restAPI).removeReaction},
		{method: "GET", path: reactionPath, bucket: "reaction", handle: (*restAPI).listReactions},
		{method: "DELETE", path: messagePath + "/reactions", bucket: "reaction", handle: on((*restAPI).messageFor, (*restAPI).clearReactions)},

		{method: "POST", path: interactionPath, open: true, exempt: true, handle: (*restAPI).answerInteraction},

		{method: "GET", path: webhookPath, open: true, bucket: "webhook", handle: on((*restAPI).webhookFor, (*restAPI).getWebhook)},
		{method: "POST", path: webhookPath, open: true, bucket: "webhook", handle: (*restAPI).executeWebhook},
		{method: "GET", path: webhookMessage, open: true, bucket: "webhook", handle: on((*restAPI).webhookMessage, (*restAPI).getWebhookMessage)},
		{method: "PATCH", path: webhookMessage, open: true, bucket: "webhook", handle: on((*restAPI).webhookMessage, (*restAPI).editWebhookMessage)},
		{method: "DELETE", path: webhookMessage, open: true, bucket: "webhook", handle: on((*restAPI).webhookMessage, (*restAPI).deleteWebhookMessage)},
	}
	for _, base := range []string{appPath, guildAppPath} {
		table = append(table,
			&route{method: "GET", path: base + "/commands", bucket: "command-read", handle: on((*restAPI).scopeFor, (*restAPI).listCommands)},
			&route{method: "POST", path: base + "/commands", bucket: "command-write", handle: on((*restAPI).scopeFor, (*restAPI).createCommand)},
			&route{method: "PUT", path: base + "/commands", bucket: "command-write", handle: on((*restAPI).scopeFor, (*restAPI).replaceCommands)},
			&route{method: "GET", path: base + "/commands/{command}", bucket: "command-read", handle: (*restAPI).getCommand},
			&route{method: "PATCH", path: base + "/commands/{command}", bucket: "command-write", handle: (*restAPI).editCommand},
			&route{method: "DELETE", path: base + "/commands/{command}", bucket: "command-write", handle: (*restAPI).deleteCommand},
		)
	}
	for _, r := range table {
		r.segments = strings.Split(strings.Trim(r.path, "/"), "/")
	}
	return table
}

// Routes lists the routes of the REST API as [Fault].Route and the log name them,
// such as "GET /gateway/bot".
func Routes() (labels []string) {
	for _, r := range routes() {
		labels = append(labels, r.label())
	}
	return labels
}

func (r *route) label() string { return r.method + " " + r.path }

// on makes the handler of a route about something that find looks up, or refuses.
func on[T any](find func(*restAPI, *restRequest) (T, *restResponse), handle func(*restAPI, *restRequest, T) restResponse) func(*restAPI, *restRequest) restResponse {
	return func(r *restAPI, c *restRequest) restResponse {
		found, refused := find(r, c)
		if refused != nil {
			return *refused
		}
		return handle(r, c, found)
	}
}

// wordParams are the path parameters that are not snowflakes.
var wordParams = map[string]bool{"token": true, "emoji": true}

// find matches a path below the version. Where the path exists and the method
// does not, that is a 405; any other path is not simulated.
func (r *restAPI) find(method, path string) (*route, map[string]string, *restResponse) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	known := false
	for _, candidate := range r.routes {
		if !candidate.matches(segments) {
			continue
		}
		known = true
		if candidate.method != method {
			continue
		}
		params := candidate.paramsOf(segments)
		for name, value := range params {
			if wordParams[name] || (name == "message" && value == "@original") {
				continue
			}
			if _, err := strconv.ParseUint(value, 10, 64); err != nil {
				refused := formError(name+"_id", "NUMBER_TYPE_COERCE", "Value %q is not snowflake.", clip([]byte(value)))
				return candidate, params, &refused
			}
		}
		return candidate, params, nil
	}
	if known {
		return nil, nil, errMethod.refusal()
	}
	refused := notSimulated(method, path)
	return nil, nil, &refused
}

// notSimulated is the answer to a request that this simulator cannot play. It is
// no refusal of Discord's, so no client is blamed for it.
func notSimulated(method, path string) restResponse {
	return restResponse{status: http.StatusNotImplemented, body: map[string]any{
		"message": "not simulated: " + method + " " + templateOf(path), "code": 0,
	}}
}

// plainSegment is a segment of a path that is a word of Discord's, never an id, a code
// or a token.
var plainSegment = regexp.MustCompile(`^@?[a-z][a-z-]{0,24}$`)

// templateOf is a path that no route has, without what could be a secret: ids are
// {id}, and what is no plain word is {value}.
func templateOf(path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, segment := range segments {
		_, err := strconv.ParseUint(segment, 10, 64)
		switch {
		case err == nil:
			segments[i] = "{id}"
		case !plainSegment.MatchString(segment):
			segments[i] = "{value}"
		}
	}
	return "/" + strings.Join(segments, "/")
}

// matches reports whether a path has the form of the route.
func (r *route) matches(segments []string) bool {
	if len(segments) != len(r.segments) {
		return false
	}
	for i, want := range r.segments {
		if strings.HasPrefix(want, "{") {
			if segments[i] == "" || segments[i] == "@me" {
				return false
			}
		} else if want != segments[i] {
			return false
		}
	}
	return true
}

// paramsOf are the parameters of a path that matches.
func (r *route) paramsOf(segments []string) map[string]string {
	params := map[string]string{}
	for i, want := range r.segments {
		if strings.HasPrefix(want, "{") {
			params[want[1:len(want)-1]] = segments[i]
		}
	}
	return params
}

// split takes a request path apart: the version ("" when there is none) and
// what follows it. Paths outside /api are not the API's.
func split(path string) (version, rest string, ok bool) {
	tail, ok := strings.CutPrefix(path, "/api")
	if !ok || (tail != "" && tail[0] != '/') {
		return "", "", false
	}
	if v, more, _ := strings.Cut(strings.TrimPrefix(tail, "/"), "/"); len(v) > 1 && v[0] == 'v' {
		if _, err := strconv.Atoi(v[1:]); err == nil {
			return v[1:], "/" + more, true
		}
	}
	return "", tail, true
}

// served says which versions answer: the two current ones, and the deprecated
// default of a path without a version.
var served = map[string]bool{"10": true, "9": true, "": true}

// methodsWithoutBody are those whose body is not read.
var methodsWithoutBody = map[string]bool{http.MethodGet: true, http.MethodHead: true}
