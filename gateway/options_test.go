package gateway

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Statements: G-035.
func TestNewRefusesWhatDiscordWould(t *testing.T) {
	good := Options{Credentials: Credentials{Token: "t", Intents: 1}, URLSource: FixedURL("wss://x")}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no token":         func(o *Options) { o.Token = "" },
		"no URL source":    func(o *Options) { o.URLSource = nil },
		"bad shard ID":     func(o *Options) { o.Shard = ShardID{ID: 2, Count: 2} },
		"negative shard":   func(o *Options) { o.Shard = ShardID{ID: -1, Count: 2} },
		"no shards":        func(o *Options) { o.Shard = ShardID{ID: -1, Count: 0} },
		"unknown intent":   func(o *Options) { o.Intents = 1 << 40 },
		"bad presence":     func(o *Options) { o.Presence = &Presence{Status: "x"} },
		"events for none":  func(o *Options) { o.Events = []string{"MESSAGE_CREATE"} },
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

// Given credentials without a token, then a shard keeps those it has.
func TestReconfigureNeedsAToken(t *testing.T) {
	shard, err := New(Options{Credentials: Credentials{Token: "t", Intents: 1}, URLSource: FixedURL("wss://x")})
	if err != nil {
		t.Fatal(err)
	}
	if err := shard.Reconfigure(Credentials{Intents: 1}); err == nil || len(shard.reconfigured) != 0 {
		t.Errorf("Reconfigure returned %v", err)
	}
}

// A session is resumed only with all that a RESUME needs, and with nothing that no
// Discord would have given.
func TestWhatASessionNeedsToBeResumed(t *testing.T) {
	good := Session{ID: "s", ResumeURL: "wss://x"}
	for _, c := range []struct {
		name   string
		change func(*Session)
		want   bool
	}{
		{"no number yet", func(*Session) {}, true},
		{"the greatest number", func(s *Session) { s.Seq = 1<<53 - 1 }, true},
		{"a number beyond", func(s *Session) { s.Seq = 1 << 53 }, false},
		{"a negative number", func(s *Session) { s.Seq = -1 }, false},
		{"no id", func(s *Session) { s.ID = "" }, false},
		{"the longest id", func(s *Session) { s.ID = strings.Repeat("s", 1024) }, true},
		{"too long an id", func(s *Session) { s.ID = strings.Repeat("s", 1025) }, false},
		{"no address", func(s *Session) { s.ResumeURL = "" }, false},
		{"the longest address", func(s *Session) { s.ResumeURL = strings.Repeat("x", 1024) }, true},
		{"too long an address", func(s *Session) { s.ResumeURL = strings.Repeat("x", 1025) }, false},
	} {
		s := good
		c.change(&s)
		if s.Resumable() != c.want {
			t.Errorf("%s: resumable %t, want %t", c.name, !c.want, c.want)
		}
	}
}

// Given a shard that has stopped, then it takes no other credentials any more.
func TestReconfigureAfterStop(t *testing.T) {
	for range 50 { // it used to be left to chance
		shard, err := New(Options{Credentials: Credentials{Token: "t", Intents: 1}, URLSource: FixedURL("wss://x")})
		if err != nil {
			t.Fatal(err)
		}
		if err := shard.Stop(t.Context(), KeepSession); err != nil {
			t.Fatal(err)
		}
		if err := shard.Reconfigure(Credentials{Token: "u"}); !errors.Is(err, ErrStopped) {
			t.Fatalf("Reconfigure returned %v", err)
		}
	}
}

// Given a timing that makes no sense, then New says which field it is and what would.
func TestImpossibleTimingIsRefused(t *testing.T) {
	try := func(set func(*Timing)) error {
		o := Options{Credentials: Credentials{Token: "t"}, URLSource: FixedURL("wss://x")}
		set(&o.Timing)
		_, err := New(o)
		return err
	}
	for name, set := range map[string]func(*Timing){
		"ClockCheck":       func(t *Timing) { t.ClockCheck = -time.Second },
		"Ready":            func(t *Timing) { t.Ready = -1 },
		"BackoffRemote":    func(t *Timing) { t.BackoffRemote = 1<<63 - 1 },
		"HeartbeatTimeout": func(t *Timing) { t.HeartbeatTimeout = 1 },
		"SilenceProbe":     func(t *Timing) { t.SilenceProbe = 1 },
	} {
		if err := try(set); err == nil || !strings.Contains(err.Error(), "Timing."+name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if err := try(func(t *Timing) { t.SilenceProbe = Never }); err != nil {
		t.Error(err)
	}
}
