package config

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"evergreen/gateway"
)

// Activity is the line under the bot's name, or nothing.
type Activity struct{ gateway.Activity }

// None reports that no activity is to be shown.
func (a Activity) None() bool { return a.Name == "" }

// verbs are the words an activity may start with, longest first where one
// begins another.
var verbs = []struct {
	word string
	kind gateway.ActivityType
}{
	{"playing", gateway.ActivityPlaying},
	{"streaming", gateway.ActivityStreaming},
	{"listening to", gateway.ActivityListening},
	{"listening", gateway.ActivityListening},
	{"watching", gateway.ActivityWatching},
	{"competing in", gateway.ActivityCompeting},
	{"competing", gateway.ActivityCompeting},
	{"custom", gateway.ActivityCustom},
}

// customName is the name Discord expects of a custom status; people see only
// its state.
const customName = "Custom Status"

// ParseActivity reads an activity as people write it: "watching AI Research",
// "playing chess", "listening to rain", "competing in a race", "streaming
// https://twitch.tv/name Title", "custom Any text". Text without one of these
// words in front is a custom status. "none" or nothing means no activity.
func ParseActivity(text string) (Activity, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.EqualFold(text, "none") {
		return Activity{}, nil
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Activity{}, errors.New("it contains a line break or another control character")
	}
	kind, rest := gateway.ActivityCustom, text
	for _, v := range verbs {
		after, found := cutPrefixFold(text, v.word)
		if found && (after == "" || after[0] == ' ') {
			kind, rest = v.kind, strings.TrimSpace(after)
			break
		}
	}
	if rest == "" {
		return Activity{}, errors.New("the text after the first word is missing")
	}
	a := gateway.Activity{Name: rest, Type: kind}
	switch kind {
	case gateway.ActivityCustom:
		a.Name, a.State = customName, rest
	case gateway.ActivityStreaming:
		address, title, _ := strings.Cut(rest, " ")
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return Activity{}, errors.New("streaming needs an address first, as in: streaming https://twitch.tv/name Title")
		}
		a.URL, a.Name = address, strings.TrimSpace(title)
		if a.Name == "" {
			return Activity{}, errors.New("the title after the address is missing")
		}
	}
	presence := gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{a}}
	if err := presence.Validate(); err != nil {
		return Activity{}, err
	}
	return Activity{a}, nil
}

// streamHosts are the only sites whose streams Discord shows (the
// documentation of activity objects).
var streamHosts = []string{"twitch.tv", "youtube.com"}

// warnActivity says what Discord will probably not show.
func warnActivity(a Activity) string {
	if a.Type != gateway.ActivityStreaming {
		return ""
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if slices.ContainsFunc(streamHosts, func(site string) bool {
		return host == site || strings.HasSuffix(host, "."+site)
	}) {
		return ""
	}
	return "Discord shows streams of twitch.tv and youtube.com only"
}
