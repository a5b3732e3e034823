package discordsim

import (
	"net/http"
	"regexp"
	"slices"
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
	needs        uint64 // permissions in the channel of the path, or else in the guild
	handle       func(*restAPI, *restRequest) restResponse

	segments []string
}

// Routes lists the routes of the REST API as [Fault].Route and the log name them,
// such as "GET /gateway/bot".
func Routes() (labels []string) {
	for _, r := range routes() {
		labels = append(labels, r.label())
	}
	return labels
}

// Route is a route of the REST API for people.
type Route struct {
	Method, Path string
	// Bucket is the group whose rate limit the route shares; empty where there is none.
	Bucket string
	// Permissions are the names of those that the bot needs in the channel of the path, or
	// else in its guild.
	Permissions []string
}

// DescribeRoutes lists the routes of the REST API by their paths.
func DescribeRoutes() (list []Route) {
	for _, r := range routes() {
		list = append(list, Route{Method: r.method, Path: r.path, Bucket: r.bucket, Permissions: PermissionNames(r.needs)})
	}
	slices.SortStableFunc(list, func(a, b Route) int { return strings.Compare(a.Path, b.Path) })
	return list
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

// onGuild, onChannel and onMessage make the handlers of routes about those.
func onGuild(handle func(*restAPI, *restRequest, *Guild) restResponse) func(*restAPI, *restRequest) restResponse {
	return on((*restAPI).guildFor, handle)
}

func onChannel(handle func(*restAPI, *restRequest, *Channel) restResponse) func(*restAPI, *restRequest) restResponse {
	return on((*restAPI).channelFor, handle)
}

func onMessage(handle func(*restAPI, *restRequest, *Message) restResponse) func(*restAPI, *restRequest) restResponse {
	return on((*restAPI).messageFor, handle)
}

// wordParams are the path parameters that are not snowflakes.
var wordParams = map[string]bool{"token": true, "emoji": true, "code": true}

// find matches a path below the version. Where the path exists and the method
// does not, that is a 405; any other path is not simulated.
func (r *restAPI) find(method, path string) (*route, map[string]string, *restResponse) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for _, absent := range routeTable.absent {
		if absent.method == method && absent.matches(segments) {
			refused := notSimulated(method, path)
			return nil, nil, &refused
		}
	}
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
