package gateway

import "testing"

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
		{"http://host", CompressNone, "ws://host/?encoding=json&v=10"},
		{" wss://host/#part ", CompressNone, "wss://host/?encoding=json&v=10"},
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
