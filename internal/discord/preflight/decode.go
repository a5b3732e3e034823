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
	var s string
	if json.Unmarshal(o[name], &s) == nil {
		return s
	}
	var n json.Number
	_ = json.Unmarshal(o[name], &n) // what is no number either reads as ""
	return n.String()
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
