// Package demo runs the real bot against a simulated Discord in memory, with users
// who ask it things and mishaps that follow one after another, and counts everything.
//
// A [World] is the simulated Discord with its guilds and people, a [Crowd] makes
// the people talk, a [Schedule] draws the faults out of a seed, [Run] puts them
// and the bot together and keeps the [Score], and a [Screen] shows it. The
// simulator's own verdict decides in the end: nothing lost, nothing answered
// twice, no rule broken.
//
// The demo runs on any clock: in real time on a terminal, in virtual time in a
// test.
package demo
