//go:build !unix

package main

// ownerOf names no account: a service runs as the system's own account here,
// unless --run-as names another.
func ownerOf(string) string { return "" }
