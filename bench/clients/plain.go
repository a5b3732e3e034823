package clients

// Plain returns a plain bot on each library, put together as its README or its first example
// shows, with its defaults. It finds the address of Discord's REST API in DISCORD_API_URL and
// its token in DISCORD_TOKEN, answers !ping by a reply and /ping, and knows nothing of Evergreen.
func Plain() []*Client {
	all := []*Client{
		{Name: "discord.js", source: "plain/discordjs/main.js", module: "discord.js", build: node},
		{Name: "eris", source: "plain/eris/main.js", module: "eris", build: node},
		{Name: "oceanic.js", source: "plain/oceanic/main.js", module: "oceanic.js", build: node},
		{Name: "discord.py", source: "plain/discordpy/main.py", build: python},
		{Name: "discordgo", source: "plain/discordgo/main.go", module: "github.com/bwmarrin/discordgo", build: golang},
		{Name: "disgo", source: "plain/disgo/main.go", module: "github.com/disgoorg/disgo", build: golang},
		{Name: "arikawa", source: "plain/arikawa/main.go", module: "github.com/diamondburned/arikawa/v3", build: golang},
	}
	for _, c := range all {
		c.plain = true
	}
	return all
}
