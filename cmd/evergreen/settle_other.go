//go:build !linux

package main

import "runtime/debug"

// settle gives back to the system what only the start has needed: free memory of
// the heap.
func settle() { debug.FreeOSMemory() }
