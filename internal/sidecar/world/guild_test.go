package world_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"evergreen/internal/sidecar/world"
)

// object is decoded JSON.
type object = map[string]any

const (
	guildID = 41771983423143937
	selfID  = 155149108183695360
)

// library is a small guild in which every list has something, so that a test can change it.
// Its fields unknown and future stand for what Discord adds one day.
const library = `{"id":"41771983423143937","name":"library","future":{"deep":[1.50,"\u00e9"]},"member_count":3,"unavailable":false,` +
	`"channels":[{"id":"101","type":0,"name":"general","unknown":1e2},{"id":"102","type":2,"name":"voice","status":"reading"}],` +
	`"threads":[{"id":"201","parent_id":"101","name":"novels","member":{"flags":0},"member_count":1},{"id":"202","parent_id":"102","name":"poems"}],` +
	`"roles":[{"id":"41771983423143937","name":"@everyone"},{"id":"301","name":"reader"}],` +
	`"emojis":[{"id":"401","name":"book"}],"stickers":[],` +
	`"members":[{"user":{"id":"155149108183695360"},"roles":["301","302"],"deaf":false,"mute":true},{"user":{"id":"502"},"roles":[]}],` +
	`"presences":[{"user":{"id":"502"},"status":"online"}],` +
	`"voice_states":[{"user_id":"502","channel_id":"102"}],` +
	`"stage_instances":[{"id":"601","topic":"essays"}],` +
	`"guild_scheduled_events":[{"id":"701","name":"evening","channel_id":"102"},{"id":"702","name":"picnic","channel_id":null}],` +
	`"soundboard_sounds":[{"sound_id":"801","name":"page"}]}`

// ready is a READY that lists guilds.
func ready(ids ...uint64) string {
	var list []string
	for _, id := range ids {
		list = append(list, fmt.Sprintf(`{"id":"%d","unavailable":true}`, id))
	}
	return fmt.Sprintf(`{"v":10,"user":{"id":"%d","username":"bot","verified":true},"guilds":[%s],"session_id":"abc"}`, selfID, strings.Join(list, ","))
}

// withLibrary is a world that has had READY and the library.
func withLibrary(t testing.TB) *world.World {
	t.Helper()
	w := world.New(world.Options{})
	apply(t, w, "READY", ready(guildID))
	apply(t, w, "GUILD_CREATE", library)
	return w
}

func apply(t testing.TB, w *world.World, event, d string) {
	t.Helper()
	if err := w.Apply(event, []byte(d)); err != nil {
		t.Fatalf("%s %s: %v", event, d, err)
	}
}

// snapshot is the raw GUILD_CREATE of a guild that must be available.
func snapshot(t testing.TB, w *world.World, id uint64) []byte {
	t.Helper()
	d, status, err := w.Guild(id)
	if err != nil || status != world.Available {
		t.Fatalf("guild %d is %v, error %v", id, status, err)
	}
	return d
}

// raw is one field of raw JSON.
func raw(t testing.TB, d []byte, name string) string {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(d, &fields); err != nil {
		t.Fatal(err)
	}
	return string(fields[name])
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// text is how an id is written.
func text(id uint64) string { return strconv.FormatUint(id, 10) }

// identifiedBy is the path to the id of the objects of each list.
var identifiedBy = map[string][]string{
	"channels": {"id"}, "threads": {"id"}, "roles": {"id"}, "emojis": {"id"}, "stickers": {"id"}, "members": {"user", "id"},
	"presences": {"user", "id"}, "voice_states": {"user_id"}, "stage_instances": {"id"}, "guild_scheduled_events": {"id"},
	"soundboard_sounds": {"sound_id"},
}

// decodeGuild decodes a GUILD_CREATE so that two of them can be compared: lists become maps by
// id, because their order means nothing, and what is stale on purpose is left out.
func decodeGuild(t testing.TB, d []byte) object {
	t.Helper()
	var guild object
	if err := json.Unmarshal(d, &guild); err != nil {
		t.Fatalf("%v in %s", err, d)
	}
	for name, path := range identifiedBy {
		list, _ := guild[name].([]any)
		byID := object{}
		for _, element := range list {
			o := element.(object)
			var id any = o
			for _, step := range path {
				id = id.(object)[step]
			}
			if name == "channels" || name == "threads" {
				delete(o, "last_message_id")
				delete(o, "message_count")
				delete(o, "total_message_sent")
			}
			if byID[id.(string)] != nil {
				t.Fatalf("%s has %v twice", name, id)
			}
			byID[id.(string)] = o
		}
		guild[name] = byID
	}
	return guild
}

// differences lists where two decoded values differ.
func differences(path string, got, want any) []string {
	a, isObject := got.(object)
	b, both := want.(object)
	if !isObject || !both {
		if x, y := fmt.Sprint(got), fmt.Sprint(want); x != y {
			return []string{fmt.Sprintf("%s is %s, want %s", path, x, y)}
		}
		return nil
	}
	var all []string
	for name := range b {
		if _, there := a[name]; !there {
			all = append(all, fmt.Sprintf("%s.%s is missing", path, name))
		}
	}
	for name := range a {
		if _, there := b[name]; !there {
			all = append(all, fmt.Sprintf("%s.%s is there", path, name))
		} else {
			all = append(all, differences(path+"."+name, a[name], b[name])...)
		}
	}
	slices.Sort(all)
	return all
}

// size is how large a made-up guild is.
type size struct {
	name                             string
	channels, roles, emojis, members int
}

// sizes are small, usual and big guilds.
var sizes = []size{{"small", 15, 8, 5, 1}, {"usual", 50, 30, 40, 1}, {"big", 200, 120, 200, 100}}

// madeUp is a GUILD_CREATE with what Discord puts into one.
func madeUp(t testing.TB, s size, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	words := strings.Fields("reading room general announcements voice lounge bot commands support help music art games off topic rules welcome staff log archive")
	word := func() string { return words[r.IntN(len(words))] + "-" + words[r.IntN(len(words))] }
	id := func() string { return text(r.Uint64N(1<<59) + 1<<58) }
	hash := func() string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }
	var channels, roles, emojis, members, roleIDs []any
	for i := range s.roles {
		role := id()
		roleIDs = append(roleIDs, role)
		roles = append(roles, object{
			"id": role, "name": word(), "description": nil, "permissions": text(r.Uint64N(1 << 50)), "position": i, "color": r.IntN(1 << 24),
			"colors": object{"primary_color": r.IntN(1 << 24), "secondary_color": nil, "tertiary_color": nil}, "hoist": r.IntN(2) == 0,
			"managed": false, "mentionable": false, "icon": nil, "unicode_emoji": nil, "flags": 0,
		})
	}
	for i := range s.channels {
		overwrites := []any{}
		for range r.IntN(5) {
			overwrites = append(overwrites, object{"id": roleIDs[r.IntN(len(roleIDs))], "type": 0, "allow": text(r.Uint64N(1 << 40)), "deny": text(r.Uint64N(1 << 40))})
		}
		channels = append(channels, object{
			"id": id(), "type": 0, "name": word(), "position": i, "parent_id": id(), "topic": strings.Repeat(word()+" ", r.IntN(20)), "nsfw": false,
			"permission_overwrites": overwrites, "rate_limit_per_user": 0, "flags": 0, "last_message_id": id(), "version": r.Uint64N(1 << 41),
			"last_pin_timestamp": "2025-03-01T12:00:00+00:00", "icon_emoji": object{"id": nil, "name": "📚"}, "theme_color": nil,
		})
	}
	for range s.emojis {
		emojis = append(emojis, object{"id": id(), "name": word(), "roles": []any{}, "require_colons": true, "managed": false, "animated": r.IntN(3) == 0, "available": true, "version": 0})
	}
	for i := range s.members {
		user := id()
		if i == 0 {
			user = text(selfID)
		}
		members = append(members, object{
			"user": object{
				"id": user, "username": word(), "global_name": word(), "avatar": hash(), "discriminator": "0", "public_flags": 0, "bot": i == 0,
				"avatar_decoration_data": nil, "collectibles": nil, "display_name_styles": nil, "primary_guild": nil,
			},
			"nick": nil, "avatar": nil, "banner": nil, "roles": roleIDs[:r.IntN(min(6, len(roleIDs)))], "joined_at": "2024-11-02T18:21:07.118000+00:00",
			"premium_since": nil, "deaf": false, "mute": false, "flags": 0, "pending": false, "communication_disabled_until": nil,
		})
	}
	return encode(t, object{
		"id": text(guildID), "name": "library", "icon": hash(), "description": nil, "owner_id": id(), "features": []any{"COMMUNITY", "NEWS"},
		"channels": channels, "threads": []any{}, "roles": roles, "emojis": emojis, "stickers": []any{}, "members": members, "presences": []any{},
		"voice_states": []any{}, "stage_instances": []any{}, "guild_scheduled_events": []any{}, "soundboard_sounds": []any{},
		"member_count": 1000, "large": true, "joined_at": "2024-11-02T18:21:07.118000+00:00", "unavailable": false, "preferred_locale": "en-US",
		"premium_tier": 0, "nsfw_level": 0, "verification_level": 1, "afk_timeout": 300, "afk_channel_id": nil, "system_channel_id": id(),
	})
}
