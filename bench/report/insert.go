package report

import (
	"errors"
	"os"
	"strings"
)

// Insert writes a text into a page, in the place of what stands between the lines
// "<!-- begin: NAME -->" and "<!-- end: NAME -->".
func Insert(path, name, text string) error {
	return replace(path, name, func(string) string { return text })
}

// Merge is Insert, but rows of a table that the text lacks stay as they were. The first cell
// names a row.
func Merge(path, name, text string) error {
	return replace(path, name, func(old string) string {
		rows := map[string]string{}
		for line := range strings.Lines(text) {
			rows[firstCell(line)] = line
		}
		var b strings.Builder
		for line := range strings.Lines(old) {
			if row, ok := rows[firstCell(line)]; ok && firstCell(line) != "" {
				line = row
			}
			b.WriteString(line)
		}
		return b.String()
	})
}

// firstCell is what stands in the first cell of a line of a table; "" for another line.
func firstCell(line string) string {
	cells := strings.SplitN(line, "|", 3)
	if len(cells) < 3 {
		return ""
	}
	return cells[1]
}

func replace(path, name string, change func(old string) string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->\n"
	before, rest, ok := strings.Cut(string(page), begin)
	old, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return errors.New(path + " has no lines " + strings.TrimSpace(begin) + " and " + strings.TrimSpace(end))
	}
	return os.WriteFile(path, []byte(before+begin+change(old)+end+after), 0o600)
}
