package discordsim

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// randomValue draws a value of the types that events are made of.
func randomValue(rng *rand.Rand, depth int) any {
	texts := []string{"", "plain", `"quoted" \ <b>&amp;`, "\x00\u2028é👋", "\xff broken", "tab\tline\n"}
	switch kind := rng.IntN(16); {
	case kind == 0:
		return nil
	case kind == 1:
		return rng.IntN(2) == 0
	case kind == 2:
		return rng.IntN(1000) - 500
	case kind == 3:
		return rng.Int64()
	case kind == 4:
		return ID(rng.Uint64())
	case kind == 5:
		return []ID{1, ID(rng.Uint64())}[:rng.IntN(3)]
	case kind == 6:
		return []any{[]ID(nil), []any(nil), map[string]any(nil), []string{"a"}, map[string]int{"b": 1}}[rng.IntN(5)]
	case kind == 7:
		return rng.Float64() * 1e9
	case kind == 8:
		return json.RawMessage(` {"a": [1, "<"]} `)
	case kind == 9:
		return struct {
			A *ID    `json:"a"`
			B string `json:"b,omitempty"`
		}{}
	case kind < 12 && depth > 0:
		list := []any{}
		for range rng.IntN(4) {
			list = append(list, randomValue(rng, depth-1))
		}
		return list
	case kind < 15 && depth > 0:
		m := map[string]any{}
		for range rng.IntN(40) {
			m[texts[rng.IntN(len(texts))]+strings.Repeat("k", rng.IntN(9))] = randomValue(rng, depth-1)
		}
		return m
	}
	return texts[rng.IntN(len(texts))]
}

// Given values of every kind that events are made of, then they are encoded byte for byte as
// by encoding/json.
func TestMarshalIsThatOfEncodingJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for range 3000 {
		v := randomValue(rng, 4)
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := marshal(v); string(got) != string(want) {
			t.Fatalf("%s instead of %s", got, want)
		}
	}
}
