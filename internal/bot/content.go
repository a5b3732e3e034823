package bot

import (
	"strings"
	"sync/atomic"

	"evergreen/gateway"
)

// contentWatch notices that the bot cannot read what people write (G-146): it is
// online and answers when mentioned, and prefix commands seem dead.
type contentWatch struct {
	told atomic.Bool // until content is seen
}

// watchContent looks at a person's plain message or reply. An empty one proves
// nothing by itself, so the cause is looked for as well.
func (b *Bot) watchContent(m message, self id) {
	if m.GuildID == 0 || m.mentions(self) {
		return // shown with or without the intent
	}
	if !m.bare() {
		if m.Content.Value != "" {
			b.content.told.Store(false)
		}
		return
	}
	missing := b.missingContent()
	if len(missing) == 0 || b.content.told.Swap(true) {
		return
	}
	b.log.Warn("message content intent missing: people's messages arrive empty, so commands by prefix cannot work. " + strings.Join(missing, " "))
}

// missingContent says what keeps message content from the bot, and what to do.
func (b *Bot) missingContent() []string {
	var missing []string
	if !b.options.Intents.Has(gateway.IntentMessageContent) {
		missing = append(missing, "The bot was started without the message content intent: start it with all its intents.")
	}
	app, _ := b.identity.application()
	if flags, known := app.flags(); known || app.ID != 0 {
		if gateway.IntentMessageContent.Refused(flags) != 0 {
			missing = append(missing, "It is switched off: switch on Message Content Intent at https://discord.com/developers/applications (your application, Bot, Privileged Gateway Intents).")
		}
	}
	return missing
}
