package preflight

import (
	"fmt"
	"testing"
)

// A string reads as what it says and a number as it is written; what is neither reads as
// nothing.
func TestTextOfAField(t *testing.T) {
	for value, want := range map[string]string{
		`""`: "", `"a"`: "a", `"wss://gateway.discord.gg"`: "wss://gateway.discord.gg", `"a\nb"`: "a\nb", `"\u0041"`: "A", `"é"`: "é", "\"\xff\"": "\uFFFD", "\"\x7f\"": "\x7f",
		`"\\"`: `\`, `" spaced "`: " spaced ", `0`: "0", `-1`: "-1", `12`: "12", `1.5e3`: "1.5e3", `123456789012345678`: "123456789012345678",
		`true`: "", `false`: "", `null`: "", `[]`: "", `["a"]`: "", `{}`: "", `{"a":1}`: "",
	} {
		o, err := readObject([]byte(`{ "x" : ` + value + ` , "y": 1 }`))
		if got := o.text("x"); err != nil || got != want {
			t.Errorf("%s reads as %q, want %q, %v", value, got, want, err)
		}
	}
	if got := (object{}).text("x"); got != "" {
		t.Errorf("a missing field reads as %q", got)
	}
	for _, body := range []string{"", "null", "[]", "{", `"x"`, "1"} {
		if o, err := readObject([]byte(body)); o != nil || err == nil {
			t.Errorf("%q reads as %v, %v", body, o, err)
		}
	}
	for n, fits := range map[int]bool{0: true, 1 << 40: true, 1<<40 + 1: false, -1: false} {
		o, _ := readObject(fmt.Appendf(nil, `{"x":%d}`, n))
		if got, ok := o.count("x"); ok != fits || ok && got != n {
			t.Errorf("%d reads as %d, %t", n, got, ok)
		}
	}
}
