package judge

import (
	"strings"
	"time"

	"evergreen/discordsim"
)

const postMessage = "POST /channels/{channel}/messages"

// eachRequest counts an occasion for every REST request that is meant.
func eachRequest(meant func(discordsim.Request) bool) func(*check) {
	return func(q *check) {
		for _, r := range q.requests {
			if meant(r) {
				q.exercised()
			}
		}
	}
}

func anyRequest(discordsim.Request) bool { return true }

func answered(status int, scopes ...string) func(discordsim.Request) bool {
	return func(r discordsim.Request) bool {
		if r.Status != status || r.Lost {
			return false
		}
		for _, scope := range scopes {
			if r.Scope == scope {
				return true
			}
		}
		return len(scopes) == 0
	}
}

func onRoute(route string) func(discordsim.Request) bool {
	return func(r discordsim.Request) bool { return r.Route == route }
}

// restRules are about REST. The simulator records most breaches by itself.
var restRules = []rule{
	{statement: "G-070", says: "An event that comes twice is not answered twice.", apply: func(q *check) {
		for _, a := range q.during("events twice") {
			q.isAnsweredOnce(a, a.struck["duplicate"], q.noted)
		}
	}},
	{statement: "G-125", says: "Every request has the User-Agent, Content-Type and Authorization that Discord wants.", apply: eachRequest(anyRequest)},
	{statement: "G-126", says: "Paths carry the API version.", apply: eachRequest(anyRequest)},
	{statement: "G-128", says: "No request is sent to a bucket that is known to be empty."},
	{statement: "G-129", says: "After a 429 its bucket pauses for as long as it says.", apply: eachRequest(answered(429, "user", "shared"))},
	{statement: "G-130", says: "After a global 429 all requests pause.", apply: eachRequest(answered(429, "global"))},
	{statement: "G-131", says: "At most 50 requests a second leave.", apply: eachRequest(anyRequest)},
	{statement: "G-132", says: "After a 401 the token is not used again.", apply: eachRequest(answered(401))},
	{statement: "G-133", says: "What was answered 401, 403 or 404 is not sent again at once.", apply: eachRequest(func(r discordsim.Request) bool {
		return answered(401)(r) || answered(403)(r) || answered(404)(r)
	})},
	{statement: "G-134", says: "Invalid requests stay far below Discord's limit.", apply: eachRequest(func(r discordsim.Request) bool {
		return answered(401)(r) || answered(403)(r) || answered(429)(r)
	})},
	{statement: "G-135", says: "A ban of the address stops REST."},
	{statement: "G-136", says: "Server errors and HTML are survived, and the request is sent again.", apply: func(q *check) {
		for _, a := range q.during("REST errors") {
			if a.struck["rest-html"]+a.struck["rest-5xx"] == 0 {
				continue
			}
			q.exercised()
			for _, id := range a.asked {
				if q.answers[id] == 0 {
					q.noted(nil, a.to, nil, "a command whose answer met a server error was never answered")
				}
			}
		}
	}},
	{statement: "G-137", says: "A message whose answer was lost is sent again with the same nonce: it stands once.", apply: func(q *check) {
		for _, a := range q.during("answers lost") {
			q.isAnsweredOnce(a, a.struck["rest-commit-then-drop"], q.broken)
		}
	}},
	{statement: "G-138", says: "Replies ping nobody and do not fail when what they answer is gone.", apply: eachRequest(onRoute(postMessage))},
	{statement: "G-139", says: "Messages are not longer than 2000 characters.", apply: eachRequest(onRoute(postMessage))},
	{statement: "G-140", says: "A webhook that was answered 404 is not called again."},
	{statement: "G-141", says: "Interactions are answered within 3 s.", apply: func(q *check) {
		for _, a := range q.during("slash command") {
			for _, id := range a.asked {
				q.exercised()
				if q.answers[id] == 0 {
					q.broken(nil, a.to, nil, "a slash command was not answered")
				}
			}
		}
	}},
	{statement: "G-142", says: "Commands are registered only when they have changed.", apply: eachRequest(func(r discordsim.Request) bool {
		return strings.HasPrefix(r.Route, "PUT /applications/")
	})},
	{statement: "G-145", says: "Webhooks and other bots trigger no command.", apply: func(q *check) { q.isIgnored("bait of a webhook") }},
	{statement: "G-147", says: "Messages of other types than 0 and 19 trigger no command.", apply: func(q *check) { q.isIgnored("bait of another type") }},
	{statement: "G-157", says: "The token never appears in a URL.", apply: eachRequest(anyRequest)},
}

// isAnsweredOnce checks that what was asked in an act was answered once, if the bot
// answers at all and the fault struck. That it was answered again is what again says.
func (q *check) isAnsweredOnce(a playedStep, struck int, again verdict) {
	for _, id := range a.asked {
		switch n := q.answers[id]; {
		case struck == 0:
		case n > 1:
			q.exercised()
			again(nil, a.to, nil, "a command was answered %d times", n)
		case n == 1:
			q.exercised()
		case a.name == "answers lost":
			q.exercised()
			q.noted(nil, a.to, nil, "a command was not answered within %s", a.to.Sub(a.from).Round(time.Second))
		}
	}
}

// isIgnored checks that baits were not answered, if the bot answers at all.
func (q *check) isIgnored(name string) {
	answers := false
	for _, a := range q.during("commands") {
		for _, id := range a.asked {
			answers = answers || q.answers[id] > 0
		}
	}
	for _, a := range q.during(name) {
		for _, id := range a.baits {
			if answers {
				q.exercised()
			}
			if q.answers[id] > 0 {
				q.noted(nil, a.to, nil, "it was answered")
			}
		}
	}
}
