package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// Given a path or an address in a .env file, in whatever quotes, then it stays as it is
// written: a backslash in it is a backslash.
func TestPathsStayAsWritten(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for _, c := range []struct{ line, want string }{
		{`EVERGREEN_STATE_DIR="C:\bots\new\tables"`, `C:\bots\new\tables`},
		{`EVERGREEN_STATE_DIR='C:\bots\new\tables'`, `C:\bots\new\tables`},
		{`EVERGREEN_STATE_DIR=C:\bots\new\tables`, `C:\bots\new\tables`},
		{`  export EVERGREEN_STATE_DIR = "C:\bots\r 1\" # Windows`, `C:\bots\r 1\`},
		{`EVERGREEN_STATE_DIR: 'D:\x\'`, `D:\x\`},
		{`EVERGREEN_STATE_DIR="\\server\share\new"`, `\\server\share\new`},
		{"\ufeffEVERGREEN_STATE_DIR=data  \r", "data"},
		{"EVERGREEN_STATE_DIR=\"/srv/my bot\"\r\nLOG_LEVEL=info\r\n", "/srv/my bot"},
		{"EVERGREEN_STATE_DIR=$HOME/data", "$HOME/data"},
		{"EVERGREEN_STATE_DIR=~/bot/data", filepath.Join(home, "bot", "data")},
		{"EVERGREEN_STATE_DIR=~", home},
		{"EVERGREEN_STATE_DIR=a~b", "a~b"},
	} {
		l, err := Load(Sources{Dotenv: write(t, ".env", c.line), TokenOptional: true})
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		} else if l.Config.StateDir != c.want {
			t.Errorf("%s: the folder is %q, want %q", c.line, l.Config.StateDir, c.want)
		}
	}
	flags := Flags{EnvFile: "~/bot.env"}
	if got := flags.Sources(nil).Dotenv; got != filepath.Join(home, "bot.env") {
		t.Errorf("--env-file=~/bot.env is %q", got)
	}
	l, err := Load(Sources{Dotenv: write(t, ".env", `LOG_FILE="C:\logs\new\bot.log"`+"\nHTTPS_PROXY=\"http://127.0.0.1:1\"\n"), TokenOptional: true})
	if err != nil || l.Config.LogFile != `C:\logs\new\bot.log` {
		t.Errorf("the log file is %q, %v", l.Config.LogFile, err)
	}
}

// Given a path or an address with a control character, an invisible character or half a
// pair of quotes, from whatever source, then it is refused in words.
func TestPathsAndAddressesAreVisible(t *testing.T) {
	for _, s := range table {
		if !s.Place {
			continue
		}
		for _, character := range []string{"\n", "\r", "\t", "\x1b", "\x7f", "\u0085", "\u202a", "\ufeff"} {
			_, err := load(s.Name + "=127.0.0.1" + character + ":8000")
			if err == nil || !strings.Contains(err.Error(), s.Name) ||
				!strings.Contains(err.Error(), "control character") && !strings.Contains(err.Error(), "invisible character") {
				t.Errorf("%s with %q: %v", s.Name, character, err)
			}
			if err != nil && strings.Contains(err.Error(), character+":8000") {
				t.Errorf("%s: the error itself contains %q", s.Name, character)
			}
		}
	}
	for _, c := range []struct{ pair, says string }{
		{`EVERGREEN_STATE_DIR="data`, "a quote is left over"},
		{`EVERGREEN_STATE_DIR='"data"'`, "a quote is left over"},
		{`LOG_FILE=“bot.log”`, "a quote is left over"},
		{`DISCORD_TOKEN_FILE='/run/token`, "a quote is left over"},
		{`EVERGREEN_STATE_DIR=~other/data`, "write the whole path"},
		{`API_ADDR=local host:8000`, "a space"},
		{`ALERT_SMTP_USER=a` + "\n" + `b`, "control character"},
	} {
		if _, err := load(c.pair); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want that %s", c.pair, err, c.says)
		}
	}
	// A quote that is missing swallows the next lines.
	if _, err := Load(Sources{Dotenv: write(t, ".env", "EVERGREEN_STATE_DIR=\"data\nLOG_FILE=\"\n"), TokenOptional: true}); err == nil {
		t.Error("two lines are a folder")
	}
}

// A variable of a shell is not replaced, which is worth a warning.
func TestVariablesInPathsAreWarnedOf(t *testing.T) {
	for path, warned := range map[string]bool{"$HOME/data": true, "%APPDATA%": true, "x/${USER}": true, "data": false, "50%": false, "a$": false} {
		l, err := load("DISCORD_TOKEN="+realToken, "EVERGREEN_STATE_DIR="+path)
		if err != nil || (len(l.Warnings) > 0) != warned {
			t.Errorf("%s: %v, %v", path, l.Warnings, err)
		}
	}
}
