package chat

import (
	"evergreen/internal/web/page"
)

// lang is a language of the page, with what it says in it.
type lang page.Lang

// The languages.
const (
	english = lang(page.English)
	thai    = lang(page.Thai)
)

// String returns the language's tag.
func (l lang) String() string { return page.Lang(l).String() }

// texts are the texts of the page by language and key.
var texts = [page.Langs]map[string]string{english: englishTexts, thai: thaiTexts}

// T is the text of a key. A key without a text stands for itself.
func (l lang) T(key string) string {
	if text, ok := texts[l][key]; ok {
		return text
	}
	return key
}

// fault says what a fault does. The simulator itself says so in English.
func (l lang) fault(name, description string) string {
	if says := thaiFaults[name]; l == thai && says != "" {
		return says
	}
	return description
}
