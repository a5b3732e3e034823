// Package logging is at heart the one door through which every line leaves the
// process: a line at a time, for people or for programs, without a secret in
// it and impossible to forge.
//
// [New] builds a [Logger] from an [Options]. Each record passes a guard that
// replaces secrets in its message, its attributes, groups and errors, whatever
// library they came from, and goes on to the console and to a file that is set
// aside by size and age. Text lines read
//
//	2026-11-24 03:44:17 [WARNING] ResearchBot: No activity for 30.0 minutes
//
// The name before the colon is the component that speaks; [Component] gives a
// logger one. Values follow as key=value.
//
// The log serves the bot and never the other way round: a file that cannot be
// opened and a disk that is full cost lines in the file and a warning on the
// console, nothing else.
package logging
