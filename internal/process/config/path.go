package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// quotes are the characters that are left over where a value was quoted twice or only
// at one end.
const quotes = "\"'`“”"

// CleanPath returns a path as it was written, without the white space around it and
// with the home folder in the place of ~, which no shell replaces in a file or behind
// --flag=. An empty path stays empty. The error says what is wrong with it.
func CleanPath(text string) (string, error) {
	path := strings.TrimSpace(text)
	if strings.Trim(path, quotes) != path {
		return "", errors.New("a quote is left over at its beginning or end")
	}
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	rest := path[1:]
	if rest != "" && !os.IsPathSeparator(rest[0]) {
		return "", errors.New("the home folder of another user is not known here; write the whole path")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("the home folder that ~ stands for is not known; write the whole path")
	}
	return filepath.Join(home, rest), nil
}

// unreplaced matches a variable of a shell, which nothing replaces here.
var unreplaced = regexp.MustCompile(`^\$\w|\$\{\w+\}|%\w+%`)

// warnPath says what is odd about a path that may be meant nevertheless.
func warnPath(path string) string {
	if variable := unreplaced.FindString(path); variable != "" {
		return "variables such as " + variable + " are not replaced; the folder or file will be called that"
	}
	return ""
}

// checkVisible says what is wrong with a path or an address that has characters which
// cannot be seen: line breaks, other control characters, and the marks of direction that
// come along when a path is copied out of a dialogue.
func checkVisible(text string) string {
	for _, r := range text {
		switch {
		case unicode.IsControl(r):
			return "it contains a control character, such as a line break or a tab"
		case unicode.Is(unicode.Bidi_Control, r), r == '\ufeff', r == '\u200b':
			return "it contains an invisible character; write it anew instead of copying it"
		}
	}
	return ""
}
