package bot

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// call is what a message asks for.
type call struct {
	kind callKind
	// name is the command as it was typed, rest what stands behind it.
	name, rest string
}

type callKind int

const (
	// notCalled is a message that is none of the bot's business.
	notCalled callKind = iota
	// calledByName is a command.
	calledByName
	// calledOnly is a mention of the bot with nothing behind it.
	calledOnly
	// perhapsCalled starts with a mention, and the bot does not know its own id
	// yet.
	perhapsCalled
)

// longestName bounds what is taken for a command, so that prose behind a prefix
// is not.
const longestName = 32

// parseCall reads a message: prefix and name, or a mention of the bot, `<@id>`
// or the old `<@!id>` (G-148), with or without the prefix behind it. self is
// the bot's user, 0 while unknown.
func parseCall(content, prefix string, self id) call {
	content = strings.TrimSpace(content)
	if rest, ok := strings.CutPrefix(content, prefix); ok && prefix != "" {
		return named(rest)
	}
	mentioned, rest := cutMention(content)
	switch {
	case mentioned == 0:
		return call{}
	case self == 0:
		return call{kind: perhapsCalled}
	case mentioned != self:
		return call{}
	}
	rest = strings.TrimSpace(rest)
	if rest == "" {
		return call{kind: calledOnly}
	}
	return named(strings.TrimPrefix(rest, prefix))
}

// named reads the name of a command. What does not start with a letter, such as
// "!!!" or "! hello", is not one.
func named(rest string) call {
	name, rest := rest, ""
	if at := strings.IndexFunc(name, unicode.IsSpace); at >= 0 {
		name, rest = name[:at], name[at:]
	}
	first, _ := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(first) || utf8.RuneCountInString(name) > longestName {
		return call{}
	}
	return call{kind: calledByName, name: name, rest: strings.TrimSpace(rest)}
}

// cutMention takes a user mention off the front of the text. It returns 0 if
// there is none.
func cutMention(content string) (id, string) {
	inner, ok := strings.CutPrefix(content, "<@")
	if !ok {
		return 0, content
	}
	digits, rest, ok := strings.Cut(strings.TrimPrefix(inner, "!"), ">")
	if !ok {
		return 0, content
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, content
	}
	return id(n), rest
}
