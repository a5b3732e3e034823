package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"evergreen/clock"
	"evergreen/identify"
)

// Statements: G-035.
func TestNewRefusesWhatDiscordWould(t *testing.T) {
	good := Options{Credentials: Credentials{Token: "t", Intents: 1}, URLSource: FixedURL("wss://x")}
	for _, id := range []ShardID{{}, {ID: 0, Count: 1}, {ID: 1, Count: 2}} {
		good.Shard = id
		if _, err := New(good); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*Options){
		"no token":         func(o *Options) { o.Token = "" },
		"no URL source":    func(o *Options) { o.URLSource = nil },
		"bad shard ID":     func(o *Options) { o.Shard = ShardID{ID: 2, Count: 2} },
		"negative shard":   func(o *Options) { o.Shard = ShardID{ID: -1, Count: 2} },
		"no shards":        func(o *Options) { o.Shard = ShardID{ID: -1, Count: 0} },
		"minus one shard":  func(o *Options) { o.Shard = ShardID{ID: 0, Count: -1} },
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

// keptOptions are options of which none is zero, with a dialer that can be compared.
func keptOptions() Options {
	return Options{
		Credentials: Credentials{Token: "t", Intents: 1}, URLSource: FixedURL("wss://x"), APIURL: "https://api.x",
		Shard: ShardID{ID: 1, Count: 2}, Presence: &Presence{Status: StatusIdle}, Properties: "mine", LargeThreshold: 100,
		Events: []string{"MESSAGE_CREATE"}, Handler: HandlerFunc(func(context.Context, Event) {}),
		IdentifyLimiter: identify.New(identify.Options{}), Dialer: WebSocketDialer{UserAgent: "mine"},
		Compression: CompressNone, ReadLimit: 1 << 20, QueueBytes: 1 << 21, SendQueue: 3, MaxAttempts: 4,
		Rand: func() float64 { return 0.25 }, Clock: clock.New(clock.Source{}),
		Timing: Timing{
			HeartbeatTimeout: 1 * time.Second, SilenceProbe: 2 * time.Second, SuspectAfter: 3 * time.Second, DeadAfter: 4 * time.Second,
			GatewayURL: 5 * time.Second, Connect: 6 * time.Second, Hello: 7 * time.Second, Ready: 8 * time.Second, ReadyWarning: 9 * time.Second,
			Resumed: 10 * time.Second, Write: 11 * time.Second, Close: 12 * time.Second, Move: 13 * time.Second, BackoffLocal: 14 * time.Second,
			BackoffRemote: 15 * time.Second, BackoffReset: 16 * time.Second, ClockCheck: 17 * time.Second, ParkRecheck: 18 * time.Second,
		},
	}
}

// withoutFuncs leaves out what cannot be compared.
func (o Options) withoutFuncs() Options {
	o.Rand, o.Handler = nil, nil
	return o
}

// Given options, then the shard goes by them; where one is zero, it goes by the default that
// the documentation names.
func TestEveryOptionHasADefault(t *testing.T) {
	want := keptOptions()
	shard, err := New(want)
	if err != nil {
		t.Fatal(err)
	}
	got := shard.opts
	if got.Rand() != want.Rand() || got.Handler == nil || got.IdentifyLimiter != want.IdentifyLimiter || got.Clock != want.Clock {
		t.Error("the shard goes by other functions than it was given")
	}
	if !reflect.DeepEqual(got.withoutFuncs(), want.withoutFuncs()) {
		t.Errorf("the options %+v were changed to %+v", want, got)
	}

	shard, err = New(Options{Credentials: Credentials{Token: "t"}, URLSource: FixedURL("wss://x")})
	if err != nil {
		t.Fatal(err)
	}
	got = shard.opts
	if got.IdentifyLimiter == nil || got.Clock == nil {
		t.Error("there is no limiter, or no clock")
	}
	if x, y := got.Rand(), got.Rand(); x < 0 || x >= 1 || x == y {
		t.Errorf("the random numbers are %g and %g", x, y)
	}
	got.IdentifyLimiter, got.Clock = nil, nil
	want = Options{
		Credentials: Credentials{Token: "t"}, URLSource: FixedURL("wss://x"), Events: []string{}, Properties: "evergreen",
		Dialer:      WebSocketDialer{UserAgent: "DiscordBot (https://discord.com, 1.0) evergreen"},
		Compression: CompressZlib, ReadLimit: 128 << 20, QueueBytes: 64 << 20, SendQueue: 1000, MaxAttempts: 10,
		Timing: Timing{
			HeartbeatTimeout: time.Minute, SilenceProbe: 15 * time.Second, SuspectAfter: 5 * time.Second, DeadAfter: 9500 * time.Millisecond,
			GatewayURL: 15 * time.Second, Connect: 15 * time.Second, Hello: 10 * time.Second, Ready: 125 * time.Second, ReadyWarning: 15 * time.Second,
			Resumed: 15 * time.Second, Write: 10 * time.Second, Close: time.Second, Move: 4 * time.Second, BackoffLocal: 4500 * time.Millisecond,
			BackoffRemote: 25 * time.Second, BackoffReset: time.Minute, ClockCheck: 5 * time.Second, ParkRecheck: 30 * time.Second,
		},
	}
	if !reflect.DeepEqual(got.withoutFuncs(), want) {
		t.Errorf("the defaults are %+v, want %+v", got, want)
	}
}

// A Handler without Events gets all of them, and a large_threshold that Discord would refuse
// is left out.
func TestOptionsThatDependOnOthers(t *testing.T) {
	o := keptOptions()
	o.Events = nil
	if shard, err := New(o); err != nil || shard.opts.Events != nil {
		t.Errorf("the events are %q (%v), want all", shard.opts.Events, err)
	}
	for threshold, want := range map[int]int{-1: 0, 0: 0, 49: 0, 50: 50, 250: 250, 251: 0} {
		o := keptOptions()
		o.LargeThreshold = threshold
		shard, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := identifyPayload(&shard.opts, o.Credentials, nil)
		var sent struct {
			D struct {
				LargeThreshold *int `json:"large_threshold"`
			}
		}
		if err == nil {
			err = json.Unmarshal(raw, &sent)
		}
		if got := sent.D.LargeThreshold; err != nil || (got == nil) != (want == 0) || got != nil && *got != want {
			t.Errorf("large_threshold %d: %s (%v), want %d", threshold, raw, err, want)
		}
	}
	for name, change := range map[string]func(*Options){
		"ReadLimit":   func(o *Options) { o.ReadLimit = -1 },
		"QueueBytes":  func(o *Options) { o.QueueBytes = -1 },
		"SendQueue":   func(o *Options) { o.SendQueue = -1 },
		"MaxAttempts": func(o *Options) { o.MaxAttempts = -1 },
	} {
		o := keptOptions()
		change(&o)
		shard, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := reflect.ValueOf(shard.opts).FieldByName(name).Int(); got <= 0 {
			t.Errorf("a negative %s stays %d", name, got)
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

// Given credentials without a token, or with one that no IDENTIFY can carry, then a shard
// keeps those it has.
func TestReconfigureNeedsATokenThatCanBeSent(t *testing.T) {
	shard, err := New(Options{Credentials: Credentials{Token: "t", Intents: 1}, URLSource: FixedURL("wss://x")})
	if err != nil {
		t.Fatal(err)
	}
	if err := shard.Reconfigure(Credentials{Intents: 1}); err == nil || len(shard.reconfigured) != 0 {
		t.Errorf("Reconfigure returned %v", err)
	}
	if err := shard.Reconfigure(Credentials{Token: strings.Repeat("x", 4090)}); !errors.Is(err, ErrTooLarge) || len(shard.reconfigured) != 0 {
		t.Errorf("with a token that no IDENTIFY can carry Reconfigure returned %v", err)
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
	fields := reflect.TypeFor[Timing]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		for value, good := range map[time.Duration]bool{-2: name == "SilenceProbe", 1: false, time.Second: true, 24 * time.Hour: true, 24*time.Hour + 1: false} {
			err := try(func(t *Timing) { reflect.ValueOf(t).Elem().Field(i).SetInt(int64(value)) })
			if (err == nil) != good || err != nil && !strings.Contains(err.Error(), "Timing."+name+" is "+value.String()) {
				t.Errorf("%s of %s: the error is %v", name, value, err)
			}
		}
	}
	if err := try(func(t *Timing) { t.SilenceProbe = Never }); err != nil {
		t.Error(err)
	}
}
