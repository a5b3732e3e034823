package discordsim

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// form reads one JSON object of a request body. Every getter checks the type and
// the limit of its field, adds an error under the field's path and goes on, so
// that a client is told all its mistakes at once.
type form struct {
	fields map[string]json.RawMessage
	errors *formErrors
	path   string
}

// newForm reads the body of a request. Whether the body is JSON at all has been
// checked before.
func newForm(body []byte) *form {
	f := &form{errors: &formErrors{}}
	f.open(body)
	return f
}

func (f *form) open(raw json.RawMessage) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return
	}
	if err := json.Unmarshal(raw, &f.fields); err != nil || f.fields == nil {
		f.fields = nil
		f.errors.add(f.path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	}
}

// at is the path of a field of this form.
func (f *form) at(name string) string {
	if f.path == "" {
		return name
	}
	return f.path + "." + name
}

// has reports whether the field is there and not null.
func (f *form) has(name string) bool {
	raw, ok := f.fields[name]
	return ok && !isNull(raw)
}

// given reports whether the field is there, null or not.
func (f *form) given(name string) bool { _, ok := f.fields[name]; return ok }

// refuse adds an error about a field.
func (f *form) refuse(name, code, format string, args ...any) {
	f.errors.add(f.at(name), code, format, args...)
}

// require adds an error when the field is absent or null.
func (f *form) require(name string) bool {
	if f.has(name) {
		return true
	}
	f.refuse(name, "BASE_TYPE_REQUIRED", "This field is required")
	return false
}

// text reads a string of at most max characters; 0 is no limit. A number is
// taken as its text, as Discord does.
func (f *form) text(name string, maxLen int) string {
	if !f.has(name) {
		return ""
	}
	raw := f.fields[name]
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		var n json.Number
		if json.Unmarshal(raw, &n) != nil {
			f.refuse(name, "STRING_TYPE_CONVERT", "Could not interpret %q as string.", clip(raw))
			return ""
		}
		s = n.String()
	}
	if n := utf8.RuneCountInString(s); maxLen > 0 && n > maxLen {
		f.refuse(name, "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxLen)
	}
	return s
}

// between reads a required string whose length lies in a range.
func (f *form) between(name string, low, high int) string {
	if !f.require(name) {
		return ""
	}
	s := f.text(name, 0)
	if n := utf8.RuneCountInString(s); n < low || n > high {
		f.refuse(name, "BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", low, high)
	}
	return s
}

// integer reads a whole number, or the text of one.
func (f *form) integer(name string) int64 {
	if !f.has(name) {
		return 0
	}
	text := strings.Trim(string(f.fields[name]), `"`)
	n, err := strconv.ParseInt(text, 10, 64)
	if whole, isFloat := strconv.ParseFloat(text, 64); err != nil && isFloat == nil && whole == math.Trunc(whole) && math.Abs(whole) < 1<<53 {
		n, err = int64(whole), nil // 2.0 is 2
	}
	if err != nil {
		f.refuse(name, "NUMBER_TYPE_COERCE", "Value %q is not int.", clip(f.fields[name]))
	}
	return n
}

// truth reads a bool, or the text of one.
func (f *form) truth(name string) bool {
	if !f.has(name) {
		return false
	}
	b, ok := parseBool(strings.Trim(string(f.fields[name]), `"`))
	if !ok {
		f.refuse(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
	}
	return b
}

// id reads a snowflake.
func (f *form) id(name string) ID {
	if !f.has(name) {
		return 0
	}
	return f.snowflake(name, f.fields[name])
}

func (f *form) snowflake(name string, raw json.RawMessage) ID {
	n, err := strconv.ParseUint(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil {
		f.refuse(name, "NUMBER_TYPE_COERCE", "Value %q is not snowflake.", clip(raw))
	}
	return ID(n)
}

// lengthIn reads a string whose length lies in a range, if it is there.
func (f *form) lengthIn(name string, low, high int) string {
	if !f.has(name) {
		return ""
	}
	return f.between(name, low, high)
}

// numberIn reads a whole number that lies in a range, if it is there.
func (f *form) numberIn(name string, low, high int64) int64 {
	if !f.has(name) {
		return 0
	}
	n := f.integer(name)
	switch {
	case n < low:
		f.refuse(name, "NUMBER_TYPE_MIN", "int value should be greater than or equal to %d.", low)
	case n > high:
		f.refuse(name, "NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", high)
	}
	return n
}

// number reads a number that need not be whole.
func (f *form) number(name string) float64 {
	var n float64
	if f.has(name) && json.Unmarshal(f.fields[name], &n) != nil {
		f.refuse(name, "FLOAT_TYPE_COERCE", "Value %q is not float.", clip(f.fields[name]))
	}
	return n
}

// choice reads a whole number that is one of a list, if it is there.
func (f *form) choice(name string, allowed ...int64) int64 {
	n := f.integer(name)
	if f.has(name) && !slices.Contains(allowed, n) {
		f.refuse(name, "BASE_TYPE_CHOICES", "Value must be one of %v.", allowed)
	}
	return n
}

// bits reads a set of permissions: a number, or the text of one.
func (f *form) bits(name string) uint64 {
	if !f.has(name) {
		return 0
	}
	n, err := strconv.ParseUint(strings.Trim(string(f.fields[name]), `"`), 10, 64)
	if err != nil {
		f.refuse(name, "NUMBER_TYPE_COERCE", "Value %q is not int.", clip(f.fields[name]))
	}
	return n
}

// timestamp reads an ISO 8601 time; the zero time when it is absent or null.
func (f *form) timestamp(name string) time.Time {
	if !f.has(name) {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if at, err := time.Parse(layout, strings.Trim(string(f.fields[name]), `"`)); err == nil {
			return at
		}
	}
	f.refuse(name, "DATE_TIME_TYPE_PARSE", "Could not parse %s. Should be ISO8601.", clip(f.fields[name]))
	return time.Time{}
}

// list reads an array of at most max entries; 0 is no limit.
func (f *form) list(name string, maxLen int) []json.RawMessage {
	if !f.has(name) {
		return nil
	}
	var l []json.RawMessage
	if err := json.Unmarshal(f.fields[name], &l); err != nil {
		f.refuse(name, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	if maxLen > 0 && len(l) > maxLen {
		f.refuse(name, "BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxLen)
	}
	return l
}

// ids reads an array of snowflakes.
func (f *form) ids(name string, maxLen int) []ID {
	var out []ID
	for i, raw := range f.list(name, maxLen) {
		out = append(out, f.snowflake(name+"."+strconv.Itoa(i), raw))
	}
	return out
}

// sub opens an object inside this form; an absent one reads as empty.
func (f *form) sub(name string) *form {
	child := &form{errors: f.errors, path: f.at(name)}
	if f.has(name) {
		child.open(f.fields[name])
	}
	return child
}

// each opens every object of a list inside this form.
func (f *form) each(name string, maxLen int) []*form {
	var out []*form
	for i, raw := range f.list(name, maxLen) {
		child := &form{errors: f.errors, path: f.at(name) + "." + strconv.Itoa(i)}
		if isNull(raw) {
			raw = json.RawMessage(`""`)
		}
		child.open(raw)
		out = append(out, child)
	}
	return out
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// parseBool reads the spellings Discord documents for query strings.
func parseBool(s string) (value, ok bool) {
	switch s {
	case "true", "True", "1":
		return true, true
	case "false", "False", "0":
		return false, true
	}
	return false, false
}

// clip keeps an answer short however long the value was.
func clip(raw []byte) string {
	const most = 64
	raw = bytes.Trim(raw, `"`)
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}
