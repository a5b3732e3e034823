// Package logging writes every log line of the process to the console and to a file:
// as text or JSON, without secrets, and such that no value can forge a line.
//
// [New] builds a [Logger] from an [Options]. Each record passes a handler that replaces
// secrets in its message, its attributes, groups and errors, also in those of
// libraries. The file is rotated by size and age. Text lines read
//
//	2026-11-24 03:44:17 [WARNING] ResearchBot: No activity for 30.0 minutes
//
// The name before the colon is the component; [Component] gives a logger one. Values
// follow as key=value.
//
// A file that cannot be opened and a disk that is full cost lines in the file and a
// warning on the console. They never stop the bot.
package logging
