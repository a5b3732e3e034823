package history

import "time"

// Kind is the kind of a [Record].
type Kind string

const (
	// LevelRecord says that a shard has been at a level since a time.
	LevelRecord Kind = "mark"
	// MinuteRecord and HourRecord are the numbers of a minute and of an hour.
	MinuteRecord Kind = "minute"
	HourRecord   Kind = "hour"
)

// Keep returns how long records of the kind are used. A storage may delete older
// ones at any time, and should do so now and then.
func (k Kind) Keep() time.Duration {
	if k == MinuteRecord {
		return 25 * time.Hour
	}
	return horizon + 48*time.Hour
}

// Record is one stored change of level, minute or hour.
type Record struct {
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"`
	// Shard and Level belong to a LevelRecord.
	Shard int   `json:"shard,omitempty"`
	Level Level `json:"level,omitempty"`
	// Sums belong to a MinuteRecord or HourRecord.
	Sums Sums `json:"sums,omitzero"`
}

// Storage keeps records over restarts. About 1,500 records a day are minutes, and
// some thirty others.
type Storage interface {
	// Append adds records. It must return at once, and queue what it cannot write
	// now. Several records may have the same kind and time: all count.
	Append([]Record)
	// Replace takes back all records that were appended since Load, and adds these in
	// their place.
	Replace([]Record)
	// Load returns all records since a time, in the order in which they were
	// appended.
	Load(since time.Time) ([]Record, error)
	// Lost reports, once, that all records so far are gone, because the storage has
	// begun anew. Then everything is appended again.
	Lost() bool
}

// noStorage is the default [Storage]: it keeps nothing.
type noStorage struct{}

func (noStorage) Append([]Record)                  {}
func (noStorage) Replace([]Record)                 {}
func (noStorage) Lost() bool                       { return false }
func (noStorage) Load(time.Time) ([]Record, error) { return nil, nil }
