package health

import (
	"time"

	"evergreen/internal/text"
)

// longest is how much foreign text (close reasons, error strings) is kept, in
// bytes.
const longest = 300

func span(d time.Duration) string { return text.Duration(d) }

func count[N int | int64](n N, noun string) string { return text.Count(n, noun) }

// plain makes foreign text one printable line of at most [longest] bytes.
func plain(s string) string { return text.Clip(text.OneLine(s), longest) }

func oneLine(s string) string { return text.OneLine(s) }

func sentence(s string) string { return text.Capitalize(s) }
