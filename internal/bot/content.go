package bot

import (
	"strings"
	"sync"

	"evergreen/gateway"
)

// contentWatch notices that the bot cannot read what people write (G-146): it is
// online and answers when mentioned, and prefix commands seem dead.
type contentWatch struct {
	mu    sync.Mutex
	empty int  // messages in a row that showed nothing
	told  bool // until content is seen
}

// emptyBeforeWarning is how many messages in a row must show nothing.
const emptyBeforeWarning = 3

// watchContent looks at a person's plain message or reply.
func (b *Bot) watchContent(m message, self id) {
	if m.GuildID == 0 || m.mentions(self) {
		return // shown with or without the intent
	}
	w := &b.content
	w.mu.Lock()
	defer w.mu.Unlock()
	if !m.bare() {
		w.empty, w.told = 0, false
		return
	}
	w.empty++
	if w.told || w.empty < emptyBeforeWarning {
		return
	}
	if missing := b.missingContent(); len(missing) > 0 {
		w.told = true
		b.log.Warn("message content intent missing: people's messages arrive empty, so commands by prefix cannot work. " + strings.Join(missing, " "))
	}
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
