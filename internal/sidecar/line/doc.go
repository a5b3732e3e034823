// Package line is the server side of one gateway WebSocket, as a bot's library meets it.
//
// It greets, answers heartbeats, compresses, checks what may be sent when, and finds out what
// the client has read. It knows nothing of sessions, guilds or the disk.
//
// Of one line, each goroutine does one thing: the caller of Run reads, one writes, one keeps
// the times, one calls the handler. A handler that takes long delays no heartbeat's answer,
// and neither does a client that does not read.
//
// The decisions are arithmetic on times and numbers: [flow] what was read and when to ask,
// [ackQueue] when heartbeats are answered, [admit] which payload is allowed when, [throttle]
// how fast a client is read.
package line
