// Package demo runs the real bot against a simulated Discord in memory and counts
// everything. Users ask it things, and mishaps follow one after another.
//
// A [World] is the simulated Discord with its guilds and people. A [Crowd] makes the
// people talk. A [Schedule] draws the faults out of a seed. [Run] puts them and the bot
// together and keeps the [Score]; a [Screen] shows it. The simulator's own verdict
// decides in the end: nothing lost, nothing answered twice, no rule broken.
//
// With [Options].Bot the bot is a [Program], a process of its own behind Evergreen's proxy, and
// what is done to it stands in one table (strike.go): it is killed, hung, redeployed and
// stopped. The score then has connected and attended apart: whether Evergreen is online, and
// whether a bot is there and reads.
//
// Without that the demo runs on any clock: in real time on a terminal, in virtual time in a
// test.
package demo
