package gateway

import (
	"slices"
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
		refused := want.Refused(c.flags)
		if refused&^want != 0 || refused&^IntentsPrivileged != 0 {
			t.Errorf("flags %d: %s are refused of %s", c.flags, refused, want)
		}
		got := refused.Switches()
		if strings.Join(got, ",") != strings.Join(c.want, ",") {
			t.Errorf("flags %d: %v, want %v", c.flags, got, c.want)
		}
	}
	if refused := (IntentGuilds | IntentGuildMembers).Refused(0); refused != IntentGuildMembers {
		t.Errorf("%s are refused, and only the members were asked for", refused)
	}
	if switches := want.Switches(); len(switches) != 3 {
		t.Errorf("%s have the switches %q", want, switches)
	}
	if intentsAll&^IntentsPrivileged != 53575421 || IntentsPrivileged != 33026 {
		t.Error("the intent sums differ from the documentation's")
	}
}

// The intents of a set come one by one, in bit order, as long as they are wanted.
func TestEachIntent(t *testing.T) {
	set := IntentMessageContent | IntentGuilds | IntentGuildMessages | Intents(1)<<60
	if got := slices.Collect(set.Each()); !slices.Equal(got, []Intents{IntentGuilds, IntentGuildMessages, IntentMessageContent}) {
		t.Errorf("they are %v", got)
	}
	var first []Intents
	for i := range set.Each() {
		if first = append(first, i); len(first) == 2 {
			break
		}
	}
	if !slices.Equal(first, []Intents{IntentGuilds, IntentGuildMessages}) {
		t.Errorf("the first two are %v", first)
	}
}
