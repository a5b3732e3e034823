package gateway

import (
	"encoding/json"
	"strings"
	"testing"
)

// Statements: G-102.
func TestPresenceIsValidated(t *testing.T) {
	for _, bad := range []Presence{
		{}, {Status: "green"},
		{Status: StatusOnline, Activities: []Activity{{}}},
		{Status: StatusOnline, Activities: []Activity{{Name: strings.Repeat("x", 129)}}},
		{Status: StatusOnline, Activities: []Activity{{Name: "x", Type: 9}}},
		{Status: StatusOnline, Activities: []Activity{{Name: "x", URL: strings.Repeat("x", 513)}}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	raw, err := encode(opPresenceUpdate, Presence{Status: StatusOnline, Activities: []Activity{{Name: "AI Research", Type: ActivityWatching}}})
	if err != nil || string(raw) != `{"op":3,"d":{"since":null,"activities":[{"name":"AI Research","type":3}],"status":"online","afk":false}}` {
		t.Errorf("%s, %v", raw, err)
	}
}

// A presence without activities carries an empty list: Discord closes the
// connection with 4002 for null.
// Statements: G-102.
func TestPresenceWithoutActivities(t *testing.T) {
	raw, err := json.Marshal(map[string]any{"presence": &Presence{Status: StatusOnline}})
	if want := `{"presence":{"since":null,"activities":[],"status":"online","afk":false}}`; err != nil || string(raw) != want {
		t.Errorf("got %s (%v), want %s", raw, err, want)
	}
}
