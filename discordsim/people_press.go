package discordsim

import (
	"fmt"
)

// Press lets a person press a button of a message, or choose values in one of its selects, and
// gives the interaction's id. The values of a string select are those of its options, or their
// labels; those of the other selects are ids, mentions or names. What the person cannot do is
// not sent, and the error says why: a message that is gone or that the person does not see, a
// custom_id that the message does not have, a disabled component, a button with a link, too
// many or too few values. The interaction must be answered within three seconds, and the
// verdict counts whether it was.
func (s *Sim) Press(message, user ID, customID string, values ...string) (ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, who, err := s.messageIn(message, user)
	if err != nil {
		return 0, err
	}
	app := s.apps[m.Author.ID]
	if m.WebhookID != 0 {
		app = s.apps[m.WebhookID]
	}
	if app == nil {
		return 0, fmt.Errorf("the message %d is not of a bot", message)
	}
	if !s.reaches(app, m.Channel) {
		return 0, fmt.Errorf("%s is not in the guild any more", app.Name)
	}
	if m.Flags&flagLoading != 0 {
		return 0, fmt.Errorf("%s is still thinking; the message %d has no components yet", app.Name, message)
	}
	c, err := m.component(customID)
	if err != nil {
		return 0, err
	}
	data := map[string]any{"custom_id": c.CustomID, "component_type": c.Type, "id": c.ID}
	if c.Type == componentButton {
		if len(values) > 0 {
			return 0, fmt.Errorf("%q is a button, which takes no values", customID)
		}
	} else {
		found := s.newResolved(app, m.Channel, who, "")
		given := make([]any, len(values))
		for i, v := range values {
			given[i] = v
		}
		chosen, err := c.choose(found, given, orElse(c.MinValues, 1), orElse(c.MaxValues, 1))
		if err != nil {
			return 0, err
		}
		data["values"] = chosen
		if objects := found.render(); objects != nil {
			data["resolved"] = objects
		}
	}
	a := s.rest.openInteraction(app, m.Channel, who, interactionComponent)
	a.source = m
	s.ask(a, "component "+customID, data)
	return a.id, nil
}

// messageIn finds a message and a person that sees it.
func (s *Sim) messageIn(message, user ID) (*Message, User, error) {
	m := s.messages[message]
	if m == nil || m.Deleted {
		return nil, User{}, fmt.Errorf("there is no message %d; it may have been deleted", message)
	}
	_, who, err := s.personIn(m.Channel.ID, user)
	if err == nil && m.ShownTo != 0 && m.ShownTo != user {
		err = fmt.Errorf("%s does not see the message %d: it is ephemeral, for %s only", who.Username, message, s.user(m.ShownTo).Username)
	}
	return m, who, err
}

// component finds the component that a person can press or choose in.
func (m *Message) component(customID string) (*component, error) {
	list := readComponents(m.Extra["components"])
	var found *component
	var err error
	eachComponent(list, func(c *component) {
		switch {
		case c.Type == componentButton && c.Style == buttonLink && customID != "" && (c.URL == customID || c.Label == customID) && err == nil:
			err = fmt.Errorf("%q is a button with a link: it opens %s and makes no interaction", c.Label, c.URL)
		case found == nil && c.CustomID == customID && customID != "":
			found = c
		}
	})
	switch {
	case found == nil && err != nil:
		return nil, err
	case found == nil:
		return nil, fmt.Errorf("the message %d has no component %q; it has: %s", m.ID, customID, customIDs(list))
	case found.Disabled:
		return nil, fmt.Errorf("%q is disabled", customID)
	}
	return found, nil
}
