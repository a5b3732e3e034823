package etf

import (
	"encoding/json"
	"reflect"
	"testing"
)

// values are JSON values of every kind.
var values = []string{
	`null`, `true`, `false`, `0`, `255`, `256`, `-1`, `2147483647`, `2147483648`, `-2147483649`, `1577201969443897345`, `1.5`, `""`, `"hé"`, `[]`, `[1,"a",[null]]`, `{}`,
	`{"op":1,"d":{"list":[{},[]],"text":"x"},"t":null}`,
}

// Given a JSON value, when it is encoded and decoded, then it is the same.
func TestThereAndBack(t *testing.T) {
	for _, value := range values {
		term, err := FromJSON([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		back, err := ToJSON(term)
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		var got, want any
		_, _ = json.Unmarshal(back, &got), json.Unmarshal([]byte(value), &want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %s", value, back)
		}
	}
}

// Given terms as other encoders write them, when they are decoded, then they are what they
// mean in JSON.
func TestTermsOfOthers(t *testing.T) {
	for term, want := range map[string]string{
		"\x83\x64\x00\x03nil": `null`, "\x83\x77\x04true": `true`, "\x83\x6b\x00\x02\x01\x02": `[1,2]`, "\x83\x68\x01\x61\x05": `[5]`, "\x83\x6e\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff": `18446744073709551615`,
		"\x83\x64\x00\x02ok": `"ok"`,
	} {
		if got, err := ToJSON([]byte(term)); err != nil || string(got) != want {
			t.Errorf("%q: got %s (%v), want %s", term, got, err, want)
		}
	}
}

// Given what is no term, a key that is an atom, or more than one term, when it is decoded,
// then it is refused.
func TestWrongTerms(t *testing.T) {
	for _, term := range []string{"", "{}", "\x83", "\x83\x01", "\x83\x6d\x00\x00\x00\x09x", "\x83\x74\x00\x00\x00\x01\x64\x00\x02op\x61\x01", "\x83\x61\x01\x61\x02", "\x83\x6c\xff\xff\xff\xff\x61", "\x83\x6d\x00\x00\x00\x01\xff"} {
		if got, err := ToJSON([]byte(term)); err == nil {
			t.Errorf("%q became %s", term, got)
		}
	}
	if _, err := FromJSON([]byte(`{"a":`)); err == nil {
		t.Error("half an object is taken")
	}
}

// Given any bytes, when they are decoded, then the result is JSON or an error.
func FuzzToJSON(f *testing.F) {
	for _, value := range values {
		term, _ := FromJSON([]byte(value))
		f.Add(term)
	}
	f.Fuzz(func(t *testing.T, term []byte) {
		if got, err := ToJSON(term); err == nil && !json.Valid(got) {
			t.Errorf("%q became %s, which is no JSON", term, got)
		}
	})
}
