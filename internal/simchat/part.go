package simchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"evergreen/discordsim"
)

// component is a part of a message or a modal.
type component struct {
	Type        int
	ID          string `json:"custom_id"`
	Label       string
	Placeholder string
	Content     string
	URL         string
	Disabled    bool
	Required    *bool
	Options     []struct{ Label, Value string }
	Components  []component
	Component   *component
	Accessory   *component
}

// Discord's numbers of components.
const (
	componentButton  = 2
	componentMenu    = 3 // and 5 to 8
	componentInput   = 4
	componentDisplay = 10
)

// isMenu reports whether a person chooses in it.
func (p *component) isMenu() bool { return p.Type == componentMenu || p.Type >= 5 && p.Type <= 8 }

// each calls do for a component and all in it, in the order in which they are shown.
func (p *component) each(do func(*component)) {
	do(p)
	for i := range p.Components {
		p.Components[i].each(do)
	}
	for _, inner := range []*component{p.Component, p.Accessory} {
		if inner != nil {
			inner.each(do)
		}
	}
}

// part is a button or a menu of a message that has been shown.
type part struct {
	message discordsim.ID
	id      string
	menu    bool
}

type partKey struct {
	message discordsim.ID
	id      string
}

// maxParts is how many buttons and menus keep their numbers.
const maxParts = 500

// number is the number of a button or a menu, the same as long as it is known.
func (c *chat) number(message discordsim.ID, p *component) int {
	key := partKey{message, p.ID}
	if n := c.numbered[key]; n > 0 {
		return n
	}
	n := c.next
	c.next++
	c.numbered[key], c.parts[n] = n, part{message, p.ID, p.isMenu()}
	if old, known := c.parts[n-maxParts]; known {
		delete(c.parts, n-maxParts)
		delete(c.numbered, partKey{old.message, old.id})
	}
	return n
}

// componentLines shows the components of a message, the buttons of a row in one line.
func (c *chat) componentLines(message discordsim.ID, components []component) (lines []string) {
	row := []string{}
	flush := func() {
		if len(row) > 0 {
			lines, row = append(lines, strings.Join(row, " ")), nil
		}
	}
	for i := range components {
		components[i].each(func(p *component) {
			switch {
			case p.Type == componentDisplay:
				flush()
				lines = append(lines, c.readable(p.Content))
			case p.Type == componentButton && p.ID == "":
				row = append(row, "["+p.Label+": "+p.URL+"]")
			case p.Type == componentButton && p.Disabled:
				row = append(row, "["+p.Label+", disabled]")
			case p.Type == componentButton:
				row = append(row, fmt.Sprintf("[%d %s]", c.number(message, p), p.Label))
			case p.isMenu():
				flush()
				var values []string
				for _, o := range p.Options {
					values = append(values, o.Label)
				}
				if len(values) == 0 {
					values = []string{"a name"}
				}
				lines = append(lines, fmt.Sprintf("{%d %s: %s}", c.number(message, p), p.Placeholder, strings.Join(values, ", ")))
			}
		})
		flush()
	}
	return lines
}

// press presses a button or chooses in a menu, by its number.
func (c *chat) press(args []string) error {
	if len(args) == 0 {
		return errors.New("which? Such as .press 2, or with what is chosen in a menu: .press 3 Large")
	}
	var n int
	if _, err := fmt.Sscan(args[0], &n); err != nil || c.parts[n].message == 0 {
		return fmt.Errorf("there is no button or menu %q here; the numbers stand before their labels", args[0])
	}
	p := c.parts[n]
	if p.menu && len(args) == 1 {
		return fmt.Errorf("%d is a menu: say what is chosen too, such as .press %d Large", n, n)
	}
	id, err := c.Sim.Press(p.message, c.me.ID, p.id, args[1:]...)
	return c.asked(id, err, ".press "+args[0])
}

// modal is a modal that is open.
type modal struct {
	interaction discordsim.ID
	fields      []string // by custom_id
}

// showModal prints a modal and how to fill it in.
func (c *chat) showModal(interaction discordsim.ID, raw json.RawMessage) {
	var shown struct {
		Title      string
		Components []component
	}
	if json.Unmarshal(raw, &shown) != nil {
		return
	}
	c.modal = &modal{interaction: interaction}
	lines := []string{"modal: " + shown.Title}
	label := ""
	for i := range shown.Components {
		shown.Components[i].each(func(p *component) {
			if p.Label != "" {
				label = p.Label
			}
			if p.ID == "" {
				return
			}
			c.modal.fields = append(c.modal.fields, p.ID)
			line := "    " + p.ID + ": " + label
			var values []string
			for _, o := range p.Options {
				values = append(values, o.Label)
			}
			if len(values) > 0 {
				line += " (" + strings.Join(values, ", ") + ")"
			}
			lines = append(lines, line)
		})
	}
	c.print(safe(strings.Join(lines, "\n") + "\n    .submit " + strings.Join(c.modal.fields, ":... ") + ":..."))
}

// submit fills in the modal that is open.
func (c *chat) submit(line string) error {
	if c.modal == nil {
		return errors.New("no modal is open; a bot shows one in answer to a command or a press")
	}
	bare, values := parseOptions(line, c.modal.fields)
	if bare != "" && len(values) == 0 && len(c.modal.fields) == 1 {
		values, bare = map[string]any{c.modal.fields[0]: bare}, ""
	}
	if bare != "" {
		return fmt.Errorf("%q belongs to no field; such as .submit %s:text", bare, strings.Join(c.modal.fields, ":text "))
	}
	id, err := c.Sim.Submit(c.modal.interaction, c.me.ID, values)
	return c.asked(id, err, "the modal")
}

// showChoices prints what the bot proposes.
func (c *chat) showChoices(choices []discordsim.Choice) {
	lines := []string{"choices: " + fmt.Sprint(len(choices))}
	for _, choice := range choices {
		lines = append(lines, fmt.Sprintf("    %s (%v)", choice.Name, choice.Value))
	}
	c.print(safe(strings.Join(lines, "\n")))
}
