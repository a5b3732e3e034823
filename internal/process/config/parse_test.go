package config

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"evergreen/internal/text"
)

// TestParseDuration: plain seconds or a Go duration; nothing that is not a
// time.
func TestParseDuration(t *testing.T) {
	good := map[string]time.Duration{
		"60": time.Minute, "60.0": time.Minute, " 0.5 ": 500 * time.Millisecond, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute,
		"0": 0, "-0": 0, "1e2": 100 * time.Second, "250ms": 250 * time.Millisecond, "+5": 5 * time.Second,
		"9223372036": 9223372036 * time.Second,
	}
	for text, want := range good {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "-1", "-5m", "nan", "NaN", "inf", "-Inf", "Infinity", "1e999", "9223372037", "9999999h", "60,0", "1d", "five", "5 m", "0x",
	} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is accepted as %v", text, got)
		}
	}
}

// FuzzParseDuration: whatever is accepted is a time that is not negative and
// survives being printed and read again.
func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"60", "60.0", "5m", "nan", "inf", "-1", "1e18", "9223372036.854775807", "1h1h", "0x1p4", ".5", "1µs"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is negative: %v", text, d)
		}
		if again, err := parseDuration(d.String()); err != nil || again != d {
			t.Errorf("%q is %v, and that is %v, %v", text, d, again, err)
		}
	})
}

// TestParseSize reads sizes with every unit.
func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "1024B": 1024, "1k": 1024, "2KB": 2048, "2KiB": 2048, "1.5 MiB": 3 << 19, "3m": 3 << 20, "1GB": 1 << 30, "1gib": 1 << 30, "0": 0,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "-1MiB", "nan", "infb", "1TiB", "1e30", "8589934592GiB", "12 apples"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is accepted as %d", text, got)
		}
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Second: "1m30s", 5 * time.Second: "5s", 30 * 24 * time.Hour: "720h", 0: "0s",
		70 * time.Minute: "1h10m", 20 * time.Minute: "20m",
	} {
		if got := text.ShortDuration(d); got != want {
			t.Errorf("%d is %q, want %q", d, got, want)
		}
	}
}

// FuzzLoad: any value in any setting either loads or is named in the error; it
// never panics, a configuration that loads is within its limits, and secrets
// are never repeated.
func FuzzLoad(f *testing.F) {
	for i, s := range table {
		f.Add(i, s.Default)
		f.Add(i, realToken)
	}
	for i, seed := range []string{"\x00", "\xff", "-1", "NaN", "1e309", "http://[::1", "::", "${X}", "%zz", "https://h/%2f%zz", "'", "\"\""} {
		f.Add(i, seed)
	}
	f.Fuzz(func(t *testing.T, index int, text string) {
		s := table[int(math.Abs(float64(index%len(table))))]
		if s.Name == "DISCORD_TOKEN_FILE" {
			return // would read files of this machine
		}
		l, err := load("DISCORD_TOKEN=sim-1", s.Name+"="+text)
		_, ofConfig := errors.AsType[*Error](err)
		switch {
		case err == nil:
			for _, other := range table {
				if other.check != nil && other.check(&l.Config) != "" {
					t.Errorf("%s=%q loads, but %s", s.Name, text, other.check(&l.Config))
				}
			}
		case !ofConfig:
			t.Errorf("%s=%q gives an error of type %T", s.Name, text, err)
		case !strings.Contains(err.Error(), s.Name):
			t.Errorf("%s=%q is not named in: %v", s.Name, text, err)
		case s.Secret && len(text) > 40 && strings.Contains(err.Error(), text):
			t.Errorf("%s is repeated in its error", s.Name)
		}
	})
}
