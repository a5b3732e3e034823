// Command evergreen is the ping bot on the public packages: the gateway, and
// REST limits from disgogateway under disgo's REST client.
package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"evergreen/disgogateway"
	"evergreen/gateway"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

const sends = 130

type pinger struct {
	rest  rest.Rest
	shard *gateway.Shard
	block time.Duration
}

func main() {
	token := os.Getenv("DISCORD_TOKEN")
	block, _ := time.ParseDuration(os.Getenv("PING_BLOCK"))
	p := &pinger{block: block, rest: rest.New(rest.NewClient(token,
		rest.WithURL(os.Getenv("DISCORD_API_URL")),
		rest.WithUserAgent("DiscordBot (https://example.org/ping, 1)"),
		rest.WithRateLimiter(disgogateway.NewRateLimiter()),
	))}
	shard, err := gateway.New(gateway.Options{
		Credentials: gateway.Credentials{
			Token:   token,
			Intents: gateway.IntentGuilds | gateway.IntentGuildMembers | gateway.IntentGuildMessages | gateway.IntentMessageContent,
		},
		URLSource: locator{p.rest},
		Observer:  gateway.ObserverFunc(tell),
		Events:    []string{"MESSAGE_CREATE"},
		Handler:   p,
	})
	if err != nil {
		slog.Error("the bot cannot be made", "error", err)
		os.Exit(1)
	}
	p.shard = shard
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- shard.Run(context.Background()) }()
	select {
	case <-ctx.Done():
	case err = <-ended:
		slog.Error("the shard has ended", "error", err)
		os.Exit(1)
	}
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = shard.Stop(end, gateway.KeepSession)
}

// tell logs what others log too: every change of state.
func tell(n gateway.Observation) {
	if t, ok := n.Event.(gateway.Transition); ok {
		slog.Info("state", "to", t.To.String(), "cause", t.Reason.String())
	}
}

// locator asks Discord for the gateway, as the peers do.
type locator struct{ rest rest.Rest }

func (l locator) GatewayURL(ctx context.Context, _ string) (string, error) {
	answer, err := l.rest.GetGateway(rest.WithCtx(ctx))
	if err != nil {
		return "", err
	}
	return answer.URL, nil
}

// message is what the bot needs of a MESSAGE_CREATE.
type message struct {
	ID        snowflake.ID `json:"id"`
	ChannelID snowflake.ID `json:"channel_id"`
	GuildID   snowflake.ID `json:"guild_id"`
	Content   string       `json:"content"`
}

func (p *pinger) HandleEvent(ctx context.Context, e gateway.Event) {
	var m message
	if json.Unmarshal(e.Data, &m) != nil {
		return
	}
	switch m.Content {
	case "!ping":
		p.answer(ctx, m)
	case "!block":
		time.Sleep(p.block)
	case "!sends":
		for range sends {
			go func() {
				_ = p.shard.Send(ctx, gateway.OpVoiceStateUpdate, map[string]any{
					"guild_id": m.GuildID, "channel_id": nil, "self_mute": false, "self_deaf": false,
				})
			}()
		}
	}
}

// answer replies. The nonce is made of the message's id, so that Discord drops a
// second answer.
func (p *pinger) answer(ctx context.Context, m message) {
	pong := discord.NewMessageCreate().WithContent("pong").WithMessageReferenceByID(m.ID).WithNonce(m.ID.String()).WithEnforceNonce(true)
	if _, err := p.rest.CreateMessage(m.ChannelID, pong, rest.WithCtx(ctx)); err != nil {
		slog.Error("no answer", "error", err)
	}
}
