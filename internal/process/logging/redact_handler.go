package logging

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"evergreen/internal/text"
)

// maxText is how much of one text is logged, in bytes: enough for a stack, and
// little enough that no line comes near the size of a log file.
const maxText = 16 << 10

// maxAttrs bounds the attributes of one record, those in groups included.
const maxAttrs = 200

// redactHandler is the handler every record passes first. It resolves all values into
// plain ones, so that nothing behind it can print more than it has seen, takes
// the secrets out, and finds the component. Attributes given earlier are kept
// as they came, because a secret may become known after them.
type redactHandler struct {
	next     slog.Handler
	level    slog.Leveler
	redactor *Redactor
	scopes   []scope // the attributes of With, by the groups they are in
}

// scope is the attributes given in one group; the first scope is outside any.
type scope struct {
	group string
	attrs []slog.Attr
}

func newRedactHandler(next slog.Handler, level slog.Leveler, redactor *Redactor) *redactHandler {
	return &redactHandler{next: next, level: level, redactor: redactor, scopes: []scope{{}}}
}

func (g *redactHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= g.level.Level()
}

// Handle passes on a record whose first attribute is the component, if there
// is one, and whose values are strings, numbers, truths, durations, times and
// groups of these.
func (g *redactHandler) Handle(ctx context.Context, r slog.Record) error {
	own := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		own = append(own, a)
		return true
	})
	p := flattener{redactor: g.redactor, left: maxAttrs}
	var component string
	var attrs []slog.Attr
	for i := len(g.scopes) - 1; i >= 0; i-- {
		s := g.scopes[i]
		given := s.attrs
		if i == len(g.scopes)-1 {
			given = slices.Concat(given, own)
		}
		attrs = append(p.attrs(given, i == 0, &component), attrs...)
		if s.group != "" && len(attrs) > 0 {
			attrs = []slog.Attr{{Key: p.text(s.group), Value: slog.GroupValue(attrs...)}}
		}
	}
	clean := slog.NewRecord(r.Time, r.Level, p.text(r.Message), 0)
	if component != "" {
		clean.AddAttrs(slog.String(ComponentKey, component))
	}
	clean.AddAttrs(attrs...)
	return g.next.Handle(ctx, clean)
}

func (g *redactHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return g
	}
	return g.with(func(last *scope) { last.attrs = slices.Concat(last.attrs, attrs) })
}

func (g *redactHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return g
	}
	c := *g
	c.scopes = append(slices.Clone(g.scopes), scope{group: name})
	return &c
}

func (g *redactHandler) with(change func(*scope)) *redactHandler {
	c := *g
	c.scopes = slices.Clone(g.scopes)
	change(&c.scopes[len(c.scopes)-1])
	return &c
}

// flattener turns attributes into plain, redacted ones.
type flattener struct {
	redactor *Redactor
	left     int // attributes that may still follow
}

// attrs cleans a list; at the top, the component is taken out. Empty attributes
// and groups are left out and groups without a name are opened, as slog's rules
// for handlers want it.
func (p *flattener) attrs(list []slog.Attr, top bool, component *string) []slog.Attr {
	clean := make([]slog.Attr, 0, len(list))
	for _, a := range list {
		if a.Equal(slog.Attr{}) {
			continue
		}
		v := p.value(a.Value)
		switch {
		case v.Kind() == slog.KindGroup && a.Key == "":
			clean = append(clean, v.Group()...)
			continue
		case v.Kind() == slog.KindGroup && len(v.Group()) == 0:
			continue
		case top && a.Key == ComponentKey && v.Kind() == slog.KindString:
			*component = v.String()
			continue
		}
		if p.left--; p.left < 0 {
			break
		}
		clean = append(clean, slog.Attr{Key: p.text(a.Key), Value: v})
	}
	return clean
}

// value returns the value in one of the kinds that print as what they are.
func (p *flattener) value(v slog.Value) slog.Value {
	v = resolved(v)
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(p.text(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(p.attrs(v.Group(), false, nil)...)
	case slog.KindAny, slog.KindLogValuer:
		return slog.StringValue(p.text(printed(v.Any())))
	}
	return v
}

// text is text without secrets, not too long and valid UTF-8.
func (p *flattener) text(s string) string {
	return text.Clip(p.redactor.Redact(s), maxText)
}

// resolved asks a LogValuer for its value; one that panics has none.
func resolved(v slog.Value) (r slog.Value) {
	defer func() {
		if p := recover(); p != nil {
			r = slog.StringValue(fmt.Sprintf("!PANIC: %v", p))
		}
	}()
	return v.Resolve()
}

// printed prints a value of any type the way its type wants to be printed.
func printed(v any) (text string) {
	defer func() {
		if p := recover(); p != nil {
			if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
				text = "<nil>"
				return
			}
			text = fmt.Sprintf("!PANIC: %v", p)
		}
	}()
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case encoding.TextMarshaler:
		if b, err := v.MarshalText(); err == nil {
			return string(b)
		}
	case []byte:
		return string(v)
	}
	return fmt.Sprintf("%+v", v)
}
