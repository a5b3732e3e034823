package fleet

import "testing"

// Two copies of an event have one key, however their fields are ordered and whatever a
// session adds; events that differ in what identifies them have different ones.
func TestEventKeys(t *testing.T) {
	for _, c := range []struct {
		typ, a, b string
		same      bool
	}{
		{"MESSAGE_CREATE", `{"id":"1","content":"a"}`, `{"content":"b","id":"1"}`, true},
		{"MESSAGE_CREATE", `{"id":"1","content":"a"}`, `{"id":"2","content":"a"}`, false},
		{"MESSAGE_UPDATE", `{"id":"1","content":"a"}`, `{"content":"a","id":"1"}`, true},
		{"MESSAGE_UPDATE", `{"id":"1","content":"a"}`, `{"id":"1","content":"b"}`, false},
		{"MESSAGE_UPDATE", `{"a":"1","b":"2"}`, `{"a":"2","b":"1"}`, false},
		{"MESSAGE_UPDATE", `{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{"MESSAGE_UPDATE", `{"a":[{"b":1,"c":2}]}`, `{"a":[{"c":2,"b":1}]}`, true},
		{"MESSAGE_UPDATE", `{"a":1}`, `{"a":"1"}`, false},
		{"MESSAGE_UPDATE", `{"a":true}`, `{"a":false}`, false},
		{"MESSAGE_UPDATE", `{"a":null}`, `{"a":{}}`, false},
		{"MESSAGE_UPDATE", `{"a":[]}`, `{"a":{}}`, false},
		{"MESSAGE_CREATE", `{"content":"a"}`, `{"content":"b"}`, false}, // without what identifies it
		{"GUILD_DELETE", `{"id":"1","unavailable":true}`, `{"id":"1"}`, false},
		{"GUILD_ROLE_DELETE", `{"guild_id":"1","role_id":"2"}`, `{"guild_id":"1","role_id":"3"}`, false},
		{"NO_JSON", `{"a`, `{"a`, true},
		{"NO_JSON", `{"a`, `{"b`, false},
	} {
		a, b := readEvent(c.typ, []byte(c.a)), readEvent(c.typ, []byte(c.b))
		if (a.key == b.key) != c.same {
			t.Errorf("%s %s and %s: the keys are the same: %v", c.typ, c.a, c.b, !c.same)
		}
		if other := readEvent("OTHER_"+c.typ, []byte(c.a)); other.key == a.key {
			t.Errorf("%s %s has the key of another type", c.typ, c.a)
		}
	}
	for _, c := range []struct {
		typ, data string
		guild     uint64
	}{
		{"MESSAGE_CREATE", `{"id":"1","guild_id":"7"}`, 7}, {"MESSAGE_CREATE", `{"id":"1"}`, 0}, {"GUILD_UPDATE", `{"id":"8","guild_id":"7"}`, 8},
		{"GUILD_CREATE", `{"id":"9"}`, 9}, {"GUILD_DELETE", `{"id":"9"}`, 9}, {"NO_JSON", `{`, 0}, {"MESSAGE_CREATE", `{"guild_id":7}`, 0},
	} {
		if got := readEvent(c.typ, []byte(c.data)).guild; got != c.guild {
			t.Errorf("%s %s is of guild %d, want %d", c.typ, c.data, got, c.guild)
		}
	}
}
