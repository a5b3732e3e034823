package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// maxFields is how many fields an object may have that is split. Discord's largest, a guild,
// has about 60.
const maxFields = 4096

var (
	errJSON      = errors.New("not valid JSON")
	errObject    = errors.New("not an object")
	errArray     = errors.New("not an array")
	errDuplicate = errors.New("a field stands twice")
	errSnowflake = errors.New("not a snowflake")
)

// object is a JSON object, split into its fields in their order.
type object []field

// field is one field of an object. Its slices point into the text that was split.
type field struct {
	key   []byte // as written, with quotes
	name  []byte // without quotes and escapes
	value []byte // raw
}

// parse splits a payload after it has checked all of it.
func parse(d []byte) (object, error) {
	if !json.Valid(d) {
		return nil, errJSON
	}
	return splitObject(d)
}

// splitObject splits an object of valid JSON. Other text is an error, or is split somehow.
func splitObject(b []byte) (object, error) {
	o := make(object, 0, 16)
	err := eachField(b, func(f field) error {
		if len(o) == maxFields {
			return fmt.Errorf("more than %d fields", maxFields)
		}
		o = append(o, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	names := make(map[string]struct{}, len(o))
	for _, f := range o {
		names[string(f.name)] = struct{}{}
	}
	if len(names) < len(o) {
		return nil, errDuplicate
	}
	return o, nil
}

// get returns a field's value, or nil without that field.
func (o object) get(name string) []byte {
	if i := o.index(name); i >= 0 {
		return o[i].value
	}
	return nil
}

// snowflake returns a field that must be there and an id.
func (o object) snowflake(name string) (uint64, error) {
	id, err := snowflake(o.get(name))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return id, nil
}

// bool returns a field that is true or false; without it, and for null, false.
func (o object) bool(name string) (bool, error) {
	switch string(o.get(name)) {
	case "true":
		return true, nil
	case "false", "null", "":
		return false, nil
	}
	return false, fmt.Errorf("%s: not true or false", name)
}

func (o object) index(name string) int {
	return slices.IndexFunc(o, func(f field) bool { return string(f.name) == name })
}

// set replaces a field's value in place, or adds the field at the end.
func (o object) set(name string, value []byte) object {
	if i := o.index(name); i >= 0 {
		o[i].value = value
		return o
	}
	return append(o, field{key: strconv.AppendQuote(nil, name), name: []byte(name), value: value})
}

// merge sets all fields of another object.
func (o object) merge(other object) object {
	for _, f := range other {
		if i := o.index(string(f.name)); i >= 0 {
			o[i].value = f.value
		} else {
			o = append(o, f)
		}
	}
	return o
}

// only returns an object that has no fields but these; those that o lacks are left out.
func (o object) only(names ...string) object {
	return o.filter(func(name string) bool { return slices.Contains(names, name) })
}

// without returns the object without some fields.
func (o object) without(names ...string) object {
	return o.filter(func(name string) bool { return !slices.Contains(names, name) })
}

func (o object) filter(keep func(name string) bool) object {
	var kept object
	for _, f := range o {
		if keep(string(f.name)) {
			kept = append(kept, f)
		}
	}
	return kept
}

// bytes is the object as JSON.
func (o object) bytes() []byte {
	size := 2
	for _, f := range o {
		size += len(f.key) + len(f.value) + 2
	}
	b := append(make([]byte, 0, size), '{')
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, f.key...), ':'), f.value...)
	}
	return append(b, '}')
}

// lookup returns the value of one field of a raw object, or nil without that field. It does
// not allocate.
func lookup(b []byte, name string) (value []byte, err error) {
	err = eachField(b, func(f field) error {
		if string(f.name) != name {
			return nil
		}
		if value != nil {
			return errDuplicate
		}
		value = f.value
		return nil
	})
	return value, err
}

// eachField calls do for each field of an object.
func eachField(b []byte, do func(field) error) error {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return errObject
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return nil
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return errJSON
		}
		end := stringEnd(b, i)
		if end < 0 {
			return errJSON
		}
		f := field{key: b[i:end], name: b[i+1 : end-1]}
		if bytes.IndexByte(f.name, '\\') >= 0 {
			var name string
			if json.Unmarshal(f.key, &name) != nil {
				return errJSON
			}
			f.name = []byte(name)
		}
		i = space(b, end)
		if i >= len(b) || b[i] != ':' {
			return errJSON
		}
		i = space(b, i+1)
		end = valueEnd(b, i)
		if end < 0 {
			return errJSON
		}
		f.value = b[i:end]
		if err := do(f); err != nil {
			return err
		}
		i = space(b, end)
		switch {
		case i >= len(b):
			return errJSON
		case b[i] == '}':
			return nil
		case b[i] != ',':
			return errJSON
		}
		i = space(b, i+1)
	}
}

// eachElement calls do for each element of an array.
func eachElement(b []byte, do func(element []byte) error) error {
	i := space(b, 0)
	if i >= len(b) || b[i] != '[' {
		return errArray
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return nil
	}
	for {
		end := valueEnd(b, i)
		if end < 0 {
			return errJSON
		}
		if err := do(b[i:end]); err != nil {
			return err
		}
		i = space(b, end)
		switch {
		case i >= len(b):
			return errJSON
		case b[i] == ']':
			return nil
		case b[i] != ',':
			return errJSON
		}
		i = space(b, i+1)
	}
}

// snowflake reads an id: a string of digits, not 0, that fits 64 bits.
func snowflake(b []byte) (uint64, error) {
	if len(b) < 3 || b[0] != '"' || b[1] == '0' {
		return 0, errSnowflake
	}
	id, err := strconv.ParseUint(string(b[1:len(b)-1]), 10, 64)
	if err != nil {
		return 0, errSnowflake
	}
	return id, nil
}

// absent reports whether a field is not there or null.
func absent(value []byte) bool { return value == nil || string(value) == "null" }

// space returns the index of the first byte at or after i that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the closing quote of the string that opens at i, or -1.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// valueEnd returns the index after the value that starts at i, or -1. Inside objects and
// arrays it only balances brackets and strings.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				if i = stringEnd(b, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	for end := i; ; end++ {
		if end < len(b) && !endsScalar(b[end]) {
			continue
		}
		if end == i {
			return -1
		}
		return end
	}
}

// endsScalar reports whether a byte cannot be part of a number, true, false or null.
func endsScalar(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}
