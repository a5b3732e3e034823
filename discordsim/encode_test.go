package discordsim

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Whatever a value is made of, it is encoded byte for byte as package json does.
func TestEncodesLikePackageJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	seven := 7
	texts := []string{"", "plain", "quo\"te", `back\slash`, "<b>", "a&b", "new\nline", "\x00", "\x7f", "é", "\u2028", "\xff", "日本", strings.Repeat("long ", 50)}
	var value func(depth int) any
	value = func(depth int) any {
		kinds := 16
		if depth > 3 {
			kinds = 12
		}
		switch r.IntN(kinds) {
		case 0:
			return nil
		case 1:
			return r.IntN(2) == 0
		case 2:
			return r.IntN(1<<40) - 1<<39
		case 3:
			return ID(r.Uint64())
		case 4, 5:
			return texts[r.IntN(len(texts))]
		case 6:
			return json.RawMessage(` { "raw" : [1, 2] } `)
		case 7:
			return []string{"a", "<"}
		case 8:
			return []any{(*int)(nil), &seven, []any(nil), map[string]any(nil), []map[string]any(nil), json.RawMessage(nil)}[r.IntN(6)]
		case 9:
			return User{ID: 5, Username: "a&b"}
		case 10:
			return []any{1.5, int64(-3), uint8(2), time.Unix(0, 0).UTC(), map[string]int{"b": 1, "a": 2}}[r.IntN(5)]
		case 11:
			return []ID{1, 2}
		case 12:
			list := make([]map[string]any, r.IntN(3))
			for i := range list {
				list[i] = map[string]any{"n": value(depth + 1)}
			}
			return list
		case 13:
			list := make([]any, r.IntN(4))
			for i := range list {
				list[i] = value(depth + 1)
			}
			return list
		}
		fields := map[string]any{}
		for range r.IntN(40) {
			fields[texts[r.IntN(len(texts))]+string(rune('a'+r.IntN(26)))] = value(depth + 1)
		}
		return fields
	}
	for range 3000 {
		v := value(0)
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := marshal(v); string(got) != string(want) {
			t.Fatalf("%#v is\n%s, want\n%s", v, got, want)
		}
	}
	if _, err := appendJSON(nil, map[string]any{"x": []any{math.NaN()}}); err == nil {
		t.Error("what has no JSON was encoded")
	}
}
