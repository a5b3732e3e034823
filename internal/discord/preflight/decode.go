package preflight

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/disgoorg/snowflake/v2"
)

// object is a JSON object whose fields are read one by one. A field of another type
// reads as its zero value (G-111).
type object map[string]json.RawMessage

// readObject reads an answer's body.
func readObject(body []byte) (object, error) {
	var o object
	if err := json.Unmarshal(body, &o); err != nil || o == nil {
		return nil, errors.New("the answer is not the JSON that Discord documents; is something between this host and Discord answering instead?")
	}
	return o, nil
}

// text reads a string; a number is taken as it is written.
func (o object) text(name string) string {
	raw := o[name]
	if s, is := asWritten(raw); is {
		return s
	}
	return decoded(raw)
}

// decoded reads a string or a number however it is written.
func decoded(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// asWritten reads what stands there as it is: a number, or a string of nothing but
// simple characters, as nearly all are.
func asWritten(raw json.RawMessage) (text string, is bool) {
	if len(raw) == 0 {
		return "", false
	}
	if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
		return string(raw), true
	}
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c < ' ' || c > '~' {
			return "", false
		}
	}
	return string(inner), true
}

// number reads a whole number that is not negative, or a string that holds one.
func (o object) number(name string) (uint64, bool) {
	n, err := strconv.ParseUint(o.text(name), 10, 64)
	return n, err == nil
}

// count reads a number that fits an int.
func (o object) count(name string) (int, bool) {
	n, ok := o.number(name)
	if !ok || n > 1<<40 {
		return 0, false
	}
	return int(n), true
}

// id reads a snowflake, also one that is written as a number; 0 is none.
func (o object) id(name string) snowflake.ID {
	n, _ := o.number(name)
	return snowflake.ID(n)
}

// object reads an inner object; nil if there is none.
func (o object) object(name string) object {
	var inner object
	_ = json.Unmarshal(o[name], &inner)
	return inner
}
