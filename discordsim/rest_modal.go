package discordsim

import (
	"encoding/json"
	"maps"
)

// readModal checks a modal and gives it back with the numbers of its components.
func readModal(f *form) json.RawMessage {
	f.between("custom_id", 1, 100)
	f.between("title", 1, 45)
	checkModal(f)
	if f.errors.any() {
		return nil
	}
	shown := maps.Clone(f.fields)
	shown["components"] = renderMessageComponents(f.fields["components"])
	return marshal(shown)
}

// maxChoices is how many choices an autocomplete shows.
const maxChoices = 25

// readChoices checks the result of an autocomplete of an option of some type.
func readChoices(f *form, kind int) []Choice {
	out := []Choice{}
	for _, choice := range f.each("choices", maxChoices) {
		one := Choice{Name: choice.between("name", 1, 100)}
		if choice.require("value") {
			one.Value = choiceValue(choice, kind)
		}
		out = append(out, one)
	}
	return out
}

// choiceValue reads the value of a choice, which is of the type of its option.
func choiceValue(f *form, kind int) any {
	switch kind {
	case optionInteger:
		return f.numberIn("value", -maxSafeNumber, maxSafeNumber)
	case optionNumber:
		return f.number("value")
	}
	return f.text("value", 100)
}
