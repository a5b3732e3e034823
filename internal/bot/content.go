package bot

import (
	"strings"
	"sync/atomic"

	"evergreen/gateway"
)

// contentCheck finds out that messages arrive without content (G-146): the bot is
// online and answers when mentioned, but not to commands by prefix.
type contentCheck struct {
	warned atomic.Bool // until content is seen
}

// checkContent warns when a person's message is empty and the message content
// intent is missing. An empty message alone proves nothing.
func (b *Bot) checkContent(m message, self id) {
	if m.GuildID == 0 || m.mentions(self) {
		return // shown with or without the intent
	}
	if !m.isEmpty() {
		if m.Content.Value != "" {
			b.content.warned.Store(false)
		}
		return
	}
	missing := b.missingContent()
	if len(missing) == 0 || b.content.warned.Swap(true) {
		return
	}
	b.log.Warn("Message content intent missing: people's messages arrive empty, so commands by prefix cannot work", "remedy", strings.Join(missing, " "))
}

// missingContent says what keeps message content from the bot, and what to do.
func (b *Bot) missingContent() []string {
	var missing []string
	if !b.options.Intents.Has(gateway.IntentMessageContent) {
		missing = append(missing, "The bot was started without the message content intent: start it with all its intents.")
	}
	if app, _ := b.identity.application(); app.ID != 0 && gateway.IntentMessageContent.Refused(app.flags()) != 0 {
		missing = append(missing, "It is switched off: switch on Message Content Intent at https://discord.com/developers/applications (your application, Bot, Privileged Gateway Intents).")
	}
	return missing
}
