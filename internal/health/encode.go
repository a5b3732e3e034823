package health

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// incidentJSON is how an incident is stored: its texts in English, and beside
// them the messages they were made of, so that an incident of an earlier run can
// be said in another language.
type incidentJSON struct {
	Incident
	Messages struct{ What, Then []any } `json:",omitzero"`
}

// Encode returns the incident for storage.
func (i Incident) Encode() ([]byte, error) {
	stored := incidentJSON{Incident: i}
	stored.Messages.What, stored.Messages.Then = i.What.list(), i.Then.list()
	return json.Marshal(stored)
}

// DecodeIncident reads a stored incident. Its texts have no key if the version that
// stored it had no messages or other sentences.
func DecodeIncident(data []byte) (Incident, error) {
	var stored incidentJSON
	err := json.Unmarshal(data, &stored)
	i := stored.Incident
	if m := fromList(stored.Messages.What); m.String() == i.What.String() {
		i.What = m
	}
	if m := fromList(stored.Messages.Then); m.String() == i.Then.String() {
		i.Then = m
	}
	return i, err
}

// list returns the key and the values of a message; nil for none. A text begins
// with s, a number with n, a duration with d; a message is a list.
func (m Message) list() []any {
	if m == (Message{}) {
		return nil
	}
	list := []any{m.Key}
	for _, arg := range m.args {
		switch v := arg.(type) {
		case string:
			list = append(list, "s"+v)
		case int64:
			list = append(list, "n"+strconv.FormatInt(v, 10))
		case time.Duration:
			list = append(list, "d"+v.String())
		case Message:
			list = append(list, v.list())
		}
	}
	return list
}

// fromList makes the message of a list.
func fromList(list []any) (m Message) {
	if len(list) == 0 {
		return m
	}
	m.Key, _ = list[0].(string)
	for n, item := range list[1:min(len(list), len(m.args)+1)] {
		switch v := item.(type) {
		case []any:
			m.args[n] = fromList(v)
		case string:
			m.args[n] = readValue(v)
		}
	}
	return m
}

func readValue(v string) any {
	switch {
	case strings.HasPrefix(v, "n"):
		n, _ := strconv.ParseInt(v[1:], 10, 64)
		return n
	case strings.HasPrefix(v, "d"):
		d, _ := time.ParseDuration(v[1:])
		return d
	}
	return strings.TrimPrefix(v, "s")
}
