package bot

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"evergreen/internal/text"

	"golang.org/x/text/unicode/norm"
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
	unknownMention                          // a mention, while the bot's own id or role is not known
)

// maxNameLength is how many characters a command's name may have: longer words
// behind a prefix are prose.
const maxNameLength = 32

// addressing is how people call the bot.
type addressing struct {
	prefix string
	self   id // the bot's user; 0 while unknown
	// role is the role that Discord gave to the bot in the guild of the message; 0 if it
	// has none. roleUnknown means that this is not known.
	role        id
	roleUnknown bool
	// isCommand reports whether a command has the name. Nil: every name is one.
	isCommand func(name string) bool
}

// parse parses a message's content: prefix and name, or a mention of the bot with or
// without the prefix behind it. G-148: a mention is `<@id>` or the old `<@!id>`; that of
// the bot's own role counts too, because clients offer both under one name.
//
// Characters are compared as people see them ([text.Fold]); the arguments stay as they
// are. Between the prefix and the name of a command may be space, between a mention and
// a name punctuation too. What stands in code marks or a quote speaks of a command and
// does not call it.
func (a addressing) parse(content string) invocation {
	content = trimBlank(content)
	if rest, ok := a.cutPrefix(content); ok {
		name := trimLeftBlank(rest)
		called := a.parseName(name)
		if startsBlank(rest) && !a.isKnown(called.name) {
			return invocation{} // "! hello" is prose
		}
		return called
	}
	rest, mentioned := a.cutMention(content)
	switch mentioned {
	case notMentioned:
		return invocation{}
	case maybeMentioned:
		return invocation{kind: unknownMention}
	}
	for mentioned == selfMentioned {
		rest = strings.TrimLeftFunc(rest, func(r rune) bool { return isBlank(r) || unicode.IsPunct(r) && r != '@' })
		rest, mentioned = a.cutMention(rest)
	}
	if rest == "" {
		return invocation{kind: mentionInvocation}
	}
	called := a.parseName(rest)
	if after, ok := a.cutPrefix(rest); ok && !a.isKnown(called.name) {
		return a.parseName(trimLeftBlank(after))
	}
	return called
}

// parseName parses a command's name, which starts with a letter: "!!!" is no command.
// Punctuation behind the name of a command does not count.
func (a addressing) parseName(rest string) invocation {
	name, rest := rest, ""
	if at := strings.IndexFunc(name, text.IsBlank); at >= 0 {
		name, rest = name[:at], name[at:]
	}
	name = text.Visible(name)
	if plain := strings.TrimRightFunc(name, unicode.IsPunct); !a.isKnown(name) && a.isKnown(plain) {
		name = plain
	}
	first, _ := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(first) || utf8.RuneCountInString(name) > maxNameLength {
		return invocation{}
	}
	return invocation{kind: commandInvocation, name: name, rest: trimBlank(rest)}
}

func (a addressing) isKnown(name string) bool { return a.isCommand == nil || a.isCommand(name) }

// cutPrefix cuts the prefix off the front of the text.
func (a addressing) cutPrefix(content string) (rest string, ok bool) {
	folded := text.Fold(a.prefix)
	// No other way to write it has more visible characters than its decomposed form.
	left := utf8.RuneCountInString(norm.NFKD.String(folded))
	for at := 0; at < len(content) && left > 0; {
		r, size := utf8.DecodeRuneInString(content[at:])
		at += size
		if text.IsInvisible(r) {
			continue
		}
		left--
		if text.Fold(content[:at]) == folded {
			return content[at:], true
		}
	}
	return content, false
}

// mentioned is whom a mention means.
type mentioned int

const (
	notMentioned   mentioned = iota // someone else, or there is no mention
	selfMentioned                   // the bot
	maybeMentioned                  // the bot's own id is not known yet
)

// cutMention cuts a mention of the bot off the front of the text.
func (a addressing) cutMention(content string) (rest string, who mentioned) {
	inner, ok := strings.CutPrefix(content, "<@")
	if !ok {
		return content, notMentioned
	}
	own, unknown := a.self, a.self == 0
	if role, ok := strings.CutPrefix(inner, "&"); ok {
		inner, own, unknown = role, a.role, a.roleUnknown
	} else {
		inner = strings.TrimPrefix(inner, "!")
	}
	digits, rest, ok := strings.Cut(inner, ">")
	if !ok {
		return content, notMentioned
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case err != nil || n == 0:
		return content, notMentioned
	case unknown:
		return content, maybeMentioned
	case id(n) != own:
		return content, notMentioned
	}
	return rest, selfMentioned
}

// isBlank reports whether a character does not count at the beginning of something.
func isBlank(r rune) bool { return text.IsBlank(r) || text.IsInvisible(r) }

func trimLeftBlank(s string) string { return strings.TrimLeftFunc(s, isBlank) }

// startsBlank reports whether the text begins with space.
func startsBlank(s string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, text.IsInvisible))
	return text.IsBlank(first)
}

// trimBlank removes spaces and invisible characters from both ends, except what may be
// part of a last emoji.
func trimBlank(s string) string {
	s = trimLeftBlank(s)
	for {
		s = strings.TrimRightFunc(s, func(r rune) bool { return isBlank(r) && !inEmoji(r) })
		visible := strings.TrimRightFunc(s, isBlank)
		space := strings.IndexFunc(s[len(visible):], text.IsBlank)
		if space < 0 {
			return s
		}
		s = s[:len(visible)+space] // behind a space there is no emoji that they could belong to
	}
}

// inEmoji reports whether an invisible character occurs in emoji: variation selectors,
// joiners and tags.
func inEmoji(r rune) bool {
	return unicode.Is(unicode.Variation_Selector, r) || r == '\u200d' || r >= 0xe0020 && r <= 0xe007f
}
