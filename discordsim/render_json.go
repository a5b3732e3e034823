package discordsim

import (
	"encoding/json"
	"slices"
	"strconv"
)

// marshal encodes what the simulator itself composed, as [json.Marshal] does, but faster:
// events are maps of few types, and a large world sends many. Raw parts have been checked
// when they came in.
func marshal(v any) []byte { return appendJSON(nil, v) }

// appendJSON appends the encoding of a value. What it does not know it leaves to json.Marshal.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return appendText(b, v)
	case ID:
		return append(strconv.AppendUint(append(b, '"'), uint64(v), 10), '"')
	case []ID:
		return appendList(b, v, func(b []byte, id ID) []byte { return appendJSON(b, id) })
	case []any:
		return appendList(b, v, appendJSON)
	case map[string]any:
		return appendMap(b, v)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic("discordsim: an answer cannot be encoded: " + err.Error())
	}
	return append(b, raw...)
}

// appendText appends a string. One with characters that JSON or HTML escape is left to
// json.Marshal.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			raw, _ := json.Marshal(s) // a string always can be encoded
			return append(b, raw...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// appendList appends a list; one that is nil is null.
func appendList[E any](b []byte, list []E, element func([]byte, E) []byte) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, e)
	}
	return append(b, ']')
}

// appendMap appends a map in the order of its keys; one that is nil is null.
func appendMap(b []byte, m map[string]any) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	var room [32]string // for the keys of most objects
	keys := room[:0]
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(append(appendText(b, key), ':'), m[key])
	}
	return append(b, '}')
}
