// Package history keeps how the bot has been: uptime, round trips and rates.
//
// A [History] keeps a timeline of [Level]s for each shard, and for all together how
// long Discord took to answer and how many commands were asked and answered. It has
// no clock: it takes a snapshot of the bot's health with each observation and each
// query, and an outage begins with the last sign of life and not with its discovery.
//
// Numbers are kept as they come for an hour, by the minute for a day and by the
// hour for ninety days; levels for ninety days. All of it takes less than a
// megabyte in memory, and in a [Storage], which keeps it over restarts. Time before
// the first record is unknown; time in which the process did not run counts as
// offline.
package history
