package discordsim

import (
	"cmp"
	"slices"
	"time"
)

// Messages lists what was said in a channel and not deleted, oldest first.
func (s *Sim) Messages(channel ID) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.history[channel] {
		if !m.Deleted {
			out = append(out, *m)
		}
	}
	return out
}

// Answers lists what bots answered to a message or an interaction: replies
// that reference it and responses, and plain messages that count for a command in
// order (see [Verdict]), without those deleted or still loading.
func (s *Sim) Answers(to ID) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.answers[to] {
		if m.stands() {
			out = append(out, *m)
		}
	}
	for _, b := range s.bots {
		if e := b.expectation(to); e != nil && !b.refers {
			for _, m := range e.inOrder {
				if m.stands() {
					out = append(out, *m)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Message) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// markDeleted takes a message away; a thread counts it no more.
func (m *Message) markDeleted() {
	m.Deleted = true
	if th := m.Channel.thread; th != nil {
		th.messages = max(0, th.messages-1)
	}
}

// stands reports whether a message is neither deleted nor loading.
func (m *Message) stands() bool { return !m.Deleted && m.Flags&flagLoading == 0 }

// storeMessage stores a message. A response to an interaction answers that, a message of a
// bot with a reference what it refers to, and a plain one what was asked first.
func (s *Sim) storeMessage(m *Message) {
	s.messages[m.ID] = m
	s.history[m.Channel.ID] = append(s.history[m.Channel.ID], m)
	switch {
	case m.Interaction != 0:
		s.fileAnswer(m, m.Interaction)
	case m.Author.Bot && m.ReplyTo != 0:
		s.fileAnswer(m, m.ReplyTo)
	default:
		s.answerInOrder(m)
	}
	s.dropOldMessages(m.Channel.ID)
}

func (s *Sim) fileAnswer(m *Message, to ID) {
	s.answers[to] = append(s.answers[to], m)
	s.noteAnswer(m, to)
}

// Old messages are dropped, so that a simulated year fits into memory: those
// beyond the newest thousand of a channel, once they are older than any command
// waits for an answer.
const (
	keptMessages = 1000
	keptFor      = 2 * settledAfter
)

func (s *Sim) dropOldMessages(channel ID) {
	list := s.history[channel]
	if len(list) < 2*keptMessages {
		return
	}
	drop := 0
	for drop < len(list)-keptMessages && time.Since(list[drop].Timestamp) > keptFor {
		delete(s.messages, list[drop].ID)
		delete(s.answers, list[drop].ID)
		delete(s.answers, list[drop].Interaction)
		drop++
	}
	s.history[channel] = slices.Delete(list, 0, drop)
}
