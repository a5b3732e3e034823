package gateway

import (
	"strings"
	"testing"
)

// Statements: G-144.
func TestRefusedIntents(t *testing.T) {
	want := IntentGuilds | IntentGuildMembers | IntentMessageContent | IntentGuildPresences
	for _, c := range []struct {
		flags uint64
		want  []string
	}{
		{0, []string{"Server Members Intent", "Presence Intent", "Message Content Intent"}},
		{1<<15 | 1<<18, []string{"Presence Intent"}},
		{12288 | 49152 | 786432, nil},
	} {
		got := want.Refused(c.flags).Switches()
		if strings.Join(got, ",") != strings.Join(c.want, ",") {
			t.Errorf("flags %d: %v, want %v", c.flags, got, c.want)
		}
	}
	if intentsAll&^IntentsPrivileged != 53575421 || IntentsPrivileged != 33026 {
		t.Error("the intent sums differ from the documentation's")
	}
}
