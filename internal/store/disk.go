package store

import (
	"time"

	"evergreen/identify"
	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
	"evergreen/internal/health/alert"
	"evergreen/internal/health/history"
)

// disk opens the database. It is a [stateDir], or a fake in tests. Only the writer's
// goroutine calls it, and a call may take any time.
type disk interface {
	// open opens the database, making it if there is none, and reads it. A damaged
	// one is set aside and a new one begun. skipOpen says that the one there is known to
	// be damaged and not to be opened.
	open(skipOpen bool) (volume, *contents, error)
}

// volume is an open database.
type volume interface {
	// write writes the batch in one transaction.
	write(*batch) error
	// deleteOld deletes rows that are too old.
	deleteOld(now time.Time) error
	// present reports whether the path still leads to the open file.
	present() bool
	close() error
}

// batch is what is written in one transaction.
type batch struct {
	sessions  []sessionRow
	entries   []identify.Entry
	incidents []health.Incident
	history   []history.Record
	// replaced is the last row of the history that stays: those after it are taken back,
	// before the new ones are added. nil: all stay.
	replaced *int64
	moved    *movedSamples // nil: none
	alert    *activeAlert  // nil: it has not changed
	limits   []rest.Limit  // nil: they have not changed
	run      *runRow
	// durable: the batch and everything before it survives a power cut.
	durable bool

	// changed: there is more in it than a sign of life.
	changed bool
	waiters []chan<- error // of Commit
}

func (b *batch) empty() bool {
	return len(b.sessions) == 0 && len(b.entries) == 0 && len(b.incidents) == 0 && len(b.history) == 0 && b.replaced == nil && b.moved == nil && b.alert == nil && b.limits == nil && b.run == nil
}

// single reports whether one statement writes all of it.
func (b *batch) single() bool {
	rows := len(b.sessions) + len(b.entries) + len(b.history)
	if b.run != nil {
		rows++
	}
	return rows == 1 && len(b.incidents) == 0 && b.alert == nil && b.limits == nil && b.replaced == nil && b.moved == nil
}

// movedSamples says that the clock was set: samples from a time on, up to a row, are
// told by it now.
type movedSamples struct {
	from time.Time
	last int64
	by   time.Duration
}

// activeAlert is the active alert; nil: there is none.
type activeAlert struct{ alert *alert.Active }

// contents is what a database held when it was opened.
type contents struct {
	sessions  []sessionRow
	entries   []identify.Entry  // of the last day
	incidents []health.Incident // the newest, oldest first
	runs      []runRow          // the newest first
	history   []history.Record  // in the order in which it came
	// lastHistory is its last row.
	lastHistory int64
	alert       *alert.Active // nil if none is active
	limits      []rest.Limit
	// aside is where a damaged predecessor was moved, or empty.
	aside string
	// lacks is what the volume cannot do, in words; empty if there is nothing.
	lacks string
	// damaged counts incidents that could not be read.
	damaged int
}
