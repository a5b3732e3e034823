package discordsim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Encode: what the simulator composes is maps of any, which package json goes
// through by reflection, two allocations for each field. The kinds it is made of
// nearly always are written here, as package json writes them; all else is left to
// that.

// appendJSON appends a value in JSON.
func appendJSON(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case ID:
		return append(strconv.AppendUint(append(b, '"'), uint64(v), 10), '"'), nil
	case string:
		if plainText(v) {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	case []any:
		if v == nil {
			return append(b, "null"...), nil
		}
		return appendList(b, v)
	case []map[string]any:
		if v == nil {
			return append(b, "null"...), nil
		}
		return appendList(b, v)
	case map[string]any:
		if v == nil {
			return append(b, "null"...), nil
		}
		return appendObject(b, v)
	}
	raw, err := json.Marshal(v)
	return append(b, raw...), err
}

func appendList[T any](b []byte, list []T) (_ []byte, err error) {
	b = append(b, '[')
	for n, each := range list {
		if n > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, each); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// appendObject appends an object with its fields in the order of their names.
func appendObject(b []byte, fields map[string]any) (_ []byte, err error) {
	var some [32]string // most have fewer
	names := slices.AppendSeq(some[:0], maps.Keys(fields))
	slices.Sort(names)
	b = append(b, '{')
	for n, name := range names {
		if n > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, name); err != nil {
			return b, err
		}
		if b, err = appendJSON(append(b, ':'), fields[name]); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// plainText reports whether a text stands in JSON as it is.
func plainText(s string) bool {
	for n := range len(s) {
		switch c := s[n]; {
		case c < ' ' || c >= utf8.RuneSelf:
			return false
		case c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f:
			return false
		}
	}
	return true
}
