package discordsim

import (
	"bytes"
	"slices"
	"time"
)

// Most bots answer a command with a plain message, which says nothing of what it answers. Such
// a message counts for the oldest open command of its channel, in order: commands that the bot
// has heard, that have no answer, and whose time is not over. So each message pays for one
// command, and as many commands are lost as answers are missing. A bot that has once referred
// to a message is known to say what it answers, and its plain messages count for nothing.

// answerInOrder counts a plain message of a bot as an answer.
func (s *Sim) answerInOrder(m *Message) {
	b := s.bots[m.Author.ID]
	if b == nil || b.refers || m.WebhookID != 0 || m.Type != typeDefault || m.Flags&flagHasSnapshot != 0 {
		return
	}
	now := time.Now()
	e := b.openIn(m.Channel, now)
	if e == nil {
		e = b.answeredAlike(m, now)
	}
	if e != nil {
		e.inOrder = append(e.inOrder, m)
	}
}

// openIn is the oldest command of a channel that the bot has heard and can still answer; nil
// without one.
func (b *bot) openIn(ch *Channel, now time.Time) *expectation {
	for _, e := range b.expectations {
		if e.channel == ch && !e.interaction && e.heard(now) && e.state(b, now) == commandWaiting {
			return e
		}
	}
	return nil
}

// heard reports whether a session that was sent the command has been connected since.
func (e *expectation) heard(now time.Time) bool {
	return slices.ContainsFunc(e.sessions, func(d delivery) bool {
		return !d.discarded && (d.session.conn != nil || d.session.connected(now) > d.connectedBefore)
	})
}

// answeredAlike is the oldest command of a channel that was just answered once, in the same
// words: with no command open, a message says it again. That two copies of a bot answer shows
// so. Where people have just said something else, it may be the answer to that, and there is
// none.
func (b *bot) answeredAlike(m *Message, now time.Time) *expectation {
	grace := b.sim.cfg.AnswerGrace
	if now.Sub(m.Channel.lastChatter) < grace {
		return nil
	}
	for _, e := range b.expectations {
		if e.channel != m.Channel || len(e.inOrder) == 0 {
			continue
		}
		byReply, inOrder := e.standing(b)
		first := e.inOrder[0]
		if byReply == 0 && inOrder == 1 && now.Sub(first.Timestamp) < grace && first.isAlike(m) {
			return e
		}
	}
	return nil
}

// isAlike reports whether two messages say the same.
func (m *Message) isAlike(other *Message) bool {
	return m.Content == other.Content && bytes.Equal(m.Extra["embeds"], other.Extra["embeds"]) && bytes.Equal(m.Extra["components"], other.Extra["components"])
}

// standing counts the answers that stand: those that say what they answer, which are
// references, responses and acknowledgements of interactions, and plain messages in order.
func (e *expectation) standing(b *bot) (byReply, inOrder int) {
	for _, m := range e.answers {
		if m.stands() {
			byReply++
		}
	}
	if !e.acknowledged.IsZero() {
		byReply++
	}
	if b.refers {
		return byReply, 0
	}
	for _, m := range e.inOrder {
		if m.stands() {
			inOrder++
		}
	}
	return byReply, inOrder
}
