// Package trial has the scenarios of the comparison, and plays one scenario to one
// bot, which is a cell of its tables.
package trial
