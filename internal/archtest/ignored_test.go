package archtest

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"evergreen/internal/process/config"

	"go.yaml.in/yaml/v3"
)

// kept are files that a bot keeps or is told. Wherever below the repository they
// lie, neither a commit nor an image may take them along.
var kept = []string{
	".env", ".env.local", ".env.production", "discord_token", "discord_token.txt", "api_token", "data/evergreen-1.db", "data/evergreen-1.db-wal",
	"data/evergreen-1.lock", "data/evergreen-1.crash.txt", "data/addresses.json", "evergreen-1.db", "evergreen-1.db-wal",
	"evergreen-1.damaged-20261130.db", "evergreen-1.crash.txt", "logs/bot.log", "logs/bot.log.1", "bot.log",
}

// keptIn are folders in which people have them.
var keptIn = []string{"", "deploy", "deploy/docker", "deploy/kubernetes", "deploy/pm2", "examples/slash", "bots/first"}

// dockerIgnores reads .dockerignore as Docker does: every pattern begins at the
// root, ** stands for any folders, the last pattern that fits decides, and a folder
// that is left out takes along what is in it.
func dockerIgnores(t *testing.T) func(name string) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	type rule struct {
		fits *regexp.Regexp
		take bool
	}
	var rules []rule
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, take := strings.CutPrefix(line, "!")
		text := regexp.QuoteMeta(path.Clean(pattern))
		for _, r := range [][2]string{{`\*\*/`, `(.*/)?`}, {`\*\*`, `.*`}, {`\*`, `[^/]*`}, {`\?`, `[^/]`}} {
			text = strings.ReplaceAll(text, r[0], r[1])
		}
		rules = append(rules, rule{regexp.MustCompile("^" + text + "(/.*)?$"), take})
	}
	return func(name string) bool {
		ignored := false
		for _, r := range rules {
			if r.fits.MatchString(name) {
				ignored = !r.take
			}
		}
		return ignored
	}
}

// gitIgnores returns those names that .gitignore keeps out of a commit.
func gitIgnores(t *testing.T, names []string) map[string]bool {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	rules, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	// A repository of its own, so that nothing but this file decides.
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, ".gitignore"), rules, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(input string, args ...string) string {
		cmd := exec.Command(git, args...)
		cmd.Dir, cmd.Stdin = folder, strings.NewReader(input)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		out, err := cmd.Output()
		if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 1) { // 1: none
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	run("", "init", "--quiet")
	ignored := map[string]bool{}
	for name := range strings.SplitSeq(run(strings.Join(names, "\x00"), "check-ignore", "--no-index", "--stdin", "-z"), "\x00") {
		ignored[name] = true
	}
	return ignored
}

// Given a bot's token, settings, state and logs anywhere below the repository, then
// neither git nor Docker takes them; and what belongs to the program is taken.
func TestSecretsStayOutOfCommitsAndImages(t *testing.T) {
	var secret, ours []string
	for _, folder := range keptIn {
		for _, name := range kept {
			secret = append(secret, path.Join(folder, name))
		}
	}
	walk(t, func(name string, _ []byte) {
		if !strings.Contains("/"+name, "/data/") && !strings.Contains("/"+name, "/dist/") { // somebody's bot, or a release
			ours = append(ours, name)
		}
	}, ".go", ".mod", ".sum", ".html", ".css", ".js", ".json", ".svg", ".yaml", ".yml", ".tmpl", ".md", "Dockerfile", ".env.example")
	byDocker, byGit := dockerIgnores(t), gitIgnores(t, append(secret, ours...))
	for _, name := range secret {
		if !byGit[name] {
			t.Errorf("git would commit %s", name)
		}
		if !byDocker(name) {
			t.Errorf("an image would hold %s", name)
		}
	}
	for _, name := range ours {
		if byGit[name] {
			t.Errorf("git would leave %s out", name)
		}
		if byDocker(name) {
			t.Errorf("Docker would leave %s out", name)
		}
	}
}

// Given the compose file, then the file it reads the token from is one that is kept
// out, and so is the state folder that the program makes where it is started.
func TestComposeSecretsAreKeptOut(t *testing.T) {
	var document any
	if err := yaml.Unmarshal([]byte(deployed(t, "docker/compose.yaml")), &document); err != nil {
		t.Fatal(err)
	}
	ignores := dockerIgnores(t)
	names := []string{config.Defaults().StateDir}
	for _, secret := range at(t, document, "secrets").(map[string]any) {
		names = append(names, path.Join("deploy/docker", at(t, secret, "file").(string)))
	}
	git := gitIgnores(t, names)
	for _, name := range names {
		if !git[name] || !ignores(name) {
			t.Errorf("%s is taken: by git %t, by Docker %t", name, !git[name], !ignores(name))
		}
	}
}
