// Package report is at heart what is made of the figures: a table, a file for
// machines, and a picture.
package report
