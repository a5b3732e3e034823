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

// Run is a whole bot for a main function that does nothing else: it makes the
// bot, opens its gateway or its shards, waits for SIGINT or SIGTERM, and closes
// everything. opts must hold [WithGateway] or [WithShardManager].
func Run(token string, opts ...bot.ConfigOpt) error { return Options{}.Run(token, opts...) }

// Run is [Run] with options of the connection's own. With Sessions the session
// is left open for the next start.
func (o Options) Run(token string, opts ...bot.ConfigOpt) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := disgo.New(token, opts...)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*closeTime)
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

// keepSessions closes what is open so that the next start can resume it.
func keepSessions(ctx context.Context, client *bot.Client) {
	const reason = "a planned restart"
	if client.HasGateway() {
		client.Gateway.CloseWithCode(ctx, websocket.CloseServiceRestart, reason)
	}
	if m, ok := client.ShardManager.(*ShardManager); ok {
		m.CloseWithCode(ctx, websocket.CloseServiceRestart, reason)
	}
}
