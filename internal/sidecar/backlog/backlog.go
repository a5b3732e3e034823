// Package backlog keeps the events that a bot has not confirmed yet, in order, within a
// bound of bytes and age. The data of events that do not fit into memory may be kept
// elsewhere: the owner moves it, and tells where it is.
//
// Each event has a position. A consumer's cursor is the position of the first event it
// has not confirmed. The tail is the position of the oldest event that is kept. What
// falls below the tail is folded: the owner brings its picture of the guilds up to the
// tail, and no further.
package backlog

import (
	"slices"
	"time"
)

// Defaults of [Options].
const (
	DefaultBytes = 64 << 20
	DefaultMoved = 512 << 20
	DefaultAge   = time.Hour
)

// What was confirmed is kept for a while: a library may have answered for an event before
// it had taken it, and its RESUME must find it. arikawa lets go of what waits in its queue
// when it connects again, minutes later if a handler has held it up. It is never kept for
// more than half of [Options].Age.
const (
	confirmedAge   = 5 * time.Minute
	confirmedBytes = 1 << 20
)

// overhead is what a record costs beside its data, in bytes.
const overhead = 200

// Record is one event.
type Record struct {
	// Position is the place of the event in the backlog. Append sets it.
	Position int64
	// Type is the event's name, such as MESSAGE_CREATE.
	Type string
	// ID is the id of what it tells of, such as the message; 0: none.
	ID uint64
	// Guild is the guild it belongs to; 0: none.
	Guild uint64
	// LiveOnly marks an event that is of no use later: only a line that was live when it
	// came gets it.
	LiveOnly bool
	// Removed marks an event that was taken out: no line gets it any more.
	Removed bool
	// Received is when it came.
	Received time.Time
	// Data is the raw JSON of its d; nil once it was moved.
	Data []byte
	// Place is where the data was moved to, and Moved its length; 0: it is in Data.
	Place int64
	Moved int
	// Release is called once, when the event is confirmed or given up. May be nil.
	Release func()

	confirmed time.Time
}

// Size is what the event counts for in the bounds, in bytes.
func (r *Record) Size() int64 { return r.inMemory() + int64(r.Moved) }

func (r *Record) inMemory() int64 { return int64(len(r.Data)) + overhead }

func (r *Record) release() {
	if r.Release != nil {
		r.Release()
		r.Release = nil
	}
}

// Options configures a [Backlog]. Fold is required; every other zero value means the
// documented default.
type Options struct {
	// First is the position of the first event. Default 1.
	First int64
	// Bytes bounds what is kept in memory, with 200 bytes for each event, moved or not.
	// Default 64 MiB.
	Bytes int64
	// Moved bounds the data that was moved. Default 512 MiB; negative: none is.
	Moved int64
	// Movable reports whether the data of an event may be moved. Default: none may.
	Movable func(Record) bool
	// Age is how long an event is kept. Default one hour.
	Age time.Duration
	// Fold is called for each event that falls below the tail, in order, also for those
	// that were lost or removed.
	Fold func(Record)
	// Missed reports whether an event that is dropped before it was confirmed would have
	// gone to a bot. Default: each would.
	Missed func(Record) bool
}

// Loss is what fell out before it was confirmed.
type Loss struct {
	// Count is how many events were lost, ByType how many of each type.
	Count  int
	ByType map[string]int
	// From and To are when the first and the last of them came.
	From, To time.Time
}

// Add adds another loss to this one.
func (l *Loss) Add(other Loss) {
	if other.Count == 0 {
		return
	}
	if l.Count == 0 {
		l.From, l.ByType = other.From, map[string]int{}
	}
	l.Count += other.Count
	l.To = other.To
	for name, n := range other.ByType {
		l.ByType[name] += n
	}
}

// Backlog is a queue of events by position. Methods must not be called at the same time.
type Backlog struct {
	opts      Options
	records   []Record // contiguous positions, the oldest first
	next      int64    // position of the next event
	confirmed int64    // everything below it is confirmed
	bytes     int64    // of all records, in memory
	moved     int64    // bytes that were moved
	settled   int64    // nothing below it is to be moved any more
	kept      int64    // bytes of records that are confirmed
	held      int64    // events from this position on do not expire; 0: all do
}

// New returns an empty backlog.
func New(opts Options) *Backlog {
	if opts.Bytes <= 0 {
		opts.Bytes = DefaultBytes
	}
	if opts.Moved == 0 {
		opts.Moved = DefaultMoved
	}
	if opts.Age <= 0 {
		opts.Age = DefaultAge
	}
	first := max(opts.First, 1)
	return &Backlog{opts: opts, next: first, confirmed: first}
}

// Next returns the position that the next event will have.
func (b *Backlog) Next() int64 { return b.next }

// Tail returns the position of the oldest event that is kept; Next if there is none.
func (b *Backlog) Tail() int64 { return b.next - int64(len(b.records)) }

// Bytes returns what is kept, in memory and elsewhere, with 200 bytes for each event.
func (b *Backlog) Bytes() int64 { return b.bytes + b.moved }

// Limit returns how much may be kept.
func (b *Backlog) Limit() int64 { return b.opts.Bytes + max(b.opts.Moved, 0) }

// Append adds an event and returns what fell out to make room for it.
func (b *Backlog) Append(r Record) (position int64, lost Loss) {
	r.Position = b.next
	b.next++
	b.records = append(b.records, r)
	b.bytes += r.inMemory()
	b.moved += int64(r.Moved)
	return r.Position, b.shrink()
}

// shrink drops what does not fit, the oldest first. An event of any size fits alone.
func (b *Backlog) shrink() (lost Loss) {
	for (b.bytes > b.opts.Bytes || b.moved > max(b.opts.Moved, 0)) && len(b.records) > 1 {
		b.drop(&lost)
	}
	return lost
}

// Overflows reports whether more than half of the memory is in use.
func (b *Backlog) Overflows() bool { return b.bytes > b.opts.Bytes/2 }

// Full reports whether hardly any memory is left.
func (b *Backlog) Full() bool { return b.bytes > b.opts.Bytes/8*7 }

// ToMove returns events whose data should be moved, the oldest first, in order and with at
// most so many bytes, or one. There are some once half of the memory is in use.
func (b *Backlog) ToMove(most int64) (list []Record) {
	if b.opts.Movable == nil || b.opts.Moved < 0 {
		return nil
	}
	excess := min(b.bytes-b.opts.Bytes/2, most)
	for at := max(b.settled, b.confirmed, b.Tail()); at < b.next && excess > 0; at++ {
		r := b.records[at-b.Tail()]
		if r.Place != 0 || r.Removed || len(r.Data) == 0 || !b.opts.Movable(r) {
			if len(list) == 0 {
				b.settled = at + 1
			}
			continue
		}
		list = append(list, r)
		excess -= int64(len(r.Data))
	}
	return list
}

// SetMoved says where the data of events that ToMove has returned was moved to, and returns
// what fell out to make room for it.
func (b *Backlog) SetMoved(list []Record, places []int64) (lost Loss) {
	for i, one := range list {
		at := one.Position - b.Tail()
		if at < 0 {
			continue // it has been dropped
		}
		r := &b.records[at]
		r.Place, r.Moved, r.Data = places[i], len(r.Data), nil
		b.bytes -= int64(r.Moved)
		b.moved += int64(r.Moved)
		b.settled = one.Position + 1
	}
	return b.shrink()
}

// FirstPlace returns the lowest place of an event that is kept; 0: there is none.
func (b *Backlog) FirstPlace() int64 {
	if b.moved == 0 {
		return 0
	}
	for i := range b.records {
		if b.records[i].Place != 0 {
			return b.records[i].Place
		}
	}
	return 0
}

// At returns the event at a position that is kept.
func (b *Backlog) At(position int64) (Record, bool) {
	i := position - b.Tail()
	if i < 0 || i >= int64(len(b.records)) {
		return Record{}, false
	}
	return b.records[i], true
}

// Remove takes an event out, and releases it. The position stays.
func (b *Backlog) Remove(position int64) {
	if i := position - b.Tail(); i >= 0 && i < int64(len(b.records)) {
		b.records[i].Removed = true
		b.records[i].release()
	}
}

// Confirm says that everything below a position is confirmed, and releases it. It stays
// for 5 min, or until 1 MiB of later events is confirmed too. Confirm then does what
// [Backlog.Expire] does.
func (b *Backlog) Confirm(below int64, now time.Time) (lost Loss) {
	for ; b.confirmed < min(below, b.next); b.confirmed++ {
		r := &b.records[b.confirmed-b.Tail()]
		r.confirmed = now
		r.release()
		b.kept += r.Size()
	}
	return b.Expire(now)
}

// Folding a guild takes long, and nobody gets an event meanwhile. So of events of more than
// largeEvent bytes, which are guilds, a call of [Backlog.Expire] drops largeAtOnce bytes or
// one.
const (
	largeEvent  = 8 << 10
	largeAtOnce = 1 << 20
)

// Expire drops what has been kept for long enough and returns what was lost with it. What
// would take too long at once it leaves for the next call.
func (b *Backlog) Expire(now time.Time) (lost Loss) {
	for large := 0; len(b.records) > 0 && large < largeAtOnce; {
		oldest := &b.records[0]
		isConfirmed := oldest.Position < b.confirmed
		switch {
		case isConfirmed && (b.kept > confirmedBytes || now.Sub(oldest.confirmed) >= min(confirmedAge, b.opts.Age/2)):
		case !isConfirmed && now.Sub(oldest.Received) >= b.opts.Age && (b.held == 0 || oldest.Position < b.held):
		default:
			return lost
		}
		if size := len(oldest.Data); size > largeEvent {
			large += size
		}
		b.drop(&lost)
	}
	return lost
}

// Hold keeps events from a position on from expiring by their age, because a bot is just
// about to get them; 0: all of them expire again. The bound in bytes holds all the same.
func (b *Backlog) Hold(from int64) { b.held = from }

// MakeRoom drops the oldest events while more than seven eighths of the bound are in use, and
// returns what was lost.
func (b *Backlog) MakeRoom() (lost Loss) {
	for b.Bytes() > b.Limit()/8*7 && len(b.records) > 1 {
		b.drop(&lost)
	}
	return lost
}

// drop folds the oldest event, and counts it if nobody has confirmed it.
func (b *Backlog) drop(lost *Loss) {
	r := b.records[0]
	b.records[0] = Record{} // else its data would stay in memory
	b.records = b.records[1:]
	b.bytes -= r.inMemory()
	b.moved -= int64(r.Moved)
	r.release()
	if r.Position < b.confirmed {
		b.kept -= r.Size()
	} else {
		b.confirmed = r.Position + 1
		if !r.LiveOnly && !r.Removed && (b.opts.Missed == nil || b.opts.Missed(r)) {
			lost.Add(Loss{Count: 1, ByType: map[string]int{r.Type: 1}, From: r.Received, To: r.Received})
		}
	}
	b.opts.Fold(r)
}

// Records returns a copy of all events that are kept. Their data is shared.
func (b *Backlog) Records() []Record { return slices.Clone(b.records) }
