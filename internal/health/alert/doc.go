// Package alert sends messages to a person: that the bot is away, why, and what to
// do.
//
// A [Notifier] checks the health of the bot every second. It sends a message when
// the bot has been away for a minute, at once when only a person can help, a
// reminder every hour, and one when it is over. Trouble that passes within the
// minute sends none, a bot that flaps sends one, and while Discord itself reports
// trouble there are no reminders. Each [Channel] has a queue, a goroutine and
// retries of its own; none of it depends on the bot or on its connection.
//
// A [DeadMan] calls a watchdog elsewhere while the bot is online. The watchdog
// notices when this process or its host is gone.
//
// Addresses and passwords of channels are secrets: no error and no log line of
// this package contains them (G-157).
package alert
