package bot

import (
	"bytes"
	"testing"
)

// An answer that is larger than any of Discord's is not decoded: a list of empty objects
// would take many times its size.
func TestLargeAnswerIsNotDecoded(t *testing.T) {
	list := append(bytes.Repeat([]byte("{},"), maxDecoded/3), "{}"...)
	var raw rawJSON
	if err := raw.UnmarshalJSON(append(append([]byte("["), list...), ']')); err == nil || raw != nil {
		t.Errorf("it was taken: %v", err)
	}
	if err := raw.UnmarshalJSON([]byte(`[{}]`)); err != nil || string(raw) != "[{}]" {
		t.Errorf("%s, %v", raw, err)
	}
}
