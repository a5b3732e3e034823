// Package history is at heart what a person asks of the past: how has the bot
// been, and since when?
//
// A [History] keeps for each shard a line of the levels it has been at, and
// for all together how long Discord took to answer and how much was asked and
// answered. It has no clock of its own: it looks at the bot's health with each
// observation of a shard and whenever somebody asks, and what it sees carries
// its time, so that an outage begins with the last sign of life and not with
// its discovery (G-160).
//
// Numbers are kept as they come for an hour, by the minute for a day and by the
// hour for ninety days; levels for ninety days. All of it stays below a
// megabyte in memory, and below that in a [Storage], which lets it outlive the
// process. Time before the first record is unknown; time in which the process
// did not run is time offline.
package history
