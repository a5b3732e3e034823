// Package peer lists the libraries that are compared: the same ping bot on each, how
// it is built, and how it runs as a process.
package peer
