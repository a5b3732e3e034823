// Package bot is ResearchBot: a table of commands, each answered exactly once.
// It reads the events of a gateway, answers over REST, refreshes the presence and
// records when people last used it.
//
// It knows no sockets and no sequence numbers. What it needs from the gateway is
// the interface [Shard].
//
// # How a message becomes an answer
//
//	HandleEvent   bot.go       the event's type chooses a function
//	onMessage     message.go   parse: who wrote it, which command (parse.go)
//	process       bot.go       hold the event, start a goroutine
//	execute       execute.go   permission, cooldown, time limit; run the command
//	reply         reply.go     send the answer, with nonces (nonce.go)
//	finish        message.go   count the answer, release the event
//
// An interaction takes the same steps, with slashReply (slash.go) in the place
// of reply.
//
// # Exactly once
//
// An event that asks for an answer is held ([gateway.Event.Hold]) until the
// answer was accepted or it is certain that none is due. After a crash the event
// is replayed, and the answer's nonce, which depends on the message alone, keeps
// Discord from showing a second answer. Within one process, ids of the last 15
// minutes are remembered, so that a duplicate event is ignored.
//
// Statement ids in this package refer to the table in docs/conformance.md.
package bot
