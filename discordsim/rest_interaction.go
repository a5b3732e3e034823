package discordsim

import (
	"encoding/json"
	"fmt"
	"time"
)

// Kinds of interactions.
const (
	interactionCommand      = 2
	interactionComponent    = 3
	interactionAutocomplete = 4
	interactionModal        = 5
)

// interaction is one interaction: it waits for its first response, and its token
// is good for more afterwards (S-094).
type interaction struct {
	id       ID
	token    string
	app      *App
	channel  *Channel
	user     User
	kind     int
	command  string // name of the command that was used, with its sub-commands
	at       time.Time
	answered bool
	// commandType and target are of a command: its type, and what a context-menu command was
	// used on.
	commandType int
	target      ID
	focused     int // type of the option that an autocomplete is for
	// callback is the type of the first answer and answeredAt its time; choices and modal are
	// what it brought.
	callback   int
	answeredAt time.Time
	choices    []Choice
	modal      json.RawMessage
	followUps  []ID
	// from is the interaction whose modal this one submits, submitted the last such of this one.
	from, submitted *interaction
	// original is the first answer as a message; it has the loading flag while
	// the app is still "thinking".
	original *Message
	// source is the message a component belongs to.
	source *Message
}

// isPast reports whether a time has passed since the interaction was asked; a
// negative one never does.
func (a *interaction) isPast(now time.Time, within time.Duration) bool {
	return within >= 0 && now.Sub(a.at) > within
}

// openInteraction opens an interaction; the event that carries its id and
// token is the caller's.
func (r *restAPI) openInteraction(app *App, ch *Channel, user User, kind int) *interaction {
	now, old := time.Now(), 0
	for old < len(r.interactionsByAge) && r.interactionsByAge[old].isPast(now, r.cfg.InteractionLife) {
		delete(r.interactions, r.interactionsByAge[old].id)
		delete(r.interactionTokens, r.interactionsByAge[old].token)
		old++
	}
	a := &interaction{id: r.sim.newID(), token: r.sim.newSecret(), app: app, channel: ch, user: user, kind: kind, at: now}
	r.interactions[a.id], r.interactionTokens[a.token] = a, a
	r.interactionsByAge = append(r.interactionsByAge[old:], a)
	r.sim.interactionChanged(a)
	return a
}

// The callback types.
const (
	callbackPong           = 1
	callbackMessage        = 4
	callbackDefer          = 5
	callbackDeferUpdate    = 6
	callbackUpdate         = 7
	callbackAutocomplete   = 8
	callbackModal          = 9
	callbackPremium        = 10
	callbackLaunchActivity = 12
)

// validCallbacks says which callback fits which kind of interaction.
var validCallbacks = map[int]map[int]bool{
	callbackMessage:        {interactionCommand: true, interactionComponent: true, interactionModal: true},
	callbackDefer:          {interactionCommand: true, interactionComponent: true, interactionModal: true},
	callbackDeferUpdate:    {interactionComponent: true, interactionModal: true},
	callbackUpdate:         {interactionComponent: true, interactionModal: true},
	callbackAutocomplete:   {interactionAutocomplete: true},
	callbackModal:          {interactionCommand: true, interactionComponent: true},
	callbackPremium:        {interactionCommand: true, interactionComponent: true, interactionModal: true},
	callbackLaunchActivity: {interactionCommand: true, interactionComponent: true, interactionModal: true},
}

// answerInteraction is POST /interactions/{id}/{token}/callback: the first
// answer, once, within three seconds.
func (r *restAPI) answerInteraction(c *restRequest) restResponse {
	ask := r.interactions[c.id("interaction")]
	switch {
	case ask == nil || ask.token != c.params["token"] || ask.isPast(c.now, r.cfg.InteractionLife):
		return errUnknownInteract.answer()
	case ask.answered:
		return errAcknowledged.answer()
	case ask.isPast(c.now, r.cfg.InteractionDeadline):
		// A client that was told late is not blamed.
		if r.sim.heardAtOnce(ask.app, ask.id) && !r.sim.faultWithin(ask.app.ID, ask.at, ask.at.Add(r.cfg.InteractionDeadline)) {
			r.violation(c, "G-141", fmt.Sprintf("an interaction was answered %s after it was asked; %s are allowed", c.now.Sub(ask.at), r.cfg.InteractionDeadline))
		}
		return errUnknownInteract.answer()
	}
	f := c.form()
	kind := 0
	if f.require("type") {
		kind = int(f.integer("type"))
		if !validCallbacks[kind][ask.kind] || ask.source == nil && (kind == callbackUpdate || kind == callbackDeferUpdate) {
			f.refuse("type", "BASE_TYPE_CHOICES", "Callback type %d does not fit interaction type %d.", kind, ask.kind)
		}
	}
	data := f.sub("data")
	d := draft{}
	switch kind {
	case callbackMessage, callbackUpdate:
		if kind == callbackUpdate {
			d = r.readEdit(c, data, flagSuppressEmbeds|flagComponentsV2, ask.source)
		} else {
			d = r.readDraft(c, data, settableInteraction)
		}
		if !f.errors.any() && d.empty && kind == callbackMessage {
			return errEmptyMessage.answer()
		}
	case callbackDefer:
		d.flags = int(data.integer("flags")) & flagEphemeral
	case callbackAutocomplete:
		ask.choices = readChoices(data, ask.focused)
	case callbackModal:
		ask.modal = readModal(data)
	}
	if f.errors.any() {
		ask.choices, ask.modal = nil, nil
		return f.errors.answer()
	}
	m, refused := r.callback(c, ask, kind, data, d)
	if refused != nil {
		return *refused
	}
	ask.answered, ask.callback, ask.answeredAt = true, kind, c.now
	r.sim.interactionChanged(ask)
	if with, _ := parseBool(c.query.Get("with_response")); !with {
		return noContent()
	}
	return ok200(r.renderCallback(ask, kind, m))
}

// callback does what a callback asks for and returns the message it made or changed.
func (r *restAPI) callback(c *restRequest, ask *interaction, kind int, data *form, d draft) (*Message, *restResponse) {
	switch kind {
	case callbackMessage:
		ask.original = r.respond(c, ask, d)
		return ask.original, nil
	case callbackDefer:
		d.flags |= flagLoading
		ask.original = r.respond(c, ask, d)
		return ask.original, nil
	case callbackUpdate:
		if m := ask.source; !m.Deleted {
			if a, ok := r.applyDraft(c, m, data, d); !ok {
				return nil, &a
			}
		}
	}
	r.sim.noteAcknowledged(ask, c.now)
	if kind == callbackUpdate || kind == callbackDeferUpdate {
		return ask.source, nil
	}
	return nil, nil
}

// respond posts the first answer as a message.
func (r *restAPI) respond(c *restRequest, ask *interaction, d draft) *Message {
	d.mentions = usersOnly(d.mentions)
	m := r.compose(ask.channel, ask.app.Bot, d, nil)
	m.Type, m.Interaction, m.WebhookID = typeCommand, ask.id, ask.app.ID
	if ask.source != nil {
		m.Type, m.ReplyTo = typeReply, ask.source.ID
	}
	ask.show(m)
	m.setExtra("application_id", marshal(ask.app.ID))
	m.setExtra("interaction_metadata", marshal(r.renderMetadata(ask)))
	if ask.kind == interactionCommand {
		old := map[string]any{"id": ask.id, "type": ask.kind, "name": ask.command, "user": r.renderUser(ask.user)}
		m.setExtra("interaction", marshal(old))
	}
	r.publish(c, m)
	return m
}

// show makes an ephemeral message one for the person of the interaction.
func (a *interaction) show(m *Message) {
	if m.Flags&flagEphemeral != 0 {
		m.ShownTo = a.user.ID
	}
}

// renderMetadata is interaction_metadata: which interaction a message answers.
func (r *restAPI) renderMetadata(ask *interaction) map[string]any {
	out := map[string]any{"id": ask.id, "type": ask.kind, "user": r.renderUser(ask.user), "authorizing_integration_owners": ask.integrationOwners()}
	if ask.source != nil && ask.kind == interactionComponent {
		out["interacted_message_id"] = ask.source.ID
	}
	switch {
	case ask.target == 0:
	case ask.commandType == commandUser:
		out["target_user"] = r.renderUser(r.sim.user(ask.target))
	case ask.commandType == commandMenu:
		out["target_message_id"] = ask.target
	}
	if ask.from != nil {
		out["triggering_interaction_metadata"] = r.renderMetadata(ask.from)
	}
	return out
}

// usersOnly is the default of interactions and webhooks: only people are
// pinged unless the client says otherwise.
func usersOnly(m mentions) mentions {
	if m.given {
		return m
	}
	return mentions{given: true, parse: map[string]bool{"users": true}}
}

// renderCallback is the body of a callback with_response.
func (r *restAPI) renderCallback(ask *interaction, kind int, m *Message) map[string]any {
	about := map[string]any{"id": ask.id, "type": ask.kind}
	out := map[string]any{"interaction": about}
	if m == nil {
		return out
	}
	about["response_message_id"] = m.ID
	about["response_message_loading"] = m.Flags&flagLoading != 0
	about["response_message_ephemeral"] = m.Flags&flagEphemeral != 0
	out["resource"] = map[string]any{"type": kind, "message": r.renderForREST(ask.app, m)}
	return out
}

// tokenOf finds the answered interaction behind an interaction webhook. A dead
// or foreign token is invalid; one that has not been answered has no webhook
// yet.
func (r *restAPI) tokenOf(c *restRequest, app *App) (*interaction, *restResponse) {
	ask := r.interactionTokens[c.params["token"]]
	switch {
	case ask == nil || ask.app != app || ask.isPast(c.now, r.cfg.InteractionLife):
		return nil, errWebhookToken.refusal()
	case !ask.answered:
		return nil, errUnknownWebhook.refusal()
	}
	return ask, nil
}

// followUp is POST /webhooks/{app}/{token}. Right after a deferral it fills in
// the deferred message, as Discord still does.
func (r *restAPI) followUp(c *restRequest, app *App) restResponse {
	ask, refused := r.tokenOf(c, app)
	if refused != nil {
		return *refused
	}
	if m := ask.original; m != nil && m.Flags&flagLoading != 0 && !m.Deleted {
		if a, ok := r.applyEdit(c, m); !ok {
			return a
		}
		return ok200(r.renderForREST(app, m))
	}
	f := c.form()
	for _, name := range []string{"username", "avatar_url", "thread_name"} {
		if f.has(name) {
			f.refuse(name, "BASE_TYPE_FORBIDDEN", "This field is not allowed in a follow-up.")
		}
	}
	d := r.readDraft(c, f, settableInteraction)
	if f.errors.any() {
		return f.errors.answer()
	}
	if d.empty {
		return errEmptyMessage.answer()
	}
	d.mentions = usersOnly(d.mentions)
	m := r.compose(ask.channel, app.Bot, d, nil)
	m.WebhookID = app.ID
	m.setExtra("application_id", marshal(app.ID))
	meta := r.renderMetadata(ask)
	first := ask.original
	if first == nil {
		first = ask.source
	}
	if first != nil {
		meta["original_response_message_id"] = first.ID
		if !first.Deleted {
			m.Type, m.ReplyTo = typeReply, first.ID
		}
	}
	m.setExtra("interaction_metadata", marshal(meta))
	ask.show(m)
	r.publish(c, m)
	ask.followUps = append(ask.followUps, m.ID)
	return ok200(r.renderForREST(app, m))
}

// setExtra adds a field to what a message shows.
func (m *Message) setExtra(name string, raw []byte) {
	extra := make(map[string]json.RawMessage, len(m.Extra)+1)
	for k, v := range m.Extra {
		extra[k] = v
	}
	extra[name] = raw
	m.Extra = extra
}
