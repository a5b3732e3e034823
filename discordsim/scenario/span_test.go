package scenario

import "testing"

// A person reads a time as it was written.
func TestSpan(t *testing.T) {
	for text, want := range map[string]string{"90": "1m30s", "1.5": "1.5s", "20m": "20m", "2h": "2h", "1d": "24h", "1d12h": "36h", "40ms": "40ms", "0": "0s"} {
		s, err := parseSpan(text)
		if err != nil || s.String() != want {
			t.Errorf("%q is read as %s (%v), want %s", text, s, err, want)
		}
	}
	for _, text := range []string{"", "-1", "-1d", "1x", "1d1x", "NaN", "Inf", "1e10d", "d", "99999h99999h"} {
		if s, err := parseSpan(text); err == nil {
			t.Errorf("%q is read as %s", text, s)
		}
	}
}
