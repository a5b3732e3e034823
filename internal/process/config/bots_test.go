package config

import (
	"strings"
	"testing"

	"evergreen/gateway"
)

// What other machines can reach needs a token and a certificate, and a wrong setting says
// what to change.
func TestSettingsOfTheProxyForBots(t *testing.T) {
	const standIn = "PROXY_TOKEN=0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		settings []string
		wrong    string // empty: nothing is
	}{
		{[]string{"PROXY_ADDR=127.0.0.1:9000"}, ""},
		{[]string{"PROXY_ADDR=localhost:0"}, ""},
		{[]string{"PROXY_ADDR=8001"}, "not a host and a port"},
		{[]string{"PROXY_ADDR=:8001"}, "PROXY_TOKEN must be set"},
		{[]string{"PROXY_ADDR=0.0.0.0:8001", standIn}, "PROXY_TLS_CERT"},
		{[]string{"PROXY_ADDR=0.0.0.0:8001", standIn, "PROXY_TLS_CERT=c.pem", "PROXY_TLS_KEY=k.pem"}, ""},
		{[]string{"PROXY_TLS_CERT=c.pem"}, "belong together"},
		{[]string{"PROXY_TOKEN=short"}, "shorter than 32"},
		{[]string{"PROXY_TOKEN=0123456789abcdef 0123456789abcdef"}, "space"},
		{[]string{"PROXY_TOKEN=" + realToken}, "the real token"},
		{[]string{"PROXY_URL=wss://bots.example.org"}, ""},
		{[]string{"PROXY_URL=https://bots.example.org"}, "ws://"},
		{[]string{"PROXY_URL=ws://bots.example.org/gateway"}, "more than a host"},
		{[]string{"PROXY_INTENTS=GUILDS, guild-messages"}, ""},
		{[]string{"PROXY_INTENTS=513"}, ""},
		{[]string{"PROXY_INTENTS=GUILD"}, "is not an intent"},
		{[]string{"PROXY_INTENTS=131072"}, "no intents"},
		{[]string{"PROXY_BOT_SHARDS=0"}, "less than 1"},
		{[]string{"PROXY_BACKLOG=1kb"}, "less than 1MiB"},
		{[]string{"PROXY_BACKLOG=10GiB"}, "more than 8GiB"},
		{[]string{"PROXY_BACKLOG_AGE=1"}, "shorter than"},
		{[]string{"PROXY_SETTLE=2m"}, "longer than"},
		{[]string{"PROXY_INTERACTIONS=defer"}, "tell, keep"},
		{[]string{"PROXY_AWAY_REPLY=" + strings.Repeat("x", 2001)}, "2000"},
	} {
		_, err := load(append(c.settings, "DISCORD_TOKEN="+realToken)...)
		switch {
		case c.wrong == "" && err != nil:
			t.Errorf("%v: %v", c.settings, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%v: %v, want %q", c.settings, err, c.wrong)
		}
	}
	l, err := load("DISCORD_TOKEN="+realToken, "PROXY_INTENTS=GUILDS MESSAGE_CONTENT")
	if err != nil || gateway.Intents(l.Config.ProxyIntents) != gateway.IntentGuilds|gateway.IntentMessageContent {
		t.Errorf("intents %v, %v", l, err)
	}
	for addr, want := range map[string]bool{"127.0.0.1:1": true, ":1": false, "nonsense": false} {
		if got := (Config{ProxyAddr: addr}).ProxyLoopback(); got != want {
			t.Errorf("%s: loopback is %t", addr, got)
		}
	}
}
