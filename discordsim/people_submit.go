package discordsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Submit lets a person fill in and send the modal that answered an interaction, and gives the
// id of the new interaction. Fields are the values by custom_id: a string for a text input, a
// bool for a checkbox, one value or a list of values for what is chosen, a [File] or a list of
// them for an upload. A field that is not given keeps what it is filled with. The error says
// why the person cannot send it: there is no modal, it is somebody else's, it was sent already,
// or a field is missing, too short or too long.
func (s *Sim) Submit(interaction, user ID, fields map[string]any) (ID, error) {
	site := s.publicURL()
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.rest.interactions[interaction]
	switch {
	case from == nil:
		return 0, fmt.Errorf("there is no interaction %d; they are kept as long as their tokens are valid", interaction)
	case from.modal == nil:
		return 0, fmt.Errorf("the interaction %d was not answered with a modal", interaction)
	case from.user.ID != user:
		return 0, fmt.Errorf("the modal is open for %s only", from.user.Username)
	case from.submitted != nil && from.submitted.state(s.rest.cfg) != StateFailed:
		return 0, errors.New("the modal was sent already")
	}
	if _, _, err := s.personIn(from.channel.ID, user); err != nil {
		return 0, err
	}
	var modal struct {
		CustomID   string      `json:"custom_id"`
		Components []component `json:"components"`
	}
	_ = json.Unmarshal(from.modal, &modal) // checked when it came
	found := s.newResolved(from.app, from.channel, from.user, site)
	filled, err := fillModal(found, modal.Components, fields)
	if err != nil {
		return 0, err
	}
	data := map[string]any{"custom_id": modal.CustomID, "components": filled}
	if objects := found.render(); objects != nil {
		data["resolved"] = objects
	}
	a := s.rest.openInteraction(from.app, from.channel, from.user, interactionModal)
	a.source, a.from, a.command = from.source, from, from.command
	from.submitted = a
	s.ask(a, "modal "+modal.CustomID, data)
	return a.id, nil
}

// fillModal makes the components that Discord sends back for a modal.
func fillModal(f *resolved, list []component, fields map[string]any) ([]any, error) {
	known := map[string]bool{}
	eachComponent(list, func(c *component) { known[c.CustomID] = true })
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !known[name] || name == "" {
			return nil, fmt.Errorf("the modal has no field %q; it has: %s", name, customIDs(list))
		}
	}
	out := []any{}
	for i := range list {
		one := &list[i]
		shown := map[string]any{"type": one.Type, "id": one.ID}
		switch {
		case one.Type == componentRow:
			inner, err := fillRow(f, one.Components, fields)
			if err != nil {
				return nil, err
			}
			shown["components"] = inner
		case one.Type == componentLabel && one.Component != nil:
			inner, err := one.Component.fill(f, fields)
			if err != nil {
				return nil, err
			}
			shown["component"] = inner
		}
		out = append(out, shown)
	}
	return out, nil
}

func fillRow(f *resolved, list []component, fields map[string]any) ([]any, error) {
	out := []any{}
	for i := range list {
		inner, err := list[i].fill(f, fields)
		if err != nil {
			return nil, err
		}
		out = append(out, inner)
	}
	return out, nil
}

// fill makes what Discord sends back for one field of a modal.
func (c *component) fill(f *resolved, fields map[string]any) (map[string]any, error) {
	out := map[string]any{"type": c.Type, "id": c.ID, "custom_id": c.CustomID}
	given, is := fields[c.CustomID]
	switch {
	case c.Type == componentTextInput:
		text := c.Value
		if is && given != nil {
			text = textOf(given)
		}
		if err := c.checkText(text); err != nil {
			return nil, err
		}
		out["value"] = text
	case c.Type == componentCheckbox:
		checked := c.Default
		if is && given != nil {
			var ok bool
			if checked, ok = parseBool(textOf(given)); !ok {
				return nil, fmt.Errorf("%q is neither true nor false, as the checkbox %q needs", textOf(given), c.CustomID)
			}
		}
		out["value"] = checked
	case selects[c.Type] != nil:
		values := c.preset()
		if is {
			values = valuesOf(given)
		}
		low, high := c.bounds(len(values))
		chosen, err := c.choose(f, values, low, high)
		if err != nil {
			return nil, err
		}
		if c.Type != componentRadioGroup {
			out["values"] = chosen
			break
		}
		out["value"] = nil
		if len(chosen) > 0 {
			out["value"] = chosen[0]
		}
	}
	return out, nil
}

// checkText says why a text does not go into a text input. One that may stay empty has no least
// length while it is.
func (c *component) checkText(text string) error {
	switch {
	case text == "" && c.isRequired():
		return fmt.Errorf("the field %q must be filled in", c.CustomID)
	case text == "":
		return nil
	}
	if err := lengthWithin(text, orElse(c.MinLength, 0), orElse(c.MaxLength, maxInputText)); err != nil {
		return fmt.Errorf("the field %q: %w", c.CustomID, err)
	}
	return nil
}

// maxInputText is the most characters a text input takes.
const maxInputText = 4000

// bounds are how many values a field of a modal takes. One that may stay empty may have none.
func (c *component) bounds(n int) (low, high int) {
	low, high = orElse(c.MinValues, 1), orElse(c.MaxValues, 1)
	if c.Type == componentCheckboxGroup {
		high = orElse(c.MaxValues, len(c.Options))
	}
	if !c.isRequired() && n == 0 {
		low = 0
	}
	return low, high
}

// preset are the values that a field is filled with.
func (c *component) preset() (values []any) {
	for _, o := range c.Options {
		if o.Default {
			values = append(values, o.Value)
		}
	}
	for _, d := range c.Defaults {
		values = append(values, d.ID)
	}
	return values
}

// valuesOf is one value or a list of values as a list; nil is none.
func valuesOf(v any) (values []any) {
	switch v := v.(type) {
	case nil:
	case []any:
		values = v
	case []string:
		for _, one := range v {
			values = append(values, one)
		}
	case []ID:
		for _, one := range v {
			values = append(values, one)
		}
	case []File:
		for _, one := range v {
			values = append(values, one)
		}
	default:
		values = []any{v}
	}
	return values
}
