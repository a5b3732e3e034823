package discordsim

import (
	"slices"
	"strconv"
	"strings"
)

// Where components may stand: the types that each place takes.
var (
	inLegacyMessage = []int{componentRow}
	inMessage       = []int{componentRow, componentSection, componentText, componentGallery, componentFile, componentSeparator, componentContainer}
	inContainer     = []int{componentRow, componentSection, componentText, componentGallery, componentFile, componentSeparator}
	inRow           = []int{componentButton, componentStringSelect, componentUserSelect, componentRoleSelect, componentMentionableSelect, componentChannelSelect}
	inSection       = []int{componentText}
	asAccessory     = []int{componentButton, componentThumbnail}
	inModal         = []int{componentRow, componentText, componentLabel}
	inModalRow      = []int{componentTextInput}
	inLabel         = []int{
		componentTextInput, componentStringSelect, componentUserSelect, componentRoleSelect, componentMentionableSelect, componentChannelSelect,
		componentUpload, componentRadioGroup, componentCheckboxGroup, componentCheckbox,
	}
)

// The limits of components.
const (
	maxCustomID     = 100
	maxRowWidth     = 5
	maxSelectWidth  = 25
	maxGroup        = 10
	maxPlaceholder  = 150
	maxOptionLabel  = 100
	maxDescription  = 1024
	maxShownText    = 4000
	maxModalParts   = 5
	maxLabel        = 45
	maxSectionTexts = 3
)

// componentCheck checks the components of one message or modal.
type componentCheck struct {
	modal     bool
	parts     int
	customIDs map[string]bool
}

// checkComponents checks the components of a message: five rows of the old kind, forty parts
// in all of the new.
func checkComponents(f *form, v2 bool) {
	k := &componentCheck{customIDs: map[string]bool{}}
	if !v2 {
		k.list(f, inLegacyMessage, 0, maxRows)
		return
	}
	k.list(f, inMessage, 0, 0)
	if k.parts > maxV2Parts {
		f.refuse("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "The total number of components cannot exceed %d", maxV2Parts)
	}
}

// checkModal checks the components of a modal.
func checkModal(f *form) {
	k := &componentCheck{modal: true, customIDs: map[string]bool{}}
	k.list(f, inModal, 1, maxModalParts)
}

// list checks the components inside a form: which types, and how many; high 0 is no limit.
func (k *componentCheck) list(f *form, allowed []int, low, high int) {
	all := f.each("components", 0)
	switch {
	case low > 0 && (len(all) < low || len(all) > high):
		f.refuse("components", "BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", low, high)
	case high > 0 && len(all) > high:
		f.refuse("components", "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", high)
	}
	for _, one := range all {
		k.component(one, allowed)
	}
}

// component checks one component in its place.
func (k *componentCheck) component(f *form, allowed []int) {
	if k.parts++; k.parts > maxV2Parts+1 || !f.require("type") {
		return
	}
	kind := int(f.integer("type"))
	if !slices.Contains(allowed, kind) {
		var names []string
		for _, n := range allowed {
			names = append(names, strconv.Itoa(n))
		}
		f.refuse("", "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (%s).", strings.Join(names, ", "))
		return
	}
	if k.modal && f.truth("disabled") {
		f.refuse("disabled", "BASE_TYPE_FORBIDDEN", "Components of a modal cannot be disabled.")
	}
	f.integer("id")
	componentRules[kind](k, f)
}

// componentRules checks what belongs to each type.
var componentRules map[int]func(k *componentCheck, f *form)

func init() {
	componentRules = map[int]func(*componentCheck, *form){
		componentRow: (*componentCheck).row, componentButton: (*componentCheck).button, componentTextInput: (*componentCheck).textInput,
		componentStringSelect: (*componentCheck).stringSelect, componentUserSelect: (*componentCheck).autoSelect, componentRoleSelect: (*componentCheck).autoSelect,
		componentMentionableSelect: (*componentCheck).autoSelect, componentChannelSelect: (*componentCheck).autoSelect,
		componentSection: (*componentCheck).section, componentContainer: (*componentCheck).container, componentLabel: (*componentCheck).label,
		componentText: func(_ *componentCheck, f *form) { f.between("content", 1, maxShownText) },
		componentThumbnail: func(_ *componentCheck, f *form) {
			checkMedia(f, "media")
			f.text("description", maxDescription)
		},
		componentGallery: func(_ *componentCheck, f *form) {
			items := f.each("items", 0)
			if len(items) < 1 || len(items) > maxGroup {
				f.refuse("items", "BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", 1, maxGroup)
			}
			for _, item := range items {
				checkMedia(item, "media")
				item.text("description", maxDescription)
			}
		},
		componentFile:      func(_ *componentCheck, f *form) { checkMedia(f, "file") },
		componentSeparator: func(_ *componentCheck, f *form) { f.truth("divider"); f.numberIn("spacing", 1, 2) },
		componentUpload:    func(k *componentCheck, f *form) { k.customID(f); checkValues(f, maxGroup) },
		componentRadioGroup: func(k *componentCheck, f *form) {
			k.customID(f)
			checkSelectOptions(f, 2, maxGroup)
		},
		componentCheckboxGroup: func(k *componentCheck, f *form) {
			k.customID(f)
			checkSelectOptions(f, 1, maxGroup)
			checkValues(f, maxGroup)
		},
		componentCheckbox: func(k *componentCheck, f *form) { k.customID(f); f.truth("default") },
	}
}

// customID checks a custom_id, which no other component of the message has.
func (k *componentCheck) customID(f *form) {
	id := f.between("custom_id", 1, maxCustomID)
	if id != "" && k.customIDs[id] {
		f.refuse("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	k.customIDs[id] = true
}

// row checks an action row: up to five buttons, or one select.
func (k *componentCheck) row(f *form) {
	allowed := inRow
	if k.modal {
		allowed = inModalRow
	}
	k.list(f, allowed, 1, maxRowWidth)
	width := 0
	for _, raw := range f.list("components", 0) {
		if newForm(raw).integer("type") == componentButton {
			width++
		} else {
			width += maxRowWidth
		}
	}
	if width > maxRowWidth && len(f.list("components", 0)) <= maxRowWidth {
		f.refuse("", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
	}
}

// button checks a button: those with a link and the premium ones have no custom_id, the others
// need one.
func (k *componentCheck) button(f *form) {
	f.text("label", 80)
	f.truth("disabled")
	style := int64(0)
	if f.require("style") {
		style = f.numberIn("style", 1, buttonPremium)
	}
	switch {
	case style == buttonPremium:
		f.require("sku_id")
		for _, name := range []string{"custom_id", "label", "url", "emoji"} {
			if f.has(name) {
				f.refuse(name, "BASE_TYPE_FORBIDDEN", "A premium button cannot have this field.")
			}
		}
		return
	case style == buttonLink && f.has("custom_id"), style != buttonLink && f.has("custom_id") && f.has("url"):
		f.refuse("", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
	case style == buttonLink && !f.has("url"):
		f.refuse("url", "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
	case style == buttonLink:
		if url := f.between("url", 1, 512); !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "discord://") {
			f.refuse("url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https', 'discord').")
		}
	case style != 0 && !f.has("custom_id"):
		f.refuse("custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
	default:
		k.customID(f)
	}
	if f.text("label", 0) == "" && !f.has("emoji") {
		f.refuse("label", "BASE_TYPE_REQUIRED", "This field is required")
	}
}

// stringSelect checks a select of given options.
func (k *componentCheck) stringSelect(f *form) {
	k.customID(f)
	checkSelectOptions(f, 1, maxSelectWidth)
	f.text("placeholder", maxPlaceholder)
	checkValues(f, maxSelectWidth)
}

// autoSelect checks a select that Discord fills.
func (k *componentCheck) autoSelect(f *form) {
	k.customID(f)
	f.text("placeholder", maxPlaceholder)
	f.list("channel_types", 0)
	checkValues(f, maxSelectWidth)
	for _, one := range f.each("default_values", maxSelectWidth) {
		one.require("id")
		one.require("type")
	}
}

// textInput checks a text input. Outside of a label it needs one of its own.
func (k *componentCheck) textInput(f *form) {
	k.customID(f)
	if f.require("style") {
		f.choice("style", 1, 2)
	}
	if !strings.HasSuffix(f.path, ".component") {
		f.between("label", 1, maxLabel)
	}
	f.numberIn("min_length", 0, maxInputText)
	f.numberIn("max_length", 1, maxInputText)
	f.truth("required")
	f.text("value", maxInputText)
	f.text("placeholder", 100)
}

func (k *componentCheck) section(f *form) {
	k.list(f, inSection, 1, maxSectionTexts)
	if f.require("accessory") {
		k.component(f.sub("accessory"), asAccessory)
	}
}

func (k *componentCheck) container(f *form) {
	k.list(f, inContainer, 0, 0)
	f.numberIn("accent_color", 0, 0xFFFFFF)
	f.truth("spoiler")
}

func (k *componentCheck) label(f *form) {
	f.between("label", 1, maxLabel)
	f.text("description", 100)
	if f.require("component") {
		k.component(f.sub("component"), inLabel)
	}
}

// checkSelectOptions checks the options of a select, a radio group or a checkbox group.
func checkSelectOptions(f *form, low, high int) {
	if !f.require("options") {
		return
	}
	all, values := f.each("options", 0), map[string]bool{}
	if len(all) < low || len(all) > high {
		f.refuse("options", "BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", low, high)
	}
	for _, o := range all {
		o.between("label", 1, maxOptionLabel)
		o.text("description", maxOptionLabel)
		o.truth("default")
		value := o.between("value", 1, maxOptionLabel)
		if value != "" && values[value] {
			o.refuse("value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
		}
		values[value] = true
	}
}

// checkValues checks how many values may be chosen.
func checkValues(f *form, most int64) {
	f.numberIn("min_values", 0, most)
	f.numberIn("max_values", 1, most)
	f.truth("required")
}

// checkMedia checks an unfurled media item.
func checkMedia(f *form, name string) {
	if f.require(name) {
		f.sub(name).require("url")
	}
}
