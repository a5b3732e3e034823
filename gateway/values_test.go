package gateway

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// Statements: G-006, G-007, G-008.
func TestGatewayURL(t *testing.T) {
	for _, c := range []struct {
		in   string
		c    Compression
		want string
	}{
		{"wss://gateway.discord.gg", CompressZlib, "wss://gateway.discord.gg/?compress=zlib-stream&encoding=json&v=10"},
		{"wss://gateway.discord.gg/", CompressNone, "wss://gateway.discord.gg/?encoding=json&v=10"},
		{"ws://127.0.0.1:8080/gw/", CompressZstd, "ws://127.0.0.1:8080/gw/?compress=zstd-stream&encoding=json&v=10"},
		{"wss://host/path?v=9&compress=x", CompressNone, "wss://host/path?encoding=json&v=10"},
		{"https://host", CompressNone, "wss://host/?encoding=json&v=10"},
	} {
		got, err := connectURL(c.in, c.c)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "gateway.discord.gg", "ftp://x", "wss://", "ws://%zz"} {
		if got, err := connectURL(bad, CompressNone); err == nil {
			t.Errorf("%q gave %q", bad, got)
		}
	}
}

// Statements: G-144.
func TestRefusedIntents(t *testing.T) {
	want := IntentGuilds | IntentGuildMembers | IntentMessageContent | IntentGuildPresences
	for _, c := range []struct {
		flags uint64
		want  []string
	}{
		{0, []string{"Server Members Intent", "Presence Intent", "Message Content Intent"}},
		{1<<15 | 1<<18, []string{"Presence Intent"}},
		{12288 | 49152 | 786432, nil},
	} {
		got := want.Refused(c.flags).Switches()
		if strings.Join(got, ",") != strings.Join(c.want, ",") {
			t.Errorf("flags %d: %v, want %v", c.flags, got, c.want)
		}
	}
	if IntentsNonPrivileged != 53575421 || IntentsPrivileged != 33026 {
		t.Error("the intent sums differ from the documentation's")
	}
}

// Statements: G-060, G-061, G-062, G-063, G-094.
func TestClosePolicies(t *testing.T) {
	for code, want := range map[CloseCode]Verdict{
		4000: VerdictResume, 4001: VerdictResume, 4002: VerdictResume, 4005: VerdictResume, 4008: VerdictResume, 4099: VerdictResume,
		1001: VerdictResume, 1006: VerdictResume, 1011: VerdictResume, 1012: VerdictResume,
		1000: VerdictResumeOnce, 4003: VerdictVerify, 4007: VerdictIdentify, 4009: VerdictIdentify,
		4004: VerdictPark, 4010: VerdictPark, 4011: VerdictPark, 4012: VerdictPark, 4013: VerdictPark, 4014: VerdictPark,
	} {
		p := code.Policy()
		if p.Verdict != want || p.Says == "" {
			t.Errorf("%d: verdict %d, want %d; says %q", code, p.Verdict, want, p.Says)
		}
		if want == VerdictPark && p.Remedy == "" {
			t.Errorf("%d parks without telling what to do", code)
		}
	}
}

// Statements: G-102.
func TestPresenceIsValidated(t *testing.T) {
	for _, bad := range []Presence{
		{}, {Status: "green"},
		{Status: StatusOnline, Activities: []Activity{{}}},
		{Status: StatusOnline, Activities: []Activity{{Name: strings.Repeat("x", 129)}}},
		{Status: StatusOnline, Activities: []Activity{{Name: "x", Type: 9}}},
		{Status: StatusOnline, Activities: []Activity{{Name: "x", URL: strings.Repeat("x", 513)}}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	raw, err := encode(OpPresenceUpdate, Presence{Status: StatusOnline, Activities: []Activity{{Name: "AI Research", Type: ActivityWatching}}})
	if err != nil || string(raw) != `{"op":3,"d":{"since":null,"activities":[{"name":"AI Research","type":3}],"status":"online","afk":false}}` {
		t.Errorf("%s, %v", raw, err)
	}
}

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

// Statements: G-151.
func TestBackoff(t *testing.T) {
	b := backoff{local: 5 * time.Second, remote: 30 * time.Second, rand: func() float64 { return 0.999 }}
	if d := b.delay(0, true); d >= firstTry {
		t.Errorf("first try after %v", d)
	}
	for n, want := range map[int]time.Duration{1: time.Second, 3: 4 * time.Second, 5: 16 * time.Second, 9: 30 * time.Second, 1000: 30 * time.Second} {
		if d := b.delay(n, true); d > want || d < want*9/10 {
			t.Errorf("failure %d: %v, want nearly %v", n, d, want)
		}
		if d := b.delay(n, false); d > 5*time.Second {
			t.Errorf("local failure %d: %v", n, d)
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

// A presence without activities carries an empty list: Discord closes the
// connection with 4002 for null.
// Statements: G-102.
func TestPresenceWithoutActivities(t *testing.T) {
	raw, err := json.Marshal(map[string]any{"presence": &Presence{Status: StatusOnline}})
	if want := `{"presence":{"since":null,"activities":[],"status":"online","afk":false}}`; err != nil || string(raw) != want {
		t.Errorf("got %s (%v), want %s", raw, err, want)
	}
}
