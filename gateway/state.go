package gateway

import (
	"fmt"
	"time"
)

// State is what a shard is doing. It is one of the types of this file; each carries what
// is known while it holds.
type State interface {
	fmt.Stringer
	state()
}

// Idle holds before Run.
type Idle struct{}

// Waiting holds between attempts: for the backoff, for the delay after op 9, or for the
// grant to identify.
type Waiting struct {
	// Until is when the wait ends; zero when the [IdentifyLimiter] decides.
	Until time.Time
	// For says what the shard waits for: "the next attempt" or "its turn to identify".
	For string
	// Failures counts attempts in a row that came to nothing.
	Failures int
}

// Connecting holds from the dial until HELLO.
type Connecting struct {
	// URL is the address as Discord gave it, without the query that is added to it.
	URL string
	// Resuming is whether the connection is opened to resume and not to identify.
	Resuming bool
}

// Identifying holds from IDENTIFY to READY.
type Identifying struct{}

// Resuming holds from RESUME to RESUMED, while Discord replays.
type Resuming struct {
	// From is the sequence number that the RESUME names.
	From int64
}

// Live holds after READY or RESUMED: the bot is online.
type Live struct{}

// Suspect holds while an answer is overdue on a live connection. A spare connection is
// being dialled.
type Suspect struct {
	// Silent is how long nothing had arrived when the state began.
	Silent time.Duration
}

// Moving holds while a live connection is replaced because Discord asked for it (op 7).
type Moving struct{}

// Parked holds while only a person can help. The credentials are checked from time to
// time.
type Parked struct {
	// Reason is why. Its Code says what a person has to do, see [CloseCode.Remedy]. Its
	// Err, if any, is the error of the URLSource, or that of the CredentialChecker with a
	// remedy.
	Reason Reason
}

// Draining holds while handlers finish before a stop.
type Draining struct{}

// Stopped holds once the shard has ended, or was stopped before Run. It is final.
type Stopped struct{}

func (Idle) state()        {}
func (Waiting) state()     {}
func (Connecting) state()  {}
func (Identifying) state() {}
func (Resuming) state()    {}
func (Live) state()        {}
func (Suspect) state()     {}
func (Moving) state()      {}
func (Parked) state()      {}
func (Draining) state()    {}
func (Stopped) state()     {}

func (Idle) String() string { return "idle" }

func (s Waiting) String() string { return "waiting for " + s.For }

func (s Connecting) String() string {
	if s.Resuming {
		return "connecting to resume"
	}
	return "connecting to identify"
}

func (Identifying) String() string { return "identifying" }
func (Resuming) String() string    { return "resuming" }
func (Live) String() string        { return "live" }
func (Suspect) String() string     { return "suspect" }
func (Moving) String() string      { return "moving" }
func (Parked) String() string      { return "parked" }
func (Draining) String() string    { return "draining" }
func (Stopped) String() string     { return "stopped" }

// Online reports whether events flow in the state: READY or RESUMED has come on the
// current connection (G-159).
func Online(s State) bool {
	switch s.(type) {
	case Live, Suspect, Moving, Draining:
		return true
	}
	return false
}
