package preload

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	gateway = "EVERGREEN_GATEWAY_URL=ws://127.0.0.1:8001"
	api     = "EVERGREEN_API_URL=http://127.0.0.1:8001/api"
)

// runs has an interpreter run a program, with files of a bot beside it, as evergreen proxy
// starts it. It skips the test where the interpreter is missing.
func runs(t *testing.T, interpreter, program string, bot map[string]string, environ ...string) (stdout, stderr string) {
	t.Helper()
	found, err := exec.LookPath(interpreter)
	if err != nil {
		t.Skipf("%s is not here", interpreter)
	}
	dir, folder := filepath.Join(t.TempDir(), "ours, with a space"), t.TempDir()
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	bot[program] = bot["main"]
	delete(bot, "main")
	for name, content := range bot {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), found, program)
	cmd.Dir = folder
	cmd.Env = Environ(append(environ, "PATH="+os.Getenv("PATH"), gateway, api), dir)
	var out, failed strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), failed.String())
	}
	return out.String(), failed.String()
}

// The settings of Python libraries, as each has them, lead to Evergreen. The libraries are
// stand-ins; bench/clients has the real discord.py.
func TestPythonLibrariesConnectHere(t *testing.T) {
	for name, one := range map[string]struct {
		bot  map[string]string
		want string
		says string
	}{
		"discord.py": {
			map[string]string{
				"yarl.py":             "URL = str\n",
				"discord/__init__.py": "from .gateway import *\nfrom . import http\n",
				"discord/gateway.py":  "class DiscordWebSocket:\n    DEFAULT_GATEWAY = 'wss://gateway.discord.gg/'\n",
				"discord/http.py":     "class Route:\n    BASE = 'https://discord.com/api/v10'\n",
				"main":                "import discord\nprint(discord.DiscordWebSocket.DEFAULT_GATEWAY, discord.http.Route.BASE)\n",
			},
			"ws://127.0.0.1:8001/ http://127.0.0.1:8001/api/v10\n", "discord.py connects to Evergreen",
		},
		"py-cord": {
			map[string]string{
				"discord/__init__.py": "from .gateway import *\nfrom . import http\n",
				"discord/gateway.py":  "class DiscordWebSocket: pass\n",
				"discord/http.py":     "class Route:\n    API_BASE_URL = 'https://discord.com/api/v9'\n",
				"main":                "import discord\nprint(discord.http.Route.API_BASE_URL)\n",
			},
			"http://127.0.0.1:8001/api/v9\n", "py-cord connects to Evergreen",
		},
		"nextcord": {
			map[string]string{
				"nextcord/__init__.py": "",
				"nextcord/http.py":     "class Route:\n    BASE = 'https://discord.com/api/v10'\n",
				"main":                 "from nextcord.http import Route\nprint(Route.BASE)\n",
			},
			"http://127.0.0.1:8001/api/v10\n", "nextcord connects to Evergreen",
		},
		"hikari": {
			map[string]string{
				"hikari/__init__.py": "",
				"hikari/urls.py":     "REST_API_URL = 'https://discord.com/api/v10'\n",
				"main":               "from hikari import urls\nprint(urls.REST_API_URL)\n",
			},
			"http://127.0.0.1:8001/api/v10\n", "hikari connects to Evergreen",
		},
		"a library that has changed": {
			map[string]string{
				"discord/__init__.py": "from . import http\n",
				"discord/http.py":     "class Way: pass\n",
				"main":                "import discord\nprint('it runs')\n",
			},
			"it runs\n", "evergreen proxy setup",
		},
		"no library": {map[string]string{"main": "print('it runs')\n"}, "it runs\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr := runs(t, "python3", "bot.py", one.bot)
			if stdout != one.want || !strings.Contains(stderr, one.says) || one.says == "" && stderr != "" {
				t.Errorf("the bot prints %q and %q, want %q and %q", stdout, stderr, one.want, one.says)
			}
		})
	}
}

// A sitecustomize that the machine or a virtual environment has runs all the same.
func TestSitecustomizeThatIsHiddenRuns(t *testing.T) {
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "sitecustomize.py"), []byte("print('theirs')\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, _ := runs(t, "python3", "bot.py", map[string]string{"main": "print('bot')\n"}, "PYTHONPATH="+other); stdout != "theirs\nbot\n" {
		t.Errorf("printed is %q", stdout)
	}
}

// The settings of JavaScript libraries lead to Evergreen, from CommonJS and from modules.
// The libraries are stand-ins; bench/clients has the real discord.js and eris.
func TestJavaScriptLibrariesConnectHere(t *testing.T) {
	rest := `exports.DefaultRestOptions = { api: "https://discord.com/api" };`
	eris := `exports.Client = class { async getGateway() { return { url: "wss://gateway.discord.gg" }; } };`
	for name, one := range map[string]struct {
		program string
		bot     map[string]string
		want    string
		says    string
	}{
		"discord.js": {
			"bot.js",
			map[string]string{
				"node_modules/@discordjs/rest/index.js": rest,
				"node_modules/discord.js/index.js":      `exports.api = () => require("@discordjs/rest").DefaultRestOptions.api;`,
				"main":                                  `console.log(require("discord.js").api())`,
			},
			"http://127.0.0.1:8001/api\n", "discord.js connects to Evergreen",
		},
		"discord.js from a module": {
			"bot.mjs",
			map[string]string{
				"node_modules/@discordjs/rest/index.js": rest,
				"node_modules/discord.js/index.js":      `exports.api = () => require("@discordjs/rest").DefaultRestOptions.api;`,
				"main":                                  `import { api } from "discord.js"; console.log(api());`,
			},
			"http://127.0.0.1:8001/api\n", "discord.js connects to Evergreen",
		},
		"eris": {
			"bot.js",
			map[string]string{
				"node_modules/eris/index.js": eris,
				"main":                       `new (require("eris").Client)().getGateway().then((g) => console.log(g.url));`,
			},
			"ws://127.0.0.1:8001\n", "eris connects to Evergreen",
		},
		"a library that has changed": {
			"bot.js",
			map[string]string{"node_modules/eris/index.js": ``, "main": `require("eris"); console.log("it runs");`},
			"it runs\n", "evergreen proxy setup",
		},
		"no library": {"bot.js", map[string]string{"main": `console.log("it runs")`}, "it runs\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr := runs(t, "node", one.program, one.bot)
			if stdout != one.want || !strings.Contains(stderr, one.says) || one.says == "" && stderr != "" {
				t.Errorf("the bot prints %q and %q, want %q and %q", stdout, stderr, one.want, one.says)
			}
		})
	}
}

// What the environment had interpreters load is loaded too, after ours.
func TestEnvironmentKeepsWhatItHad(t *testing.T) {
	got := Environ([]string{"HOME=/root", "NODE_OPTIONS=--max-old-space-size=64", "PYTHONPATH=/lib", "PYTHONPATHS=no"}, "/state/preload")
	want := []string{"HOME=/root", "PYTHONPATHS=no", "PYTHONPATH=/state/preload" + string(os.PathListSeparator) + "/lib", `NODE_OPTIONS=--require "/state/preload/node.cjs" --max-old-space-size=64`}
	if !slices.Equal(got, want) {
		t.Errorf("the environment is %q, want %q", got, want)
	}
}

// Others of the machine must not be able to change what runs in the bot.
func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such mode there; the user's folder keeps others out")
	}
	dir := filepath.Join(t.TempDir(), "preload")
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", forPython, forNode} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q: %v, %v", name, info.Mode(), err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(file); err == nil {
		t.Error("a file was taken for a folder")
	}
}
