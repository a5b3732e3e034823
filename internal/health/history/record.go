package history

import "time"

// Kind is the kind of a [Record].
type Kind string

// The kinds.
const (
	// MarkRecord says that a shard has been at a level since a moment.
	MarkRecord Kind = "mark"
	// MinuteRecord and HourRecord are the numbers of a minute and of an hour.
	MinuteRecord Kind = "minute"
	HourRecord   Kind = "hour"
)

// Keep is how long records of the kind are of use. A storage may delete older
// ones at any time, and should do so now and then.
func (k Kind) Keep() time.Duration {
	if k == MinuteRecord {
		return 25 * time.Hour
	}
	return horizon + 48*time.Hour
}

// Record is one thing to be remembered.
type Record struct {
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"`
	// Shard and Level are of a mark.
	Shard int   `json:"shard,omitempty"`
	Level Level `json:"level,omitempty"`
	// Sums are of a minute or hour.
	Sums Sums `json:"sums,omitzero"`
}

// Storage keeps records over the end of the process. About 1,500 records a day
// are of the minute, and some thirty others.
type Storage interface {
	// Append adds records. It must return at once; what it cannot write now it
	// has to queue. Several records may have the same kind and time: all count.
	Append([]Record)
	// Load returns all records that are not older than a moment, in the order
	// in which they were appended.
	Load(since time.Time) ([]Record, error)
	// Lost reports, once, that all that was appended so far is gone, because
	// something new has taken the place of what held it: then everything is
	// appended again.
	Lost() bool
}

// forgetful is a [Storage] that keeps nothing: everything is in memory anyway.
type forgetful struct{}

func (forgetful) Append([]Record)                  {}
func (forgetful) Lost() bool                       { return false }
func (forgetful) Load(time.Time) ([]Record, error) { return nil, nil }
