// Package trial is at heart what everyone is put through: a table of scenarios,
// and one cell of the comparison, which is one scenario played to one bot.
package trial
