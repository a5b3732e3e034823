package sidecar

import (
	"encoding/json"
	"fmt"
)

// object is a JSON object whose values are left as they are.
type object map[string]json.RawMessage

// parseObject splits an object.
func parseObject(d []byte) (object, error) {
	var o object
	if err := json.Unmarshal(d, &o); err != nil || o == nil {
		return nil, fmt.Errorf("want a JSON object")
	}
	return o, nil
}

// set puts a value that can always be written as JSON into the object.
func (o object) set(key string, value any) {
	raw, err := json.Marshal(value)
	if err != nil {
		panic("sidecar: " + key + " cannot be written as JSON: " + err.Error())
	}
	o[key] = raw
}

// bytes returns the object as JSON.
func (o object) bytes() []byte {
	raw, err := json.Marshal(o)
	if err != nil {
		panic("sidecar: what was read as JSON cannot be written: " + err.Error())
	}
	return raw
}
