// Command tested is a bot whose tests need no Discord: it counts how often each person
// has said thanks. bot_test.go runs it against package discordsim, with faults.
//
//	DISCORD_TOKEN=... go run ./examples/tested
//	go test ./examples/tested
//
// DISCORD_API_URL chooses a simulated Discord: "evergreen sim --say '!thanks'"
// shows both settings.
package main

import (
	"fmt"
	"sync"

	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	"github.com/disgoorg/snowflake/v2"
)

// counter counts thanks.
type counter struct {
	mu     sync.Mutex
	thanks map[snowflake.ID]int
}

func newCounter() *counter { return &counter{thanks: map[snowflake.ID]int{}} }

// hear answers !thanks.
//
// An event may come again after a crash, so the answer carries a nonce made of
// the message's id: Discord lets only one message with it stand.
func (c *counter) hear(e *events.MessageCreate) {
	if e.Message.Content != "!thanks" || e.Message.Author.Bot {
		return
	}
	c.mu.Lock()
	c.thanks[e.Message.Author.ID]++
	n := c.thanks[e.Message.Author.ID]
	c.mu.Unlock()
	_, _ = e.Client().Rest.CreateMessage(e.ChannelID, discord.NewMessageCreate().
		WithContent(fmt.Sprintf("You have said thanks %d times.", n)).
		WithMessageReferenceByID(e.MessageID).WithAllowedMentions(&discord.AllowedMentions{}).
		WithNonce(e.MessageID.String()).WithEnforceNonce(true))
}
