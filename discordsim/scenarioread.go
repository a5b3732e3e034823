package discordsim

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"evergreen/internal/text"
)

// LoadScenario reads a scenario file.
func LoadScenario(path string) (*Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the scenario cannot be read: %w", err)
	}
	return ReadScenario(path, text)
}

// maxScenario is the largest scenario file, in bytes.
const maxScenario = 4 << 20

// ReadScenario reads a scenario in YAML or JSON; file is what its text is
// called in complaints. Nothing is overlooked: a field that does not exist, a
// value that cannot be and a step that makes no sense are all refused, with
// file, line and what is allowed. The error is [Mistakes], all there are.
func ReadScenario(file string, text []byte) (*Scenario, error) {
	sc := &Scenario{}
	r := &scenarioReader{}
	if len(text) > maxScenario {
		r.mistakes = append(r.mistakes, Mistake{What: "the file is too large for a scenario"})
	} else if root, wrong := parseNodes(text); wrong != nil {
		r.mistakes = append(r.mistakes, *wrong)
	} else {
		r.record(root, reflect.ValueOf(sc).Elem(), "a scenario")
		if len(r.mistakes) == 0 {
			r.mistakes = sc.mistakes()
		}
	}
	if len(r.mistakes) == 0 {
		return sc, nil
	}
	for i := range r.mistakes {
		r.mistakes[i].File = file
	}
	slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return nil, Mistakes(r.mistakes)
}

// scenarioReader fills in structs by their key tags.
type scenarioReader struct{ mistakes []Mistake }

func (r *scenarioReader) wrong(n *node, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{Line: n.line, What: fmt.Sprintf(format, args...)})
}

// fieldsOf lists the fields of a struct that a file may set, with their keys.
func fieldsOf(t reflect.Type) (fields []reflect.StructField, keys []string) {
	for _, f := range reflect.VisibleFields(t) {
		if key := f.Tag.Get("key"); key != "" && key != "-" {
			fields, keys = append(fields, f), append(keys, key)
		}
	}
	return fields, keys
}

// record reads a group of fields; what is its name in complaints.
func (r *scenarioReader) record(n *node, into reflect.Value, what string) {
	if n.kind != nodeRecord {
		r.wrong(n, "%s is a group of fields, not %s", what, n)
		return
	}
	fields, keys := fieldsOf(into.Type())
	place := marks{line: n.line, at: map[string]int{}}
	for i, k := range n.keys {
		switch j := slices.Index(keys, k.text); {
		case j < 0:
			r.wrong(k, "%s has no field %q%s", what, k.text, allowed(k.text, keys))
		case place.at[k.text] > 0:
			r.wrong(k, "%q is given twice, first in line %d", k.text, place.at[k.text])
		default:
			place.at[k.text] = k.line
			r.value(n.vals[i], into.FieldByIndex(fields[j].Index), fields[j])
		}
	}
	for j, f := range fields {
		if f.Tag.Get("must") != "" && place.at[keys[j]] == 0 {
			r.wrong(n, "%s needs %q: %s", what, keys[j], f.Tag.Get("says"))
		}
	}
	if m, ok := into.Addr().Interface().(interface{ mark(marks) }); ok {
		m.mark(place)
	}
}

// value reads what belongs to a key.
func (r *scenarioReader) value(n *node, into reflect.Value, f reflect.StructField) {
	key := f.Tag.Get("key")
	if n.kind == nodeNothing {
		r.wrong(n, "%q is left empty; leave it out for its default", key)
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch {
	case into.Type() == reflect.TypeFor[Span]():
		r.span(n, into, f)
	case into.Kind() == reflect.Struct:
		r.record(n, into, fmt.Sprintf("%q", key))
	case into.Kind() == reflect.Slice:
		if n.kind != nodeList {
			r.wrong(n, "%q is a list, not %s", key, n)
			return
		}
		for _, item := range n.vals {
			one := reflect.New(into.Type().Elem()).Elem()
			if one.Kind() == reflect.Struct {
				r.record(item, one, "a step")
			} else {
				r.value(item, one, f)
			}
			into.Set(reflect.Append(into, one))
		}
	default:
		r.scalar(n, into, f)
	}
}

func (r *scenarioReader) span(n *node, into reflect.Value, f reflect.StructField) {
	key := f.Tag.Get("key")
	if n.kind != nodeText && n.kind != nodeNumber {
		r.wrong(n, "%q is a time such as 90s or 20m, not %s", key, n)
		return
	}
	if n.text == "never" && f.Tag.Get("never") != "" {
		into.SetInt(int64(never))
		return
	}
	s, err := ParseSpan(n.text)
	if err != nil {
		r.wrong(n, "%s: %s: %v", key, n, err)
		return
	}
	into.SetInt(int64(s))
}

// scalar reads a text, a number or a truth value.
func (r *scenarioReader) scalar(n *node, into reflect.Value, f reflect.StructField) {
	key := f.Tag.Get("key")
	if n.kind == nodeList || n.kind == nodeRecord {
		r.wrong(n, "%q is one value, not %s", key, n)
		return
	}
	var err error
	want := ""
	switch into.Kind() {
	case reflect.String:
		into.SetString(n.text)
		if of := strings.Fields(f.Tag.Get("of")); len(of) > 0 && !slices.Contains(of, n.text) {
			r.wrong(n, "%s: %s is not one of %s", key, n, strings.Join(of, ", "))
		}
	case reflect.Bool:
		want = "true or false"
		var truth bool
		if truth, err = strconv.ParseBool(n.text); err == nil && n.kind == nodeTruth {
			into.SetBool(truth)
			return
		}
		err = strconv.ErrSyntax
	case reflect.Uint64:
		want = "a whole number from 0 on"
		var v uint64
		v, err = strconv.ParseUint(n.text, 10, 64)
		into.SetUint(v)
	case reflect.Int:
		want = "a whole number from 0 on"
		var v int64
		if v, err = strconv.ParseInt(n.text, 10, 32); v < 0 {
			err = strconv.ErrRange
		}
		into.SetInt(v)
	case reflect.Float64:
		want = "a number from 0 on"
		var v float64
		if v, err = strconv.ParseFloat(n.text, 64); !(v >= 0 && v < 1e9) {
			err = strconv.ErrRange
		}
		into.SetFloat(v)
	}
	if err != nil {
		r.wrong(n, "%q is %s, not %s", key, want, n)
	}
}

// allowed continues a complaint about a name: with the one that was perhaps
// meant, or with all there are.
func allowed(given string, names []string) string {
	const longest = 64 // a longer name is not worth comparing
	if len(given) <= longest {
		if meant := text.Nearest(strings.ToLower(given), names, min(3, 1+len(given)/3)); meant != "" {
			return fmt.Sprintf("; did you mean %q?", meant)
		}
	}
	sorted := slices.Sorted(slices.Values(names))
	return "; there are: " + strings.Join(sorted, ", ")
}
