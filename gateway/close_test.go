package gateway

import "testing"

// Statements: G-060, G-061, G-062, G-063, G-094.
func TestCloseCodes(t *testing.T) {
	for code, want := range map[CloseCode]closeEffect{
		4000: resumes, 4001: resumes, 4002: resumes, 4005: resumes, 4006: resumes, 4008: resumes, 4099: resumes,
		1001: resumes, 1006: resumes, 1011: resumes, 1012: resumes,
		1000: resumesOnce, 4003: verifies, 4007: identifies, 4009: identifies,
		4004: parks, 4010: parks, 4011: parks, 4012: parks, 4013: parks, 4014: parks,
	} {
		m := code.meaning()
		if m.effect != want || m.means == "" {
			t.Errorf("%d: effect %d, want %d; means %q", code, m.effect, want, m.means)
		}
		if code.Fatal() != (want == parks) || code.Fatal() && code.Remedy() == "" {
			t.Errorf("%d: fatal %t, remedy %q", code, code.Fatal(), code.Remedy())
		}
	}
}
