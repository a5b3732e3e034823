package output

import "golang.org/x/sys/unix"

// replaceDescriptor has the descriptor fd lead where from leads.
func replaceDescriptor(from, fd int) error { return unix.Dup3(from, fd, 0) }
