package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"evergreen/internal/regular"

	"github.com/joho/godotenv"
)

const (
	// dotenvMost bounds a .env file, in bytes: a larger one is something else.
	dotenvMost = 64 << 10
	// dotenvLines bounds a quoted value, so that a forgotten quote is noticed
	// near the line it is missing from.
	dotenvLines = 20
	// pipeWait is how long a pipe may take that is named instead of a file.
	pipeWait = 5 * time.Second
)

// variable is what the name of a variable may look like.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// readDotenv reads a .env file. A file that is not there has no values, unless
// it is required.
func readDotenv(path string, required bool) (values, []Problem, []string) {
	origin := Origin{Source: SourceDotenv, File: path}
	text, err := readSmall(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		return values{}, nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return values{}, []Problem{{Origin: origin, Why: "there is no such file", Allowed: "a file with lines NAME=value; leave --env-file out if there is none"}}, nil
	case err != nil:
		return values{}, []Problem{{Origin: origin, Why: "it cannot be read: " + reason(err), Allowed: "a text file this user may read"}}, nil
	}
	return parseDotenv(path, text)
}

// readSmall reads a whole file of at most dotenvMost bytes.
func readSmall(path string) (string, error) {
	text, whole, err := regular.ReadInput(path, dotenvMost, pipeWait)
	if err == nil && !whole {
		err = fmt.Errorf("it is larger than %d KiB", dotenvMost>>10)
	}
	return string(text), err
}

// parseDotenv reads the text of a .env file, statement by statement, so that
// every value and every mistake has a line. What is wrong costs its own line
// only. Problems never repeat the text, which may hold a secret.
func parseDotenv(path, text string) (out values, problems []Problem, warnings []string) {
	out = values{}
	at := func(line int) Origin { return Origin{Source: SourceDotenv, File: path, Line: line} }
	bad := func(line int, why string) {
		problems = append(problems, Problem{Origin: at(line), Why: why, Allowed: "NAME=value, NAME=\"value\", # comment"})
	}
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		bad(0, "it is saved as UTF-16; save it as UTF-8")
		return out, problems, nil
	}
	// Editors on Windows put a byte order mark in front, which would become
	// part of the first name.
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	lines := strings.Split(text, "\n")
	for first := 0; first < len(lines); {
		pairs, used, err := statement(lines[first:])
		if err != nil {
			bad(first+1, err.Error())
		}
		for name, text := range pairs {
			if earlier, twice := out[name]; twice {
				warnings = append(warnings, fmt.Sprintf("%s is set twice: %s wins over line %d", name, at(first+1), earlier.origin.Line))
			}
			out[name] = value{text: text, origin: at(first + 1)}
		}
		first += used
	}
	return out, problems, warnings
}

// statement reads the statement that begins on the first of lines, and says
// how many lines it takes. A quoted value may take several.
func statement(lines []string) (map[string]string, int, error) {
	for used := 1; ; used++ {
		text := strings.Join(lines[:used], "\n")
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00"+dollar+backslash) {
			return nil, 1, errors.New("the line contains bytes that are not text")
		}
		pairs, err := unmarshal(text)
		switch {
		case err == nil:
			return pairs, used, nil
		case !errors.Is(err, errOpenQuote):
			return nil, 1, err
		case used == len(lines) || used == dotenvLines:
			return nil, 1, err
		}
	}
}

var (
	errOpenQuote = errors.New("the closing quote is missing")
	errNoName    = errors.New("the line is not a name, an equals sign and a value")
)

// dollar stands for "$" while the library parses: it would replace $NAME by
// the value of NAME, or by nothing, and so damage a secret that contains one.
const dollar = "\ufdd0"

// backslash stands for "\" in the same way in paths and addresses: in double quotes
// the library would make C:\new two lines.
const backslash = "\ufdd1"

// statementName matches the name at the beginning of a statement.
var statementName = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*[=:]`)

// literal replaces the backslashes of a statement in which they stand for themselves.
func literal(text string) string {
	if name := statementName.FindStringSubmatch(text); name != nil {
		if s, known := find(name[1]); known && s.Place {
			return strings.ReplaceAll(text, `\`, backslash)
		}
	}
	return text
}

// unmarshal parses statements with the library. The library's own errors quote
// the text and are therefore replaced.
func unmarshal(text string) (map[string]string, error) {
	pairs, err := godotenv.Unmarshal(strings.ReplaceAll(literal(text), "$", dollar))
	switch {
	case err != nil && strings.HasPrefix(err.Error(), "unterminated quoted value"):
		return nil, errOpenQuote
	case err != nil:
		return nil, errNoName
	}
	for name, text := range pairs {
		if !variable.MatchString(name) {
			return nil, errNoName
		}
		pairs[name] = strings.NewReplacer(dollar, "$", backslash, `\`).Replace(text)
	}
	return pairs, nil
}
