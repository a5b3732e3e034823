package bot

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// invocation is what a message asks for.
type invocation struct {
	kind invocationKind
	name string // the command as it was typed
	rest string // the text after it
}

type invocationKind int

const (
	noInvocation      invocationKind = iota // the message is not for the bot
	commandInvocation                       // a command
	mentionInvocation                       // a mention of the bot without a command
	unknownMention                          // a mention, while the bot's own id is not known
)

// maxNameLength is how many characters a command's name may have: longer words
// behind a prefix are prose.
const maxNameLength = 32

// parseInvocation parses a message's content: prefix and name, or a mention of the
// bot with or without the prefix behind it. self is the bot's user, 0 while
// unknown. G-148: a mention is `<@id>` or the old `<@!id>`.
func parseInvocation(content, prefix string, self id) invocation {
	content = strings.TrimSpace(content)
	if rest, ok := strings.CutPrefix(content, prefix); ok && prefix != "" {
		return parseName(rest)
	}
	mentioned, rest := cutMention(content)
	switch {
	case mentioned == 0:
		return invocation{}
	case self == 0:
		return invocation{kind: unknownMention}
	case mentioned != self:
		return invocation{}
	}
	rest = strings.TrimSpace(rest)
	if rest == "" {
		return invocation{kind: mentionInvocation}
	}
	return parseName(strings.TrimPrefix(rest, prefix))
}

// parseName parses a command's name, which starts with a letter: "!!!" and
// "! hello" are no commands.
func parseName(rest string) invocation {
	name, rest := rest, ""
	if at := strings.IndexFunc(name, unicode.IsSpace); at >= 0 {
		name, rest = name[:at], name[at:]
	}
	first, _ := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(first) || utf8.RuneCountInString(name) > maxNameLength {
		return invocation{}
	}
	return invocation{kind: commandInvocation, name: name, rest: strings.TrimSpace(rest)}
}

// cutMention cuts a user mention off the front of the text. The id is 0 if there
// is none.
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
