package simapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// maxBody bounds the body of a request, in bytes. A file of an option comes in it.
const maxBody = 1 << 20

// readBody reads a JSON object into the fields of a struct. It refuses unknown fields,
// wrong types and missing fields, each with what would be right. A field is required if
// its tag need is not empty.
func readBody(w http.ResponseWriter, r *http.Request, into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return api.Problem{Title: "Too large", Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("The body has more than %d KiB, which is all that is read.", maxBody>>10)}
	}
	if err != nil {
		return api.BadRequest("The body has not arrived whole.")
	}
	return parse(raw, into)
}

// parse is readBody without the reading.
func parse(raw []byte, into any) error {
	fields := reflect.ValueOf(into).Elem()
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil || given == nil {
		return api.BadRequest("The body has to be a JSON object with " + fieldNames(fields.Type()) + "; " + notJSON(raw, err) + ".")
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		at, known := fieldNamed(fields, name)
		if !known {
			return api.BadRequest(unknownName("field", name, listFields(fields.Type())))
		}
		err := json.Unmarshal(given[name], at.Addr().Interface())
		if p, ok := errors.AsType[api.Problem](err); ok {
			return api.BadRequest("In " + quote(name) + ": " + p.Detail)
		}
		if err != nil {
			return api.BadRequest(fmt.Sprintf("%s has to be %s, not %s.", quote(name), wanted(at.Type()), text.Clip(text.OneLine(string(given[name])), 60)))
		}
	}
	for i := range fields.NumField() {
		tag := fields.Type().Field(i).Tag
		if name := tag.Get("json"); tag.Get("need") != "" && (given[name] == nil || string(given[name]) == "null") {
			return api.BadRequest(quote(name) + " is missing: " + tag.Get("need") + ".")
		}
	}
	return nil
}

// notJSON says what a body is instead of an object.
func notJSON(raw []byte, err error) string {
	switch {
	case len(strings.TrimSpace(string(raw))) == 0:
		return "it is empty"
	case err != nil:
		return "this is not one: " + text.Clip(text.OneLine(err.Error()), 120)
	}
	return "this is null"
}

// fieldNamed finds the field of a struct with a name in JSON.
func fieldNamed(fields reflect.Value, name string) (reflect.Value, bool) {
	for i := range fields.NumField() {
		if fields.Type().Field(i).Tag.Get("json") == name {
			return fields.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// listFields lists the names that a body may have.
func listFields(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		names = append(names, of.Field(i).Tag.Get("json"))
	}
	return names
}

// fieldNames says which fields a body has to have.
func fieldNames(of reflect.Type) string {
	var needed []string
	for i := range of.NumField() {
		if tag := of.Field(i).Tag; tag.Get("need") != "" {
			needed = append(needed, quote(tag.Get("json")))
		}
	}
	if needed == nil {
		for _, name := range listFields(of) {
			needed = append(needed, quote(name))
		}
		return "any of " + strings.Join(needed, ", ")
	}
	return strings.Join(needed, ", ")
}

// unknownName says that there is no such field or parameter, and which there are.
func unknownName(kind, name string, known []string) string {
	said := "There is no " + kind + " " + quote(name) + " here"
	if near := nearest(name, known); near != "" {
		said += "; did you mean " + quote(near) + "?"
	} else {
		said += "."
	}
	if len(known) == 0 {
		return said + " None is taken."
	}
	quoted := make([]string, len(known))
	for i, one := range known {
		quoted[i] = quote(one)
	}
	return said + " There are " + strings.Join(quoted, ", ") + "."
}

// wanted says what a field of a type takes.
func wanted(of reflect.Type) string {
	switch of {
	case reflect.TypeFor[discordsim.ID]():
		return `an id such as "1234"`
	case reflect.TypeFor[reference]():
		return `an id such as "1234", or a name`
	case reflect.TypeFor[span]():
		return `a time: seconds such as 30, or "30s", "5m", "1h30m"`
	}
	switch of.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return `a text such as "hello"`
	case reflect.Slice:
		return `a list such as ["a", "b"]`
	case reflect.Map, reflect.Struct:
		return `an object such as {"name": "value"}`
	case reflect.Pointer:
		return wanted(of.Elem())
	case reflect.Float64:
		return "a number such as 0.5"
	}
	return "a whole number such as 1"
}

// reference names a person, a bot, a channel or a guild: by its id or by its name.
type reference string

// UnmarshalJSON reads a text or a number.
func (r *reference) UnmarshalJSON(raw []byte) error {
	if _, err := strconv.ParseUint(string(raw), 10, 64); err == nil {
		*r = reference(raw)
		return nil
	}
	return json.Unmarshal(raw, (*string)(r))
}

// id is the id that a reference is; false for a name.
func (r reference) id() (discordsim.ID, bool) {
	n, err := strconv.ParseUint(string(r), 10, 64)
	return discordsim.ID(n), err == nil
}

// span is a time in seconds or as "30s".
type span time.Duration

// UnmarshalJSON reads a number of seconds, or text.
func (s *span) UnmarshalJSON(raw []byte) error {
	d, err := text.ParseDuration(strings.Trim(string(raw), `"`))
	*s = span(d)
	return err
}

// quote puts a foreign name into a sentence.
func quote(name string) string { return strconv.Quote(text.Clip(text.OneLine(name), 60)) }

// nearest is the name most like a word; "" if none is near.
func nearest(word string, names []string) string {
	const most = 64
	if len(word) > most {
		return ""
	}
	return text.Nearest(word, names, max(1, len(word)/3))
}

// sentence makes a sentence of an error.
func sentence(err error) string {
	said := text.Capitalize(text.OneLine(err.Error()))
	if !strings.HasSuffix(said, ".") && !strings.HasSuffix(said, "?") {
		said += "."
	}
	return said
}
