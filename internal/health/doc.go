// Package health says whether the bot is online, and if not, why.
//
// A [Tracker] is told every observation of the shards and computes a [Status]
// with its reason for each shard and for the bot. A loss becomes an [Incident],
// from the last sign of life to RESUMED or READY. Connected (READY or
// RESUMED arrived, and heartbeats are answered) and working (events are handled)
// are judged apart.
//
//	question                                where
//	what does a kind of failure mean?       the row of its cause: catalogue.go
//	which cause has an error?               diagnose.go
//	which sentence has an incident?         Incident.Happened and Ended: incident.go
//	which sentence has a key?               message.go; those of causes: catalogue.go
//	when does an incident begin and end?    recovery.go
//	is a shard online?                      shardstatus.go
//	is the bot online?                      Tracker.sumUp and setStatus: tracker.go
//	what is wrong beside the connection?    condition.go, discordstatus.go
//	why was the previous run over?          downtime.go
//	what is logged?                         eventlog.go, every few minutes monitor.go
//
// Every sentence for a person is a [Message] with a key, so that a translation
// does not depend on the English words.
//
// Nothing here has a clock or a goroutine of its own but [Monitor]: time is that
// of the observations, and that of [Options].Now when a snapshot is taken.
package health
