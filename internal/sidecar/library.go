package sidecar

import (
	"net"
	"os"
	"strings"
)

// Library is how a bot of one library is told to connect to Evergreen.
type Library struct {
	// Names are what it is called. The first is shown.
	Names []string
	// Language is the programming language of its bots.
	Language string
	// GatewayOnly: its REST requests go to Discord directly.
	GatewayOnly bool

	// change is the code or setting, with {gateway} for ws://host:port, {base} for
	// http://host:port, {rest} for http://host:port/api and {host} for host:port.
	change string
	note   string
}

// Libraries is the one table of libraries, in the order in which they are listed.
var Libraries = []Library{
	{
		Names: []string{"discord.py"}, Language: "Python",
		change: `import discord, yarl

discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL("{gateway}/")
discord.http.Route.BASE = "{rest}/v10"`,
		note: "Before the client is made. Run it unsharded: discord.py waits 5 s between shards, and one is enough behind Evergreen.",
	},
	{
		Names: []string{"py-cord", "pycord"}, Language: "Python",
		change: `import discord

discord.http.Route.API_BASE_URL = "{rest}/v10"`,
		note: "Before the client is made.",
	},
	{
		Names: []string{"nextcord"}, Language: "Python",
		change: `import nextcord

nextcord.http.Route.BASE = "{rest}/v10"`,
		note: "Before the client is made.",
	},
	{
		Names: []string{"disnake"}, Language: "Python",
		change: `import disnake

disnake.http.Route.BASE = "{rest}/v10"`,
		note: "Before the client is made.",
	},
	{
		Names: []string{"hikari"}, Language: "Python",
		change: `bot = hikari.GatewayBot(token, rest_url="{rest}/v10")`,
	},
	{
		Names: []string{"discord.js", "discordjs"}, Language: "JavaScript",
		change: `const client = new Client({ intents, rest: { api: "{rest}" } });`,
		note:   "A ShardingManager asks Discord itself for the number of shards: give it a number.",
	},
	{
		Names: []string{"eris", "dysnomia"}, Language: "JavaScript",
		change: `const here = { url: "{gateway}", shards: 1, session_start_limit: { total: 1000, remaining: 1000, reset_after: 86400000, max_concurrency: 16 } };
client.getGateway = async () => here;
client.getBotGateway = async () => here;`,
		GatewayOnly: true,
		note:        "After the client is made, before connect().",
	},
	{
		Names: []string{"discordgo"}, Language: "Go",
		change: `discordgo.EndpointGateway = "{rest}/v9/gateway"
discordgo.EndpointGatewayBot = "{rest}/v9/gateway/bot"`,
		GatewayOnly: true,
	},
	{
		Names: []string{"disgo"}, Language: "Go",
		change: `client, err := disgo.New(token,
	bot.WithRestClientConfigOpts(rest.WithURL("{rest}/v10")),
	// ...
)`,
	},
	{
		Names: []string{"arikawa"}, Language: "Go",
		change:      `api.EndpointGatewayBot = "{rest}/v9/gateway/bot"`,
		GatewayOnly: true,
	},
	{
		Names: []string{"JDA"}, Language: "Java",
		change: `DefaultShardManagerBuilder.createDefault(token)
	.setRestConfig(new RestConfig().setBaseUrl("{rest}/v10/"))`,
		note: "JDABuilder has no such setting: give it a SessionController whose getGateway() returns \"{gateway}\".",
	},
	{
		Names: []string{"Discord.Net", "discordnet"}, Language: "C#",
		change:      `new DiscordSocketConfig { GatewayHost = "{gateway}" }`,
		GatewayOnly: true,
	},
	{
		Names: []string{"serenity"}, Language: "Rust",
		change: `HttpBuilder::new(token).proxy("{base}")`,
		note:   "Give it to the client as its Http.",
	},
	{
		Names: []string{"twilight"}, Language: "Rust",
		change: `ConfigBuilder::new(token, intents).proxy_url("{gateway}".into())
twilight_http::Client::builder().proxy("{host}".into(), true)`,
	},
}

// Code is what stands in the bot's program so that it connects to an address of
// [GatewayURL].
func (l Library) Code(gateway string) string { return addresses(gateway).Replace(l.change) }

// Note is what else there is to know; empty without it.
func (l Library) Note(gateway string) string { return addresses(gateway).Replace(l.note) }

// addresses puts the addresses that belong to a gateway into a text.
func addresses(gateway string) *strings.Replacer {
	host := strings.TrimPrefix(strings.TrimPrefix(gateway, "wss://"), "ws://")
	base := "http" + strings.TrimPrefix(gateway, "ws")
	return strings.NewReplacer("{gateway}", gateway, "{base}", base, "{rest}", base+"/api", "{host}", host)
}

// GatewayURL is where bots are to connect: public, or else the address that Evergreen
// listens on, with this machine's name for one that means every interface.
func GatewayURL(addr, public string, secure bool) string {
	if public != "" {
		return public
	}
	scheme := "ws://"
	if secure {
		scheme = "wss://"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return scheme + addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			host = "127.0.0.1"
		}
	}
	return scheme + net.JoinHostPort(host, port)
}
