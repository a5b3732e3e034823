package world_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"evergreen/internal/sidecar/world"
)

// discord is a guild as Discord knows it, decoded, and the events it sends about it. It says
// what GUILD_CREATE would say now; the members it names are those of the last GUILD_CREATE,
// the bot, and those in voice channels.
type discord struct {
	t      *rapid.T
	fields object
	lists  map[string]map[uint64]object
	named  map[uint64]bool
	last   uint64
	send   func(event string, d any)
}

func newDiscord(t *rapid.T, send func(event string, d any)) *discord {
	m := &discord{t: t, send: send, last: 1000, named: map[uint64]bool{selfID: true}, lists: map[string]map[uint64]object{}}
	m.fields = object{"id": text(guildID), "name": "library", "member_count": 1.0, "unavailable": false, "emojis": []any{}, "stickers": []any{}}
	for name := range identifiedBy {
		if name != "emojis" && name != "stickers" {
			m.lists[name] = map[uint64]object{}
		}
	}
	m.lists["members"][selfID] = object{"user": object{"id": text(selfID)}, "roles": []any{}, "deaf": false, "mute": false}
	return m
}

// create is the guild's GUILD_CREATE.
func (m *discord) create() object {
	guild := maps.Clone(m.fields)
	for name, byID := range m.lists {
		list := []any{}
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			if name != "members" || m.names(id) {
				list = append(list, byID[id])
			}
		}
		guild[name] = list
	}
	return guild
}

func (m *discord) names(member uint64) bool {
	return m.named[member] || m.lists["voice_states"][member] != nil
}

func (m *discord) newID() uint64 { m.last++; return m.last }

// one draws an object of a list; 0 if it is empty.
func (m *discord) one(list string) uint64 {
	ids := slices.Sorted(maps.Keys(m.lists[list]))
	if len(ids) == 0 {
		return 0
	}
	return rapid.SampledFrom(ids).Draw(m.t, list)
}

// member draws a member who is not the bot; 0 if there is none.
func (m *discord) member() uint64 {
	if id := m.one("members"); id != selfID {
		return id
	}
	return 0
}

func (m *discord) word() string {
	return rapid.SampledFrom([]string{"", "novel", "เรื่องสั้น", `"quoted" \ and`, "[{", strings.Repeat("long ", 30)}).Draw(m.t, "word")
}

// also is an object with more fields, in events those that GUILD_CREATE has not.
func also(o object, more object) object {
	o = maps.Clone(o)
	maps.Copy(o, more)
	return o
}

var ofGuild = object{"guild_id": text(guildID)}

func (m *discord) sendChanged(event, list string, id uint64) {
	m.send(event, also(m.lists[list][id], ofGuild))
}

// moves are what can happen in the guild. A move that finds nothing to change does nothing.
var moves = map[string]func(*discord){
	"rename guild": func(m *discord) {
		m.fields["name"], m.fields["features"] = m.word(), []any{m.word()}
		m.send("GUILD_UPDATE", m.fields)
	},
	"guild unavailable": func(m *discord) {
		m.send("GUILD_DELETE", object{"id": text(guildID), "unavailable": true})
		m.recreate()
	},
	"new session": func(m *discord) {
		m.send("READY", json.RawMessage(ready(guildID)))
		m.recreate()
	},
	"channel": func(m *discord) {
		id, event := m.one("channels"), "CHANNEL_UPDATE"
		if id == 0 || len(m.lists["channels"]) < 5 {
			id, event = m.newID(), "CHANNEL_CREATE"
		}
		channel := object{"id": text(id), "name": m.word(), "permission_overwrites": []any{}}
		m.send(event, also(channel, ofGuild))
		if status, set := m.lists["channels"][id]["status"]; set {
			channel["status"] = status
		}
		m.lists["channels"][id] = channel
	},
	"delete channel": func(m *discord) {
		id := m.one("channels")
		if id == 0 {
			return
		}
		m.send("CHANNEL_DELETE", also(object{"id": text(id)}, ofGuild))
		delete(m.lists["channels"], id)
		maps.DeleteFunc(m.lists["threads"], func(_ uint64, o object) bool { return o["parent_id"] == text(id) })
		for _, list := range []string{"guild_scheduled_events", "stage_instances"} {
			maps.DeleteFunc(m.lists[list], func(_ uint64, o object) bool { return o["channel_id"] == text(id) })
		}
	},
	"pin": func(m *discord) {
		if id := m.one("channels"); id != 0 {
			m.lists["channels"][id]["last_pin_timestamp"] = m.word()
			m.send("CHANNEL_PINS_UPDATE", also(object{"channel_id": text(id), "last_pin_timestamp": m.lists["channels"][id]["last_pin_timestamp"]}, ofGuild))
		}
	},
	"voice status": func(m *discord) {
		if id := m.one("channels"); id != 0 {
			m.lists["channels"][id]["status"] = m.word()
			m.send("VOICE_CHANNEL_STATUS_UPDATE", also(object{"id": text(id), "status": m.lists["channels"][id]["status"]}, ofGuild))
		}
	},
	"thread": func(m *discord) {
		id := m.newID()
		m.lists["threads"][id] = object{"id": text(id), "guild_id": text(guildID), "parent_id": text(m.one("channels")), "name": m.word(), "member_count": 1.0, "thread_metadata": object{"archived": false}}
		m.send("THREAD_CREATE", also(m.lists["threads"][id], object{"newly_created": true}))
	},
	"rename thread": func(m *discord) {
		if id := m.one("threads"); id != 0 {
			m.lists["threads"][id]["name"] = m.word()
			m.send("THREAD_UPDATE", withoutField(m.lists["threads"][id], "member"))
		}
	},
	"end thread": func(m *discord) {
		if id := m.one("threads"); id != 0 {
			if rapid.Bool().Draw(m.t, "archive") {
				m.send("THREAD_UPDATE", also(m.lists["threads"][id], object{"thread_metadata": object{"archived": true}}))
			} else {
				m.send("THREAD_DELETE", also(object{"id": text(id), "type": 11}, ofGuild))
			}
			delete(m.lists["threads"], id)
		}
	},
	"sync threads": func(m *discord) {
		channel := text(m.one("channels"))
		if channel == "0" {
			return
		}
		maps.DeleteFunc(m.lists["threads"], func(_ uint64, o object) bool { return o["parent_id"] == channel })
		id := m.newID()
		thread := object{"id": text(id), "guild_id": text(guildID), "parent_id": channel, "name": m.word(), "member_count": 2.0}
		m.lists["threads"][id] = also(thread, object{"member": object{"flags": 4.0}})
		m.send("THREAD_LIST_SYNC", also(object{
			"channel_ids": []any{channel}, "threads": []any{thread}, "members": []any{object{"id": text(id), "user_id": text(selfID), "flags": 4}},
		}, ofGuild))
	},
	"sync all threads": func(m *discord) {
		threads, own := []any{}, []any{}
		for _, id := range slices.Sorted(maps.Keys(m.lists["threads"])) {
			o := m.lists["threads"][id]
			threads = append(threads, withoutField(o, "member"))
			if member, _ := o["member"].(object); member != nil {
				own = append(own, also(member, object{"id": text(id), "user_id": text(selfID)}))
			}
		}
		m.send("THREAD_LIST_SYNC", also(object{"threads": threads, "members": own}, ofGuild))
	},
	"enter thread": func(m *discord) {
		if id := m.one("threads"); id != 0 {
			o := m.lists["threads"][id]
			o["member"], o["member_count"] = object{"flags": 1.0, "join_timestamp": m.word()}, 3.0
			m.send("THREAD_MEMBERS_UPDATE", also(object{
				"id": text(id), "member_count": 3, "added_members": []any{also(o["member"].(object), object{"id": text(id), "user_id": text(selfID), "member": object{}, "presence": nil})},
			}, ofGuild))
			o["member"] = also(o["member"].(object), object{"flags": 2.0})
			m.send("THREAD_MEMBER_UPDATE", also(o["member"].(object), also(ofGuild, object{"id": text(id), "user_id": text(selfID)})))
		}
	},
	"leave thread": func(m *discord) {
		if id := m.one("threads"); id != 0 {
			delete(m.lists["threads"][id], "member")
			m.lists["threads"][id]["member_count"] = 0.0
			m.send("THREAD_MEMBERS_UPDATE", also(object{"id": text(id), "member_count": 0, "removed_member_ids": []any{text(selfID)}}, ofGuild))
		}
	},
	"role": func(m *discord) {
		id, event := m.one("roles"), "GUILD_ROLE_UPDATE"
		if id == 0 || len(m.lists["roles"]) < 4 {
			id, event = m.newID(), "GUILD_ROLE_CREATE"
		}
		m.lists["roles"][id] = object{"id": text(id), "name": m.word()}
		m.send(event, also(ofGuild, object{"role": m.lists["roles"][id]}))
	},
	"delete role": func(m *discord) {
		if id := m.one("roles"); id != 0 {
			delete(m.lists["roles"], id)
			for _, member := range m.lists["members"] {
				member["roles"] = slices.DeleteFunc(slices.Clone(member["roles"].([]any)), func(role any) bool { return role == text(id) })
			}
			m.send("GUILD_ROLE_DELETE", also(ofGuild, object{"role_id": text(id)}))
		}
	},
	"emojis and stickers": func(m *discord) {
		m.fields["emojis"], m.fields["stickers"] = []any{object{"id": "1", "name": m.word()}}, []any{object{"id": "2", "name": m.word()}}
		m.send("GUILD_EMOJIS_UPDATE", also(ofGuild, object{"emojis": m.fields["emojis"]}))
		m.send("GUILD_STICKERS_UPDATE", also(ofGuild, object{"stickers": m.fields["stickers"]}))
	},
	"sound": func(m *discord) {
		id, event := m.one("soundboard_sounds"), "GUILD_SOUNDBOARD_SOUND_UPDATE"
		if id == 0 || len(m.lists["soundboard_sounds"]) < 3 {
			id, event = m.newID(), "GUILD_SOUNDBOARD_SOUND_CREATE"
		}
		m.lists["soundboard_sounds"][id] = also(ofGuild, object{"sound_id": text(id), "name": m.word()})
		m.sendChanged(event, "soundboard_sounds", id)
	},
	"delete sound": func(m *discord) {
		if id := m.one("soundboard_sounds"); id != 0 {
			delete(m.lists["soundboard_sounds"], id)
			m.send("GUILD_SOUNDBOARD_SOUND_DELETE", also(ofGuild, object{"sound_id": text(id)}))
		}
	},
	"replace sounds": func(m *discord) {
		id := m.newID()
		m.lists["soundboard_sounds"] = map[uint64]object{id: also(ofGuild, object{"sound_id": text(id)})}
		m.send("GUILD_SOUNDBOARD_SOUNDS_UPDATE", also(ofGuild, object{"soundboard_sounds": []any{m.lists["soundboard_sounds"][id]}}))
	},
	"join": func(m *discord) {
		id := m.newID()
		m.lists["members"][id] = object{"user": object{"id": text(id), "username": m.word()}, "roles": []any{}, "deaf": false, "mute": false}
		m.fields["member_count"] = m.fields["member_count"].(float64) + 1
		m.sendChanged("GUILD_MEMBER_ADD", "members", id)
	},
	"leave": func(m *discord) {
		if id := m.member(); id != 0 {
			for _, list := range []string{"members", "presences", "voice_states"} {
				delete(m.lists[list], id)
			}
			delete(m.named, id)
			m.fields["member_count"] = m.fields["member_count"].(float64) - 1
			m.send("GUILD_MEMBER_REMOVE", also(ofGuild, object{"user": object{"id": text(id)}}))
		}
	},
	"change member": func(m *discord) {
		id := m.one("members")
		o := m.lists["members"][id]
		o["nick"] = m.word()
		if role := m.one("roles"); role != 0 {
			o["roles"] = []any{text(role), "1"}
		}
		m.send("GUILD_MEMBER_UPDATE", also(ofGuild, withoutField(withoutField(o, "deaf"), "mute")))
	},
	"presence": func(m *discord) {
		id := m.one("members")
		m.lists["presences"][id] = object{"user": object{"id": text(id)}, "status": "idle", "activities": []any{object{"name": m.word()}}}
		m.sendChanged("PRESENCE_UPDATE", "presences", id)
	},
	"offline": func(m *discord) {
		id := m.one("members")
		delete(m.lists["presences"], id)
		m.send("PRESENCE_UPDATE", also(ofGuild, object{"user": object{"id": text(id)}, "status": "offline"}))
	},
	"voice": func(m *discord) {
		id := m.one("members")
		state := object{"user_id": text(id), "channel_id": text(m.newID()), "self_mute": rapid.Bool().Draw(m.t, "mute")}
		m.lists["voice_states"][id] = state
		m.send("VOICE_STATE_UPDATE", also(state, also(ofGuild, object{"member": m.lists["members"][id]})))
	},
	"leave voice": func(m *discord) {
		if id := m.one("voice_states"); id != 0 {
			m.send("VOICE_STATE_UPDATE", also(m.lists["voice_states"][id], also(ofGuild, object{"channel_id": nil, "member": m.lists["members"][id]})))
			delete(m.lists["voice_states"], id)
		}
	},
	"stage": func(m *discord) {
		id, event := m.one("stage_instances"), "STAGE_INSTANCE_UPDATE"
		if id == 0 || len(m.lists["stage_instances"]) < 3 {
			id, event = m.newID(), "STAGE_INSTANCE_CREATE"
		}
		m.lists["stage_instances"][id] = also(ofGuild, object{"id": text(id), "topic": m.word(), "channel_id": text(m.one("channels"))})
		m.sendChanged(event, "stage_instances", id)
	},
	"end stage": func(m *discord) {
		if id := m.one("stage_instances"); id != 0 {
			m.sendChanged("STAGE_INSTANCE_DELETE", "stage_instances", id)
			delete(m.lists["stage_instances"], id)
		}
	},
	"scheduled event": func(m *discord) {
		id, event := m.one("guild_scheduled_events"), "GUILD_SCHEDULED_EVENT_UPDATE"
		if id == 0 || len(m.lists["guild_scheduled_events"]) < 3 {
			id, event = m.newID(), "GUILD_SCHEDULED_EVENT_CREATE"
		}
		m.lists["guild_scheduled_events"][id] = also(ofGuild, object{"id": text(id), "name": m.word(), "status": 1.0, "channel_id": text(m.one("channels"))})
		m.sendChanged(event, "guild_scheduled_events", id)
	},
	"end scheduled event": func(m *discord) {
		if id := m.one("guild_scheduled_events"); id != 0 {
			if rapid.Bool().Draw(m.t, "completed") {
				m.send("GUILD_SCHEDULED_EVENT_UPDATE", also(m.lists["guild_scheduled_events"][id], object{"status": 3}))
			} else {
				m.sendChanged("GUILD_SCHEDULED_EVENT_DELETE", "guild_scheduled_events", id)
			}
			delete(m.lists["guild_scheduled_events"], id)
		}
	},
	"talk": func(m *discord) {
		m.send("MESSAGE_CREATE", also(ofGuild, object{"id": text(m.newID()), "content": m.word()}))
	},
}

// recreate sends GUILD_CREATE, which names some members anew.
func (m *discord) recreate() {
	m.named = map[uint64]bool{selfID: true, cmp.Or(m.member(), selfID): true}
	for id := range m.lists["voice_states"] {
		m.named[id] = true // they stay named after they have left
	}
	m.send("GUILD_CREATE", m.create())
}

func withoutField(o object, name string) object {
	o = maps.Clone(o)
	delete(o, name)
	return o
}

// Given a guild, when any events have changed it in any order, then its snapshot says the
// same as the GUILD_CREATE that Discord would send now; also after a checkpoint.
func TestSnapshotIsTheTruthAfterAnyEvents(t *testing.T) {
	names := slices.Sorted(maps.Keys(moves))
	rapid.Check(t, func(rt *rapid.T) {
		w := world.New(world.Options{})
		m := newDiscord(rt, func(event string, d any) { apply(t, w, event, string(encode(t, d))) })
		apply(t, w, "READY", ready(guildID))
		m.send("GUILD_CREATE", m.create())
		var done []string
		for range rapid.IntRange(1, 150).Draw(rt, "moves") {
			move := rapid.SampledFrom(names).Draw(rt, "move")
			done = append(done, move)
			moves[move](m)
			if rapid.IntRange(0, 40).Draw(rt, "restart") == 0 {
				w = restarted(t, w)
			}
		}
		got, want := decodeGuild(t, snapshot(t, w, guildID)), decodeGuild(t, encode(t, m.create()))
		if all := differences("guild", got, want); len(all) > 0 {
			rt.Fatalf("after %q:\n%s", done, strings.Join(all, "\n"))
		}
	})
}

// restarted is a world after it has been written and read.
func restarted(t testing.TB, w *world.World) *world.World {
	t.Helper()
	var b strings.Builder
	if err := w.Encode(&b); err != nil {
		t.Fatal(err)
	}
	read, err := world.Decode(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return read
}
