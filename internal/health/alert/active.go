package alert

import "time"

// Active is the alert that is not over. It is stored, so that the next run can say
// that it is over.
type Active struct {
	// Kind is the kind of the alert, Thread is that of its messages, and Since is when
	// the trouble began.
	Kind   Kind      `json:"kind"`
	Thread string    `json:"thread"`
	Since  time.Time `json:"since"`
	// LastReminder is when the alert or the last reminder was written.
	LastReminder time.Time `json:"reminded"`
	// Sent is whether a message was sent, and not held back. NotYou is whether the
	// message that Discord is behind it was sent.
	Sent   bool `json:"told"`
	NotYou bool `json:"not_you,omitempty"`
}

// Storage keeps the active alert beyond the end of the process.
type Storage interface {
	// SaveActive keeps the alert; nil: there is none any more. It must return at once.
	SaveActive(*Active)
	// LoadActive returns the alert that an earlier run left active, nil if none.
	LoadActive() *Active
}

// noStorage is the default [Storage]: it keeps nothing.
type noStorage struct{}

func (noStorage) SaveActive(*Active)  {}
func (noStorage) LoadActive() *Active { return nil }
