package config

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every way of printing a secret prints.
const redacted = "[redacted]"

// Secret is a string that does not print: fmt, log/slog and the encoders show
// "[redacted]" (G-157). The zero Secret is empty.
//
// The text is kept behind a pointer because fmt cannot call methods on an
// unexported field of some other struct: there it finds an address, not the
// secret.
type Secret struct{ text *string }

// NewSecret wraps a secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the secret itself. The caller must not print it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.text == nil }

// String prints "[redacted]", or nothing for an empty secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return redacted
}

// GoString prints what String prints.
func (s Secret) GoString() string { return s.String() }

// Format prints what String prints, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText writes what String prints.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON writes what String prints, as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// LogValue logs what String prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
