package config

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// put writes text into a file of this folder.
func put(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask may have taken some away
		t.Fatal(err)
	}
	return path
}

// Given a .env file and a token file that are watched, when one is changed, half
// written, spoiled or removed, then what stands there is told once it has stood
// there for two looks, and only then.
func TestChangedFilesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		dotenv := put(t, filepath.Join(folder, ".env"), "DISCORD_TOKEN=first-token\nLOG_LEVEL=info\n", 0o600)
		from := Sources{Dotenv: dotenv}
		before, err := Load(from)
		if err != nil {
			t.Fatal(err)
		}
		type news struct {
			l   *Loaded
			err error
		}
		var told []news
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			Watch(ctx, from, WatchEvery, func(l *Loaded, err error) { told = append(told, news{l, err}) })
		}()
		pass := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		pass(time.Minute)
		put(t, dotenv, "DISCORD_TOKEN=sec", 0o600) // half of it
		pass(3 * time.Second)
		put(t, dotenv, "DISCORD_TOKEN=second-token\nLOG_LEVEL=debug\n", 0o600)
		pass(5 * time.Second)
		if len(told) != 1 || told[0].err != nil || told[0].l.Config.Token.Reveal() != "second-token" {
			t.Fatalf("told %d times", len(told))
		}
		if got, want := Changes(before, told[0].l), []string{"DISCORD_TOKEN", "LOG_LEVEL"}; !reflect.DeepEqual(got, want) {
			t.Errorf("changed: %v, want %v", got, want)
		}
		pass(time.Hour)
		put(t, dotenv, "DISCORD_TOKEN=Bearer secret-one\n", 0o600)
		pass(10 * time.Second)
		if len(told) != 2 || told[1].err == nil || strings.Contains(told[1].err.Error(), "secret-one") {
			t.Errorf("told %d times, lastly %v", len(told), told[len(told)-1].err)
		}
		token := put(t, filepath.Join(folder, "token"), "third-token\n", 0o600)
		put(t, dotenv, "DISCORD_TOKEN_FILE="+token+"\n", 0o600)
		pass(10 * time.Second)
		put(t, token, "fourth-token\n", 0o600)
		pass(10 * time.Second)
		if err := os.Remove(token); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		var tokens []string
		for _, n := range told[2:] {
			if n.err != nil {
				tokens = append(tokens, "none")
				continue
			}
			tokens = append(tokens, n.l.Config.Token.Reveal())
		}
		if want := []string{"third-token", "fourth-token", "none"}; !reflect.DeepEqual(tokens, want) {
			t.Errorf("told %v, want %v", tokens, want)
		}
		cancel()
		<-done
	})
}

// Given a token that systemd hands over, when the settings are read, then it is
// taken unless the environment names a file; a second token beside it is a
// contradiction.
func TestSystemdCredential(t *testing.T) {
	folder := t.TempDir()
	put(t, filepath.Join(folder, "discord_token"), "handed-over\n", 0o400)
	other := put(t, filepath.Join(t.TempDir(), "token"), "another-one\n", 0o600)
	dotenv := put(t, filepath.Join(t.TempDir(), ".env"), "DISCORD_TOKEN=in-dotenv\n", 0o600)
	at := "CREDENTIALS_DIRECTORY=" + folder
	tests := []struct {
		name    string
		from    Sources
		want    string
		problem string
	}{
		{"alone", Sources{Environ: []string{at}}, "handed-over", ""},
		{"beside .env", Sources{Environ: []string{at}, Dotenv: dotenv}, "handed-over", ""},
		{"beside a file that is named", Sources{Environ: []string{at, "DISCORD_TOKEN_FILE=" + other}}, "another-one", ""},
		{"beside a token", Sources{Environ: []string{at, "DISCORD_TOKEN=in-environment"}}, "", "remove one of them"},
		{"other credentials only", Sources{Environ: []string{"CREDENTIALS_DIRECTORY=" + t.TempDir()}, Dotenv: dotenv}, "in-dotenv", ""},
	}
	for _, test := range tests {
		l, err := Load(test.from)
		switch {
		case test.problem != "":
			if err == nil || !strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), "handed-over") {
				t.Errorf("%s: %v, want %q", test.name, err, test.problem)
			}
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		case l.Config.Token.Reveal() != test.want:
			t.Errorf("%s: the token of the wrong place was taken", test.name)
		}
	}
}

// Given files with the token that others may read or change, when the settings
// are read, then a warning says so, with the command that mends it.
func TestReadableTokensAreWarnedOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such modes")
	}
	for mode, want := range map[os.FileMode]string{0o600: "", 0o400: "", 0o644: "every user", 0o640: "its group", 0o620: "can change"} {
		token := put(t, filepath.Join(t.TempDir(), "token"), "a-token\n", mode)
		dotenv := put(t, filepath.Join(t.TempDir(), ".env"), "DISCORD_TOKEN=a-token\n", mode)
		for path, from := range map[string]Sources{token: {Environ: []string{"DISCORD_TOKEN_FILE=" + token}}, dotenv: {Dotenv: dotenv}} {
			l, err := Load(from)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, w := range l.Warnings {
				if strings.Contains(w, "chmod 600 "+path) {
					said = w
				}
			}
			if (said == "") != (want == "") || !strings.Contains(said, want) {
				t.Errorf("%s with mode %04o: %q, want %q", filepath.Base(path), mode, said, want)
			}
		}
	}
}

// Given proxies in small letters or in .env, when the settings are read, then
// they are taken; what is no proxy is named without what stands in it.
func TestProxies(t *testing.T) {
	dotenv := put(t, filepath.Join(t.TempDir(), ".env"), "all_proxy=socks5://dot:1\nHTTPS_PROXY=dot:2\n", 0o600)
	l, err := Load(Sources{Environ: []string{"https_proxy=http://ada:s3cret@small:3128", "no_proxy=a,b"}, Dotenv: dotenv, TokenOptional: true})
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	if c.HTTPSProxy.Reveal() != "http://ada:s3cret@small:3128" || c.AllProxy.Reveal() != "socks5://dot:1" || c.NoProxy != "a,b" || !c.HTTPProxy.Empty() {
		t.Error("the proxies were not read")
	}
	for _, wrong := range []string{"socks4://s3cret:1", "http://s3cret@", "http://ada:s3cret@@@ x:y", "http://:s3cret"} {
		_, err := Load(Sources{Environ: []string{"HTTPS_PROXY=" + wrong}, TokenOptional: true})
		if err == nil || !strings.Contains(err.Error(), "HTTPS_PROXY") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
