package discordsim

import (
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
// that reference it and responses, without those deleted or still loading.
func (s *Sim) Answers(to ID) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.answers[to] {
		if m.stands() {
			out = append(out, *m)
		}
	}
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

// storeMessage stores a message. A response to an interaction answers that, any
// other message of a bot what it references.
func (s *Sim) storeMessage(m *Message) {
	s.messages[m.ID] = m
	s.history[m.Channel.ID] = append(s.history[m.Channel.ID], m)
	switch {
	case m.Interaction != 0:
		s.fileAnswer(m, m.Interaction)
	case m.Author.Bot && m.ReplyTo != 0:
		s.fileAnswer(m, m.ReplyTo)
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
