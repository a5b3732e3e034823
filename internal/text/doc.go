// Package text turns values into the words that people read: durations, counts,
// one line of a peer's text, and the name that was probably meant.
//
// All functions are safe for concurrent use.
package text
