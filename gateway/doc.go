// Package gateway is at heart one promise: while Discord is up and the
// credentials are good, one shard is online.
//
// A [Shard] is the running thing. A [Session] is Discord's resumable session:
// an id, a resume URL and a sequence number; it outlives connections and, when
// it is kept on disk, the process. A Conn is one WebSocket; its timers, its
// inflate context, its outstanding heartbeats and its send budget live and die
// with it, so nothing of an old connection can ever touch a new one.
//
// One goroutine owns a shard's state and never does anything that can block:
// no disk, no HTTP, no handler, no socket write. Each Conn has one goroutine
// that reads and one that writes heartbeats and nothing else. Events that
// somebody asked for wait in a queue bounded in bytes; the others are counted
// and forgotten without being decoded.
//
// The package depends on a WebSocket library and a zstd decoder and on nothing
// that knows about disks, REST, metrics or flags: those come in through small
// interfaces ([URLSource], [IdentifyLimiter], [SessionStore], [Observer], [Dialer], [Handler]).
//
// Statement ids such as G-042 in comments refer to the table in
// docs/conformance.md.
package gateway
