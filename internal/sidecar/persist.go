package sidecar

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"evergreen/gateway"
	"evergreen/internal/sidecar/backlog"
	"evergreen/internal/sidecar/journal"
	"evergreen/internal/sidecar/world"
)

// What the journal holds: each event, and what there is to know beside events whenever
// that has changed.
const (
	kindEvent = 'e'
	kindTable = 't'
)

// When a checkpoint takes the place of the journal, and how soon a changed table is kept.
const (
	checkpointBytes = 64 << 20
	checkpointEvery = 10 * time.Minute
	tableDelay      = 100 * time.Millisecond
)

// table is what survives this process beside the events.
type table struct {
	Identity   Identity          `json:"identity"`
	Voice      map[uint64]uint64 `json:"voice,omitempty"`
	Count      int               `json:"count"`
	CountStart int64             `json:"count_start"`
	Consumers  []savedConsumer   `json:"consumers"`
	Removed    []int64           `json:"removed,omitempty"` // positions that were taken out
}

type savedConsumer struct {
	Shard   [2]int          `json:"shard"`
	Intents gateway.Intents `json:"intents"`
	Library string          `json:"library"`
	Version string          `json:"version,omitempty"`
	Cursor  int64           `json:"cursor"`
	Away    time.Time       `json:"away,omitzero"` // since when there has been no line
	Session *savedSession   `json:"session,omitempty"`
}

type savedSession struct {
	ID       string  `json:"id"`
	Last     int64   `json:"last"`
	Snapshot int64   `json:"snapshot"`
	Cursors  []byte  `json:"steps"` // of the numbers up to Last, by packCursors
	Answered []int64 `json:"answered"`
}

// maxSavedCursors covers what a line may have been sent without a confirmation.
const maxSavedCursors = 2 * windowCount

// table returns what is to be kept. The caller holds the lock.
func (s *Sidecar) table() []byte {
	t := table{Identity: s.identity, Voice: s.voice, Count: s.count, CountStart: s.countStart, Removed: s.removed}
	for _, c := range s.consumers {
		saved := savedConsumer{Shard: c.shard, Intents: c.intents, Library: c.library, Version: c.version, Cursor: c.cursor, Away: c.away}
		if c.session != nil {
			n := &c.session.numbers
			saved.Session = &savedSession{c.session.id, n.last, n.snapshot, packCursors(n.cursors[max(0, len(n.cursors)-maxSavedCursors):]), c.session.answered}
		}
		t.Consumers = append(t.Consumers, saved)
	}
	raw, err := json.Marshal(t)
	if err != nil {
		panic("sidecar: what is to be kept cannot be written as JSON: " + err.Error())
	}
	return raw
}

// restoreTable takes the place of what is known beside events.
func (s *Sidecar) restoreTable(raw []byte) error {
	var t table
	if err := json.Unmarshal(raw, &t); err != nil {
		return fmt.Errorf("what is known of bots cannot be read: %w", err)
	}
	s.identity, s.voice, s.count, s.countStart = t.Identity, t.Voice, t.Count, t.CountStart
	if s.voice == nil {
		s.voice = map[uint64]uint64{}
	}
	clear(s.consumers)
	clear(s.sessions)
	for _, saved := range t.Consumers {
		if saved.Shard[1] < 1 || saved.Shard[0] < 0 || saved.Shard[0] >= saved.Shard[1] {
			return fmt.Errorf("the shard %v of a bot makes no sense", saved.Shard)
		}
		c := &consumer{shard: saved.Shard, intents: saved.Intents, library: saved.Library, version: saved.Version, cursor: saved.Cursor, away: saved.Away}
		if c.away.IsZero() || c.away.After(time.Now()) {
			c.away = time.Now()
		}
		s.consumers[c.shard] = c
		if one := saved.Session; one != nil {
			cursors := unpackCursors(one.Cursors)
			if int64(len(cursors)) > one.Last {
				return fmt.Errorf("a session of a bot has %d events and places for %d", one.Last, len(cursors))
			}
			c.session = &session{id: one.ID, consumer: c, answered: one.Answered, numbers: numbering{last: one.Last, snapshot: one.Snapshot, cursors: cursors, restored: true}}
			s.sessions[one.ID] = c.session
		}
	}
	s.removed = nil
	for _, position := range t.Removed {
		s.remove(position)
	}
	return nil
}

// packCursors writes positions that do not fall as the steps between them. The table is
// kept ten times a second while events go, and most steps are 1.
func packCursors(cursors []int64) []byte {
	var out []byte
	before := int64(0)
	for _, one := range cursors {
		out = binary.AppendUvarint(out, uint64(one-before))
		before = one
	}
	return out
}

// unpackCursors reads what packCursors has written, up to the first step that makes no sense.
func unpackCursors(raw []byte) (cursors []int64) {
	at := int64(0)
	for len(raw) > 0 {
		step, n := binary.Uvarint(raw)
		if n <= 0 || step > math.MaxInt64-uint64(at) {
			return cursors
		}
		at, raw = at+int64(step), raw[n:]
		cursors = append(cursors, at)
	}
	return cursors
}

// eventHead stands before the data of an event, on a line of its own.
type eventHead struct {
	Position int64           `json:"p"`
	Type     string          `json:"t"`
	ID       uint64          `json:"id,omitempty"`
	Guild    uint64          `json:"g,omitempty"`
	Received time.Time       `json:"at"`
	Shard    gateway.ShardID `json:"shard"`
	Session  string          `json:"session,omitempty"`
	Seq      int64           `json:"seq,omitempty"`
	LiveOnly bool            `json:"live,omitempty"`
	Removed  bool            `json:"removed,omitempty"`
	// Place and Moved say where the data is, if it does not follow.
	Place int64 `json:"place,omitempty"`
	Moved int   `json:"moved,omitempty"`
}

// maxGap is how many events in a row may not have been kept.
const maxGap = 1 << 20

// encodeEvent writes an event with its origin upstream, which is zero for one that is
// ours.
func encodeEvent(r backlog.Record, from gateway.Event) []byte {
	head, err := json.Marshal(eventHead{r.Position, r.Type, r.ID, r.Guild, r.Received, from.Shard, from.SessionID, from.Seq, r.LiveOnly, r.Removed, r.Place, r.Moved})
	if err != nil {
		panic("sidecar: an event cannot be written as JSON: " + err.Error())
	}
	out := make([]byte, 0, len(head)+1+len(r.Data))
	return append(append(append(out, head...), '\n'), r.Data...)
}

// restoreEvent appends an event that was kept.
func (s *Sidecar) restoreEvent(raw []byte) error {
	line, data, ok := bytes.Cut(raw, []byte{'\n'})
	var head eventHead
	if err := json.Unmarshal(line, &head); err != nil || !ok {
		return errors.New("an event cannot be read")
	}
	if head.Position < s.backlog.Next() {
		return fmt.Errorf("the event %d follows the event %d", head.Position, s.backlog.Next()-1)
	}
	if err := s.fillGap(head.Position, head.Received); err != nil {
		return err
	}
	data = bytes.Clone(data) // else all of raw would stay in memory
	if head.Place != 0 {
		data = nil
	}
	s.append(backlog.Record{Type: head.Type, ID: head.ID, Guild: head.Guild, Received: head.Received, LiveOnly: head.LiveOnly, Removed: head.Removed, Place: head.Place, Moved: head.Moved, Data: data})
	for s.store != nil && s.backlog.Overflows() {
		if more, err := s.moveEvents(); err != nil || !more {
			break // what does not fit is counted as lost
		}
	}
	if head.Session != "" {
		s.seen[head.Shard] = upstreamPlace{head.Session, head.Seq}
	}
	return nil
}

// fillGap gives every position below the next one to an event that was of no use later, and
// so not kept.
func (s *Sidecar) fillGap(next int64, received time.Time) error {
	gap := next - s.backlog.Next()
	if gap > maxGap {
		return fmt.Errorf("the event %d follows the event %d", next, s.backlog.Next()-1)
	}
	for range gap {
		s.append(backlog.Record{LiveOnly: true, Removed: true, Received: received})
	}
	return nil
}

// upstreamPlace is how far the events of an upstream session have come.
type upstreamPlace struct {
	Session string `json:"session"`
	Seq     int64  `json:"seq"`
}

// checkpointHead is the first line of a checkpoint. The world and the events follow, each
// after its length.
type checkpointHead struct {
	Version int             `json:"version"`
	Tail    int64           `json:"tail"`
	Table   json.RawMessage `json:"table"`
	Seen    []seenShard     `json:"seen"`
	Events  int             `json:"events"`
}

type seenShard struct {
	Shard gateway.ShardID `json:"shard"`
	upstreamPlace
}

const checkpointVersion = 1

// checkpoint has the journal begin anew from how things are now. The caller holds the
// lock.
func (s *Sidecar) checkpoint(now time.Time) {
	s.checkpointed = now
	head := checkpointHead{Version: checkpointVersion, Tail: s.backlog.Tail(), Table: s.table()}
	for shard, place := range s.seen {
		head.Seen = append(head.Seen, seenShard{shard, place})
	}
	w, records, unneeded := s.world.Clone(), s.backlog.Records(), s.droppable
	if s.store != nil {
		s.droppable = s.neededPlace()
	}
	head.Events = len(records)
	s.journal.Checkpoint(func(out io.Writer) error {
		if s.store != nil {
			if err := s.store.Sync(); err != nil {
				return err
			}
			s.store.DropBelow(unneeded) // the checkpoint before this one is whole
		}
		first, err := json.Marshal(head)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(first, '\n')); err != nil {
			return err
		}
		var guilds bytes.Buffer
		if err := w.Encode(&guilds); err != nil {
			return err
		}
		if err := writeBlock(out, guilds.Bytes()); err != nil {
			return err
		}
		for _, r := range records {
			if err := writeBlock(out, encodeEvent(r, gateway.Event{})); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeBlock(out io.Writer, block []byte) error {
	if err := binary.Write(out, binary.LittleEndian, uint32(len(block))); err != nil {
		return err
	}
	_, err := out.Write(block)
	return err
}

func readBlock(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.LittleEndian, &length); err != nil {
		return nil, err
	}
	var block bytes.Buffer // it grows as far as there is data, whatever the length says
	n, err := io.Copy(&block, io.LimitReader(in, int64(length)))
	if err == nil && n != int64(length) {
		err = io.ErrUnexpectedEOF
	}
	return block.Bytes(), err
}

// restoreCheckpoint begins from a checkpoint.
func (s *Sidecar) restoreCheckpoint(from io.Reader) error {
	in := bufio.NewReaderSize(from, 256<<10)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var head checkpointHead
	if err := json.Unmarshal(line, &head); err != nil {
		return err
	}
	if head.Version != checkpointVersion || head.Tail < 1 {
		return fmt.Errorf("it has the version %d, want %d", head.Version, checkpointVersion)
	}
	guilds, err := readBlock(in)
	if err != nil {
		return err
	}
	if s.world, err = world.Decode(bytes.NewReader(guilds)); err != nil {
		return err
	}
	s.backlog, s.self = s.newBacklog(head.Tail), selfOf(s.world.Ready())
	for range head.Events {
		event, err := readBlock(in)
		if err != nil {
			return err
		}
		if err := s.restoreEvent(event); err != nil {
			return err
		}
	}
	for _, one := range head.Seen {
		s.seen[one.Shard] = one.upstreamPlace
	}
	return s.restoreTable(head.Table)
}

// restore reads what an earlier process has kept. After an error the Sidecar is as new.
func (s *Sidecar) restore(dir string) error {
	var err error
	if s.journal, err = journal.Open(dir, s.log); err != nil {
		return err
	}
	if s.store, err = journal.OpenStore(dir); err != nil {
		s.log.Warn("Events are kept in memory only", "error", err)
	}
	s.backlog = s.newBacklog(1)
	_, err = s.journal.Load(s.restoreCheckpoint, func(kind byte, data []byte) error {
		switch kind {
		case kindEvent:
			return s.restoreEvent(data)
		case kindTable:
			return s.restoreTable(data)
		}
		return fmt.Errorf("a record of the kind %q is not known", kind)
	})
	for _, c := range s.consumers { // a bot may have had events that were not kept
		given := c.cursor
		if c.session != nil {
			last, _ := c.session.numbers.cursor(c.session.numbers.last)
			given = max(given, last)
		}
		err = cmp.Or(err, s.fillGap(given, time.Now()))
	}
	if err != nil {
		s.forgetAll()
		return err
	}
	s.advance(time.Now())
	s.restoreInteractions(time.Now())
	if now := s.worldAt(s.backlog.Next()); now.Ready() != nil {
		s.restored = true
		s.learnGuilds(now)
	}
	return nil
}

// learnGuilds learns from the world that was restored which guilds bots know.
func (s *Sidecar) learnGuilds(now *world.World) {
	for _, id := range now.Guilds() {
		if _, status, err := now.Guild(id); err == nil && status == world.Available {
			s.known[id] = true
		}
	}
}

// Restored reports whether the guilds of an earlier process are known: only then may its
// sessions at Discord be resumed, for a RESUME brings no guilds.
func (s *Sidecar) Restored() bool { return s.restored }

// keepEvent has the journal keep an event. Upstream holds it until then; one that changes
// no guild until a bot has confirmed it, if that is sooner.
func (s *Sidecar) keepEvent(r *backlog.Record, from gateway.Event, kept func()) {
	if s.journal == nil || r.LiveOnly {
		r.Release = kept
		return
	}
	if !world.Changes(r.Type) {
		r.Release = kept
	}
	held := *r
	held.Position = s.backlog.Next()
	s.journal.Append(journal.Record{Kind: kindEvent, Data: encodeEvent(held, from), Kept: kept})
}

// isSeen reports whether an event of upstream is in the backlog already: a RESUME after a
// restart repeats what was not released. The caller holds the lock.
func (s *Sidecar) isSeen(e gateway.Event) bool {
	place := s.seen[e.Shard]
	if e.SessionID != "" && place.Session == e.SessionID && e.Seq <= place.Seq {
		return true
	}
	s.seen[e.Shard] = upstreamPlace{e.SessionID, e.Seq}
	return false
}

// touch says that the table has changed. It is kept within tableDelay.
func (s *Sidecar) touch() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// keepTable has the journal keep the table.
func (s *Sidecar) keepTable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal != nil {
		s.journal.Append(journal.Record{Kind: kindTable, Data: s.table()})
	}
}

// keepCheckpoint begins the journal anew when it has grown, or is old. The caller holds
// the lock.
func (s *Sidecar) keepCheckpoint(now time.Time) {
	if s.journal == nil {
		return
	}
	if written, incomplete := s.journal.Written(); incomplete || written > checkpointBytes || written > 0 && now.Sub(s.checkpointed) > checkpointEvery {
		s.checkpoint(now)
	}
}
