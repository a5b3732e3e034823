package config

import (
	"reflect"
	"testing"
	"time"

	"evergreen/gateway"
)

// realToken has the shape of a bot token and belongs to nobody.
const realToken = "MTE5ODYyMjQ4MzQ3MTkyNTI0OA.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs_Abc"

// load is Load with nothing but an environment.
func load(environ ...string) (*Loaded, error) {
	return Load(Sources{Environ: environ})
}

// TestDefaults holds the defaults against the contract: this is the bot of
// somebody who sets nothing but the token.
func TestDefaults(t *testing.T) {
	c := Defaults()
	want := Config{
		APIURL: "https://discord.com/api/v10",
		Activity: Activity{gateway.Activity{
			Name: "AI Research | !help", Type: gateway.ActivityWatching,
		}},
		Status: gateway.StatusOnline, Compression: gateway.CompressZlib, ReadLimit: ReadLimitAuto, RESTLimit: 50,
		HeartbeatTimeout: time.Minute, SilenceProbe: 15 * time.Second, KeepaliveInterval: 5 * time.Minute,
		MaxReconnectAttempts: 10, ShutdownGrace: 10 * time.Second,
		CommandPrefix: "!", SlashCommands: true,
		CommandCooldown: 2 * time.Second, CommandTimeout: 30 * time.Second, CommandConcurrency: 16,
		ActivityWarningAfter: 30 * time.Minute, HealthCheckInterval: 10 * time.Minute, OfflineWarningAfter: 30 * time.Minute,
		DiscordStatusURL: "https://discordstatus.com/api/v2/summary.json",
		AlertAfter:       time.Minute, AlertRemindEvery: time.Hour, AlertMaxPerHour: 12, AlertRunbookURL: "docs/runbook.md",
		DeadmanPingInterval: time.Minute,
		APIAddr:             "127.0.0.1:8000", LogFormat: LogText,
		LogFile: "logs/bot.log", LogMaxSizeMB: 10, LogMaxBackups: 5, LogMaxAgeDays: 28, StateDir: "data",
		ProxyAddr: "127.0.0.1:8001", ProxyBotShards: 1, ProxyBacklog: 64 << 20, ProxyBacklogDisk: 512 << 20, ProxyBacklogAge: time.Hour, ProxyInteractions: "tell", ProxyREST: true,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the defaults are\n%+v\nwant\n%+v", c, want)
	}
	if !c.APILoopback() {
		t.Error("the default API address is not on loopback")
	}
}

// TestTableCoversStruct holds the table against the struct: each setting has
// one field, each field one setting, each flag a name of its own.
func TestTableCoversStruct(t *testing.T) {
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name := f.Tag.Get("env"); name != "" {
			fields[name] = f
		}
	}
	flags := map[string]string{"env-file": "the .env file", "help": "kong", "api": "run", "goodbye": "run"}
	for _, s := range Settings() {
		f, found := fields[s.Name]
		if !found {
			t.Errorf("%s has no field in Config", s.Name)
			continue
		}
		delete(fields, s.Name)
		if s.Meaning == "" || s.Allowed == "" || s.Group == "" {
			t.Errorf("%s is not described fully", s.Name)
		}
		if secret := f.Type == reflect.TypeFor[Secret]() || f.Type == reflect.TypeFor[Proxy](); secret != s.Secret {
			t.Errorf("%s: Secret is %v but the field has type %s", s.Name, s.Secret, f.Type)
		}
		if s.Switch != (f.Type.Kind() == reflect.Bool) {
			t.Errorf("%s: Switch is %v but the field has type %s", s.Name, s.Switch, f.Type)
		}
		if name := s.FlagName(); name != "" {
			if other, taken := flags[name]; taken {
				t.Errorf("%s and %s share the flag --%s", s.Name, other, name)
			}
			flags[name] = s.Name
		}
	}
	for name := range fields {
		t.Errorf("%s is a field of Config but not a setting", name)
	}
}

// TestPresence: given an activity and a status, the presence is one Discord
// accepts, and without an activity the list is empty but not null.
func TestPresence(t *testing.T) {
	c := Defaults()
	c.Status = gateway.StatusDND
	p := c.Presence()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	if p.Status != gateway.StatusDND || len(p.Activities) != 1 || p.Activities[0].Type != gateway.ActivityWatching {
		t.Errorf("presence is %+v", p)
	}
	c.Activity = Activity{}
	if p = c.Presence(); p.Activities == nil || len(p.Activities) != 0 {
		t.Errorf("without an activity the list is %#v, want empty and not nil", p.Activities)
	}
}

// TestTiming: a silence probe of 0 means off, which a shard spells as Never.
func TestTiming(t *testing.T) {
	c := Defaults()
	if got := c.Timing(); got.HeartbeatTimeout != time.Minute || got.SilenceProbe != 15*time.Second {
		t.Errorf("timing is %+v", got)
	}
	l, err := load("DISCORD_TOKEN="+realToken, "DISCORD_SILENCE_PROBE=0")
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Config.Timing().SilenceProbe; got != Never {
		t.Errorf("a probe of 0 became %v, want negative", got)
	}
}

func TestAPILoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8000": true, "127.9.9.9:1": true, "[::1]:8000": true, "localhost:0": true,
		"[::ffff:127.0.0.1]:80": true,
		":8000":                 false, "0.0.0.0:8000": false, "[::]:8000": false, "192.168.1.4:80": false, "bot.example:80": false,
	} {
		if got := (Config{APIAddr: addr}).APILoopback(); got != want {
			t.Errorf("%s: loopback is %v, want %v", addr, got, want)
		}
	}
}

// A bot of another Discord has the defaults and nothing to do with the real one.
func TestAgainst(t *testing.T) {
	want := Defaults()
	want.APIURL, want.Token, want.DiscordStatusURL = "http://127.0.0.1:8500/api/v10", NewSecret(realToken), ""
	if c := Against("http://127.0.0.1:8500/api/v10", realToken); !reflect.DeepEqual(c, want) {
		t.Errorf("%+v", c)
	}
}

// One payload takes an eighth of the memory there is, shards share a quarter, and what is
// set holds.
func TestRoomFollowsTheMemory(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		set, memory   int64
		shards        int
		read, waiting int64
	}{
		{0, 0, 1, 128 * mib, 64 * mib},
		{0, 128 * mib, 1, 16 * mib, 32 * mib},
		{0, 128 * mib, 0, 16 * mib, 32 * mib},
		{0, 128 * mib, 4, 8 * mib, 8 * mib},
		{0, 128 * mib, 64, 2 * mib, 2 * mib},
		{0, 8 << 30, 1, 128 * mib, 64 * mib},
		{0, 10 * mib, 1, 2 * mib, 2560 * 1024},
		{64 * mib, 128 * mib, 4, 64 * mib, 8 * mib},
	} {
		read, waiting := Config{ReadLimit: c.set}.Room(c.memory, c.shards)
		if read != c.read || waiting != c.waiting {
			t.Errorf("%+v: %d and %d", c, read, waiting)
		}
	}
}
