package preflight

import "testing"

// A field reads the same whether it is simple enough to be taken as it stands or
// not.
func TestTextAsWritten(t *testing.T) {
	for _, value := range []string{
		`""`, `"a"`, `"wss://gateway.discord.gg"`, `"a\nb"`, `"\u0041"`, `"\"`, `"é"`, "\"\xff\"", "\"\x7f\"", `"\\"`, `" spaced "`,
		`0`, `-1`, `12`, `1.5e3`, `123456789012345678`, `true`, `false`, `null`, `[]`, `["a"]`, `{}`, `{"a":1}`,
	} {
		o, err := readObject([]byte(`{ "x" : ` + value + ` , "y": 1 }`))
		if err != nil {
			continue
		}
		if got, want := o.text("x"), decoded(o["x"]); got != want {
			t.Errorf("%s reads as %q, want %q", value, got, want)
		}
	}
	if got := (object{}).text("x"); got != "" {
		t.Errorf("a missing field reads as %q", got)
	}
}
