//go:build !linux

package peer

import "errors"

// errNoUsage means that this system does not tell.
var errNoUsage = errors.New("what a process uses is known on Linux only")

// Usage is known on Linux only.
func (p *Process) Usage() (Usage, error) { return Usage{}, errNoUsage }
