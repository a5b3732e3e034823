// Package proxy measures evergreen proxy: what it adds to an event and a request, what it
// costs in CPU time and memory, and what a crash costs. Beside most figures stands the same
// one for the same client without Evergreen, taken in the same run.
//
// Neither end is the bottleneck. [Discord] writes what was made before, and [Bot] counts
// frames; only Evergreen runs as it is, as a process of its own. Everything is on loopback.
package proxy
