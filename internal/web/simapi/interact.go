package simapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/web/api"
)

// completeTimeout is how long /sim/complete waits for the bot: as long as Discord does.
const completeTimeout = 3 * time.Second

// useRequest is one use of a command.
type useRequest struct {
	Channel reference     `json:"channel" need:"the id of a channel of GET /sim/world"`
	As      reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
	Command string        `json:"command" need:"the name of one of GET /sim/commands, such as \"ping\" or \"config set\""`
	Options values        `json:"options"`
	Target  discordsim.ID `json:"target"`
	Bot     reference     `json:"bot"`
}

// completeRequest asks for the autocomplete of an option.
type completeRequest struct {
	Channel reference `json:"channel" need:"the id of a channel of GET /sim/world"`
	As      reference `json:"as" need:"the id or name of a person of GET /sim/world"`
	Command string    `json:"command" need:"the name of one of GET /sim/commands, such as \"ping\" or \"config set\""`
	Options values    `json:"options"`
	Focused string    `json:"focused" need:"the name of the option that is being typed"`
	Bot     reference `json:"bot"`
}

// values are what a person fills in, by name.
type values map[string]any

// UnmarshalJSON reads an object. A value that is an object is a file: its name, its content
// in base64, and its type if that is not to be guessed.
func (v *values) UnmarshalJSON(raw []byte) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		return err
	}
	*v = values{}
	for name, one := range given {
		read, err := readValue(one)
		if err != nil {
			return fmt.Errorf("%s: %w", quote(name), err)
		}
		(*v)[name] = read
	}
	return nil
}

// readValue reads one value: a text, a number, true or false, a file, or a list of these.
func readValue(raw json.RawMessage) (any, error) {
	var list []json.RawMessage
	switch raw[0] {
	case '{':
		var f discordsim.File
		if err := json.Unmarshal(raw, &f); err != nil || f.Name == "" {
			return nil, api.BadRequest(`a file is an object such as {"filename": "a.txt", "data": "aGVsbG8="}, with its content in base64.`)
		}
		return f, nil
	case '[':
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		var all []any
		for _, one := range list {
			read, err := readValue(one)
			if err != nil {
				return nil, err
			}
			all = append(all, read)
		}
		return all, nil
	}
	var v any
	err := json.Unmarshal(raw, &v)
	return v, err
}

// interactionMade is the answer to what became an interaction.
type interactionMade struct {
	Interaction discordsim.ID `json:"interaction"`
}

func made(id discordsim.ID, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return interactionMade{id}, nil
}

// use lets a person use a command.
func (h *Handler) use(_ *http.Request, in useRequest) (any, error) {
	u, err := h.newUse(in)
	if err != nil {
		return nil, err
	}
	return made(h.opts.Sim.Use(u))
}

func (h *Handler) newUse(in useRequest) (discordsim.Use, error) {
	u := discordsim.Use{Command: in.Command, Options: in.Options, Target: in.Target}
	who, err := h.person(in.As)
	if err != nil {
		return u, err
	}
	ch, err := h.channel(in.Channel)
	if err != nil {
		return u, err
	}
	if in.Bot == "" && ch.Bot != 0 {
		in.Bot = reference(ch.Bot.String())
	}
	u.User, u.Channel = who.ID, ch.ID
	u.App, err = h.bot(in.Bot)
	return u, err
}

// complete asks the bot what to suggest for an option, and waits for it.
func (h *Handler) complete(r *http.Request, in completeRequest) (any, error) {
	u, err := h.newUse(useRequest{Channel: in.Channel, As: in.As, Command: in.Command, Options: in.Options, Bot: in.Bot})
	if err != nil {
		return nil, err
	}
	watch := h.opts.Sim.Watch(watchBuffer)
	defer watch.Close()
	id, err := h.opts.Sim.Complete(u, in.Focused)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), completeTimeout)
	defer cancel()
	for {
		if got, _ := h.opts.Sim.Response(id); got.State == discordsim.StateAnswered {
			return map[string]any{"choices": append([]discordsim.Choice{}, got.Choices...)}, nil
		}
		if !h.await(ctx, watch, id) {
			return nil, api.Problem{Title: "No answer", Status: http.StatusGatewayTimeout, Detail: fmt.Sprintf("%s has suggested nothing within %s, after which Discord's client gives up.", u.App.Name, completeTimeout)}
		}
	}
}

// await waits until something may have come of an interaction; false if nothing will.
func (h *Handler) await(ctx context.Context, watch *discordsim.Watch, id discordsim.ID) bool {
	for {
		select {
		case c, open := <-watch.Changes():
			switch {
			case !open:
				return false
			case c.Interaction == id, c.Kind == discordsim.ChangeReload:
				return true
			}
		case <-ctx.Done():
			return false
		case <-h.closing:
			return false
		}
	}
}

// pressRequest presses a button, or chooses in a select.
type pressRequest struct {
	Message  discordsim.ID `json:"message" need:"the id of a message with components"`
	As       reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
	CustomID string        `json:"custom_id" need:"that of one of the components of the message"`
	Values   []string      `json:"values"`
}

// press lets a person press a button, or choose in a select.
func (h *Handler) press(_ *http.Request, in pressRequest) (any, error) {
	who, err := h.person(in.As)
	if err != nil {
		return nil, err
	}
	if _, err := h.message(in.Message); err != nil {
		return nil, err
	}
	return made(h.opts.Sim.Press(in.Message, who.ID, in.CustomID, in.Values...))
}

// submitRequest sends a modal.
type submitRequest struct {
	Interaction discordsim.ID `json:"interaction" need:"the id of the interaction that was answered with a modal"`
	As          reference     `json:"as" need:"the id or name of a person of GET /sim/world"`
	Fields      values        `json:"fields"`
}

// submit lets a person send a modal.
func (h *Handler) submit(_ *http.Request, in submitRequest) (any, error) {
	who, err := h.person(in.As)
	if err != nil {
		return nil, err
	}
	if _, err := h.interactionNow(in.Interaction); err != nil {
		return nil, err
	}
	return made(h.opts.Sim.Submit(in.Interaction, who.ID, in.Fields))
}

// typeRequest is a person who types.
type typeRequest struct {
	Channel reference `json:"channel" need:"the id of a channel of GET /sim/world"`
	As      reference `json:"as" need:"the id or name of a person of GET /sim/world"`
}

// typing lets a person type.
func (h *Handler) typing(_ *http.Request, in typeRequest) (any, error) {
	who, err := h.person(in.As)
	if err != nil {
		return nil, err
	}
	ch, err := h.channel(in.Channel)
	if err != nil {
		return nil, err
	}
	if err := h.mayWrite(ch, who); err != nil {
		return nil, err
	}
	h.opts.Sim.Type(ch.ID, who.ID)
	return nil, nil
}

// interactionBody is what came of an interaction so far.
type interactionBody struct {
	ID        discordsim.ID       `json:"id"`
	User      discordsim.ID       `json:"user"`
	ChannelID discordsim.ID       `json:"channel_id"`
	State     string              `json:"state"`
	Type      int                 `json:"type"`
	Message   json.RawMessage     `json:"message"`
	FollowUps []discordsim.ID     `json:"follow_ups"`
	Modal     json.RawMessage     `json:"modal"`
	Choices   []discordsim.Choice `json:"choices"`
}

// interactionNow tells what came of an interaction so far.
func (h *Handler) interactionNow(id discordsim.ID) (interactionBody, error) {
	got, known := h.opts.Sim.Response(id)
	if !known {
		return interactionBody{}, notFound("interaction", reference(id.String()), "", "Each is kept for 15 minutes; what made it has answered with its id.")
	}
	body := interactionBody{
		ID: id, User: got.User, ChannelID: got.Channel, State: got.State, Type: got.Type,
		FollowUps: append([]discordsim.ID{}, got.FollowUps...), Modal: got.Modal, Choices: got.Choices,
	}
	if got.Message != 0 {
		body.Message, _ = h.opts.Sim.MessageObject(got.Message) // null if it was deleted
	}
	return body, nil
}

// interaction serves /sim/interactions/{id}.
func (h *Handler) interaction(r *http.Request) (any, error) {
	id, is := reference(r.PathValue("id")).id()
	if !is {
		return nil, api.BadRequest(fmt.Sprintf(`The path ends in the id of an interaction, such as "1234", not in %s.`, quote(r.PathValue("id"))))
	}
	return h.interactionNow(id)
}
