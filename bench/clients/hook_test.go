package clients

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergreen/bench/peer"
	"evergreen/discordsim"
)

// settings is what the sources of bots lose to be as they were before Evergreen. {} is the
// address.
var settings = map[string][]string{
	"discord.py": {
		", yarl", `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL("ws://{}/")`, `discord.http.Route.BASE = "http://{}/api/v10"`,
	},
	"discord.js": {`, rest: { api: "http://{}/api" }`},
	"eris":       {"client.getGateway = async () => here;", "client.getBotGateway = async () => here;"},
}

// A bot whose code has no setting connects to Evergreen that starts it.
func TestProgramsConnectWithoutAChange(t *testing.T) {
	for _, c := range All() {
		remove, ok := settings[c.Name]
		if !ok {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			build(t, c)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			w, err := newWorld(builder, c, t.TempDir(), "127.0.0.1:0", discordsim.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			s := &stage{t, w, ctx}
			source, err := os.ReadFile(builder.sourceOf(c))
			s.must(err)
			plain := string(source)
			for _, one := range remove {
				one = strings.ReplaceAll(one, "{}", c.Address)
				if !strings.Contains(plain, one) {
					t.Fatalf("the source has no %q", one)
				}
				plain = strings.Replace(plain, one, "", 1)
			}
			program := filepath.Join(filepath.Dir(builder.sourceOf(c)), "plain"+filepath.Ext(c.source))
			s.must(os.WriteFile(program, []byte(plain), 0o600))
			env, err := w.botEnv()
			s.must(err)
			env = append(env, "DISCORD_API_URL="+w.api, "PROXY_ADDR=127.0.0.1:0")
			w.Bot, err = start(peer.Command{Path: builder.Evergreen, Args: []string{"proxy", "--no-api", "--", c.Command.Path, program}}, w.folder, env...)
			s.must(err)
			defer w.Bot.Stop() // Evergreen ends the program; killed, it could not
			s.must(w.Bot.Await(ctx, "ready", 1))
			s.Ask()
			s.wantUnharmed(1)
			if n := w.Bot.Printed(c.Name + " connects to Evergreen"); n != 1 {
				t.Errorf("that it was pointed there is told %d times", n)
			}
		})
	}
}
