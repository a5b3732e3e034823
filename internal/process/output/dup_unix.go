//go:build unix && !linux

package output

import "golang.org/x/sys/unix"

// replaceDescriptor has the descriptor fd lead where from leads.
func replaceDescriptor(from, fd int) error { return unix.Dup2(from, fd) }
