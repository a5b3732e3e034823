package sidecar

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"evergreen/internal/sidecar/backlog"
)

// answered names an event that a bot has answered: a message or an interaction by its id.
type answered struct {
	event string // MESSAGE_CREATE or INTERACTION_CREATE
	id    uint64
}

// answer is the proof that an event was answered. An answer comes after its event, so once
// everything up to its position has fallen out of the backlog, nothing can need it any more.
type answer struct {
	answered
	position int64
}

// Types of messages and of references to them.
const (
	messageReply   = 19
	referenceReply = 0
)

// answeredBy returns which event a message of the bot answers, from the d of its
// MESSAGE_CREATE: the interaction that it belongs to, or else the message of its channel
// that it replies to. A pin, a forward and a message without a reference prove nothing.
func answeredBy(d []byte, self uint64) (answered, bool) {
	if self == 0 || !bytes.Contains(d, strconv.AppendUint(nil, self, 10)) {
		return answered{}, false // most messages are those of others: they are not parsed
	}
	type interaction struct {
		ID snowflake `json:"id"`
	}
	var m struct {
		Type    int       `json:"type"`
		Channel snowflake `json:"channel_id"`
		Author  struct {
			ID snowflake `json:"id"`
		} `json:"author"`
		Reference struct {
			Type    int       `json:"type"`
			Message snowflake `json:"message_id"`
			Channel snowflake `json:"channel_id"`
		} `json:"message_reference"`
		Interaction    interaction `json:"interaction_metadata"`
		OldInteraction interaction `json:"interaction"`
	}
	if json.Unmarshal(d, &m) != nil || uint64(m.Author.ID) != self {
		return answered{}, false
	}
	for _, one := range []interaction{m.Interaction, m.OldInteraction} {
		if one.ID != 0 { // what such a message refers to is the bot's own message, or the target of a command
			return answered{"INTERACTION_CREATE", uint64(one.ID)}, true
		}
	}
	isReply := m.Type == messageReply && m.Reference.Type == referenceReply && m.Reference.Channel == m.Channel
	return answered{"MESSAGE_CREATE", uint64(m.Reference.Message)}, isReply && m.Reference.Message != 0
}

// onMessage notes what a message of the bot answers. The caller holds the lock.
func (s *Sidecar) onMessage(position int64, d []byte) {
	if what, ok := answeredBy(d, s.self); ok {
		s.noteAnswer(answer{what, position})
	}
}

// noteAnswer notes that the bot has answered an event. Nobody else has to. The caller holds
// the lock.
func (s *Sidecar) noteAnswer(a answer) {
	s.answers = append(s.answers, a)
	if a.event == "INTERACTION_CREATE" {
		s.pending = slices.DeleteFunc(s.pending, func(p pendingInteraction) bool { return uint64(p.id) == a.id })
	}
}

// callbackRoute is the first answer to an interaction. Discord takes only one.
var callbackRoute = regexp.MustCompile(`^/api(?:/v[0-9]{1,2})?/interactions/([0-9]{1,20})/[^/]+/callback$`)

// onRESTAnswer notes that Discord has taken a bot's answer to an interaction: not every
// answer makes a message that comes over the gateway.
func (s *Sidecar) onRESTAnswer(r *http.Response) error {
	route := callbackRoute.FindStringSubmatch(r.Request.URL.Path)
	if route == nil || r.Request.Method != http.MethodPost || r.StatusCode >= 300 {
		return nil
	}
	if id, err := strconv.ParseUint(route[1], 10, 64); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.noteAnswer(answer{answered{"INTERACTION_CREATE", id}, s.backlog.Next() - 1})
	}
	return nil
}

// forgetAnswers forgets the answers to events up to one that falls out of the backlog. The
// caller holds the lock.
func (s *Sidecar) forgetAnswers(fallen backlog.Record) {
	for len(s.answers) > 0 && s.answers[0].position <= fallen.Position {
		s.answers = s.answers[1:]
	}
}

// answeredFrom returns the positions of the events from a position on that were answered,
// ascending and never nil. The caller holds the lock.
func (s *Sidecar) answeredFrom(position int64) []int64 {
	positions, proven := []int64{}, map[answered]bool{}
	for _, one := range s.answers {
		if one.position >= position {
			proven[one.answered] = true
		}
	}
	if len(proven) == 0 {
		return positions
	}
	for at := position; ; at++ {
		r, ok := s.backlog.At(at)
		if !ok {
			return positions
		}
		if proven[answered{r.Type, r.ID}] {
			positions = append(positions, at)
		}
	}
}
