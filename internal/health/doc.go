// Package health answers the one question a person asks about a bot: is it
// online, and if not, why?
//
// A [Tracker] watches shards through their observations and keeps, for each
// of them and for all together, a [Status] with its reason in words. Every
// loss becomes an [Incident] that runs from the last sign of life to RESUMED
// or READY (G-160), carries what was seen and done, and reads as a sentence.
// The causes are data: a [Cause] is one row of [Catalogue]. A [Narrator] turns
// observations into log lines, and a [Monitor] is the slow outer ring that
// speaks up when a bot has been offline for long.
//
// Time in which nothing ran is an incident too: [Gap] makes one out of how the
// previous run ended. What Discord says of itself comes in as [Elsewhere], so
// that its trouble is told as its own.
//
// Two things are kept apart throughout: connected (READY or RESUMED was seen
// and heartbeats are answered, G-159) and working (events are handled). A bot
// can be green and useless.
//
// All judgement is driven by the times that observations carry and by one
// clock that is read when somebody asks, so nothing here waits, except the
// monitor. Stores, alerts and pages attach from outside: an incident store as
// a [Journal], anything that wants the raw observations through [Observers].
package health
