package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"

	"github.com/disgoorg/snowflake/v2"
)

// write makes a file in a fresh folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPrecedence: given the same setting in every place, the flag wins; taken
// away, the environment; then the file; then the default. Each time the origin
// says which.
func TestPrecedence(t *testing.T) {
	dotenv := write(t, ".env", "# first line\nDISCORD_KEEPALIVE_INTERVAL=40\n")
	s := Sources{
		Flags:         map[string]string{"DISCORD_KEEPALIVE_INTERVAL": "20"},
		Environ:       []string{"DISCORD_KEEPALIVE_INTERVAL=30"},
		Dotenv:        dotenv,
		TokenOptional: true,
	}
	steps := []struct {
		want   time.Duration
		origin string
		remove func()
	}{
		{20 * time.Second, "flag --keepalive-interval", func() { s.Flags = nil }},
		{30 * time.Second, "environment", func() { s.Environ = nil }},
		{40 * time.Second, dotenv + " line 2", func() { s.Dotenv = "" }},
		{5 * time.Minute, "default", func() {}},
	}
	for _, step := range steps {
		l, err := Load(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Config.KeepaliveInterval; got != step.want {
			t.Errorf("%s: interval is %v, want %v", step.origin, got, step.want)
		}
		if got := l.Origins["DISCORD_KEEPALIVE_INTERVAL"].String(); got != step.origin {
			t.Errorf("origin is %q, want %q", got, step.origin)
		}
		step.remove()
	}
}

// TestBlankMeansUnset: container tools pass variables nobody set as empty
// ones; they must not hide the .env file. Where an empty value is a choice, it
// counts.
func TestBlankMeansUnset(t *testing.T) {
	dotenv := write(t, ".env", "DISCORD_TOKEN="+realToken+"\nDISCORD_COMMAND_PREFIX=?\nLOG_FILE=other.log\n")
	l, err := Load(Sources{
		Environ: []string{"DISCORD_TOKEN=", "DISCORD_COMMAND_PREFIX= ", "LOG_FILE=", "DISCORD_ACTIVITY="},
		Dotenv:  dotenv,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	if c.Token.Reveal() != realToken || c.CommandPrefix != "?" {
		t.Errorf("empty variables hid the file: prefix %q", c.CommandPrefix)
	}
	if c.LogFile != "" || !c.Activity.None() {
		t.Errorf("an empty LOG_FILE gave %q, an empty DISCORD_ACTIVITY %+v", c.LogFile, c.Activity)
	}
}

// TestAllValues reads one value of every type.
func TestAllValues(t *testing.T) {
	l, err := load(
		"DISCORD_TOKEN="+realToken, "DISCORD_API_URL=HTTP://127.0.0.1:9000/", "DISCORD_STATUS=IDLE",
		"DISCORD_ACTIVITY=listening to rain", "DISCORD_PRESENCE_INTENT=yes", "DISCORD_SLASH_COMMANDS=off",
		"DISCORD_OPTIONAL_INTENTS=message_content, GUILD_MEMBERS", "DISCORD_COMPRESSION=none", "DISCORD_READ_LIMIT=64 MB",
		"DISCORD_OWNER_IDS=80351110224678912, 1", "LOG_LEVEL=warn", "LOG_FORMAT=json", "LOG_FILE=-",
		"DISCORD_HEARTBEAT_TIMEOUT='90'", "COMMAND_CONCURRENCY=4", "API_ADDR=:0", "API_TOKEN=long-enough-for-all",
	)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	checks := map[string]bool{
		"APIURL":          c.APIURL == "http://127.0.0.1:9000/api/v10",
		"Status":          c.Status == gateway.StatusIdle,
		"Activity":        c.Activity.Type == gateway.ActivityListening && c.Activity.Name == "rain",
		"PresenceIntent":  c.PresenceIntent,
		"SlashCommands":   !c.SlashCommands,
		"OptionalIntents": c.OptionalIntents == gateway.IntentMessageContent|gateway.IntentGuildMembers,
		"Compression":     c.Compression == gateway.CompressNone,
		"ReadLimit":       c.ReadLimit == 64<<20,
		"OwnerIDs":        slices.Equal(c.OwnerIDs, []snowflake.ID{80351110224678912, 1}),
		"LogLevel":        c.LogLevel.Level() == 4,
		"LogFormat":       c.LogFormat == LogJSON,
		"LogFile":         c.LogFile == "",
		"Heartbeat":       c.HeartbeatTimeout == 90*time.Second,
		"Concurrency":     c.CommandConcurrency == 4,
	}
	for name, ok := range checks {
		if !ok {
			t.Errorf("%s was not read as written: %+v", name, c)
		}
	}
}

// TestBadValues: given many bad values at once, all are reported in one error,
// in the order of the table, each with its variable, its origin, its value and
// what is allowed.
func TestBadValues(t *testing.T) {
	bad := []struct{ name, value, why string }{
		{"DISCORD_API_URL", "ftp://x", "must start with https"},
		{"DISCORD_ACTIVITY", "streaming cats", "needs an address"},
		{"DISCORD_STATUS", "green", "unknown word"},
		{"DISCORD_PRESENCE_INTENT", "maybe", "neither yes nor no"},
		{"DISCORD_OPTIONAL_INTENTS", "GUILDS", "not a privileged intent"},
		{"DISCORD_COMPRESSION", "gzip", "unknown word"},
		{"DISCORD_READ_LIMIT", "32KiB", "less than 1MiB"},
		{"DISCORD_HEARTBEAT_TIMEOUT", "5", "healthy bot would be reconnected"},
		{"DISCORD_SILENCE_PROBE", "1", "120 sends"},
		{"DISCORD_KEEPALIVE_INTERVAL", "nan", "not a number"},
		{"DISCORD_MAX_RECONNECT_ATTEMPTS", "ten", "not a whole number"},
		{"SHUTDOWN_GRACE", "-1", "negative"},
		{"DISCORD_COMMAND_PREFIX", "! !", "space"},
		{"DISCORD_SLASH_COMMANDS", "2", "neither yes nor no"},
		{"DISCORD_OWNER_IDS", "somebody#1234", "not a user id"},
		{"COMMAND_COOLDOWN", "inf", "infinite"},
		{"COMMAND_TIMEOUT", "1e400", "too large"},
		{"COMMAND_CONCURRENCY", "0", "less than 1"},
		{"ACTIVITY_WARNING_AFTER", "9000h", "longer than 720h"},
		{"HEALTH_CHECK_INTERVAL", "soon", "neither seconds nor a duration"},
		{"OFFLINE_WARNING_AFTER", "99999999999999999999", "too large"},
		{"API_ADDR", "8000", "not a host and a port"},
		{"LOG_LEVEL", "loud", "unknown word"},
		{"LOG_FORMAT", "xml", "unknown word"},
		{"LOG_MAX_SIZE_MB", "99999999999999999999", "too large"},
		{"LOG_MAX_BACKUPS", "-1", "less than 0"},
		{"LOG_MAX_AGE_DAYS", "4000", "more than 3650"},
	}
	environ := []string{"DISCORD_TOKEN=" + realToken}
	for _, b := range bad {
		environ = append(environ, b.name+"="+b.value)
	}

	_, err := load(environ...)

	all, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	if len(all.Problems) != len(bad) {
		t.Errorf("%d problems for %d bad values:\n%v", len(all.Problems), len(bad), err)
	}
	lines := strings.Split(err.Error(), "\n")[1:]
	for i, b := range bad {
		if i >= len(lines) {
			break
		}
		s, _ := find(b.name)
		for _, part := range []string{b.name + "=" + fmt.Sprintf("%q", b.value), "(environment)", b.why, "Allowed: " + s.Allowed} {
			if !strings.Contains(lines[i], part) {
				t.Errorf("the line\n%s\ndoes not say %q", lines[i], part)
			}
		}
	}
	if all.ExitCode() != 78 {
		t.Errorf("exit code is %d, want 78", all.ExitCode())
	}
}

// TestLimits: the ends of each range are allowed and what lies just beyond is
// not.
func TestLimits(t *testing.T) {
	tests := []struct {
		name     string
		good, no []string
	}{
		{"DISCORD_HEARTBEAT_TIMEOUT", []string{"20", "600", "10m"}, []string{"19.9", "601", "0"}},
		{"DISCORD_SILENCE_PROBE", []string{"0", "5", "10m"}, []string{"4.9", "0.001", "601"}},
		{"DISCORD_KEEPALIVE_INTERVAL", []string{"15", "24h"}, []string{"14", "0", "24h1s"}},
		{"DISCORD_MAX_RECONNECT_ATTEMPTS", []string{"1", "10000"}, []string{"0", "10001", "1.5"}},
		{"SHUTDOWN_GRACE", []string{"0", "10m"}, []string{"601", "-0.1"}},
		{"COMMAND_COOLDOWN", []string{"0", "1h"}, []string{"3601"}},
		{"COMMAND_TIMEOUT", []string{"1", "15m"}, []string{"0", "0.9", "901"}},
		{"COMMAND_CONCURRENCY", []string{"1", "1000"}, []string{"0", "1001"}},
		{"ACTIVITY_WARNING_AFTER", []string{"0", "1", "720h"}, []string{"0.5", "721h"}},
		{"HEALTH_CHECK_INTERVAL", []string{"1", "24h"}, []string{"0", "25h"}},
		{"OFFLINE_WARNING_AFTER", []string{"0", "1", "720h"}, []string{"0.5", "721h"}},
		{"DISCORD_READ_LIMIT", []string{"auto", "AUTO", "1MiB", "1GiB", "1048576"}, []string{"1048575", "1025MiB", "9e30", "-1MiB", "NaN", "MiB"}},
		{"DISCORD_COMMAND_PREFIX", []string{"!", "hey", "ครับ", strings.Repeat("x", 32)}, []string{strings.Repeat("x", 33), "a b"}},
		{"DISCORD_API_URL", []string{"https://discord.com/api/v10/", "http://sim", "https://h/api", "http://[::1]:80/api/v10"}, []string{"discord.com", "https://", "https://h/api/v9", "https://u:p@h/api", "https://h/?a=b", "https://h/#x", "https://h:99999", "ws://h", "https://h h/"}},
		{"API_ADDR", []string{"127.0.0.1:0", ":65535", "[::1]:80"}, []string{"127.0.0.1", "x:y", "1:65536", "::1:80"}},
		{"API_TOKEN", []string{"12345678"}, []string{"1234567", "1234 5678"}},
		{"LOG_MAX_SIZE_MB", []string{"1", "10000"}, []string{"0", "10001"}},
		{"LOG_MAX_BACKUPS", []string{"0", "1000"}, []string{"-1", "1001"}},
		{"LOG_MAX_AGE_DAYS", []string{"0", "3650"}, []string{"-1", "3651"}},
		{"DISCORD_OWNER_IDS", []string{"1;2 3,4", "18446744073709551615"}, []string{"0", "18446744073709551616", "<@1>"}},
		{"DISCORD_OPTIONAL_INTENTS", []string{"guild-presences", "MESSAGE_CONTENT,MESSAGE_CONTENT"}, []string{"MESSAGES", "32768"}},
	}
	for _, test := range tests {
		for _, value := range test.good {
			if _, err := load("DISCORD_TOKEN="+realToken, test.name+"="+value); err != nil {
				t.Errorf("%s=%s is refused: %v", test.name, value, err)
			}
		}
		for _, value := range test.no {
			if _, err := load("DISCORD_TOKEN="+realToken, test.name+"="+value); err == nil {
				t.Errorf("%s=%s is accepted", test.name, value)
			}
		}
	}
}

// TestDefaultsPassTheirOwnLimits: every default, given explicitly, is valid.
func TestDefaultsPassTheirOwnLimits(t *testing.T) {
	environ := []string{"DISCORD_TOKEN=" + realToken}
	for _, s := range Settings() {
		if s.Default != "" {
			environ = append(environ, s.Name+"="+s.Default)
		}
	}
	l, err := load(environ...)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Warnings) > 0 {
		t.Errorf("the defaults cause warnings: %v", l.Warnings)
	}
}

// TestWarnings: values that work but are probably not meant are named.
func TestWarnings(t *testing.T) {
	tests := []struct{ environ, want string }{
		{"DISCORD_STATUS=invisible", "grey"},
		{"DISCORD_API_URL=http://proxy.example/api/v10", "unencrypted"},
		{"API_ADDR=0.0.0.0:8000", "refuses to listen"},
		{"API_TOKEN=12345678", "short"},
		{"DISCORD_ACTIVITY=streaming https://example.com/me Now", "twitch.tv"},
		{"DISCORD_TOKN=x", "did you mean DISCORD_TOKEN?"},
	}
	for _, test := range tests {
		l, err := load("DISCORD_TOKEN="+realToken, test.environ)
		if err != nil {
			t.Errorf("%s: %v", test.environ, err)
			continue
		}
		if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], test.want) {
			t.Errorf("%s: warnings are %q, want one that says %q", test.environ, l.Warnings, test.want)
		}
	}
}

// TestFlags: flags that were given are found under their variable, those that
// were not are absent, and a named .env file must exist.
func TestFlags(t *testing.T) {
	level, intent := "debug", true
	f := Flags{LogLevel: &level, PresenceIntent: &intent}
	s := f.Sources(nil)
	if s.Dotenv != ".env" || s.DotenvRequired {
		t.Errorf("without --env-file the sources are %+v", s)
	}
	if len(s.Flags) != 2 || s.Flags["LOG_LEVEL"] != "debug" || s.Flags["DISCORD_PRESENCE_INTENT"] != "true" {
		t.Errorf("flags are %v", s.Flags)
	}

	f.EnvFile = filepath.Join(t.TempDir(), "nowhere.env")
	_, err := Load(f.Sources([]string{"DISCORD_TOKEN=" + realToken}))
	if err == nil || !strings.Contains(err.Error(), "no such file") || !strings.Contains(err.Error(), "nowhere.env") {
		t.Errorf("a named file that does not exist gives %v", err)
	}

	bad := "x"
	f = Flags{HeartbeatTimeout: &bad}
	if _, err = Load(f.Sources([]string{"DISCORD_TOKEN=" + realToken})); err == nil || !strings.Contains(err.Error(), "flag --heartbeat-timeout") {
		t.Errorf("a bad flag gives %v", err)
	}
}

// TestSecretsHaveNoFlag: command lines are visible to everybody.
//
// Statements: G-157.
func TestSecretsHaveNoFlag(t *testing.T) {
	for _, s := range Settings() {
		if s.Secret && s.FlagName() != "" {
			t.Errorf("%s has the flag --%s", s.Name, s.FlagName())
		}
	}
}

// TestFailure: a failure says what happened, what to do, and ends with its code.
func TestFailure(t *testing.T) {
	cause := errors.New("the token was refused")
	err := fmt.Errorf("cannot start: %w", &Failure{Code: ExitConfig, Err: cause, Steps: []string{"Reset it."}})
	if coded, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); !ok || coded.ExitCode() != 78 || !errors.Is(err, cause) {
		t.Errorf("the failure lost its code or cause: %v", err)
	}
	if got := err.Error(); got != "cannot start: the token was refused\n  Reset it." {
		t.Errorf("the failure says %q", got)
	}
}
