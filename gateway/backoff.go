package gateway

import "time"

// backoff decides how long to wait before the next attempt (rule 5, G-151).
type backoff struct {
	local, remote time.Duration // caps
	rand          func() float64
}

// firstTry is the longest wait before the attempt that follows a connection that was
// well.
const firstTry = 500 * time.Millisecond

// delay returns the wait after this many failures in a row. The first try comes at once,
// spread over half a second so that many shards do not dial together (G-073, G-154).
// Later ones use full jitter over a doubling range. The cap is short for a failure on
// this side of Discord: to dial a dead network costs nothing.
func (b backoff) delay(failures int, remote bool) time.Duration {
	if failures <= 0 {
		return time.Duration(b.rand() * float64(firstTry))
	}
	limit := b.local
	if remote {
		limit = b.remote
	}
	span := min(limit, time.Second<<min(failures-1, 10))
	return time.Duration(b.rand() * float64(span))
}

// isRemote reports whether Discord answered and said no. Anything else counts as a
// fault of the way there. A request to reconnect is no refusal, however often it comes.
func isRemote(r Reason) bool {
	switch r.Kind {
	case ReasonDNS, ReasonDial, ReasonTLS, ReasonLocate, ReasonReconnect:
		return false
	case ReasonUpgrade:
		return r.Code != 0 // an HTTP status, not a time-out
	}
	return true
}
