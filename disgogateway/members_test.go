package disgogateway

import (
	"strconv"
	"strings"
	"testing"

	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// Given requests for members, then one is repeated until it was answered or repeated five
// times; of too many that are never answered the oldest are forgotten, and only those.
func TestRequestsForMembersAreKeptUntilAnswered(t *testing.T) {
	type step struct {
		do   string // add, answer, or what repeat says: repeated, unknown, given up
		key  string // N counts from 0
		many int    // how often; 0: once
	}
	for name, steps := range map[string][]step{
		"never asked":                    {{do: "unknown", key: "a"}},
		"limited":                        {{do: "add", key: "a"}, {do: "repeated", key: "a"}, {do: "unknown", key: "b"}},
		"answered":                       {{do: "add", key: "a"}, {do: "repeated", key: "a"}, {do: "answer", key: "a"}, {do: "unknown", key: "a"}},
		"another is answered":            {{do: "add", key: "a"}, {do: "add", key: "b"}, {do: "answer", key: "b"}, {do: "repeated", key: "a"}},
		"an answer that was not awaited": {{do: "answer", key: "a"}, {do: "add", key: "a"}, {do: "repeated", key: "a"}},
		"limited for good":               {{do: "add", key: "a"}, {do: "repeated", key: "a", many: 5}, {do: "given up", key: "a"}, {do: "unknown", key: "a"}},
		"each has its own count":         {{do: "add", key: "a"}, {do: "add", key: "b"}, {do: "repeated", key: "a", many: 5}, {do: "repeated", key: "b", many: 5}},
		"asked anew":                     {{do: "add", key: "a"}, {do: "repeated", key: "a", many: 5}, {do: "add", key: "a"}, {do: "repeated", key: "a", many: 5}},
		"asked anew after it was given up": {
			{do: "add", key: "a"}, {do: "repeated", key: "a", many: 5}, {do: "given up", key: "a"}, {do: "add", key: "a"}, {do: "repeated", key: "a", many: 5},
		},
		"as many as are kept":     {{do: "add", key: "a"}, {do: "add", key: "bN", many: 255}, {do: "repeated", key: "a"}, {do: "repeated", key: "b254"}},
		"one more":                {{do: "add", key: "a"}, {do: "add", key: "bN", many: 256}, {do: "unknown", key: "a"}, {do: "repeated", key: "b0"}},
		"one that is asked often": {{do: "add", key: "a"}, {do: "add", key: "b", many: 300}, {do: "repeated", key: "a"}, {do: "repeated", key: "b"}},
		"many that were answered": {{do: "add", key: "a"}, {do: "add", key: "bN", many: 255}, {do: "answer", key: "bN", many: 255}, {do: "add", key: "cN", many: 255}, {do: "repeated", key: "a"}},
		"answered among many":     {{do: "add", key: "a"}, {do: "add", key: "b"}, {do: "answer", key: "b"}, {do: "add", key: "cN", many: 256}, {do: "unknown", key: "a"}},
		"one of many that was given up": {
			{do: "add", key: "a"}, {do: "add", key: "b"}, {do: "repeated", key: "b", many: 5}, {do: "given up", key: "b"}, {do: "add", key: "cN", many: 255}, {do: "repeated", key: "a"},
		},
	} {
		r := &memberRequests{}
		for n, s := range steps {
			for i := range max(1, s.many) {
				nonce := strings.ReplaceAll(s.key, "N", strconv.Itoa(i))
				key := memberKey{snowflake.ID(1), nonce}
				switch s.do {
				case "add":
					r.add(&disgo.MessageDataRequestGuildMembers{GuildID: key.guild, Nonce: nonce})
					continue
				case "answer":
					r.remove(key)
					continue
				}
				again, givenUp := r.repeat(key)
				got := "unknown"
				switch {
				case givenUp:
					got = "given up"
				case again != nil && again.Nonce == nonce:
					got = "repeated"
				}
				if got != s.do {
					t.Fatalf("%s: step %d is %q, want %q", name, n, got, s.do)
				}
			}
		}
	}
}
