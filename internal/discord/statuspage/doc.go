// Package statuspage is at heart what Discord says of itself: is the trouble
// there, or here?
//
// A [Poller] asks Discord's public status page once a minute, with conditional
// requests, and knows the latest [Status]. It is a witness, never a judge: a
// page that cannot be reached, answers nonsense or has grown old changes
// nothing, and all that follows from it is that people are told "Discord, not
// you" and that alerts about the bot wait.
package statuspage
