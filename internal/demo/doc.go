// Package demo is at heart a bad day at Discord, told in a few minutes, with
// everything counted: a simulated Discord in memory, people who ask the bot
// things, faults that strike one after another, and the real bot in between.
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
