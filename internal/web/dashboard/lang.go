package dashboard

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"evergreen/internal/health"
	"evergreen/internal/text"
	"evergreen/internal/web/page"
)

// lang is a language of the pages, with what this package says in it.
type lang page.Lang

// The languages.
const (
	english = lang(page.English)
	thai    = lang(page.Thai)
)

// String returns the language's tag.
func (t lang) String() string { return page.Lang(t).String() }

// texts are the texts of the pages by language and key.
var texts = [page.Langs]map[string]string{english: englishTexts, thai: thaiTexts}

// T is the text of a key, with args in the place of its verbs. A key without a
// text stands for itself.
func (t lang) T(key string, args ...any) string {
	text, ok := texts[t][key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Count says a number with its noun, in the singular where the language has one.
func (t lang) Count(n int64, key string) string {
	if n == 1 {
		return t.T(key+".one", t.Number(n))
	}
	return t.T(key+".many", t.Number(n))
}

// Number groups the digits by three. It implements [health.Language].
func (t lang) Number(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

// Duration says a duration in two units at most: "240 ms", "16.2 s", "12 min 5 s",
// "3 h 12 min", "2 d 3 h". The script of the page says it the same way. It
// implements [health.Language].
func (t lang) Duration(d time.Duration) string {
	var b strings.Builder
	for i, p := range text.Parts(max(d, 0)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		key := "unit." + p.Unit
		b.WriteString(p.Number + "\u00a0" + t.T(key))
	}
	return b.String()
}

// Share says a share of 1 in percent. It is cut, not rounded: 100% means that
// nothing was missed.
func (t lang) Share(share float64) string {
	if share >= 1 {
		return "100%"
	}
	thousandths := int64(max(share, 0) * 100_000)
	text := fmt.Sprintf("%d.%03d", thousandths/1000, thousandths%1000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// Milliseconds says a round trip in milliseconds.
func (t lang) Milliseconds(d time.Duration) string {
	ms := d.Seconds() * 1000
	if ms < 10 {
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 0, 64)
}

var (
	thaiDays   = [...]string{"อา.", "จ.", "อ.", "พ.", "พฤ.", "ศ.", "ส."}
	thaiMonths = [...]string{"ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค."}
)

// Date says a day without its year: "Tue 24 Nov".
func (t lang) Date(at time.Time) string {
	at = at.UTC()
	if t == thai {
		return fmt.Sprintf("%s %d %s", thaiDays[at.Weekday()], at.Day(), thaiMonths[at.Month()-1])
	}
	return at.Format("Mon 2 Jan")
}

// dayMonth says a day without its weekday: "24 Nov".
func (t lang) dayMonth(at time.Time) string {
	if t == thai {
		return fmt.Sprintf("%d %s", at.Day(), thaiMonths[at.Month()-1])
	}
	return at.Format("2 Jan")
}

// timeElement marks a moment up. What it says is in UTC; the script on the page
// says it again in the reader's zone, in the same form.
func timeElement(at time.Time, form, text string) template.HTML {
	if at.IsZero() {
		return "–"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-form="%s">%s</time>`, //nolint:gosec // every part is made here
		at.UTC().Format("2006-01-02T15:04:05.000Z"), form, template.HTMLEscapeString(text)))
}

// Clock is a time of day.
func (t lang) Clock(at time.Time) template.HTML {
	return timeElement(at, "clock", at.UTC().Format("15:04:05"))
}

// Minute is a time of day without its seconds.
func (t lang) Minute(at time.Time) template.HTML {
	return timeElement(at, "minute", at.UTC().Format("15:04"))
}

// Stamp is a day and a time of day.
func (t lang) Stamp(at time.Time) template.HTML {
	at = at.UTC()
	return timeElement(at, "stamp", t.dayMonth(at)+", "+at.Format("15:04:05"))
}

// Day is a day of the calendar.
func (t lang) Day(at time.Time) template.HTML {
	at = at.UTC()
	return timeElement(at, "day", t.dayMonth(at))
}

// Ago is how long ago a moment was; the script lets it count on.
func (t lang) Ago(at, now time.Time) template.HTML {
	if at.IsZero() {
		return template.HTML(template.HTMLEscapeString(t.T("never"))) //nolint:gosec // escaped
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-form="ago">%s</time>`, //nolint:gosec // every part is made here
		at.UTC().Format("2006-01-02T15:04:05.000Z"), template.HTMLEscapeString(t.T("ago", t.Duration(wholeSeconds(now.Sub(at)))))))
}

// For is how long something has been so; the script lets it count on.
func (t lang) For(since, now time.Time) template.HTML {
	if since.IsZero() {
		return "–"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-form="for">%s</time>`, //nolint:gosec // every part is made here
		since.UTC().Format("2006-01-02T15:04:05.000Z"), template.HTMLEscapeString(t.Duration(wholeSeconds(now.Sub(since))))))
}

// wholeSeconds drops what a counter that moves once a second cannot show.
func wholeSeconds(d time.Duration) time.Duration { return max(d, 0).Truncate(time.Second) }

// State is a status in words.
func (t lang) State(id string) string { return t.T("state." + id) }

// localized is text with its language, which a screen reader has to know.
type localized struct {
	Text, Lang string
}

// Sentence implements [health.Language].
func (t lang) Sentence(key string) string {
	if t == english {
		return health.English{}.Sentence(key)
	}
	if text, ok := thaiMessages[key]; ok {
		return text
	}
	return key
}

// Say says a message of package health as a sentence of its own. A message without
// a key is in the words of Discord, the system or a library, and those are English.
func (t lang) Say(m health.Message) localized {
	tag := t.String()
	if m.Key == "" {
		tag = english.String()
	}
	return localized{text.Capitalize(m.In(t)), tag}
}
