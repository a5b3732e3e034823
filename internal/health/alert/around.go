package alert

import (
	"fmt"
	"time"

	"evergreen/internal/health"
)

// surrounding is something beside the bot that people are told of although the
// bot is online all the while: once when it has lasted, and once when it is over.
type surrounding struct {
	cause health.CauseID
	// lasts is how long it has to.
	lasts time.Duration
	// begins and ends are the titles, with the bot's name in them; says and over go
	// into the text.
	begins, says string
	ends, over   string
}

var surroundings = []surrounding{
	{
		cause:  health.DiskTrouble,
		lasts:  workless,
		begins: "nothing of %s can be saved", says: "The bot stays online, but a restart now would start a new session.",
		ends: "what %s knows is being saved again", over: "The disk of the state folder works again, and nothing was lost.",
	},
	{
		cause:  health.MemoryShort,
		lasts:  workless,
		begins: "memory runs short for %s", says: "The bot stays online, but at the limit the kernel kills it without a word.",
		ends: "%s has enough memory again", over: "Less than what matters is in use.",
	},
	{
		cause:  health.TwoInstances,
		begins: "another program uses the token of %s", says: "Both answer, and each can end the other's sessions.",
		ends: "%s has its token for itself again", over: "No other program is seen any more.",
	},
}

// lookAround tells of what is wrong beside the bot. It stands beside the alert
// about the bot's status. The caller holds the lock.
func (n *Notifier) lookAround(s health.Snapshot) {
	for _, what := range surroundings {
		condition := s.Condition(what.cause)
		trouble, since := condition.Trouble, condition.Since
		told := n.judge.around[what.cause]
		var m Message
		switch {
		case trouble != "" && !told && s.At.Sub(since) >= max(what.lasts, n.opts.After):
			m = n.words.write(Notice, s, since)
			m.Title, m.Text, m.Remedy = what.begins, capital(trouble)+". "+what.says, health.Lookup(what.cause).Do
		case trouble == "" && told:
			m = n.words.write(Notice, s, s.At)
			m.Title, m.Text, m.Remedy = what.ends, what.over, ""
		default:
			continue
		}
		n.judge.around[what.cause] = trouble != ""
		m.Title = n.opts.Redact(capital(fmt.Sprintf(m.Title, m.Bot)))
		m.Text, m.Incident = n.opts.Redact(m.Text), ""
		n.words.cite(&m, what.cause)
		n.send(m)
	}
}
