// Package peer is at heart the list of those who are compared: the same ping bot
// on each library, how it is built, and how it runs as a process.
package peer
