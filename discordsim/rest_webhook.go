package discordsim

import "time"

// Webhook lets a client that knows its token post into a channel.
type Webhook struct {
	ID      ID
	Token   string
	Channel ID
	Name    string
	// Creator is who made it; 0 where it was there from the beginning.
	Creator ID

	follows ID // the announcement channel whose messages it posts
}

// AddWebhook makes a webhook in a channel.
func (s *Sim) AddWebhook(channel ID, name string) Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	hook := &Webhook{ID: s.newID(), Token: s.newSecret(), Channel: channel, Name: name}
	s.rest.webhooks[hook.ID] = hook
	return *hook
}

// RemoveWebhook deletes a webhook; from then on it is 404 10015.
func (s *Sim) RemoveWebhook(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rest.webhooks, id)
}

// webhookFor finds the webhook of the path.
func (r *restAPI) webhookFor(c *restRequest) (*Webhook, *restResponse) {
	hook := r.webhooks[c.id("webhook")]
	switch {
	case hook == nil || r.sim.channels[hook.Channel] == nil:
		return nil, errUnknownWebhook.refusal()
	case hook.Token != c.params["token"]:
		return nil, errWebhookToken.refusal()
	}
	return hook, nil
}

// executeWebhook is POST /webhooks/{id}/{token}: 204, or the message with
// wait=true (S-096). Under an app's id it is a follow-up of an interaction.
func (r *restAPI) executeWebhook(c *restRequest) restResponse {
	if app := r.sim.apps[c.id("webhook")]; app != nil {
		return r.followUp(c, app)
	}
	hook, refused := r.webhookFor(c)
	if refused != nil {
		return *refused
	}
	var wrong formErrors
	wait := c.flagParam("wait", &wrong)
	thread := c.idParam("thread_id", &wrong)
	if wrong.any() {
		return wrong.answer()
	}
	f := c.form()
	d := r.readDraft(c, f, flagSuppressEmbeds|flagSuppressNotifications|flagComponentsV2)
	author := User{ID: hook.ID, Username: hook.Name, Bot: true}
	if f.has("username") {
		author.Username = f.between("username", 1, 80)
	}
	if f.errors.any() {
		return f.errors.answer()
	}
	if d.empty {
		return errEmptyMessage.answer()
	}
	to, wrongTarget := r.webhookTarget(c, f, hook, thread)
	switch {
	case f.errors.any():
		return f.errors.answer()
	case wrongTarget != nil:
		return wrongTarget.answer()
	}
	d.nonce, d.mentions = nil, usersOnly(d.mentions)
	var post *Channel
	if to.isForum() {
		post = r.sim.newThread(to, r.sim.newID(), hook.ID, f.text("thread_name", 0), channelPublicThread, 24*time.Hour)
		c.emit(r.sim.startThread(post, nil))
		to = post
	}
	m := r.compose(to, author, d, nil)
	m.WebhookID = hook.ID
	if post != nil {
		m.ID = post.ID
	}
	r.publish(c, m)
	if !wait {
		return noContent()
	}
	return ok200(r.renderMessage(m))
}

// webhookMessage finds a message a webhook, or an interaction's webhook, has sent.
func (r *restAPI) webhookMessage(c *restRequest) (*Message, *restResponse) {
	var m *Message
	mine := func(m *Message) bool { return m != nil && m.WebhookID == c.id("webhook") }
	if app := r.sim.apps[c.id("webhook")]; app != nil {
		ask, refused := r.tokenOf(c, app)
		if refused != nil {
			return nil, refused
		}
		if m = ask.original; c.params["message"] != "@original" {
			m = r.sim.messages[c.id("message")]
			if mine(m) && m.Channel != ask.channel {
				m = nil
			}
		} else if m == nil {
			m = ask.source
			mine = func(m *Message) bool { return m != nil }
		}
	} else {
		if _, refused := r.webhookFor(c); refused != nil {
			return nil, refused
		}
		m = r.sim.messages[c.id("message")]
	}
	if !mine(m) || m.Deleted {
		return nil, errUnknownMessage.refusal()
	}
	return m, nil
}

func (r *restAPI) getWebhookMessage(c *restRequest, m *Message) restResponse {
	return ok200(r.renderMessage(m))
}

func (r *restAPI) editWebhookMessage(c *restRequest, m *Message) restResponse {
	if a, ok := r.applyEdit(c, m); !ok {
		return a
	}
	return ok200(r.renderMessage(m))
}

func (r *restAPI) deleteWebhookMessage(c *restRequest, m *Message) restResponse {
	r.remove(c, m)
	return noContent()
}
