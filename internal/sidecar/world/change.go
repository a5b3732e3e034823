package world

import (
	"fmt"
	"strconv"
)

// change is what one event does to its guild.
type change struct {
	guild // as it was; the event may change its members and guests
	self  uint64
	d     object
	added []byte // the patches of this event
}

func (c *change) add(p patch) { c.added = appendPatch(c.added, p) }

// put is an event whose d is an object of a list.
func put(l list) func(*change) error {
	return func(c *change) error { return c.put(l, c.d) }
}

func (c *change) put(l list, o object) error {
	raw := o.without(lists[l].strip...).bytes()
	id, err := l.idOf(raw)
	if err != nil {
		return fmt.Errorf("id: %w", err)
	}
	c.add(patch{op: opPut, list: l, id: id, raw: raw})
	return nil
}

// remove is an event that names an object of a list by its id.
func remove(l list, name string) func(*change) error {
	return func(c *change) error {
		id, err := c.d.snowflake(name)
		c.add(patch{op: opDelete, list: l, id: id})
		return err
	}
}

// setList is an event that has a whole list.
func setList(name string) func(*change) error {
	return func(c *change) error {
		raw := c.d.get(name)
		err := eachElement(raw, func([]byte) error { return nil })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if l := listNamed([]byte(name)); l != noList {
			err = l.each(raw, func(uint64, []byte) {})
		}
		c.add(patch{op: opFields, raw: c.d.only(name).bytes()})
		return err
	}
}

// notInUpdate are fields of GUILD_CREATE that GUILD_UPDATE cannot change: what identifies
// the guild, and what has events of its own.
var notInUpdate = []string{
	"id", "guild_id", "unavailable", "joined_at", "large", "member_count", "channels", "threads", "members", "presences", "voice_states",
	"stage_instances", "guild_scheduled_events", "soundboard_sounds",
}

func (c *change) setGuildFields() error {
	fields := c.d.without(notInUpdate...)
	c.add(patch{op: opFields, raw: fields.bytes()})
	return roles.each(fields.get("roles"), func(uint64, []byte) {})
}

// deleteChannel also removes what goes with a channel and gets no event of its own.
func (c *change) deleteChannel() error {
	id, err := c.d.snowflake("id")
	c.add(patch{op: opDelete, list: channels, id: id})
	c.add(patch{op: opDeleteIn, list: threads, id: id})
	c.add(patch{op: opDeleteIn, list: scheduledEvents, id: id})
	c.add(patch{op: opDeleteIn, list: stageInstances, id: id})
	return err
}

// updatePins changes the channel or the thread with that id.
func (c *change) updatePins() error {
	id, err := c.d.snowflake("channel_id")
	raw := c.d.only("last_pin_timestamp").bytes()
	c.add(patch{op: opMerge, list: channels, id: id, raw: raw})
	c.add(patch{op: opMerge, list: threads, id: id, raw: raw})
	return err
}

func (c *change) updateVoiceStatus() error {
	id, err := c.d.snowflake("id")
	c.add(patch{op: opMerge, list: channels, id: id, raw: c.d.only("status").bytes()})
	return err
}

func (c *change) putThread() error { return c.putActiveThread(c.d) }

// putActiveThread puts a thread, or removes it if it is archived: GUILD_CREATE lists only
// active ones.
func (c *change) putActiveThread(o object) error {
	if metadata := o.get("thread_metadata"); !absent(metadata) {
		archived, err := lookup(metadata, "archived")
		if err != nil {
			return fmt.Errorf("thread_metadata: %w", err)
		}
		if string(archived) == "true" {
			id, err := o.snowflake("id")
			c.add(patch{op: opDelete, list: threads, id: id})
			return err
		}
	}
	if member := o.get("member"); !absent(member) {
		own, err := splitObject(member)
		if err != nil {
			return fmt.Errorf("member: %w", err)
		}
		o = o.set("member", shortThreadMember(own))
	}
	return c.put(threads, o)
}

// syncThreads replaces the threads of the channels that are named or, if none are, all
// threads. The members it has are the bot's own in those threads.
func (c *change) syncThreads() error {
	if err := c.removeSynced(c.d.get("channel_ids")); err != nil {
		return fmt.Errorf("channel_ids: %w", err)
	}
	if err := eachObject(c.d.get("threads"), c.putActiveThread); err != nil {
		return fmt.Errorf("threads: %w", err)
	}
	if err := eachObject(c.d.get("members"), c.setThreadMember); err != nil {
		return fmt.Errorf("members: %w", err)
	}
	return nil
}

// maxSynced is how many channels a THREAD_LIST_SYNC may name. Discord has at most 500 in a
// guild.
const maxSynced = 4096

// removeSynced removes the threads that a sync replaces.
func (c *change) removeSynced(channelIDs []byte) error {
	if absent(channelIDs) {
		c.add(patch{op: opFields, raw: []byte(`{"threads":[]}`)})
		return nil
	}
	count := 0
	return eachElement(channelIDs, func(raw []byte) error {
		if count++; count > maxSynced {
			return fmt.Errorf("more than %d", maxSynced)
		}
		id, err := snowflake(raw)
		c.add(patch{op: opDeleteIn, list: threads, id: id})
		return err
	})
}

// eachObject calls do for every object of an array, which may be absent.
func eachObject(raw []byte, do func(object) error) error {
	if absent(raw) {
		return nil
	}
	return eachElement(raw, func(element []byte) error {
		o, err := splitObject(element)
		if err != nil {
			return err
		}
		return do(o)
	})
}

func (c *change) updateThreadMember() error { return c.setThreadMember(c.d) }

// setThreadMember sets the bot's own member of the thread that the member's id names.
func (c *change) setThreadMember(o object) error {
	id, err := o.snowflake("id")
	c.mergeThreadMember(id, o)
	return err
}

func (c *change) mergeThreadMember(thread uint64, member object) {
	c.add(patch{op: opMerge, list: threads, id: thread, raw: object{}.set("member", shortThreadMember(member)).bytes()})
}

// shortThreadMember is a thread member as GUILD_CREATE has it, without what events add.
func shortThreadMember(o object) []byte {
	return o.without("id", "user_id", "guild_id", "member", "presence").bytes()
}

// updateThreadMembers changes how many members a thread has, and whether the bot is one.
func (c *change) updateThreadMembers() error {
	thread, err := c.d.snowflake("id")
	if err != nil {
		return err
	}
	c.add(patch{op: opMerge, list: threads, id: thread, raw: c.d.only("member_count").bytes()})
	err = eachObject(c.d.get("added_members"), func(o object) error {
		id, err := o.snowflake("user_id")
		if id == c.self {
			c.mergeThreadMember(thread, o)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("added_members: %w", err)
	}
	removed := c.d.get("removed_member_ids")
	if absent(removed) {
		return nil
	}
	err = eachElement(removed, func(raw []byte) error {
		id, err := snowflake(raw)
		if id == c.self {
			c.add(patch{op: opUnset, list: threads, id: thread, raw: []byte("member")})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("removed_member_ids: %w", err)
	}
	return nil
}

func (c *change) putRole() error {
	role, err := splitObject(c.d.get("role"))
	if err == nil {
		err = c.put(roles, role)
	}
	if err != nil {
		return fmt.Errorf("role: %w", err)
	}
	return nil
}

func (c *change) deleteRole() error {
	id, err := c.d.snowflake("role_id")
	c.add(patch{op: opDelete, list: roles, id: id})
	c.add(patch{op: opUnrole, list: members, id: id})
	c.add(patch{op: opUnrole, list: channels, id: id})
	return err
}

// memberID reads whom an event is about.
func (c *change) memberID() (uint64, error) {
	raw, err := lookup(c.d.get("user"), "id")
	if err != nil {
		return 0, fmt.Errorf("user: %w", err)
	}
	id, err := snowflake(raw)
	if err != nil {
		return 0, fmt.Errorf("user: %w", err)
	}
	return id, nil
}

func (c *change) addMember() error {
	id, err := c.memberID()
	if err != nil {
		return err
	}
	c.add(patch{op: opCount, id: 1})
	if id == c.self || c.hasMember(id) {
		c.members = addID(c.members, id)
		return c.put(members, c.d)
	}
	return nil
}

// updateMember merges, because the event lacks deaf and mute.
func (c *change) updateMember() error {
	id, err := c.memberID()
	if err == nil && c.hasMember(id) {
		c.mergeMember(id, c.d)
	}
	return err
}

func (c *change) mergeMember(id uint64, o object) {
	c.add(patch{op: opMerge, list: members, id: id, raw: o.without(lists[members].strip...).bytes()})
}

func (c *change) removeMember() error {
	id, err := c.memberID()
	c.add(patch{op: opCount, id: ^uint64(0)}) // -1
	c.add(patch{op: opDelete, list: presences, id: id})
	if c.hasMember(id) {
		c.add(patch{op: opDelete, list: voiceStates, id: id})
		c.dropMember(id)
	}
	return err
}

func (c *change) dropMember(id uint64) {
	c.add(patch{op: opDelete, list: members, id: id})
	c.members, c.guests = removeID(c.members, id), removeID(c.guests, id)
}

func (c *change) updatePresence() error {
	id, err := c.memberID()
	if err != nil {
		return err
	}
	if string(c.d.get("status")) == strconv.Quote("offline") {
		c.add(patch{op: opDelete, list: presences, id: id})
		return nil
	}
	return c.put(presences, c.d)
}

// updateVoiceState also keeps the member for as long as it is in a channel.
func (c *change) updateVoiceState() error {
	id, err := c.d.snowflake("user_id")
	if err != nil {
		return err
	}
	if err := c.updateVoiceMember(id); err != nil {
		return fmt.Errorf("member: %w", err)
	}
	if !absent(c.d.get("channel_id")) {
		return c.put(voiceStates, c.d)
	}
	c.add(patch{op: opDelete, list: voiceStates, id: id})
	if _, guest := find(c.guests, id); guest {
		c.dropMember(id)
	}
	return nil
}

// updateVoiceMember keeps the member that comes with a voice state.
func (c *change) updateVoiceMember(id uint64) error {
	raw := c.d.get("member")
	if absent(raw) {
		return nil
	}
	member, err := splitObject(raw)
	if err != nil {
		return err
	}
	who, err := members.idOf(raw)
	if err != nil {
		return err
	}
	switch {
	case who != id:
	case c.hasMember(id):
		c.mergeMember(id, member)
	case !absent(c.d.get("channel_id")):
		c.members, c.guests = addID(c.members, id), addID(c.guests, id)
		return c.put(members, member)
	}
	return nil
}

// putScheduledEvent puts a scheduled event, or removes one that is over: Discord sends no
// deletion for it.
func (c *change) putScheduledEvent() error {
	switch string(c.d.get("status")) {
	case "3", "4": // completed, canceled
		return remove(scheduledEvents, "id")(c)
	}
	return c.put(scheduledEvents, c.d)
}
