package demo

import (
	"strconv"
	"strings"
	"testing"

	"evergreen/internal/text"
)

// fakeTerminal is enough of a terminal to see what a person would: text that wraps
// at the right edge, and the few sequences the live screen uses.
type fakeTerminal struct {
	t       *testing.T
	columns int
	rows    [][]string // cells; "" is the second column of a wide one
	row     int
	column  int
}

func newFakeTerminal(t *testing.T, columns int) *fakeTerminal {
	return &fakeTerminal{t: t, columns: columns, rows: [][]string{nil}}
}

func (v *fakeTerminal) Write(p []byte) (int, error) {
	for text := string(p); text != ""; {
		if strings.HasPrefix(text, "\x1b[") {
			end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= 0x40 && r <= 0x7e }) + 3
			v.sequence(text[2:end-1], text[end-1])
			text = text[end:]
			continue
		}
		r := []rune(text)[0]
		v.put(r)
		text = text[len(string(r)):]
	}
	return len(p), nil
}

func (v *fakeTerminal) sequence(arguments string, final byte) {
	n, _ := strconv.Atoi(arguments)
	switch final {
	case 'A':
		if v.row -= n; v.row < 0 {
			v.t.Errorf("the cursor left the screen at the top")
			v.row = 0
		}
	case 'K':
		v.rows[v.row] = v.rows[v.row][:min(v.column, len(v.rows[v.row]))]
	case 'J':
		v.rows[v.row] = v.rows[v.row][:min(v.column, len(v.rows[v.row]))]
		v.rows = v.rows[:v.row+1]
	case 'm', 'h', 'l':
	default:
		v.t.Errorf("the terminal was sent ESC[%s%c", arguments, final)
	}
}

func (v *fakeTerminal) put(r rune) {
	switch r {
	case '\n':
		v.down()
		return
	case '\r':
		v.column = 0
		return
	}
	w := text.Columns(string(r))
	if w == 0 {
		v.rows[v.row][v.column-1] += string(r)
		return
	}
	if v.column+w > v.columns {
		v.down()
	}
	line := v.rows[v.row]
	for len(line) < v.column+w {
		line = append(line, " ")
	}
	line[v.column] = string(r)
	if w == 2 {
		line[v.column+1] = ""
	}
	v.rows[v.row] = line
	v.column += w
}

func (v *fakeTerminal) down() {
	v.row, v.column = v.row+1, 0
	if v.row == len(v.rows) {
		v.rows = append(v.rows, nil)
	}
}

// resize makes the terminal narrower or wider. As most do, it breaks the lines
// anew.
func (v *fakeTerminal) resize(columns int) {
	var rows [][]string
	for i, line := range v.rows {
		for len(line) > columns {
			rows = append(rows, line[:columns])
			line = line[columns:]
		}
		rows = append(rows, line)
		if i == v.row {
			v.row = len(rows) - 1
		}
	}
	v.rows, v.columns = rows, columns
}

// String is the screen without space at the ends of lines.
func (v *fakeTerminal) String() string {
	var b strings.Builder
	for _, line := range v.rows {
		b.WriteString(strings.TrimRight(strings.Join(line, ""), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
