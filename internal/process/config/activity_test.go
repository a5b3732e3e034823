package config

import (
	"strings"
	"testing"

	"evergreen/gateway"
)

// TestParseActivity reads activities as people write them.
func TestParseActivity(t *testing.T) {
	custom := func(text string) gateway.Activity {
		return gateway.Activity{Name: "Custom Status", Type: gateway.ActivityCustom, State: text}
	}
	tests := map[string]gateway.Activity{
		"watching AI Research | !help":            {Name: "AI Research | !help", Type: gateway.ActivityWatching},
		"Playing chess":                           {Name: "chess", Type: gateway.ActivityPlaying},
		"playing   playing cards":                 {Name: "playing cards", Type: gateway.ActivityPlaying},
		"listening to rain":                       {Name: "rain", Type: gateway.ActivityListening},
		"LISTENING TO RAIN":                       {Name: "RAIN", Type: gateway.ActivityListening},
		"listening rain":                          {Name: "rain", Type: gateway.ActivityListening},
		"competing in a race":                     {Name: "a race", Type: gateway.ActivityCompeting},
		"competing hard":                          {Name: "hard", Type: gateway.ActivityCompeting},
		"streaming https://twitch.tv/me A title":  {Name: "A title", Type: gateway.ActivityStreaming, URL: "https://twitch.tv/me"},
		"streaming https://twitch.tv/me  A title": {Name: "A title", Type: gateway.ActivityStreaming, URL: "https://twitch.tv/me"},
		"custom playing nothing":                  custom("playing nothing"),
		"Here to help":                            custom("Here to help"),
		"watchingtower":                           custom("watchingtower"),
		"ช่วยงานวิจัย":                            custom("ช่วยงานวิจัย"),
		"":                                        {},
		" none ":                                  {},
		strings.Repeat("ก", 128):                  custom(strings.Repeat("ก", 128)),
	}
	for text, want := range tests {
		got, err := ParseActivity(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got.Activity != want {
			t.Errorf("%q is %+v, want %+v", text, got.Activity, want)
		}
	}
	for _, text := range []string{
		"watching", "playing ", "listening to", "custom", "streaming", "streaming title", "streaming https://twitch.tv/me",
		"streaming ftp://twitch.tv/me A", "streaming https:// A", "two\nlines", "playing " + strings.Repeat("x", 129), strings.Repeat("x", 129),
		"streaming https://twitch.tv/" + strings.Repeat("x", 600) + " A",
	} {
		if got, err := ParseActivity(text); err == nil {
			t.Errorf("%q is accepted as %+v", text, got)
		}
	}
}

// FuzzParseActivity: whatever is accepted, Discord accepts too.
func FuzzParseActivity(f *testing.F) {
	for _, seed := range []string{"watching AI Research | !help", "streaming https://twitch.tv/a b", "none", "", "custom x", "listening to \xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseActivity(text)
		if err != nil || a.None() {
			return
		}
		p := gateway.Presence{Status: gateway.StatusOnline, Activities: []gateway.Activity{a.Activity}}
		if err := p.Validate(); err != nil {
			t.Errorf("%q was accepted, but: %v", text, err)
		}
	})
}
