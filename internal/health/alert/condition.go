package alert

import (
	"fmt"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/text"
)

// conditionNotice is the messages about a [health.Condition]: one when it has
// lasted, one when it is over.
type conditionNotice struct {
	cause health.CauseID
	// after is how long it has to last.
	after time.Duration
	// The titles have a place for the name of the bot.
	title, says         string
	overTitle, overSays string
	// whole: the whole sentence of the condition is told, because its trouble is a number.
	whole bool
}

var conditionNotices = []conditionNotice{
	{
		cause: health.DiskTrouble,
		after: notWorkingAfter,
		title: "nothing of %s can be saved", says: "The bot stays online, but a restart now would start a new session.",
		overTitle: "what %s knows is being saved again", overSays: "The disk of the state folder works again, and nothing was lost.",
	},
	{
		cause: health.MemoryShort,
		after: notWorkingAfter,
		title: "memory runs short for %s", says: "The bot stays online, but at the limit the kernel kills it without a word.",
		overTitle: "%s has enough memory again", overSays: "Less than what matters is in use.",
	},
	{
		cause: health.CommandsUnregistered,
		after: notWorkingAfter,
		title: "the slash commands of %s are not registered", says: "Commands by prefix and by mention work.",
		overTitle: "the slash commands of %s are registered again", overSays: "Discord has accepted the list.",
	},
	{
		cause: health.BotAway, whole: true,
		after: notWorkingAfter,
		title: "no bot is attached for %s", says: "The dot is green, and nobody answers. Events are kept for the bot.",
		overTitle: "a bot is attached for %s again", overSays: "It gets what happened meanwhile.",
	},
	{
		cause: health.BotHangs, whole: true,
		after: notWorkingAfter,
		title: "the bot behind %s hangs", says: "The dot is green, and nobody answers. Events wait for the bot.",
		overTitle: "the bot behind %s goes on", overSays: "It reads again.",
	},
	{
		cause: health.BotCrashLoop, whole: true,
		title: "the bot behind %s starts again and again", says: "No session start is spent on it, but nobody answers reliably.",
		overTitle: "the bot behind %s stays up", overSays: "It has not started anew for a while.",
	},
	{
		cause: health.EventsLost, whole: true,
		title: "events for the bot behind %s were lost", says: "It was away for longer than they are kept.",
		overTitle: "no more events are lost for %s", overSays: "The bot gets what happens.",
	},
	{
		cause: health.TwoInstances,
		title: "another program uses the token of %s", says: "Both answer, and each can end the other's sessions.",
		overTitle: "%s has its token for itself again", overSays: "No other program is seen any more.",
	},
}

// checkConditions sends notices about conditions, whatever alert is active. The
// caller holds mu.
func (n *Notifier) checkConditions(s health.Snapshot) {
	for _, notice := range conditionNotices {
		condition := s.Condition(notice.cause)
		trouble, since := condition.Trouble, condition.Since
		sent := n.conditions[notice.cause]
		var m Notification
		switch {
		case trouble != "" && !sent && s.At.Sub(since) >= max(notice.after, n.opts.After):
			m = n.words.write(Notice, s, since)
			if notice.whole {
				trouble = condition.Says().String()
			}
			m.Title, m.Text, m.Remedy = notice.title, text.Capitalize(trouble)+". "+notice.says, health.Lookup(notice.cause).Do
		case trouble == "" && sent:
			m = n.words.write(Notice, s, s.At)
			m.Title, m.Text, m.Remedy = notice.overTitle, notice.overSays, ""
		default:
			continue
		}
		n.conditions[notice.cause] = condition.Trouble != ""
		m.Title = n.opts.Redact(text.Capitalize(fmt.Sprintf(m.Title, m.Bot)))
		m.Text, m.Incident = n.opts.Redact(m.Text), ""
		n.words.cite(&m, notice.cause)
		n.sendLimited(m)
	}
}
