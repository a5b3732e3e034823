// Command arikawa tries the features on arikawa; package features says how.
package main

import (
	"context"
	"maps"
	"net/http"
	"os"
	"sync"

	"github.com/diamondburned/arikawa/v3/api"
	"github.com/diamondburned/arikawa/v3/discord"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/state"
	"github.com/diamondburned/arikawa/v3/utils/httputil/httpdriver"

	"evergreen/bench/features/talk"
)

type (
	args    = talk.Args
	data    = talk.Data
	ready   = talk.Ready
	feature = talk.Feature
)

var client *state.State

func main() {
	all := map[string]feature{}
	for _, group := range []map[string]feature{messages, messageEvents, channels, guilds, members, account, interactions} {
		maps.Copy(all, group)
	}
	talk.Run(connect, all, cannot)
}

func connect(how string) (data, error) {
	switch how {
	case "zlib-stream", "zstd-stream", "ETF encoding":
		return nil, talk.Cannot("compresses payloads only")
	case "two shards":
		return nil, talk.Cannot("is tried with one shard")
	}
	id := gateway.DefaultIdentifier("Bot " + os.Getenv("DISCORD_TOKEN"))
	id.Compress = how != "without compression"
	id.AddIntents(everyIntent)
	api.EndpointGatewayBot = talk.Origin() + "/api/v" + api.Version + "/gateway/bot" // it is asked for before there is a client
	client = state.NewWithIdentifier(id)
	client.Client.Client.Client = httpdriver.WrapClient(http.Client{Transport: talk.Transport{}})
	var mu sync.Mutex
	missing, done := map[discord.GuildID]bool{}, make(chan struct{})
	client.AddSyncHandler(func(r *gateway.ReadyEvent) {
		mu.Lock()
		defer mu.Unlock()
		for _, g := range r.Guilds {
			missing[g.ID] = true
		}
	})
	client.AddHandler(func(g *gateway.GuildCreateEvent) {
		mu.Lock()
		defer mu.Unlock()
		if !missing[g.ID] {
			return
		}
		if delete(missing, g.ID); len(missing) == 0 {
			close(done)
		}
	})
	if err := client.Open(context.Background()); err != nil {
		return nil, err
	}
	select {
	case <-done:
		return nil, nil
	case <-talk.Patience():
		return nil, talk.Cannot("the guilds have not come")
	}
}

// everyIntent is every intent there is.
const everyIntent = gateway.Intents(1<<17 - 1 | 1<<20 | 1<<21 | 1<<24 | 1<<25)

func channelID(a args, name string) discord.ChannelID { return talk.ID[discord.ChannelID](a, name) }
func guildID(a args) discord.GuildID                  { return talk.ID[discord.GuildID](a, "guild") }
func userID(a args, name string) discord.UserID       { return talk.ID[discord.UserID](a, name) }
func roleID(a args) discord.RoleID                    { return talk.ID[discord.RoleID](a, "role") }
func messageID(a args) discord.MessageID              { return talk.ID[discord.MessageID](a, "message") }
func appID(a args) discord.AppID                      { return talk.ID[discord.AppID](a, "app") }

// expect waits for an event.
func expect[T any](fits func(*T) bool) func() (*T, error) {
	return talk.Expect(func(tell func(*T)) func() { return client.AddHandler(func(event *T) { tell(event) }) }, fits)
}

// told is a feature that waits for an event.
func told[T any](fits func(args, *T) bool, what func(*T) data) feature {
	return talk.Told(expect[T], fits, what)
}

// cannot is what arikawa has nothing for.
var cannot = map[string]string{}

func init() {
	for reason, names := range map[string][]string{
		"has no polls":              {"poll create", "poll vote event", "poll unvote event", "poll voters", "poll end", "poll results"},
		"has no stickers over REST": {"sticker create", "sticker list", "sticker edit", "sticker delete", "sticker send", "sticker packs", "stickers event"},
		"has no soundboard":         {"sound create", "sound list", "sound edit", "sound delete", "default sounds", "sounds event", "request sounds", "play a sound"},
		"has no such event":         {"rule create event", "rule update event", "rule delete event", "rule acts", "stage event"},
		"has no such call": {
			"follow announcements", "forum post", "forum tags", "onboarding", "welcome screen", "template", "bulk ban", "application emoji", "application edit",
			"member search", "own guild profile", "voice state fetch", "stage speaker", "stage fetch", "role fetch", "role connections", "SKUs", "entitlements",
			"message with a nonce", "command list",
		},
		"has components of the old kind only": {"components v2", "modal with a select"},
		"does not look at timeouts":           {"permissions while timed out"},
		"does not send empty messages":        {"empty message"},
		"has no permissions in interactions":  {"permissions of an interaction"},
		"sends no message without content":    {"message forward"},
		"calls fields by other names":         {"rule create", "own avatar"},
		"has one colour":                      {"role gradient"},
		"has no descriptions of files":        {"attachment upload"},
	} {
		for _, name := range names {
			cannot[name] = reason
		}
	}
}
