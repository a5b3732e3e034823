package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"evergreen/internal/process/config"
	"evergreen/internal/text"
)

// proxySetup is evergreen proxy setup.
type proxySetup struct {
	Library string `arg:"" optional:"" help:"The library of your bot, such as discord.js."`

	config.Flags
}

// library is how a bot of one library is told to connect to Evergreen.
type library struct {
	names []string // the first is shown
	lang  string
	// change is the code or setting, with {gateway} for ws://host:port, {base} for
	// http://host:port, {rest} for http://host:port/api and {host} for host:port.
	change string
	// gatewayOnly: REST requests go to Discord directly.
	gatewayOnly bool
	note        string
}

// libraries is the one table of libraries, in the order in which they are listed.
var libraries = []library{
	{
		names: []string{"discord.py"}, lang: "Python",
		change: `import discord, yarl

discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL("{gateway}/")
discord.http.Route.BASE = "{rest}/v10"`,
		note: "Before the client is made. Run it unsharded: discord.py waits 5 s between shards, and one is enough behind Evergreen.",
	},
	{
		names: []string{"py-cord", "pycord"}, lang: "Python",
		change: `import discord

discord.http.Route.API_BASE_URL = "{rest}/v10"`,
		note: "Before the client is made.",
	},
	{
		names: []string{"nextcord"}, lang: "Python",
		change: `import nextcord

nextcord.http.Route.BASE = "{rest}/v10"`,
		note: "Before the client is made.",
	},
	{
		names: []string{"disnake"}, lang: "Python",
		change: `import disnake

disnake.http.Route.BASE = "{rest}/v10"`,
		note: "Before the client is made.",
	},
	{
		names: []string{"hikari"}, lang: "Python",
		change: `bot = hikari.GatewayBot(token, rest_url="{rest}/v10")`,
	},
	{
		names: []string{"discord.js", "discordjs"}, lang: "JavaScript",
		change: `const client = new Client({ intents, rest: { api: "{rest}" } });`,
		note:   "A ShardingManager asks Discord itself for the number of shards: give it a number.",
	},
	{
		names: []string{"eris", "dysnomia"}, lang: "JavaScript",
		change: `const here = { url: "{gateway}", shards: 1, session_start_limit: { total: 1000, remaining: 1000, reset_after: 86400000, max_concurrency: 16 } };
client.getGateway = async () => here;
client.getBotGateway = async () => here;`,
		gatewayOnly: true,
		note:        "After the client is made, before connect().",
	},
	{
		names: []string{"discordgo"}, lang: "Go",
		change: `discordgo.EndpointGateway = "{rest}/v9/gateway"
discordgo.EndpointGatewayBot = "{rest}/v9/gateway/bot"`,
		gatewayOnly: true,
	},
	{
		names: []string{"disgo"}, lang: "Go",
		change: `client, err := disgo.New(token,
	bot.WithRestClientConfigOpts(rest.WithURL("{rest}/v10")),
	// ...
)`,
	},
	{
		names: []string{"arikawa"}, lang: "Go",
		change:      `api.EndpointGatewayBot = "{rest}/v9/gateway/bot"`,
		gatewayOnly: true,
	},
	{
		names: []string{"JDA"}, lang: "Java",
		change: `DefaultShardManagerBuilder.createDefault(token)
	.setRestConfig(new RestConfig().setBaseUrl("{rest}/v10/"))`,
		note: "JDABuilder has no such setting: give it a SessionController whose getGateway() returns \"{gateway}\".",
	},
	{
		names: []string{"Discord.Net", "discordnet"}, lang: "C#",
		change:      `new DiscordSocketConfig { GatewayHost = "{gateway}" }`,
		gatewayOnly: true,
	},
	{
		names: []string{"serenity"}, lang: "Rust",
		change: `HttpBuilder::new(token).proxy("{base}")`,
		note:   "Give it to the client as its Http.",
	},
	{
		names: []string{"twilight"}, lang: "Rust",
		change: `ConfigBuilder::new(token, intents).proxy_url("{gateway}".into())
twilight_http::Client::builder().proxy("{host}".into(), true)`,
	},
}

// Run prints the setting.
func (c *proxySetup) Run(p *process) error {
	source := c.Sources(p.environ)
	source.TokenOptional = true
	loaded, err := config.Load(source)
	if err != nil {
		return err
	}
	if c.Library == "" {
		fmt.Fprintf(p.stdout, "Bots connect to %s. What to change for a library:\n\n", botAddress(loaded.Config))
		for _, l := range libraries {
			fmt.Fprintf(p.stdout, "  evergreen proxy setup %-12s %s\n", l.names[0], l.lang)
		}
		return nil
	}
	found, err := findLibrary(c.Library)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, found.setup(loaded.Config))
	return nil
}

// plainName returns what is compared of a library's name: discordpy is discord.py.
func plainName(name string) string {
	return strings.NewReplacer(".", "", "-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

// findLibrary finds a library by one of its names.
func findLibrary(name string) (library, error) {
	var names []string
	for _, l := range libraries {
		for _, one := range l.names {
			if plainName(one) == plainName(name) {
				return l, nil
			}
		}
		names = append(names, l.names[0])
	}
	hint := ""
	if near := text.Nearest(name, names, min(3, len(name)/2)); near != "" {
		hint = fmt.Sprintf(" Did you mean %s?", near)
	}
	return library{}, &config.Failure{Code: config.ExitUsage, Err: fmt.Errorf("the library %q is not known here.%s", text.Clip(name, 40), hint), Steps: []string{
		"Known are: " + strings.Join(names, ", ") + ".",
		"For another one, look in its documentation for the address of the REST API or the gateway.",
	}}
}

// setup says what to change.
func (l library) setup(c config.Config) string {
	parts := append([]string{"# " + l.names[0] + " (" + l.lang + ")", l.code(c)}, l.notes(c)...)
	return strings.Join(parts, "\n\n")
}

// code is what stands in the bot's program.
func (l library) code(c config.Config) string { return addresses(c).Replace(l.change) }

// notes are what else there is to know.
func (l library) notes(c config.Config) (notes []string) {
	if l.note != "" {
		notes = append(notes, addresses(c).Replace(l.note))
	}
	if l.gatewayOnly {
		notes = append(notes, "Its REST requests go to Discord directly, so PROXY_TOKEN cannot be used with it.")
	} else if !c.ProxyToken.Empty() {
		notes = append(notes, "The bot's token is PROXY_TOKEN, not the real one.")
	}
	return notes
}

// addresses puts the addresses of the settings into a text.
func addresses(c config.Config) *strings.Replacer {
	gateway := "ws://" + botAddress(c)
	if c.ProxyTLSCert != "" {
		gateway = "wss://" + botAddress(c)
	}
	if c.ProxyURL != "" {
		gateway = c.ProxyURL
	}
	host := strings.TrimPrefix(strings.TrimPrefix(gateway, "wss://"), "ws://")
	base := "http" + strings.TrimPrefix(gateway, "ws")
	return strings.NewReplacer("{gateway}", gateway, "{base}", base, "{rest}", base+"/api", "{host}", host)
}

// botAddress is where a bot on this machine connects.
func botAddress(c config.Config) string {
	host, port, err := net.SplitHostPort(c.ProxyAddr)
	if err != nil {
		return c.ProxyAddr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			host = "127.0.0.1"
		}
	}
	return net.JoinHostPort(host, port)
}
