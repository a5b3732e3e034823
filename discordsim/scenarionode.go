package discordsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a piece of a scenario file, YAML or JSON, that knows its line.
type node struct {
	line int
	kind nodeKind
	text string  // of a scalar
	keys []*node // of a record
	vals []*node // of a record or a list
}

type nodeKind int

const (
	nodeNothing nodeKind = iota
	nodeText
	nodeNumber
	nodeTruth
	nodeList
	nodeRecord
)

// String says what the node is, in a complaint.
func (n *node) String() string {
	switch n.kind {
	case nodeNothing:
		return "nothing"
	case nodeList:
		return "a list"
	case nodeRecord:
		return "a group of fields"
	}
	return strconv.Quote(clip([]byte(n.text)))
}

// maxDepth is how deep a scenario file may be nested.
const maxDepth = 32

// parseNodes reads JSON, which begins with a brace, or YAML.
func parseNodes(text []byte) (*node, *Mistake) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if bytes.HasPrefix(trimmed, []byte("{")) {
		return parseJSON(text)
	}
	return parseYAML(text)
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

func parseYAML(text []byte) (*node, *Mistake) {
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Mistake{What: "the file is empty"}
	case err != nil:
		m := yamlLine.FindStringSubmatch(err.Error())
		line, _ := strconv.Atoi(m[1])
		return nil, &Mistake{Line: line, What: "this is not YAML: " + m[2]}
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Mistake{Line: more.Line, What: "a file holds one scenario only"}
	}
	return fromYAML(&doc, 0)
}

func fromYAML(y *yaml.Node, depth int) (*node, *Mistake) {
	n := &node{line: y.Line, text: y.Value}
	if depth > maxDepth {
		return nil, &Mistake{Line: y.Line, What: "this is nested too deeply"}
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return fromYAML(y.Content[0], depth)
	case yaml.AliasNode:
		return nil, &Mistake{Line: y.Line, What: "anchors and aliases are not understood here; write it out"}
	case yaml.ScalarNode:
		switch y.ShortTag() {
		case "!!null":
			n.kind = nodeNothing
		case "!!bool":
			n.kind = nodeTruth
		case "!!int", "!!float":
			n.kind = nodeNumber
		default:
			n.kind = nodeText
		}
		return n, nil
	case yaml.SequenceNode:
		n.kind = nodeList
	case yaml.MappingNode:
		n.kind = nodeRecord
	}
	for i, c := range y.Content {
		child, wrong := fromYAML(c, depth+1)
		if wrong != nil {
			return nil, wrong
		}
		if n.kind == nodeRecord && i%2 == 0 {
			n.keys = append(n.keys, child)
		} else {
			n.vals = append(n.vals, child)
		}
	}
	return n, nil
}

// jsonTree reads JSON token by token, so that each node knows its line.
type jsonTree struct {
	text []byte
	d    *json.Decoder
}

func parseJSON(text []byte) (*node, *Mistake) {
	t := &jsonTree{text: text, d: json.NewDecoder(bytes.NewReader(text))}
	t.d.UseNumber()
	n, err := t.value(0)
	if err == nil {
		if _, err = t.d.Token(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err == nil {
			err = errors.New("there is more behind its end")
		}
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	line := t.line()
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		line = t.lineAt(int(wrong.Offset))
	}
	return nil, &Mistake{Line: line, What: "this is not JSON: " + err.Error()}
}

func (t *jsonTree) line() int { return t.lineAt(int(t.d.InputOffset())) }

func (t *jsonTree) lineAt(offset int) int {
	return 1 + bytes.Count(t.text[:min(max(0, offset), len(t.text))], []byte("\n"))
}

func (t *jsonTree) value(depth int) (*node, error) {
	token, err := t.d.Token()
	if err != nil {
		return nil, err
	}
	n := &node{line: t.line()}
	switch v := token.(type) {
	case nil:
		n.kind = nodeNothing
	case string:
		n.kind, n.text = nodeText, v
	case json.Number:
		n.kind, n.text = nodeNumber, v.String()
	case bool:
		n.kind, n.text = nodeTruth, strconv.FormatBool(v)
	case json.Delim:
		if depth > maxDepth {
			return nil, errors.New("it is nested too deeply")
		}
		n.kind = nodeList
		if v == '{' {
			n.kind = nodeRecord
		}
		for t.d.More() {
			child, err := t.value(depth + 1)
			if err != nil {
				return nil, err
			}
			if n.kind == nodeRecord && len(n.keys) == len(n.vals) {
				n.keys = append(n.keys, child)
			} else {
				n.vals = append(n.vals, child)
			}
		}
		_, err := t.d.Token() // its end
		return n, err
	}
	return n, nil
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
	where := ""
	if m.File != "" {
		where = m.File + ": "
		if m.Line > 0 {
			where = fmt.Sprintf("%s:%d: ", m.File, m.Line)
		}
	}
	return where + m.What
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
