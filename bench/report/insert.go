package report

import (
	"errors"
	"os"
	"strings"
)

// Insert writes a text into a page, in the place of what stands between the lines
// "<!-- begin: NAME -->" and "<!-- end: NAME -->".
func Insert(path, name, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->\n"
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return errors.New(path + " has no lines " + strings.TrimSpace(begin) + " and " + strings.TrimSpace(end))
	}
	return os.WriteFile(path, []byte(before+begin+text+end+after), 0o600)
}
