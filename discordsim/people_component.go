package discordsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The types of components.
const (
	componentRow               = 1
	componentButton            = 2
	componentStringSelect      = 3
	componentTextInput         = 4
	componentUserSelect        = 5
	componentRoleSelect        = 6
	componentMentionableSelect = 7
	componentChannelSelect     = 8
	componentSection           = 9
	componentText              = 10
	componentThumbnail         = 11
	componentGallery           = 12
	componentFile              = 13
	componentSeparator         = 14
	componentContainer         = 17
	componentLabel             = 18
	componentUpload            = 19
	componentRadioGroup        = 21
	componentCheckboxGroup     = 22
	componentCheckbox          = 23
)

// The styles of buttons that make no interaction.
const (
	buttonLink    = 5
	buttonPremium = 6
)

// component is a component of a message or a modal, as far as people have to do with it.
type component struct {
	Type         int            `json:"type"`
	ID           int            `json:"id"`
	CustomID     string         `json:"custom_id"`
	Style        int            `json:"style"`
	Label        string         `json:"label"`
	URL          string         `json:"url"`
	Disabled     bool           `json:"disabled"`
	Required     *bool          `json:"required"`
	Options      []selectOption `json:"options"`
	MinValues    *int           `json:"min_values"`
	MaxValues    *int           `json:"max_values"`
	MinLength    *int           `json:"min_length"`
	MaxLength    *int           `json:"max_length"`
	ChannelTypes []int          `json:"channel_types"`
	Value        string         `json:"value"`
	Default      bool           `json:"default"`
	Defaults     []struct {
		ID ID `json:"id"`
	} `json:"default_values"`
	Components []component `json:"components"`
	Accessory  *component  `json:"accessory"`
	Component  *component  `json:"component"`
}

// selectOption is an option of a string select, a radio group or a checkbox group.
type selectOption struct {
	Label   string `json:"label"`
	Value   string `json:"value"`
	Default bool   `json:"default"`
}

// readComponents reads components that have been checked.
func readComponents(raw json.RawMessage) (list []component) {
	_ = json.Unmarshal(raw, &list) // what does not fit its type is as if it were not there
	return list
}

// eachComponent walks components, those inside others after these.
func eachComponent(list []component, do func(*component)) {
	for i := range list {
		one := &list[i]
		do(one)
		eachComponent(one.Components, do)
		for _, inner := range []*component{one.Accessory, one.Component} {
			if inner != nil {
				do(inner)
			}
		}
	}
}

// isRequired reports whether a component of a modal must be filled in.
func (c *component) isRequired() bool { return c.Required == nil || *c.Required }

// orElse is a number that may be absent.
func orElse(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}

// selects says which components are selects, and choose finds what was chosen in them.
var selects = map[int]func(f *resolved, c *component, v any) (any, error){
	componentStringSelect:      func(_ *resolved, c *component, v any) (any, error) { return c.option(v) },
	componentUserSelect:        func(f *resolved, _ *component, v any) (any, error) { return f.user(v) },
	componentRoleSelect:        func(f *resolved, _ *component, v any) (any, error) { return f.role(v) },
	componentMentionableSelect: func(f *resolved, _ *component, v any) (any, error) { return f.mentionable(v) },
	componentChannelSelect:     func(f *resolved, c *component, v any) (any, error) { return f.channel(v, c.ChannelTypes) },
	componentUpload:            func(f *resolved, _ *component, v any) (any, error) { return f.attachment(v) },
	componentRadioGroup:        func(_ *resolved, c *component, v any) (any, error) { return c.option(v) },
	componentCheckboxGroup:     func(_ *resolved, c *component, v any) (any, error) { return c.option(v) },
}

// option finds an option by its value, or its label.
func (c *component) option(v any) (any, error) {
	text := textOf(v)
	var labels []string
	for _, o := range c.Options {
		if o.Value == text {
			return o.Value, nil
		}
		labels = append(labels, o.Value)
	}
	for _, o := range c.Options {
		if o.Label == text {
			return o.Value, nil
		}
	}
	return nil, fmt.Errorf("%q is none of the options of %q: %s", text, c.CustomID, listOf(labels))
}

// choose checks how many values were chosen and finds each.
func (c *component) choose(f *resolved, values []any, low, high int) ([]any, error) {
	switch n := len(values); {
	case n < low:
		return nil, fmt.Errorf("%q needs at least %d values, not %d", c.CustomID, low, n)
	case n > high:
		return nil, fmt.Errorf("%q takes at most %d values, not %d", c.CustomID, high, n)
	}
	out := []any{}
	for _, v := range values {
		chosen, err := selects[c.Type](f, c, v)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, chosen) {
			return nil, fmt.Errorf("%s was chosen twice in %q", textOf(v), c.CustomID)
		}
		out = append(out, chosen)
	}
	return out, nil
}

// customIDs lists the custom_ids of components.
func customIDs(list []component) string {
	var ids []string
	eachComponent(list, func(c *component) {
		if c.CustomID != "" {
			ids = append(ids, fmt.Sprintf("%q", c.CustomID))
		}
	})
	return listOf(ids)
}

// listOf joins names for an error, at most ten of them; "none" without any.
func listOf(names []string) string {
	const most = 10
	switch n := len(names); {
	case n == 0:
		return "none"
	case n > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n-most)
	}
	return strings.Join(names, ", ")
}
