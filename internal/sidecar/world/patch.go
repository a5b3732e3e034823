package world

import (
	"encoding/binary"
	"errors"
)

// patch is one change of a GUILD_CREATE. Which of its fields count is said at the op.
type patch struct {
	op   op
	list list
	id   uint64
	raw  []byte
}

// op is what a patch does. The numbers are part of the format of a checkpoint.
type op byte

const (
	// opFields sets the top-level fields of the object raw.
	opFields op = iota + 1
	// opCount adds the number id, as two's complement, to member_count.
	opCount
	// opPut puts the object raw into the list, in the place of the one with that id.
	opPut
	// opMerge sets the fields of raw in the object with that id, if there is one.
	opMerge
	// opUnset removes the field named raw from the object with that id.
	opUnset
	// opDelete removes the object with that id.
	opDelete
	// opDeleteIn removes the objects of the list that are in the channel with that id.
	opDeleteIn
	// opUnrole removes the role with that id from the roles, or the permission overwrites, of
	// every object of the list.
	opUnrole
	opEnd
)

// list is a list of a GUILD_CREATE whose objects are patched one by one. The numbers are
// part of the format of a checkpoint.
type list byte

const (
	noList list = iota
	channels
	threads
	roles
	members
	presences
	voiceStates
	stageInstances
	scheduledEvents
	soundboardSounds
	listEnd
)

// listRow says how a list is named and what identifies its objects.
type listRow struct {
	name string
	// id is the path to the snowflake that identifies an object.
	id []string
	// channel is the field that names the channel which takes the object with it when it goes.
	channel string
	// roles is the field that lists roles, by id or as objects with an id.
	roles string
	// keep are fields that an update leaves out though they have not changed.
	keep []string
	// strip are fields that events have and GUILD_CREATE has not.
	strip []string
}

var lists = [listEnd]listRow{
	channels:         {name: "channels", id: []string{"id"}, roles: "permission_overwrites", keep: []string{"status"}, strip: []string{"guild_id"}},
	threads:          {name: "threads", id: []string{"id"}, channel: "parent_id", keep: []string{"member"}, strip: []string{"newly_created"}},
	roles:            {name: "roles", id: []string{"id"}},
	members:          {name: "members", id: []string{"user", "id"}, roles: "roles", strip: []string{"guild_id"}},
	presences:        {name: "presences", id: []string{"user", "id"}, strip: []string{"guild_id"}},
	voiceStates:      {name: "voice_states", id: []string{"user_id"}, strip: []string{"guild_id", "member"}},
	stageInstances:   {name: "stage_instances", id: []string{"id"}, channel: "channel_id"},
	scheduledEvents:  {name: "guild_scheduled_events", id: []string{"id"}, channel: "channel_id"},
	soundboardSounds: {name: "soundboard_sounds", id: []string{"sound_id"}},
}

// listNamed finds a list by the name of its field; noList if it is not one.
func listNamed(name []byte) list {
	for l := channels; l < listEnd; l++ {
		if lists[l].name == string(name) {
			return l
		}
	}
	return noList
}

// idOf reads the id of a raw object of the list.
func (l list) idOf(raw []byte) (uint64, error) {
	for _, name := range lists[l].id {
		value, err := lookup(raw, name)
		if err != nil {
			return 0, err
		}
		raw = value
	}
	return snowflake(raw)
}

var errPatch = errors.New("a patch is damaged")

// appendPatch appends a patch to a list of patches.
func appendPatch(b []byte, p patch) []byte {
	b = append(b, byte(p.op), byte(p.list))
	b = binary.AppendUvarint(b, p.id)
	b = binary.AppendUvarint(b, uint64(len(p.raw)))
	return append(b, p.raw...)
}

// cutPatch returns the first patch of a list and the others.
func cutPatch(b []byte) (p patch, rest []byte, err error) {
	if len(b) < 2 {
		return p, nil, errPatch
	}
	p.op, p.list, b = op(b[0]), list(b[1]), b[2:]
	if p.op == 0 || p.op >= opEnd || p.list >= listEnd {
		return p, nil, errPatch
	}
	id, n := binary.Uvarint(b)
	if n <= 0 {
		return p, nil, errPatch
	}
	p.id, b = id, b[n:]
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return p, nil, errPatch
	}
	p.raw, rest = b[n:n+int(size)], b[n+int(size):]
	return p, rest, nil
}
