// Package gateway keeps one shard of a bot connected to Discord's gateway.
//
// A [Shard] is the running thing. A [Session] is Discord's resumable session: an ID, a
// resume URL and a sequence number. It outlives connections and, when it is saved, the
// process. A conn is one WebSocket; its timers, its inflate context, its unanswered
// heartbeats and its send budget end with it. So nothing of an old connection can touch
// a new one. A spare is a second conn that is dialled as far as HELLO while the first
// still serves. A shard is parked while it waits for a person; see [Parked].
//
// # Where each decision lives
//
//	when to send a heartbeat            heartbeat.go   heartbeats.due, sendHeartbeat
//	whether the connection is alive     heartbeat.go   heartbeats.liveness
//	what a large message excuses        progress.go    progress.received, answerWait
//	resume or identify, at which URL    reconnect.go   policy.resumeOrIdentify, policy.useBaseURL
//	how long to wait                    reconnect.go   policy.onClosed, policy.onDialFailed; backoff.go
//	whether the session is over         reconnect.go   policy.onClosed
//	when to park, when to come back     reconnect.go   policy.closeCode; park.go
//	what a close code means             close.go       closeCodes
//	what follows op 1, 7, 9, 11         serve.go       connLoop.handle; op 7: spare.go onReconnectRequested
//	when to dial a second connection    spare.go       maintainSpare; serve.go onSuspect
//	which events count                  sequence.go    sequence.accept
//	up to where events are handled      watermark.go   watermark
//	what a full queue leads to          queue.go       sequence.accept, connLoop.checkDeadlines
//	when a payload may be sent          sendqueue.go   sendQueue.next, sendLimiter
//	when to give up waiting             options.go     Timing; serve.go checkDeadlines
//
// The types heartbeats and policy and the table closeCodes decide without a clock, without
// I/O and without a Shard; their tests are tables. run.go, connect.go and serve.go do what
// they say.
//
// # Goroutines
//
//	Shard.Run            one a shard        owns the state, the policy and the current connection's
//	                                        connLoop; never blocks: no disk, no HTTP, no handler, no
//	                                        socket write
//	conn.readLoop        one a connection   reads, decompresses, queues events; tells Run the rest
//	conn.controlLoop     one a connection   writes IDENTIFY or RESUME and heartbeats, nothing else
//	Shard.sendLoop       one a live conn.   writes presences and what callers send
//	queue.deliver        one a shard        calls the Handler; may take its time
//	notifier.run         one a shard        calls the Observer; may take its time
//	dialSpare            now and then       dials a second connection as far as HELLO
//
// Heartbeats share no lock, queue or goroutine with handlers, sends, observers or disks.
//
// # What it depends on
//
// The package knows nothing of disks, REST, metrics or flags. What it needs of them comes
// in through small interfaces: [URLSource], [IdentifyLimiter], [SessionStore],
// [CredentialChecker], [Observer], [Dialer] and [Handler].
//
// Ids such as G-042 in comments are the statements of docs/conformance.md; "rule 3" is one
// of the rules of docs/architecture.md.
package gateway
