package discordsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The types of options that hold a value.
const (
	optionString      = 3
	optionInteger     = 4
	optionBoolean     = 5
	optionUser        = 6
	optionChannel     = 7
	optionRole        = 8
	optionMentionable = 9
	optionNumber      = 10
	optionAttachment  = 11
)

// maxOptionText is the most characters a string option takes.
const maxOptionText = 6000

// commandOption is an option of a command as it was registered, or the command itself.
type commandOption struct {
	Type         int             `json:"type"`
	Name         string          `json:"name"`
	Required     bool            `json:"required"`
	Choices      []Choice        `json:"choices"`
	Options      []commandOption `json:"options"`
	ChannelTypes []int           `json:"channel_types"`
	MinValue     *float64        `json:"min_value"`
	MaxValue     *float64        `json:"max_value"`
	MinLength    *int            `json:"min_length"`
	MaxLength    *int            `json:"max_length"`
	Autocomplete bool            `json:"autocomplete"`
	Handler      int             `json:"handler"` // of the Entry Point command
}

// handlerApp is the handler of an Entry Point command that the app answers itself.
const handlerApp = 1

// readDefinition reads a registered command. It was checked when it was registered.
func readDefinition(c *Command) (def commandOption) {
	_ = json.Unmarshal(c.Raw, &def) // what does not fit its type declares nothing
	return def
}

// option finds an option by its name; nil if there is none.
func (o *commandOption) option(name string) *commandOption {
	for i := range o.Options {
		if o.Options[i].Name == name {
			return &o.Options[i]
		}
	}
	return nil
}

// fill makes the options of the interaction, in the order in which they are declared. With a
// focused one it is an autocomplete, where required options may be missing.
func (w *commandUse) fill(values map[string]any, focused string) ([]any, error) {
	full := "/" + strings.Join(append([]string{w.command.Name}, w.path...), " ")
	var names []string
	for _, o := range w.def.Options {
		names = append(names, o.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%s has no option %q; it has: %s", full, name, listOf(names))
		}
	}
	if focused != "" {
		switch o := w.def.option(focused); {
		case o == nil:
			return nil, fmt.Errorf("%s has no option %q; it has: %s", full, focused, listOf(names))
		case !o.Autocomplete:
			return nil, fmt.Errorf("the option %q of %s has no autocomplete", focused, full)
		}
	}
	var out []any
	for i := range w.def.Options {
		o := &w.def.Options[i]
		given := values[o.Name]
		if o.Name == focused {
			// What is being typed is text, whatever the option takes.
			typed := ""
			if given != nil {
				typed = textOf(given)
			}
			out = append(out, map[string]any{"name": o.Name, "type": o.Type, "value": typed, "focused": true})
			continue
		}
		if given == nil || given == "" {
			if o.Required && focused == "" {
				return nil, fmt.Errorf("%s needs the option %q", full, o.Name)
			}
			continue
		}
		v, err := w.convert(o, given)
		if err != nil {
			return nil, fmt.Errorf("the option %q of %s: %w", o.Name, full, err)
		}
		out = append(out, map[string]any{"name": o.Name, "type": o.Type, "value": v})
	}
	return out, nil
}

// convert makes the value of an option.
func (w *commandUse) convert(o *commandOption, v any) (any, error) {
	switch o.Type {
	case optionUser:
		return w.found.user(v)
	case optionRole:
		return w.found.role(v)
	case optionMentionable:
		return w.found.mentionable(v)
	case optionChannel:
		return w.found.channel(v, o.ChannelTypes)
	case optionAttachment:
		return w.found.attachment(v)
	}
	if len(o.Choices) > 0 {
		return o.choose(v)
	}
	switch o.Type {
	case optionBoolean:
		if b, is := v.(bool); is {
			return b, nil
		}
		b, ok := parseBool(textOf(v))
		if !ok {
			return nil, fmt.Errorf("%q is neither true nor false", textOf(v))
		}
		return b, nil
	case optionInteger, optionNumber:
		return o.number(v)
	}
	text := textOf(v)
	low, high := 0, maxOptionText
	if o.MinLength != nil {
		low = *o.MinLength
	}
	if o.MaxLength != nil {
		high = *o.MaxLength
	}
	return text, lengthWithin(text, low, high)
}

// lengthWithin says why a text is too short or too long.
func lengthWithin(text string, low, high int) error {
	switch n := utf8.RuneCountInString(text); {
	case n < low:
		return fmt.Errorf("%d characters are too few; at least %d are needed", n, low)
	case n > high:
		return fmt.Errorf("%d characters are too many; at most %d are allowed", n, high)
	}
	return nil
}

// choose finds the choice that is meant, by its value or its name.
func (o *commandOption) choose(v any) (any, error) {
	text := textOf(v)
	var names []string
	for _, by := range []func(Choice) string{func(c Choice) string { return textOf(c.Value) }, func(c Choice) string { return c.Name }} {
		for _, c := range o.Choices {
			if by(c) == text {
				if o.Type == optionString {
					return textOf(c.Value), nil
				}
				return c.Value, nil
			}
		}
	}
	for _, c := range o.Choices {
		names = append(names, c.Name)
	}
	return nil, fmt.Errorf("%q is none of its choices: %s", text, listOf(names))
}

// maxSafeNumber is the largest number an option takes: 2^53.
const maxSafeNumber = 1 << 53

// number reads a number within the bounds of the option.
func (o *commandOption) number(v any) (any, error) {
	n, err := strconv.ParseFloat(textOf(v), 64)
	low, high := -float64(maxSafeNumber), float64(maxSafeNumber)
	if o.MinValue != nil {
		low = *o.MinValue
	}
	if o.MaxValue != nil {
		high = *o.MaxValue
	}
	switch {
	case err != nil || math.IsNaN(n):
		return nil, fmt.Errorf("%q is no number", textOf(v))
	case o.Type == optionInteger && n != math.Trunc(n):
		return nil, fmt.Errorf("%s is no whole number", textOf(v))
	case n < low:
		return nil, fmt.Errorf("%s is too small; the least is %s", textOf(v), textOf(low))
	case n > high:
		return nil, fmt.Errorf("%s is too large; the most is %s", textOf(v), textOf(high))
	case o.Type == optionInteger:
		return int64(n), nil
	}
	return n, nil
}

// textOf is a value as a person types it.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32)
	}
	return fmt.Sprint(v)
}
