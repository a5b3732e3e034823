package gateway

import (
	"strings"
	"testing"

	"evergreen/internal/bounds"
)

// The token goes to Discord's hosts over TLS, or, of a server that is not Discord's, to
// where that says with no less encryption than it has itself, and never to an address with
// a login.
// Statements: G-008, G-013.
func TestWhereTheTokenMayGo(t *testing.T) {
	const discord, sim, own = "https://discord.com/api/v10", "http://127.0.0.1:8500/api/v10", "https://chat.example/api"
	longest := "wss://gateway.discord.gg/" + strings.Repeat("x", bounds.Address)[:bounds.Address-len("wss://gateway.discord.gg/")]
	for _, c := range []struct {
		api, address string
		ok           bool
	}{
		{discord, "wss://gateway.discord.gg", true},
		{discord, "wss://gateway-us-east1-b.discord.gg/", true},
		{discord, "wss://gateway.discord.gg:443/?v=10", true},
		{discord, "WSS://Gateway.DISCORD.gg", true},
		{discord, "wss://discord.com/x", true},
		{discord, "wss://gateway.discord.gg./", true},
		{"wss://gateway.discord.gg/?v=10", "wss://gateway-x.discord.gg", true},
		{"https://DISCORD.com", "wss://evil.example", false},
		{"http://discord.com", "ws://gateway.discord.gg", false},
		{discord, "ws://gateway.discord.gg", false},
		{discord, "http://gateway.discord.gg", false},
		{discord, "wss://evil.example", false},
		{discord, "wss://discord.gg.evil.example", false},
		{discord, "wss://evildiscord.gg", false},
		{discord, "wss://discord.gg@evil.example", false},
		{discord, "wss://bot:pass@gateway.discord.gg", false},
		{discord, "wss://evil.example/discord.gg", false},
		{discord, "wss://evil.example?discord.gg", false},
		{discord, "wss://evil.example#.discord.gg", false},
		{discord, `wss://evil.example\.discord.gg`, false},
		{discord, "wss://evil.example%2f.discord.gg", false},
		{discord, "wss://xn--dscord-s4a.gg", false},
		{discord, "wss://dıscord.gg", false},
		{discord, "wss://162.159.130.234", false},
		{discord, "wss://[2606:4700::6812:1]/", false},
		{discord, "wss:gateway.discord.gg", false},
		{discord, "wss:///gateway.discord.gg", false},
		{discord, "wss://:443/", false},
		{discord, "//gateway.discord.gg", false},
		{discord, "gateway.discord.gg", false},
		{discord, "ftp://gateway.discord.gg", false},
		{discord, "javascript:alert(1)", false},
		{discord, "wss://gateway.discord.gg\r\nX: y", false},
		{discord, "", false},
		{discord, "https://gateway.discord.gg", true},
		{discord, longest, true},
		{discord, longest + "x", false},
		{discord, "wss://gateway.discord.gg/" + strings.Repeat("x", 5000), false},
		{sim, "ws://127.0.0.1:8501", true},
		{sim, "wss://gateway.example", true},
		{sim, "ws://[::1]:8501/gw", true},
		{sim, "ws://bot:pass@127.0.0.1:8501", false},
		{sim, "https://gateway.example", true},
		{sim, "http://127.0.0.1:8501", true},
		{sim, "ftp://127.0.0.1:8501", false},
		{sim, "127.0.0.1:8501", false},
		{sim, "ws:///gw", false},
		{sim, "ws://:8501/", false},
		{own, "wss://gateway.elsewhere.example", true},
		{own, "ws://chat.example", false},
		{own, "wss://user@chat.example", false},
		{"%zz", "wss://gateway.discord.gg", false},
	} {
		if err := CheckAddress(c.api, c.address); (err == nil) != c.ok {
			t.Errorf("%s names %.60q: %v", c.api, c.address, err)
		}
	}
	if _, err := connectURL("wss://user@host", CompressNone); err == nil {
		t.Error("an address with a login is dialled")
	}
}
