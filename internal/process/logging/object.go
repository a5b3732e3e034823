package logging

import (
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// appendObject writes a record as one JSON object: time, level, component (if
// there is one), msg, and then the attributes, groups as objects in the object.
// No name stands twice in an object: a later one gets a "_" behind it, so that
// no attribute can pass for the time or the level.
func appendObject(b []byte, r slog.Record) []byte {
	component, attrs := split(r)
	o := object{b: append(b, '{')}
	if !r.Time.IsZero() {
		o.text(slog.TimeKey, r.Time.Format(time.RFC3339Nano))
	}
	o.text(slog.LevelKey, levelName(r.Level))
	if component != "" {
		o.text(ComponentKey, component)
	}
	o.text(slog.MessageKey, r.Message)
	o.attrs(attrs)
	return append(o.b, '}')
}

// object is a JSON object that is being written.
type object struct {
	b     []byte
	names []string
}

func (o *object) name(name string) {
	if len(o.names) > 0 {
		o.b = append(o.b, ',')
	}
	for slices.Contains(o.names, name) {
		name += "_"
	}
	o.names = append(o.names, name)
	o.b = append(quote(o.b, name), ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.b = quote(o.b, value)
}

func (o *object) attrs(attrs []slog.Attr) {
	for _, a := range attrs {
		o.name(a.Key)
		o.value(a.Value)
	}
}

func (o *object) value(v slog.Value) {
	switch v.Kind() {
	case slog.KindGroup:
		inner := object{b: append(o.b, '{')}
		inner.attrs(v.Group())
		o.b = append(inner.b, '}')
	case slog.KindInt64:
		o.b = strconv.AppendInt(o.b, v.Int64(), 10)
	case slog.KindUint64:
		o.b = strconv.AppendUint(o.b, v.Uint64(), 10)
	case slog.KindBool:
		o.b = strconv.AppendBool(o.b, v.Bool())
	case slog.KindFloat64:
		if f := v.Float64(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			o.b = jsontext.AppendFloat(o.b, f, 64)
			return
		}
		o.b = quote(o.b, v.String()) // JSON has no number for these
	default:
		o.b = quote(o.b, valueText(v))
	}
}

// quote appends a JSON string. What is not UTF-8 is replaced.
func quote(b []byte, text string) []byte {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, string(utf8.RuneError))
	}
	quoted, err := jsontext.AppendQuote(b, text)
	if err != nil { // only for what is not UTF-8
		return append(b, `""`...)
	}
	return quoted
}
