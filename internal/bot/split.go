package bot

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// contentLimit is Discord's limit for the content of one message, here
	// counted in UTF-16 units, the strictest way to count (G-139).
	contentLimit = 2000
	// partsLimit is the most messages one answer may take.
	partsLimit = 10

	fence      = "```"
	closeFence = "\n" + fence
	leftOut    = "\n... (%d more characters left out)"
)

// split cuts an answer into parts that each fit into one message. It
// cuts at the end of a line if it can, else between words, else between
// characters. A code block that is cut is closed and opened again, with its
// language. Empty text gives no parts; text beyond the last part is left out,
// and that part says how much.
func split(answer string) []string {
	rest := strings.TrimRightFunc(strings.ToValidUTF8(answer, "\uFFFD"), unicode.IsSpace)
	var parts []string
	opening := "" // reopens the code block that the last part had to close
	for rest != "" {
		if closed, ends := strings.CutPrefix(strings.TrimLeftFunc(rest, unicode.IsSpace), fence); ends && opening != "" {
			opening, rest = "", strings.TrimLeftFunc(closed, unicode.IsSpace)
			continue
		}
		if units(opening)+units(rest) <= contentLimit && language(opening, rest) == "" {
			return append(parts, opening+rest)
		}
		room := contentLimit - units(opening) - units(closeFence)
		notice := ""
		if len(parts) == partsLimit-1 && units(rest) > room {
			room -= units(leftOut) + len("0000000")
			notice = leftOut
		}
		var piece string
		piece, rest = cut(rest, room)
		block := language(opening, piece)
		if strings.TrimSpace(piece) != "" {
			part := opening + strings.TrimRightFunc(piece, unicode.IsSpace)
			if block != "" {
				part += closeFence
			}
			if notice != "" {
				return append(parts, part+fmt.Sprintf(notice, utf8.RuneCountInString(rest)))
			}
			parts = append(parts, part)
		}
		if opening = block; opening == "" {
			rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		}
	}
	return parts
}

// cut takes the longest piece of at most room units off the text. The line end
// or space at which it was cut belongs to neither side.
func cut(text string, room int) (piece, rest string) {
	end := fit(text, room)
	if end == len(text) {
		return text, ""
	}
	// A line end or space right behind what fits is the best place of all.
	window := text[:end+1]
	if at := strings.LastIndexByte(window, '\n'); at > len(window)/4 {
		return text[:at], text[at+1:]
	}
	if at := strings.LastIndexByte(window, ' '); at > len(window)/4 {
		return text[:at], text[at+1:]
	}
	return text[:end], text[end:]
}

// fit returns the largest index into text that leaves at most room units before it. It
// breaks neither a character with its marks nor a run of backticks. It is always above
// 0, so that every cut makes progress.
func fit(text string, room int) int {
	end, used := 0, 0
	for i, r := range text {
		used += unitsOf(r)
		if used > room {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	if end == len(text) {
		return end
	}
	for at := end; at > 0; {
		before, size := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at:])
		if !joined(before, after) {
			return at
		}
		at -= size
	}
	return end
}

// joined reports whether the two characters must stay together.
func joined(before, after rune) bool {
	const zeroWidthJoiner = '\u200d'
	return before == '`' && after == '`' ||
		before == zeroWidthJoiner || after == zeroWidthJoiner ||
		unicode.Is(unicode.M, after)
}

// language returns what opens the code block again that is still open after the
// piece, or "" when none is. opening is what opened the block the piece
// started in, or "".
func language(opening, piece string) string {
	open := opening
	for {
		at := strings.Index(piece, fence)
		if at < 0 {
			return open
		}
		piece = piece[at+len(fence):]
		if open != "" {
			open = ""
			continue
		}
		name, _, whole := strings.Cut(piece, "\n")
		if !whole || len(name) > 20 || strings.ContainsFunc(name, notInLanguage) {
			name = ""
		}
		open = fence + name + "\n"
	}
}

func notInLanguage(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+-_#.", r)
}

// units counts text as UTF-16 does.
func units(text string) int {
	n := 0
	for _, r := range text {
		n += unitsOf(r)
	}
	return n
}

func unitsOf(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}
