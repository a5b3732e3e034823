package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingToken: given no token anywhere, the error says where to get one,
// can be told apart, and asks for a human. The slip that caused it is named.
func TestMissingToken(t *testing.T) {
	_, err := load("DISCORD_TOKN="+realToken, "COMMAND_TIMEOUT=30")
	if _, ok := errors.AsType[*MissingTokenError](err); !ok {
		t.Fatalf("error is %v", err)
	}
	for _, part := range []string{
		"DISCORD_TOKEN is not set", "https://discord.com/developers/applications", "Reset Token",
		"Message Content Intent", ".env", "DISCORD_TOKN (environment)", "evergreen demo",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), realToken) {
		t.Error("the error shows the token")
	}
	if coded, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); !ok || coded.ExitCode() != int(ExitConfig) {
		t.Error("a missing token does not end with exit code 78")
	}
}

// TestMissingTokenAndBadValue: both are reported in one error.
func TestMissingTokenAndBadValue(t *testing.T) {
	_, err := load("LOG_LEVEL=loud")
	if _, ok := errors.AsType[*MissingTokenError](err); !ok || !strings.Contains(err.Error(), `LOG_LEVEL="loud"`) || !strings.Contains(err.Error(), "Reset Token") {
		t.Errorf("error is %v", err)
	}
}

// TestTokenCleaning: what copying, quoting and prefixes leave around a token
// goes away.
func TestTokenCleaning(t *testing.T) {
	for _, raw := range []string{
		realToken, " " + realToken + " ", realToken + "\r\n", "\"" + realToken + "\"", "'" + realToken + "'",
		"Bot " + realToken, "bot " + realToken, "\"Bot " + realToken + "\"\n", "Bot   \"" + realToken + "\"", "\ufeff" + realToken,
		"`" + realToken + "`",
	} {
		l, err := load("DISCORD_TOKEN=" + raw)
		if err != nil {
			t.Errorf("%q: %v", strings.ReplaceAll(raw, realToken, "T"), err)
			continue
		}
		if l.Config.Token.Reveal() != realToken {
			t.Errorf("%q was not cleaned", strings.ReplaceAll(raw, realToken, "T"))
		}
		if len(l.Warnings) > 0 {
			t.Errorf("%q: warnings %q", strings.ReplaceAll(raw, realToken, "T"), l.Warnings)
		}
	}
}

// TestWrongTokens: what cannot be a token is refused at once, without being
// repeated in the error.
func TestWrongTokens(t *testing.T) {
	for _, token := range []string{
		"your-token-here", "YOUR_BOT_TOKEN", "<your token>", "<token>", "${TOKEN}", "xxxxxxxx", "xxx.xxx.xxx", "changeme", "change-me",
		"paste_your_token_here", "token", "bot token", "my bot token", "Bot your-token-here", "...", "********", "[redacted]",
		"two words", "abc\ndef", "tök.en", "a\x01b.c", "Bearer abcdefgh", "Bot Bot abc", "insert-token", "DISCORD_TOKEN",
	} {
		_, err := load("DISCORD_TOKEN=" + token)
		all, ok := errors.AsType[*Error](err)
		if !ok || len(all.Problems) != 1 || all.Problems[0].Name != "DISCORD_TOKEN" || all.Missing != nil {
			t.Errorf("%q gives %v", token, err)
			continue
		}
		if all.Problems[0].Value != "" {
			t.Errorf("%q is repeated in the error", token)
		}
	}
}

// TestOddTokens: a token of an unusual shape is tried, with a warning, because
// simulators hand out short ones.
func TestOddTokens(t *testing.T) {
	for token, want := range map[string]string{
		"sim-1":                            "usual shape",
		"t0":                               "usual shape",
		"1198622483471925248":              "application id",
		"abcdefghijklmnopqrstuvwxyz012345": "client secret",
	} {
		l, err := load("DISCORD_TOKEN=" + token)
		if err != nil {
			t.Errorf("%q is refused: %v", token, err)
			continue
		}
		if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], want) || strings.Contains(l.Warnings[0], token) {
			t.Errorf("%q: warnings are %q", token, l.Warnings)
		}
	}
}

// TestTokenFile: the file is read and cleaned; of two sources the better wins;
// two in the same place contradict each other; a bad file says why.
func TestTokenFile(t *testing.T) {
	good := write(t, "token", "Bot "+realToken+"\n")
	environ := func(pairs ...string) Sources { return Sources{Environ: pairs} }
	tests := []struct {
		name string
		from Sources
		want string // the token, or
		fail string // part of the error
	}{
		{"file", environ("DISCORD_TOKEN_FILE=" + good), realToken, ""},
		{"file by flag over variable", Sources{Flags: map[string]string{"DISCORD_TOKEN_FILE": good}, Environ: []string{"DISCORD_TOKEN=other.one"}}, realToken, ""},
		{"variable over file in .env", Sources{Environ: []string{"DISCORD_TOKEN=other.one"}, Dotenv: write(t, ".env", "DISCORD_TOKEN_FILE="+good)}, "other.one", ""},
		{"both", environ("DISCORD_TOKEN_FILE="+good, "DISCORD_TOKEN=other.one"), "", "remove one of them"},
		{"empty variable beside file", environ("DISCORD_TOKEN_FILE="+good, "DISCORD_TOKEN=\"\""), realToken, ""},
		{"missing", environ("DISCORD_TOKEN_FILE=" + good + ".not"), "", "cannot be read"},
		{"folder", environ("DISCORD_TOKEN_FILE=" + filepath.Dir(good)), "", "cannot be read"},
		{"empty", environ("DISCORD_TOKEN_FILE=" + write(t, "token", "\n")), "", "empty"},
		{"placeholder", environ("DISCORD_TOKEN_FILE=" + write(t, "token", "your-token-here")), "", "placeholder"},
		{"two lines", environ("DISCORD_TOKEN_FILE=" + write(t, "token", realToken+"\n"+realToken)), "", "several lines"},
		{"huge", environ("DISCORD_TOKEN_FILE=" + write(t, "token", strings.Repeat("x", 5000))), "", "too large"},
	}
	for _, test := range tests {
		l, err := Load(test.from)
		switch {
		case test.fail == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.fail == "" && l.Config.Token.Reveal() != test.want:
			t.Errorf("%s: another token was taken", test.name)
		case test.fail != "" && (err == nil || !strings.Contains(err.Error(), test.fail)):
			t.Errorf("%s: error is %v, want one that says %q", test.name, err, test.fail)
		case err != nil && strings.Contains(err.Error(), realToken):
			t.Errorf("%s: the error shows the token", test.name)
		}
	}
}

// TestUnreadableTokenFile: a file without permission is named.
func TestUnreadableTokenFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	path := write(t, "token", realToken)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := load("DISCORD_TOKEN_FILE=" + path); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("error is %v", err)
	}
}

// TestSecretDoesNotPrint: whatever way a configuration is printed, the token is
// not in it.
//
// Statements: G-157.
func TestSecretDoesNotPrint(t *testing.T) {
	l, err := load("DISCORD_TOKEN="+realToken, "API_TOKEN=a-token-for-the-api")
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	type hidden struct{ secret Secret }
	inside := hidden{c.Token}

	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{c, &c, c.Token, &c.Token, l, inside, &inside, []Secret{c.Token}, map[string]Secret{"a": c.Token}} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
	}
	for _, value := range []any{c, c.Token, map[Secret]Secret{}, l} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		printed.Write(text)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("config", "config", c, "token", c.Token, "hidden", inside)
	}
	fmt.Fprint(&printed, errors.Join(fmt.Errorf("token %v", c.Token)))

	for _, form := range []string{realToken, fmt.Sprintf("%x", realToken), fmt.Sprintf("%X", realToken), "a-token-for-the-api"} {
		if strings.Contains(printed.String(), form) {
			t.Error("a secret was printed")
		}
	}
	if !strings.Contains(printed.String(), redacted) {
		t.Error("nothing says that a secret was left out")
	}
}

// TestMisplacedToken: a token put into the wrong variable makes that variable
// wrong, but is not repeated; nor is a password in an address.
//
// Statements: G-157.
func TestMisplacedToken(t *testing.T) {
	for _, s := range Settings() {
		_, err := load("DISCORD_TOKEN=sim-1", s.Name+"="+realToken)
		if err != nil && strings.Contains(err.Error(), realToken) {
			t.Errorf("%s: the error shows the token", s.Name)
		}
	}
	if _, err := load("DISCORD_TOKEN=sim-1", "DISCORD_API_URL=https://user:pass-word@discord.com/api"); err == nil || strings.Contains(err.Error(), "pass-word") {
		t.Errorf("error is %v", err)
	}
}
