package disgogateway

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	"github.com/gorilla/websocket"
)

// Run runs a bot until SIGINT or SIGTERM. It makes the bot, opens its gateway or its
// shards, and closes everything at the end. opts must hold [WithGateway] or
// [WithShardManager].
func Run(token string, opts ...bot.ConfigOpt) error { return Options{}.Run(token, opts...) }

// Run is [Run] with Options. With Options.Sessions the sessions are kept for the next
// start.
func (o Options) Run(token string, opts ...bot.ConfigOpt) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := disgo.New(token, opts...)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*closeTimeout)
		defer cancel()
		if o.Sessions != nil {
			keepSessions(ctx, client)
		}
		client.Close(ctx)
	}()
	switch {
	case client.HasGateway():
		err = client.OpenGateway(ctx)
	case client.HasShardManager():
		err = client.OpenShardManager(ctx)
	default:
		err = errors.New("disgogateway: the bot has no gateway; give it WithGateway or WithShardManager")
	}
	if ctx.Err() != nil {
		return nil // stopped while it was being opened
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// keepSessions closes the connections so that the next start can resume them.
func keepSessions(ctx context.Context, client *bot.Client) {
	const reason = "a planned restart"
	if client.HasGateway() {
		client.Gateway.CloseWithCode(ctx, websocket.CloseServiceRestart, reason)
	}
	if m, ok := client.ShardManager.(*ShardManager); ok {
		m.CloseWithCode(ctx, websocket.CloseServiceRestart, reason)
	}
}
