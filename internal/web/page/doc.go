// Package page is what all pages for people have in common: the languages, the
// appearance, the files they load, and the headers that let in nothing of another
// site.
//
// A page has texts and a style sheet of its own beside base.css, which holds the
// colours, the fonts and the head of a page.
package page
