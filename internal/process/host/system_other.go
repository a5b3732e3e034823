//go:build !linux && !darwin

package host

import "time"

func clocks() (boot, monotonic time.Duration, ok bool) { return 0, 0, false }

func bootID() string { return "" }
