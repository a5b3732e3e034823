package discordsim

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Command types.
const (
	commandChat  = 1
	commandUser  = 2
	commandMenu  = 3
	commandEntry = 4
)

// commandLimits is how many commands of each type one scope holds (S-095).
var commandLimits = map[int]int{commandChat: 100, commandUser: 15, commandMenu: 15, commandEntry: 1}

const (
	maxCommandPut  = 130
	maxCommandSize = 8000
	maxOptions     = 25
)

// definition is a command as a client describes it, checked.
type definition struct {
	id   ID
	kind int
	name string
	raw  json.RawMessage // canonical
}

// chatName is the documented pattern of names of chat commands and options.
var chatName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// readCommand checks one definition.
func readCommand(f *form) definition {
	d := definition{id: f.id("id"), kind: commandChat}
	if f.has("type") {
		d.kind = int(f.integer("type"))
	}
	if commandLimits[d.kind] == 0 {
		f.refuse("type", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4).")
	}
	d.name = f.between("name", 1, 32)
	if d.kind == commandChat {
		checkName(f, d.name)
		f.between("description", 1, 100)
		checkOptions(f, 0)
	} else if f.has("description") && d.kind != commandEntry && f.text("description", 0) != "" {
		f.refuse("description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_EMPTY", "Context menu commands cannot have description")
	}
	f.text("default_member_permissions", 20)
	f.truth("nsfw")
	if size := commandSize(f, 0); size > maxCommandSize {
		f.refuse("", "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (%d)", maxCommandSize)
	}
	d.raw = canonical(f.fields)
	return d
}

func checkName(f *form, name string) {
	if name != "" && (!chatName.MatchString(name) || strings.ToLower(name) != name) {
		f.refuse("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
}

const (
	optionSubcommand = 1
	optionGroup      = 2
	optionLast       = 11
	maxOptionDepth   = 3
)

// checkOptions walks the options of a command: types, names, required ones
// first, choices.
func checkOptions(f *form, depth int) {
	if depth >= maxOptionDepth {
		if f.has("options") {
			f.refuse("options", "APPLICATION_COMMAND_OPTIONS_DEPTH", "Options are nested too deeply")
		}
		return
	}
	optionalSeen, names := false, map[string]bool{}
	for _, option := range f.each("options", maxOptions) {
		kind := int64(0)
		if option.require("type") {
			if kind = option.integer("type"); kind < 1 || kind > optionLast {
				option.refuse("type", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11).")
			}
		}
		name := option.between("name", 1, 32)
		checkName(option, name)
		if names[name] {
			option.refuse("name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
		}
		names[name] = true
		option.between("description", 1, 100)
		if required := option.truth("required"); required && optionalSeen {
			option.refuse("required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
		} else if !required {
			optionalSeen = true
		}
		for _, choice := range option.each("choices", maxOptions) {
			choice.between("name", 1, 100)
			if choice.require("value") {
				choiceValue(choice, int(kind))
			}
		}
		if option.truth("autocomplete") && option.has("choices") && string(option.fields["choices"]) != "[]" {
			option.refuse("autocomplete", "BASE_TYPE_FORBIDDEN", "An option with choices cannot have autocomplete.")
		}
		option.numberIn("min_length", 0, maxOptionText)
		option.numberIn("max_length", 1, maxOptionText)
		if kind == optionSubcommand || kind == optionGroup {
			checkOptions(option, depth+1)
		}
	}
}

// commandSize counts the characters of names, descriptions and values.
func commandSize(f *form, depth int) int {
	quiet := &form{fields: f.fields, errors: &formErrors{}}
	size := 0
	for _, name := range []string{"name", "description", "value"} {
		size += utf8.RuneCountInString(quiet.text(name, 0))
	}
	if depth <= maxOptionDepth {
		for _, inner := range append(quiet.each("options", 0), quiet.each("choices", 0)...) {
			size += commandSize(inner, depth+1)
		}
	}
	return size
}

// keptByDiscord are the fields of a command that Discord sets: a definition that carries
// them, as one that was fetched before, means the same without.
var keptByDiscord = map[string]bool{"id": true, "application_id": true, "guild_id": true, "version": true}

// canonical writes a definition so that equal ones are equal bytes.
func canonical(fields map[string]json.RawMessage) json.RawMessage {
	clean := map[string]any{}
	for name, raw := range fields {
		var v any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if !keptByDiscord[name] && dec.Decode(&v) == nil {
			clean[name] = v
		}
	}
	return marshal(clean)
}
