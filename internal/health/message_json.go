package health

import (
	"encoding/json"
	"time"
)

// incidentJSON is how an incident is stored: its texts in English, and beside
// them what they were made of, so that an incident of an earlier run can be said
// in another language.
type incidentJSON struct {
	incidentFields
	Messages struct{ What, Then messageJSON } `json:",omitzero"`
}

// incidentFields is [Incident] without its methods.
type incidentFields Incident

// MarshalJSON writes the incident for storage.
func (i Incident) MarshalJSON() ([]byte, error) {
	stored := incidentJSON{incidentFields: incidentFields(i)}
	stored.Messages.What, stored.Messages.Then = messageJSON(i.What), messageJSON(i.Then)
	return json.Marshal(stored)
}

// UnmarshalJSON reads a stored incident, also of a version that had no messages
// or other sentences: then its texts have no key.
func (i *Incident) UnmarshalJSON(data []byte) error {
	var stored incidentJSON
	if err := json.Unmarshal(data, &stored); err != nil {
		return err
	}
	*i = Incident(stored.incidentFields)
	if m := Message(stored.Messages.What); m.String() == i.What.String() {
		i.What = m
	}
	if m := Message(stored.Messages.Then); m.String() == i.Then.String() {
		i.Then = m
	}
	return nil
}

// messageJSON is a [Message] as a list: its key, then its values, of which
// durations are objects and messages lists.
type messageJSON Message

type durationJSON struct {
	Nanoseconds time.Duration `json:"ns"`
}

// MarshalJSON writes the list.
func (m messageJSON) MarshalJSON() ([]byte, error) {
	list := []any{m.Key}
	for _, arg := range m.args {
		switch v := arg.(type) {
		case nil:
		case time.Duration:
			list = append(list, durationJSON{v})
		case Message:
			list = append(list, messageJSON(v))
		default:
			list = append(list, v)
		}
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads the list.
func (m *messageJSON) UnmarshalJSON(data []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil || len(list) == 0 {
		return err
	}
	if err := json.Unmarshal(list[0], &m.Key); err != nil {
		return err
	}
	for n, raw := range list[1:min(len(list), len(m.args)+1)] {
		arg, err := readArg(raw)
		if err != nil {
			return err
		}
		m.args[n] = arg
	}
	return nil
}

func readArg(raw json.RawMessage) (any, error) {
	var (
		text     string
		duration durationJSON
		message  messageJSON
		number   int64
		err      error
	)
	switch raw[0] {
	case '"':
		err = json.Unmarshal(raw, &text)
		return text, err
	case '{':
		err = json.Unmarshal(raw, &duration)
		return duration.Nanoseconds, err
	case '[':
		err = json.Unmarshal(raw, &message)
		return Message(message), err
	}
	err = json.Unmarshal(raw, &number)
	return number, err
}
