package world

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Changes reports whether an event of this type could change a world.
func Changes(event string) bool {
	return worldEvents[event] != nil || guildEvents[event] != nil
}

// Apply folds one dispatch into the world: the type of the event and its raw d, which may be
// reused afterwards. Events that say nothing about guilds are ignored. An error says which
// type was malformed and how, without content; the world is then as it was.
func (w *World) Apply(event string, d []byte) error {
	ofWorld, ofGuild := worldEvents[event], guildEvents[event]
	if ofWorld == nil && ofGuild == nil {
		return nil
	}
	err := w.apply(ofWorld, ofGuild, d)
	if err != nil {
		return fmt.Errorf("%s: %w", event, err)
	}
	return nil
}

func (w *World) apply(ofWorld func(*World, object, []byte) error, ofGuild func(*change) error, d []byte) error {
	if len(d) > maxPayload {
		return fmt.Errorf("%d bytes are more than %d", len(d), maxPayload)
	}
	o, err := parse(d)
	if err != nil {
		return err
	}
	if ofWorld != nil {
		return ofWorld(w, o, d)
	}
	if absent(o.get("guild_id")) {
		return nil // of a direct message
	}
	id, err := o.snowflake("guild_id")
	if err != nil {
		return err
	}
	return w.changeGuild(id, o, ofGuild)
}

// worldEvents are the events that change READY or which guilds there are.
var worldEvents = map[string]func(w *World, o object, d []byte) error{
	"READY":        (*World).setReady,
	"USER_UPDATE":  (*World).updateUser,
	"GUILD_CREATE": (*World).createGuild,
	"GUILD_UPDATE": (*World).updateGuild,
	"GUILD_DELETE": (*World).deleteGuild,
}

// guildEvents are the events that change what is in a guild.
var guildEvents = map[string]func(*change) error{
	"CHANNEL_CREATE":              put(channels),
	"CHANNEL_UPDATE":              put(channels),
	"CHANNEL_DELETE":              (*change).deleteChannel,
	"CHANNEL_PINS_UPDATE":         (*change).updatePins,
	"VOICE_CHANNEL_STATUS_UPDATE": (*change).updateVoiceStatus,

	"THREAD_CREATE":         (*change).putThread,
	"THREAD_UPDATE":         (*change).putThread,
	"THREAD_DELETE":         remove(threads, "id"),
	"THREAD_LIST_SYNC":      (*change).syncThreads,
	"THREAD_MEMBER_UPDATE":  (*change).updateThreadMember,
	"THREAD_MEMBERS_UPDATE": (*change).updateThreadMembers,

	"GUILD_ROLE_CREATE": (*change).putRole,
	"GUILD_ROLE_UPDATE": (*change).putRole,
	"GUILD_ROLE_DELETE": (*change).deleteRole,

	"GUILD_EMOJIS_UPDATE":            setList("emojis"),
	"GUILD_STICKERS_UPDATE":          setList("stickers"),
	"GUILD_SOUNDBOARD_SOUNDS_UPDATE": setList("soundboard_sounds"),
	"GUILD_SOUNDBOARD_SOUND_CREATE":  put(soundboardSounds),
	"GUILD_SOUNDBOARD_SOUND_UPDATE":  put(soundboardSounds),
	"GUILD_SOUNDBOARD_SOUND_DELETE":  remove(soundboardSounds, "sound_id"),

	"GUILD_MEMBER_ADD":    (*change).addMember,
	"GUILD_MEMBER_UPDATE": (*change).updateMember,
	"GUILD_MEMBER_REMOVE": (*change).removeMember,
	"PRESENCE_UPDATE":     (*change).updatePresence,
	"VOICE_STATE_UPDATE":  (*change).updateVoiceState,

	"STAGE_INSTANCE_CREATE": put(stageInstances),
	"STAGE_INSTANCE_UPDATE": put(stageInstances),
	"STAGE_INSTANCE_DELETE": remove(stageInstances, "id"),

	"GUILD_SCHEDULED_EVENT_CREATE": (*change).putScheduledEvent,
	"GUILD_SCHEDULED_EVENT_UPDATE": (*change).putScheduledEvent,
	"GUILD_SCHEDULED_EVENT_DELETE": remove(scheduledEvents, "id"),
}

// setReady takes the list of guilds of a shard's new session. Guilds that it lists stay as
// they are known; others of that shard are gone.
func (w *World) setReady(o object, d []byte) error {
	user, err := lookup(o.get("user"), "id")
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	self, err := snowflake(user)
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	shard, count, err := shardOf(o.get("shard"))
	if err != nil {
		return fmt.Errorf("shard: %w", err)
	}
	listed := map[uint64]bool{}
	err = eachElement(o.get("guilds"), func(element []byte) error {
		raw, err := lookup(element, "id")
		if err != nil {
			return err
		}
		id, err := snowflake(raw)
		listed[id] = true
		return err
	})
	if err != nil {
		return fmt.Errorf("guilds: %w", err)
	}
	w.self, w.ready = self, slices.Clone(d)
	for id := range w.guilds {
		if (id>>22)%count == shard && !listed[id] {
			delete(w.guilds, id)
		}
	}
	for id := range listed {
		if _, known := w.guilds[id]; !known {
			w.guilds[id] = guild{outage: true}
		}
	}
	return nil
}

// shardOf reads the pair of a READY; without one it is [0, 1].
func shardOf(raw []byte) (shard, count uint64, err error) {
	if absent(raw) {
		return 0, 1, nil
	}
	var pair []uint64
	err = eachElement(raw, func(element []byte) error {
		n, err := strconv.ParseUint(string(element), 10, 32)
		if err != nil {
			return errors.New("not a number of a shard")
		}
		pair = append(pair, n)
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	if len(pair) != 2 || pair[0] >= pair[1] {
		return 0, 0, errors.New("not the number of a shard and how many there are")
	}
	return pair[0], pair[1], nil
}

// updateUser changes the user of READY.
func (w *World) updateUser(o object, _ []byte) error {
	id, err := o.snowflake("id")
	if err != nil || id != w.self {
		return err
	}
	ready, err := splitObject(w.ready)
	if err != nil {
		return err
	}
	user, err := splitObject(ready.get("user"))
	if err != nil {
		return err
	}
	w.ready = ready.set("user", user.merge(o).bytes()).bytes()
	return nil
}

// createGuild replaces a guild. An unavailable one is only marked.
func (w *World) createGuild(o object, d []byte) error {
	id, unavailable, err := availability(o)
	if err != nil {
		return err
	}
	if unavailable {
		w.markOutage(id)
		return nil
	}
	var g guild
	for l := channels; l < listEnd; l++ {
		err := l.each(o.get(lists[l].name), func(id uint64, _ []byte) {
			if l == members {
				g.members = append(g.members, id)
			}
		})
		if err != nil {
			return err
		}
	}
	slices.Sort(g.members)
	g.members = slices.Clip(slices.Compact(g.members))
	if string(o.get("unavailable")) != "false" {
		d = o.set("unavailable", []byte("false")).bytes()
	}
	if g.block, err = w.codec.pack(d); err != nil {
		return err
	}
	w.guilds[id] = g
	return nil
}

// deleteGuild marks a guild as unavailable or, without that word, removes it: the bot is not
// in it any more.
func (w *World) deleteGuild(o object, _ []byte) error {
	id, unavailable, err := availability(o)
	if err != nil {
		return err
	}
	if unavailable {
		w.markOutage(id)
	} else {
		delete(w.guilds, id)
	}
	return nil
}

// availability returns the guild that an event is about, and whether it has an outage.
func availability(o object) (id uint64, unavailable bool, err error) {
	if id, err = o.snowflake("id"); err != nil {
		return 0, false, err
	}
	unavailable, err = o.bool("unavailable")
	return id, unavailable, err
}

func (w *World) markOutage(id uint64) {
	g := w.guilds[id]
	g.outage = true
	w.guilds[id] = g
}

// updateGuild changes a guild's own fields.
func (w *World) updateGuild(o object, _ []byte) error {
	id, err := o.snowflake("id")
	if err != nil {
		return err
	}
	return w.changeGuild(id, o, (*change).setGuildFields)
}

// changeGuild lets an event change its guild. One that Discord has not described stays as it
// is, because its GUILD_CREATE will tell all; so malformed events are errors there too.
func (w *World) changeGuild(id uint64, o object, do func(*change) error) error {
	g := w.guilds[id]
	c := change{guild: g, self: w.self, d: o}
	if err := do(&c); err != nil {
		return err
	}
	if g.block == nil || len(c.added) == 0 {
		return nil
	}
	g, err := w.codec.patched(c.guild, c.added)
	if err != nil {
		return err
	}
	w.guilds[id] = g
	return nil
}
