package alert

import "time"

// Standing is an alert that is not over. It outlives the process, so that the
// next run can say that it is.
type Standing struct {
	// Kind is the kind of the alert, Thread names its trouble, and Since is when
	// that began.
	Kind   Kind      `json:"kind"`
	Thread string    `json:"thread"`
	Since  time.Time `json:"since"`
	// Reminded is when the alert or the last reminder was written.
	Reminded time.Time `json:"reminded"`
	// Told is whether anything was sent, and not held back; NotYou whether that
	// Discord is behind it was.
	Told   bool `json:"told"`
	NotYou bool `json:"not_you,omitempty"`
}

// Storage keeps the alert that stands over the end of the process.
type Storage interface {
	// Stand keeps the alert, nil when none stands any more. It must return at
	// once.
	Stand(*Standing)
	// Standing returns the alert that an earlier run left standing, nil if none.
	Standing() *Standing
}

// forgetful is a [Storage] that keeps nothing.
type forgetful struct{}

func (forgetful) Stand(*Standing)     {}
func (forgetful) Standing() *Standing { return nil }
