package logging

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"evergreen/internal/process/output"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// timeLayout is how a text line begins, in the zone of the record's time.
const timeLayout = "2006-01-02 15:04:05"

// levelName spells a level out. Levels in between count as the one below.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARNING"
	}
	return "ERROR"
}

// appendLine writes a record as a line for people.
func appendLine(b []byte, r slog.Record) []byte {
	if !r.Time.IsZero() {
		b = r.Time.AppendFormat(b, timeLayout)
		b = append(b, ' ')
	}
	b = append(b, '[')
	b = append(b, levelName(r.Level)...)
	b = append(b, "] "...)
	return appendBody(b, r, paint{})
}

// paint is what stands around the dim parts of a line.
type paint struct{ dim, plain string }

// appendBody writes component, message and attributes.
func appendBody(b []byte, r slog.Record, p paint) []byte {
	component, attrs := split(r)
	if component != "" {
		b = appendVisible(b, component)
		b = append(b, ": "...)
	}
	b = appendVisible(b, r.Message)
	return appendAttrs(b, "", attrs, p)
}

// split takes the component, which the redactHandler puts first, off the attributes.
func split(r slog.Record) (component string, attrs []slog.Attr) {
	attrs = make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	if len(attrs) > 0 && attrs[0].Key == ComponentKey && attrs[0].Value.Kind() == slog.KindString {
		return attrs[0].Value.String(), attrs[1:]
	}
	return "", attrs
}

func appendAttrs(b []byte, prefix string, attrs []slog.Attr, p paint) []byte {
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindGroup {
			b = appendAttrs(b, prefix+a.Key+".", a.Value.Group(), p)
			continue
		}
		b = append(b, ' ')
		b = append(b, p.dim...)
		b = appendQuoted(b, prefix+a.Key)
		b = append(b, '=')
		b = append(b, p.plain...)
		b = appendQuoted(b, valueText(a.Value))
	}
	return b
}

// valueText says a plain value. Times are in RFC 3339.
func valueText(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(time.RFC3339Nano)
	}
	return v.String()
}

// appendVisible writes text so that it stays on its line and can neither move
// the cursor nor hide: whatever does not print is shown as its escape.
func appendVisible(b []byte, text string) []byte {
	for _, r := range strings.ToValidUTF8(text, string(utf8.RuneError)) {
		if r == ' ' || unicode.IsPrint(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b = append(b, quoted[1:len(quoted)-1]...)
	}
	return b
}

// appendQuoted writes text in quotes if its end could be mistaken, else as it is.
func appendQuoted(b []byte, text string) []byte {
	plain := text != "" && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r == '"' || r == '=' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
	if plain {
		return append(b, text...)
	}
	return strconv.AppendQuote(b, text)
}

// wantsColour reports whether a destination is a terminal that wants colours.
func wantsColour(w io.Writer, getenv func(string) string) bool {
	f := output.File(w)
	if f == nil || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return false
	}
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// colourHandler is the handler of a terminal: the same line with the time and the
// names of the attributes dimmed and the level coloured. The body is handed to
// tint as one safe text, because tint lets escape sequences in attributes pass.
type colourHandler struct{ next slog.Handler }

// levelColours are ANSI colours.
var levelColours = map[string]uint8{"DEBUG": 8, "INFO": 10, "WARNING": 11, "ERROR": 9}

func newColourHandler(w io.Writer) colourHandler {
	return colourHandler{tint.NewTextHandler(w, &tint.Options{
		Level:      always,
		TimeFormat: timeLayout,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			level, ok := a.Value.Any().(slog.Level)
			if !ok || len(groups) > 0 || a.Key != slog.LevelKey {
				return a
			}
			name := levelName(level)
			return tint.Attr(levelColours[name], slog.String(a.Key, "["+name+"]"))
		},
	})}
}

func (t colourHandler) Handle(ctx context.Context, r slog.Record) error {
	body := appendBody(nil, r, paint{dim: "\x1b[2m", plain: "\x1b[22m"})
	return t.next.Handle(ctx, slog.NewRecord(r.Time, r.Level, string(body), 0))
}

func (t colourHandler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs and WithGroup are never called: the redactHandler keeps both to itself.
func (t colourHandler) WithAttrs([]slog.Attr) slog.Handler { return t }
func (t colourHandler) WithGroup(string) slog.Handler      { return t }
