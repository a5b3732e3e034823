package world

import (
	"fmt"
	"maps"
	"slices"
)

// Members says which members a world keeps beside those that GUILD_CREATE named.
type Members string

// MembersSelf keeps the bot itself, and members while they are in a voice channel: Discord
// would name them in GUILD_CREATE too.
const MembersSelf Members = "self"

// Options configures a [World]. The zero value works.
type Options struct {
	// Members is [MembersSelf], the only choice there is yet. Default [MembersSelf].
	Members Members
}

// World is the guilds of a bot as Discord has last described them, in raw JSON. It is not
// safe for concurrent use. A world and its clones may be used at the same time.
type World struct {
	self   uint64 // the bot's user id; 0 before the first READY
	ready  []byte // never changed in place
	guilds map[uint64]guild
	codec  codec
}

// guild is what is known of one guild. What its slices hold is never changed, only appended
// to, because clones share it.
type guild struct {
	block   *block // nil: Discord has named only the id
	patches []byte // what has changed since, see appendPatch
	outage  bool
	// members are the ids of the members in the block, with those that patches have added;
	// sorted. Events for others are not kept.
	members []uint64
	// guests are those of members who are there for as long as they are in a voice channel;
	// sorted.
	guests []uint64
}

// Status says what is known of a guild.
type Status int

const (
	// Unknown is a guild that the bot is not in.
	Unknown Status = iota
	// Available is a guild that Discord has described.
	Available
	// Outage is a guild that Discord has listed and not described, or has called unavailable
	// since.
	Outage
)

// String is the status in one word.
func (s Status) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Available:
		return "available"
	case Outage:
		return "outage"
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// New returns a world without guilds.
func New(_ Options) *World {
	return &World{guilds: map[uint64]guild{}, codec: newCodec()}
}

// Clone returns a copy that changes independently. It shares the guilds' blocks, so it costs
// about 100 bytes a guild.
func (w *World) Clone() *World {
	c := *w
	c.guilds = maps.Clone(w.guilds)
	for id, g := range c.guilds {
		// What the original appends lands behind the end of the copy's slice. What the
		// copy appends must not land there too.
		g.patches = slices.Clip(g.patches)
		c.guilds[id] = g
	}
	return &c
}

// Guilds lists the ids of all guilds in ascending order, those in outage included.
func (w *World) Guilds() []uint64 {
	return slices.Sorted(maps.Keys(w.guilds))
}

// Guild returns a guild as a GUILD_CREATE with "unavailable":false. Without status
// [Available] d is nil. An error means that memory or a checkpoint is damaged.
func (w *World) Guild(id uint64) (d []byte, status Status, err error) {
	g, known := w.guilds[id]
	switch {
	case !known:
		return nil, Unknown, nil
	case g.outage || g.block == nil:
		return nil, Outage, nil
	}
	d, err = w.codec.payload(g)
	return d, Available, err
}

// Ready returns the raw d of the last READY with the user as USER_UPDATE has changed it; nil
// before the first READY. It must not be changed.
func (w *World) Ready() []byte { return w.ready }

// guildOverhead is what a guild costs beside its slices: the entry of the map and its block.
const guildOverhead = 160

// Size returns roughly how many bytes of heap the world holds. What it shares with clones
// counts in each of them.
func (w *World) Size() int64 {
	size := int64(len(w.ready))
	for _, g := range w.guilds {
		size += guildOverhead + int64(cap(g.patches)+8*len(g.members)+8*len(g.guests))
		if g.block != nil {
			size += int64(len(g.block.data))
		}
	}
	return size
}

// hasMember reports whether the guild keeps a member.
func (g guild) hasMember(id uint64) bool {
	_, found := find(g.members, id)
	return found
}

// addID returns sorted ids with one more.
func addID(ids []uint64, id uint64) []uint64 {
	i, found := find(ids, id)
	if found {
		return ids
	}
	return slices.Insert(slices.Clone(ids), i, id)
}

// removeID returns sorted ids with one less.
func removeID(ids []uint64, id uint64) []uint64 {
	i, found := find(ids, id)
	if !found {
		return ids
	}
	return slices.Delete(slices.Clone(ids), i, i+1)
}

func find(ids []uint64, id uint64) (i int, found bool) { return slices.BinarySearch(ids, id) }
