//go:build !linux

package line

import "net"

// limitUnacknowledged does nothing: only Linux has the option.
func limitUnacknowledged(net.Conn) {}
