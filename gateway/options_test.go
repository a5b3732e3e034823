package gateway

import (
	"errors"
	"strings"
	"testing"
)

// Statements: G-035.
func TestNewRefusesWhatDiscordWould(t *testing.T) {
	good := Options{Credentials: Credentials{Token: "t", Intents: 1}, URLSource: FixedURL("wss://x")}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no token":         func(o *Options) { o.Token = "" },
		"no locator":       func(o *Options) { o.URLSource = nil },
		"bad pair":         func(o *Options) { o.Shard = ShardID{ID: 2, Count: 2} },
		"unknown intent":   func(o *Options) { o.Intents = 1 << 40 },
		"bad presence":     func(o *Options) { o.Presence = &Presence{Status: "x"} },
		"bad compression":  func(o *Options) { o.Compression = "brotli" },
		"IDENTIFY too big": func(o *Options) { o.Token = strings.Repeat("x", 4090) },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s was accepted", name)
		} else if name == "IDENTIFY too big" && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Statements: G-157.
func TestCredentialsHideTheToken(t *testing.T) {
	c := Credentials{Token: "very-secret", Intents: 1}
	for _, s := range []string{c.String(), c.GoString()} {
		if strings.Contains(s, "very-secret") {
			t.Error("the token is printed")
		}
	}
}
