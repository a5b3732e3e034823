// Package text turns values into the words that people read: durations, counts,
// one line of a peer's text, the name that was probably meant, and how many columns of
// a terminal that takes. It compares texts as people see them.
//
// All functions are safe for concurrent use.
package text
