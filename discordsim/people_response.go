package discordsim

import (
	"encoding/json"
	"slices"
	"time"
)

// The states of an interaction, as its person sees it.
const (
	StateWaiting  = "waiting"  // not acknowledged yet
	StateThinking = "thinking" // deferred: "is thinking..."
	StateAnswered = "answered" // with a message, an update, choices or a modal
	StateFailed   = "failed"   // three seconds without an answer, or 15 minutes of thinking
)

// Response is what came of an interaction so far.
type Response struct {
	// App, Channel and User are whose it is; Kind is the type of the interaction: 2 command,
	// 3 component, 4 autocomplete, 5 modal.
	App, Channel, User ID
	Kind               int
	// State is one of StateWaiting, StateThinking, StateAnswered and StateFailed.
	State string
	// Type is the type of the callback; 0 without one.
	Type int
	// Message is the answer, or the message that a component belongs to and was updated; 0
	// without one. FollowUps are the messages after it.
	Message   ID
	FollowUps []ID
	// Choices are the result of an autocomplete.
	Choices []Choice
	// Modal is the modal with custom_id, title and components, each with its id.
	Modal json.RawMessage
	// Asked is when the interaction was sent, At when it was acknowledged.
	Asked, At time.Time
}

// Response tells what came of an interaction so far. It is false for one that is not known:
// interactions are kept as long as their tokens are valid, 15 minutes.
func (s *Sim) Response(interaction ID) (Response, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.rest.interactions[interaction]
	if a == nil {
		return Response{}, false
	}
	out := Response{
		App: a.app.ID, Channel: a.channel.ID, User: a.user.ID, Kind: a.kind, State: a.state(s.rest.cfg), Type: a.callback,
		FollowUps: slices.Clone(a.followUps), Choices: slices.Clone(a.choices), Modal: slices.Clone(a.modal), Asked: a.at, At: a.answeredAt,
	}
	switch {
	case a.original != nil:
		out.Message = a.original.ID
	case a.source != nil && (a.callback == callbackUpdate || a.callback == callbackDeferUpdate):
		out.Message = a.source.ID
	}
	return out, true
}

// state is what the person sees of an interaction now.
func (a *interaction) state(cfg RESTConfig) string {
	now := time.Now()
	switch {
	case a.answered && a.original != nil && a.original.Flags&flagLoading != 0 && !a.original.Deleted:
		if a.isPast(now, cfg.InteractionLife) {
			return StateFailed
		}
		return StateThinking
	case a.answered:
		return StateAnswered
	case a.isPast(now, cfg.InteractionDeadline):
		return StateFailed
	}
	return StateWaiting
}
