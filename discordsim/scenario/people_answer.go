package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// component is a button or a menu of a message, at any depth.
type component struct {
	Type        int         `json:"type"`
	ID          string      `json:"custom_id"`
	Label       string      `json:"label"`
	Placeholder string      `json:"placeholder"`
	Disabled    bool        `json:"disabled"`
	Components  []component `json:"components"`
	Accessory   *component  `json:"accessory"`
}

// buttonType is Discord's number of a button; menus are 3 and 5 to 8.
const buttonType = 2

func (c *component) is(button bool) bool {
	if button {
		return c.Type == buttonType && c.ID != ""
	}
	return c.Type == 3 || c.Type >= 5 && c.Type <= 8
}

// name is what a person calls it.
func (c *component) name() string {
	if text := c.Label + c.Placeholder; text != "" {
		return text
	}
	return c.ID
}

// all lists the components of one kind, in the order in which they are shown.
func (c *component) all(button bool) (out []*component) {
	if c.is(button) {
		out = append(out, c)
	}
	for i := range c.Components {
		out = append(out, c.Components[i].all(button)...)
	}
	if c.Accessory != nil {
		out = append(out, c.Accessory.all(button)...)
	}
	return out
}

// findComponent gives the custom_id of the button or the menu of a message that has
// this custom_id, label or placeholder.
func findComponent(m *discordsim.Message, name string, button bool) (id string, err error) {
	var root component
	if raw := m.Extra["components"]; raw != nil && json.Unmarshal(raw, &root.Components) != nil {
		return "", errors.New("components that cannot be read")
	}
	var names []string
	for _, c := range root.all(button) {
		if c.ID != name && c.Label+c.Placeholder != name {
			names = append(names, c.name())
			continue
		}
		if c.Disabled {
			return "", fmt.Errorf("%q, but disabled", name)
		}
		return c.ID, nil
	}
	what := "menu"
	if button {
		what = "button"
	}
	if len(names) == 0 {
		return "", errors.New("no " + what)
	}
	return "", fmt.Errorf("no %s %q, but %s", what, name, strings.Join(names, ", "))
}

// The words for what a bot answers an interaction with, by callback type.
var answerWords = map[int]string{4: "message", 5: "message", 6: "update", 7: "update", 8: "choices", 9: "modal"}

// checkAnswer says why the answer of the bot is not, or not yet, what the step says.
func (p *player) checkAnswer(d *deed) error {
	texts, kind, answered := p.answer(d)
	switch {
	case !answered:
		return errors.New("the bot has not answered")
	case d.st.Answer != "" && kind != d.st.Answer:
		return fmt.Errorf("the bot has answered with %q and not with %q", kind, d.st.Answer)
	case !slices.ContainsFunc(texts, func(one string) bool { return strings.Contains(one, d.st.Contains) }):
		return fmt.Errorf("the bot's answer has no %q in it, but %q", d.st.Contains, text.Clip(strings.Join(texts, " "), 200))
	}
	return nil
}

// answer is what a bot has answered: its texts, and how.
func (p *player) answer(d *deed) (texts []string, kind string, answered bool) {
	if !d.isInteraction {
		for _, m := range p.sim.Answers(d.asked) {
			texts, answered = append(texts, textsOf(&m)...), true
		}
		return texts, "message", answered
	}
	r, known := p.sim.Response(d.asked)
	if !known || r.State != "answered" {
		return nil, "", false
	}
	for _, c := range r.Choices {
		texts = append(texts, c.Name)
	}
	texts = append(texts, stringsOf(r.Modal)...)
	for _, m := range p.sim.Messages(d.channel) {
		if m.ID == r.Message {
			texts = append(texts, textsOf(&m)...)
		}
	}
	return append(texts, ""), answerWords[r.Type], true
}

// textsOf lists the texts of a message: its content, and those of its embeds and
// components.
func textsOf(m *discordsim.Message) []string {
	texts := []string{m.Content}
	for _, part := range []string{"embeds", "components"} {
		texts = append(texts, stringsOf(m.Extra[part])...)
	}
	return texts
}

// stringsOf lists the texts in JSON, whatever they are.
func stringsOf(raw json.RawMessage) (texts []string) {
	var content any
	if len(raw) == 0 || json.Unmarshal(raw, &content) != nil {
		return nil
	}
	var collect func(any)
	collect = func(v any) {
		switch v := v.(type) {
		case string:
			texts = append(texts, v)
		case []any:
			for _, one := range v {
				collect(one)
			}
		case map[string]any:
			for _, one := range v {
				collect(one)
			}
		}
	}
	collect(content)
	return texts
}
