package sidecar

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// What libraries send as presence, and what Discord is told.
func TestPresencesOfLibraries(t *testing.T) {
	for _, c := range []struct{ library, sent, want string }{
		{"discord.py", `{"status":null,"game":{"name":"chess","type":0},"since":0,"afk":false}`, `{"since":0,"activities":[{"name":"chess","type":0}],"status":"online","afk":false}`},
		{"discord.js", `{"activities":[{"name":"AI Research","type":3,"created_at":1,"emoji":null}],"afk":false,"since":null,"status":"idle"}`, `{"since":null,"activities":[{"name":"AI Research","type":3}],"status":"idle","afk":false}`},
		{"eris", `{"activities":null,"afk":false,"since":0,"status":"offline"}`, `{"since":0,"activities":[],"status":"offline","afk":false}`},
		{"discordgo", `{"since":0,"game":{"name":"","type":0},"status":"online","afk":false}`, `{"since":0,"activities":[],"status":"online","afk":false}`},
		{"disgo", `{"since":null,"activities":null,"status":"","afk":false}`, `{"since":null,"activities":[],"status":"online","afk":false}`},
	} {
		p, err := readPresence([]byte(c.sent))
		if err != nil {
			t.Errorf("%s: %v", c.library, err)
			continue
		}
		if got, err := json.Marshal(p); err != nil || string(got) != c.want {
			t.Errorf("%s:\n got %s (%v)\nwant %s", c.library, got, err, c.want)
		}
	}
	for _, bad := range []string{`{"status":"asleep"}`, `{"activities":[{"name":""}]}`, `{"status":7}`, `[]`} {
		if p, err := readPresence([]byte(bad)); err == nil {
			t.Errorf("%s is taken for %v", bad, p)
		}
	}
}

func TestIdentifyNamesShardAndLibrary(t *testing.T) {
	i, err := parseIdentify([]byte(`{"token":"t","properties":{"$os":"linux","$browser":"discord.py"},"intents":513,"compress":true}`))
	if err != nil || *i.Shard != [2]int{0, 1} || i.library() != "discord.py" || i.Intents != 513 || !i.Compress {
		t.Errorf("%+v, %v", i, err)
	}
	i.Properties.Browser = strings.Repeat("ä", 100)
	if got := i.library(); got != strings.Repeat("ä", 64) {
		t.Errorf("library %q", got)
	}
	for d, code := range map[string]string{
		`{"shard":[1,1]}`: "4010", `{"shard":[-1,2]}`: "4010", `{"shard":[0,0]}`: "4010", `{"shard":[0,999999]}`: "4010",
		`{"shard":"0"}`: "4002", `{"intents":-1}`: "4002", `"x"`: "4002",
	} {
		if _, err := parseIdentify([]byte(d)); err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v, want %s", d, err, code)
		}
	}
	if _, err := parseResume([]byte(`{"seq":"many"}`)); err == nil || !strings.Contains(err.Error(), "seq") {
		t.Errorf("a RESUME that cannot be read: %v", err)
	}
}

func TestTokensAreComparedWithTheirPrefix(t *testing.T) {
	if !isToken("abc", "abc") || !isToken("Bot abc", "abc") || isToken("abd", "abc") || isToken("", "abc") {
		t.Error("a token is compared wrongly")
	}
	token := base64.RawStdEncoding.EncodeToString([]byte("123456789012345678")) + ".AAAAAA.secret"
	if got := applicationOf("Bot " + token); got != "123456789012345678" {
		t.Errorf("application %q", got)
	}
	for _, foreign := range []string{"", "hello", "aGVsbG8gd29ybGQgaGVsbG8.x.y"} {
		if got := applicationOf(foreign); got != "" {
			t.Errorf("%q belongs to %q", foreign, got)
		}
	}
}

func TestLibraryNamesItsVersion(t *testing.T) {
	for _, c := range []struct{ library, agent, name, version string }{
		{"discord.py", "DiscordBot (https://github.com/Rapptz/discord.py 2.2.2) Python/3.11 aiohttp/3.8", "discord.py", "2.2.2"},
		{"DiscordGo v0.29.0", "", "DiscordGo", "0.29.0"},
		{"@discordjs/ws 1.1.1", "", "@discordjs/ws", "1.1.1"},
		{"discord.js/14.25.1-dev.3", "", "discord.js", "14.25.1-dev.3"},
		{"hikari (2.0.0.dev119, aiohttp 3.8)", "", "hikari", "2.0.0.dev119"},
		{"disgo", "DiscordBot (https://github.com/disgoorg/disgo, v0.19.6)", "disgo", "0.19.6"},
		{"Eris", "Mozilla/5.0", "Eris", ""},
		{"1.2", "", "1.2", "1.2"},
		{"", "", "", ""},
		{"x", "DiscordBot (https://x.example, " + strings.Repeat("1.", 99) + ")", "x", ""},
	} {
		if name, version := nameAndVersion(c.library, c.agent); name != c.name || version != c.version {
			t.Errorf("%q, %q: %q %q", c.library, c.agent, name, version)
		}
	}
}
