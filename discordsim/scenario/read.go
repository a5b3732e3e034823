package scenario

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/regular"
	"evergreen/internal/text"

	"go.yaml.in/yaml/v3"
)

// Load reads a scenario file. It fails as [Read] does.
func Load(path string) (*Scenario, error) {
	content, _, err := regular.ReadInput(path, maxSize+1, pipeWait) // Read refuses what is too large
	if err != nil {
		return nil, fmt.Errorf("the scenario cannot be read: %w", err)
	}
	return Read(path, content)
}

const (
	// maxSize is the largest scenario file, in bytes.
	maxSize = 4 << 20
	// pipeWait is how long a pipe may take that is named instead of a file.
	pipeWait = 5 * time.Second
)

// Read reads a scenario in YAML or JSON; file is what errors call it. It refuses
// unknown fields, impossible values and steps that make no sense, with file, line
// and what is allowed. The error is [Mistakes], all there are.
func Read(file string, content []byte) (*Scenario, error) {
	sc := &Scenario{}
	r := &reader{}
	if root, wrong := parse(content); wrong != nil {
		r.mistakes = append(r.mistakes, *wrong)
	} else {
		r.fields(root, reflect.ValueOf(sc).Elem(), "a scenario")
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

var (
	yamlError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)
	// surrogates is how JSON escapes a character beyond 16 bits, which YAML does
	// not understand.
	surrogates = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
)

// parse reads YAML, or JSON, which begins with a brace and is YAML too.
func parse(content []byte) (*yaml.Node, *Mistake) {
	if len(content) > maxSize {
		return nil, &Mistake{What: "the file is too large for a scenario"}
	}
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		if wrong := checkJSON(content); wrong != nil {
			return nil, wrong
		}
		content = surrogates.ReplaceAllFunc(content, func(escaped []byte) []byte {
			var character string
			_ = json.Unmarshal(slices.Concat([]byte(`"`), escaped, []byte(`"`)), &character) // the pattern is a valid string
			return []byte(character)
		})
	}
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, &Mistake{What: "the file is empty"}
	case err != nil:
		m := yamlError.FindStringSubmatch(err.Error())
		line, _ := strconv.Atoi(m[1])
		return nil, &Mistake{Line: line, What: "this is not YAML: " + m[2]}
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Mistake{Line: more.Line, What: "a file holds one scenario only"}
	}
	return document.Content[0], nil
}

// checkJSON says what is wrong with a file that looks like JSON; what only YAML
// allows is.
func checkJSON(content []byte) *Mistake {
	err := json.Unmarshal(content, new(any))
	if err == nil {
		return nil
	}
	offset := len(content)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = min(offset, int(syntax.Offset))
	}
	return &Mistake{Line: 1 + bytes.Count(content[:offset], []byte("\n")), What: "this is not JSON: " + err.Error()}
}

// reader fills in structs by their key tags. The decoder of package yaml could do
// that too, but knows neither the nearest name nor the line of a value that was
// read.
type reader struct{ mistakes []Mistake }

func (r *reader) mistake(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{Line: n.Line, What: fmt.Sprintf(format, args...)})
}

// describe says what stands at a place, for a mistake.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a group of fields"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return strconv.Quote(text.Clip(n.Value, 64))
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

// fields reads a group of fields into a struct; what is its name in mistakes.
func (r *reader) fields(n *yaml.Node, into reflect.Value, what string) {
	if n.Kind != yaml.MappingNode {
		r.mistake(n, "%s is a group of fields, not %s", what, describe(n))
		return
	}
	fields, keys := fieldsOf(into.Type())
	place := marks{line: n.Line, at: map[string]int{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch j := slices.Index(keys, k.Value); {
		case j < 0:
			r.mistake(k, "%s has no field %q%s", what, k.Value, suggest(k.Value, keys))
		case place.at[k.Value] > 0:
			r.mistake(k, "%q is given twice, first in line %d", k.Value, place.at[k.Value])
		default:
			place.at[k.Value] = k.Line
			r.value(v, into.FieldByIndex(fields[j].Index), fields[j])
		}
	}
	for j, f := range fields {
		if f.Tag.Get("must") != "" && place.at[keys[j]] == 0 {
			r.mistake(n, "%s needs %q: %s", what, keys[j], f.Tag.Get("says"))
		}
	}
	if m, ok := into.Addr().Interface().(interface{ mark(marks) }); ok {
		m.mark(place)
	}
}

// value reads what belongs to a key.
func (r *reader) value(n *yaml.Node, into reflect.Value, f reflect.StructField) {
	key := f.Tag.Get("key")
	switch {
	case n.Kind == yaml.AliasNode:
		r.mistake(n, "anchors and aliases are not understood here; write it out")
		return
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		r.mistake(n, "%q is left empty; leave it out for its default", key)
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
		r.fields(n, into, fmt.Sprintf("%q", key))
	case into.Kind() == reflect.Map:
		r.values(n, into, key)
	case into.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.mistake(n, "%q is a list, not %s", key, describe(n))
			return
		}
		for _, item := range n.Content {
			one := reflect.New(into.Type().Elem()).Elem()
			if one.Kind() == reflect.Struct {
				r.fields(item, one, "a step")
			} else {
				r.value(item, one, f)
			}
			into.Set(reflect.Append(into, one))
		}
	case n.Kind != yaml.ScalarNode:
		r.mistake(n, "%q is one value, not %s", key, describe(n))
	default:
		r.scalar(n, into, f)
	}
}

// values reads values by name.
func (r *reader) values(n *yaml.Node, into reflect.Value, key string) {
	if n.Kind != yaml.MappingNode {
		r.mistake(n, "%q is a group of names with values, such as {name: value}, not %s", key, describe(n))
		return
	}
	values := Values{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if _, given := values[k.Value]; given {
			r.mistake(k, "%q is given twice in %q", k.Value, key)
		}
		values[k.Value] = r.any(v, k.Value)
	}
	into.Set(reflect.ValueOf(values))
}

// valueFile is a file that a person uploads, as it is written.
type valueFile struct {
	Name string `key:"file" must:"yes" says:"The name of the file."`
	Text string `key:"text" says:"What is in it. Default: nothing."`
}

// any reads a text, a number, a truth, a list of texts or a file.
func (r *reader) any(n *yaml.Node, key string) any {
	if n.Kind == yaml.MappingNode {
		var f valueFile
		r.fields(n, reflect.ValueOf(&f).Elem(), fmt.Sprintf("the file %q", key))
		return discordsim.File{Name: f.Name, Data: []byte(f.Text)}
	}
	if n.Kind == yaml.SequenceNode {
		texts := []string{}
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				r.mistake(item, "%q is a list of texts; %s is none", key, describe(item))
			}
			texts = append(texts, item.Value)
		}
		return texts
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		r.mistake(n, "%q is a text, a number, true, false, a list of texts or a file, not %s", key, describe(n))
		return nil
	}
	switch n.ShortTag() {
	case "!!bool":
		v, _ := strconv.ParseBool(n.Value)
		return v
	case "!!int":
		if v, err := strconv.ParseInt(n.Value, 10, 53); err == nil {
			return v
		}
	case "!!float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return v
		}
	}
	return n.Value
}

func (r *reader) span(n *yaml.Node, into reflect.Value, f reflect.StructField) {
	key := f.Tag.Get("key")
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!bool" {
		r.mistake(n, "%q is a time such as 90s or 20m, not %s", key, describe(n))
		return
	}
	if n.Value == "never" && f.Tag.Get("never") != "" {
		into.SetInt(int64(never))
		return
	}
	s, err := parseSpan(n.Value)
	if err != nil {
		r.mistake(n, "%s: %s: %v", key, describe(n), err)
		return
	}
	into.SetInt(int64(s))
}

// scalar reads a text, a number or a truth value.
func (r *reader) scalar(n *yaml.Node, into reflect.Value, f reflect.StructField) {
	key := f.Tag.Get("key")
	want, good := "", true
	switch into.Kind() {
	case reflect.String:
		into.SetString(n.Value)
		if of := strings.Fields(f.Tag.Get("of")); len(of) > 0 && !slices.Contains(of, n.Value) {
			r.mistake(n, "%s: %s is not one of %s", key, describe(n), strings.Join(of, ", "))
		}
	case reflect.Bool:
		v, err := strconv.ParseBool(n.Value)
		want, good = "true or false", err == nil && n.ShortTag() == "!!bool"
		into.SetBool(v)
	case reflect.Uint64:
		v, err := strconv.ParseUint(n.Value, 10, 64)
		want, good = "a whole number from 0 on", err == nil
		into.SetUint(v)
	case reflect.Int:
		v, err := strconv.ParseInt(n.Value, 10, 32)
		want, good = "a whole number from 0 on", err == nil && v >= 0
		into.SetInt(v)
	case reflect.Float64:
		v, err := strconv.ParseFloat(n.Value, 64)
		want, good = "a number from 0 on", err == nil && v >= 0 && v < 1e9
		into.SetFloat(v)
	}
	if !good {
		r.mistake(n, "%q is %s, not %s", key, want, describe(n))
	}
}

// suggest continues a mistake about a name: with the one that was perhaps meant,
// or with all there are.
func suggest(given string, names []string) string {
	const longest = 64
	if len(given) <= longest {
		if meant := text.Nearest(strings.ToLower(given), names, min(3, 1+len(given)/3)); meant != "" {
			return fmt.Sprintf("; did you mean %q?", meant)
		}
	}
	return "; there are: " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// Mistake is something in a scenario that cannot be.
type Mistake struct {
	// File and Line say where it stands; Line is 0 where that is not known.
	File string
	Line int
	What string
}

// Error names file, line and what is wrong.
func (m Mistake) Error() string {
	switch {
	case m.File == "":
		return m.What
	case m.Line == 0:
		return m.File + ": " + m.What
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.What)
}

// Mistakes is everything that is wrong with a scenario.
type Mistakes []Mistake

// Error lists them, one a line.
func (all Mistakes) Error() string {
	lines := make([]string, len(all))
	for i, m := range all {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "\n")
}
