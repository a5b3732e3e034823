// Package alert is at heart a message that reaches a person: the bot is away,
// this is why, and this is what to do.
//
// A [Notifier] looks at the bot's health every second on a goroutine of its
// own and decides what is worth a message: one when the bot has been away for a
// minute, one at once when only a human can help, a reminder now and then, and
// one when it is over. What passes by itself within the minute is not told,
// what flaps is told once, and what is Discord's doing waits. Each [Channel]
// has a queue, a goroutine and retries of its own, and nothing of this depends
// on the bot or on its connection.
//
// A [DeadMan] is for the case in which nothing here runs any more: it calls a
// watchdog elsewhere for as long as the bot is online.
//
// Addresses and passwords of channels are secrets: no error and no log line of
// this package contains them (G-157).
package alert
