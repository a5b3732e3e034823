package world_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"evergreen/internal/sidecar/world"
)

// inGuild puts the guild's id in front of the fields of an event.
func inGuild(fields string) string {
	if fields == "" {
		return fmt.Sprintf(`{"guild_id":"%d"}`, guildID)
	}
	return fmt.Sprintf(`{"guild_id":"%d",%s}`, guildID, fields)
}

// dispatch is one event of a guild without its guild_id.
type dispatch struct{ event, fields string }

// Given the library, when an event says that something has changed, then exactly that has
// changed in its snapshot, and everything else is there as Discord sent it.
func TestEventsChangeTheSnapshot(t *testing.T) {
	reader := `{"id":"301","name":"reader"}`
	everyone := `{"id":"41771983423143937","name":"@everyone"}`
	general, voice := `{"id":"101","type":0,"name":"general","unknown":1e2}`, `{"id":"102","type":2,"name":"voice","status":"reading"}`
	novels, poems := `{"id":"201","parent_id":"101","name":"novels","member":{"flags":0},"member_count":1}`, `{"id":"202","parent_id":"102","name":"poems"}`
	self, other := `{"user":{"id":"155149108183695360"},"roles":["301","302"],"deaf":false,"mute":true}`, `{"user":{"id":"502"},"roles":[]}`
	evening, picnic := `{"id":"701","name":"evening","channel_id":"102"}`, `{"id":"702","name":"picnic","channel_id":null}`
	for name, test := range map[string]struct {
		events []dispatch
		want   map[string]string // the raw fields that differ
	}{
		"channel created": {
			[]dispatch{{"CHANNEL_CREATE", `"id":"103","name":"new","odd":[ 1 ]`}},
			map[string]string{"channels": `[` + general + `,` + voice + `,{"id":"103","name":"new","odd":[ 1 ]}]`},
		},
		"channel updated; its place stays": {
			[]dispatch{{"CHANNEL_UPDATE", `"id":"101","name":"hall"`}},
			map[string]string{"channels": `[{"id":"101","name":"hall"},` + voice + `]`},
		},
		"voice channel updated; its status stays": {
			[]dispatch{{"CHANNEL_UPDATE", `"id":"102","name":"hall"`}},
			map[string]string{"channels": `[` + general + `,{"id":"102","name":"hall","status":"reading"}]`},
		},
		"channel deleted, with its threads and scheduled events": {
			[]dispatch{{"CHANNEL_DELETE", `"id":"102","type":2`}},
			map[string]string{"channels": `[` + general + `]`, "threads": `[` + novels + `]`, "guild_scheduled_events": `[` + picnic + `]`},
		},
		"channel deleted; what only mentions it stays": {
			[]dispatch{{"THREAD_CREATE", `"id":"203","parent_id":"101","name":"102"`}, {"CHANNEL_DELETE", `"id":"102","type":2`}},
			map[string]string{"channels": `[` + general + `]`, "guild_scheduled_events": `[` + picnic + `]`,
				"threads": `[` + novels + `,{"guild_id":"41771983423143937","id":"203","parent_id":"101","name":"102"}]`},
		},
		"channel pinned": {
			[]dispatch{{"CHANNEL_PINS_UPDATE", `"channel_id":"101","last_pin_timestamp":"2026-01-01T00:00:00+00:00"`}},
			map[string]string{"channels": `[{"id":"101","type":0,"name":"general","unknown":1e2,"last_pin_timestamp":"2026-01-01T00:00:00+00:00"},` + voice + `]`},
		},
		"thread pinned": {
			[]dispatch{{"CHANNEL_PINS_UPDATE", `"channel_id":"202","last_pin_timestamp":null`}},
			map[string]string{"threads": `[` + novels + `,{"id":"202","parent_id":"102","name":"poems","last_pin_timestamp":null}]`},
		},
		"pins of an unknown channel": {
			[]dispatch{{"CHANNEL_PINS_UPDATE", `"channel_id":"999","last_pin_timestamp":null`}}, nil,
		},
		"voice channel status": {
			[]dispatch{{"VOICE_CHANNEL_STATUS_UPDATE", `"id":"102","status":null`}},
			map[string]string{"channels": `[` + general + `,{"id":"102","type":2,"name":"voice","status":null}]`},
		},
		"thread created": {
			[]dispatch{{"THREAD_CREATE", `"id":"203","parent_id":"101","newly_created":true,"thread_metadata":{"archived":false}`}},
			map[string]string{"threads": `[` + novels + `,` + poems + `,{"guild_id":"41771983423143937","id":"203","parent_id":"101","thread_metadata":{"archived":false}}]`},
		},
		"private thread that the bot is added to": {
			[]dispatch{{"THREAD_CREATE", `"id":"203","member":{"id":"203","user_id":"155149108183695360","flags":1}`}},
			map[string]string{"threads": `[` + novels + `,` + poems + `,{"guild_id":"41771983423143937","id":"203","member":{"flags":1}}]`},
		},
		"thread updated; the bot stays its member": {
			[]dispatch{{"THREAD_UPDATE", `"id":"201","parent_id":"101","name":"books"`}},
			map[string]string{"threads": `[{"guild_id":"41771983423143937","id":"201","parent_id":"101","name":"books","member":{"flags":0}},` + poems + `]`},
		},
		"thread archived": {
			[]dispatch{{"THREAD_UPDATE", `"id":"201","parent_id":"101","thread_metadata":{"archived":true}`}},
			map[string]string{"threads": `[` + poems + `]`},
		},
		"thread deleted": {
			[]dispatch{{"THREAD_DELETE", `"id":"202","parent_id":"102","type":11`}},
			map[string]string{"threads": `[` + novels + `]`},
		},
		"threads of one channel synced": {
			[]dispatch{{"THREAD_LIST_SYNC", `"channel_ids":["102"],"threads":[{"id":"204","parent_id":"102"}],"members":[{"id":"204","user_id":"155149108183695360","flags":1}]`}},
			map[string]string{"threads": `[` + novels + `,{"id":"204","parent_id":"102","member":{"flags":1}}]`},
		},
		"threads of the guild synced": {
			[]dispatch{{"THREAD_LIST_SYNC", `"threads":[{"id":"205","parent_id":"101"}],"members":[]`}},
			map[string]string{"threads": `[{"id":"205","parent_id":"101"}]`},
		},
		"the bot's thread member": {
			[]dispatch{{"THREAD_MEMBER_UPDATE", `"id":"202","user_id":"155149108183695360","flags":2,"join_timestamp":"x"`}},
			map[string]string{"threads": `[` + novels + `,{"id":"202","parent_id":"102","name":"poems","member":{"flags":2,"join_timestamp":"x"}}]`},
		},
		"the bot leaves one thread and enters another": {
			[]dispatch{
				{"THREAD_MEMBERS_UPDATE", `"id":"201","member_count":0,"removed_member_ids":["7","155149108183695360"]`},
				{"THREAD_MEMBERS_UPDATE", `"id":"202","member_count":5,"added_members":[{"id":"202","user_id":"155149108183695360","flags":3,"member":{},"presence":null},{"id":"202","user_id":"7","flags":4}]`},
			},
			map[string]string{"threads": `[{"id":"201","parent_id":"101","name":"novels","member_count":0},{"id":"202","parent_id":"102","name":"poems","member_count":5,"member":{"flags":3}}]`},
		},
		"strangers leave and enter a thread": {
			[]dispatch{
				{"THREAD_MEMBERS_UPDATE", `"id":"201","member_count":2,"removed_member_ids":["7"]`},
				{"THREAD_MEMBERS_UPDATE", `"id":"202","added_members":[{"id":"202","user_id":"7","flags":4}]`},
			},
			map[string]string{"threads": `[{"id":"201","parent_id":"101","name":"novels","member":{"flags":0},"member_count":2},` + poems + `]`},
		},
		"role created and updated": {
			[]dispatch{{"GUILD_ROLE_CREATE", `"role":{"id":"303","name":"new"}`}, {"GUILD_ROLE_UPDATE", `"role":{"id":"301","name":"writer"}`}},
			map[string]string{"roles": `[` + everyone + `,{"id":"301","name":"writer"},{"id":"303","name":"new"}]`},
		},
		"role deleted, also from members": {
			[]dispatch{{"GUILD_ROLE_DELETE", `"role_id":"301"`}},
			map[string]string{"roles": `[` + everyone + `]`, "members": `[{"user":{"id":"155149108183695360"},"roles":["302"],"deaf":false,"mute":true},` + other + `]`},
		},
		"role deleted, also from channels": {
			[]dispatch{
				{"CHANNEL_UPDATE", `"id":"101","permission_overwrites":[{"id":"302","type":0},{"type":1,"id":"301"},{"id":"303","allow":"301"}]`},
				{"GUILD_ROLE_DELETE", `"role_id":"302"`},
			},
			map[string]string{
				"channels": `[{"id":"101","permission_overwrites":[{"type":1,"id":"301"},{"id":"303","allow":"301"}]},` + voice + `]`,
				"members":  `[{"user":{"id":"155149108183695360"},"roles":["301"],"deaf":false,"mute":true},` + other + `]`,
			},
		},
		"emojis": {
			[]dispatch{{"GUILD_EMOJIS_UPDATE", `"emojis":[{"id":"402"}]`}}, map[string]string{"emojis": `[{"id":"402"}]`},
		},
		"stickers": {
			[]dispatch{{"GUILD_STICKERS_UPDATE", `"stickers":[{"id":"403"}]`}}, map[string]string{"stickers": `[{"id":"403"}]`},
		},
		"all sounds": {
			[]dispatch{{"GUILD_SOUNDBOARD_SOUNDS_UPDATE", `"soundboard_sounds":[{"sound_id":"802"}]`}},
			map[string]string{"soundboard_sounds": `[{"sound_id":"802"}]`},
		},
		"one sound after another": {
			[]dispatch{
				{"GUILD_SOUNDBOARD_SOUND_CREATE", `"sound_id":"802","name":"bell"`}, {"GUILD_SOUNDBOARD_SOUND_UPDATE", `"sound_id":"802","name":"gong"`},
				{"GUILD_SOUNDBOARD_SOUND_DELETE", `"sound_id":"801"`},
			},
			map[string]string{"soundboard_sounds": `[{"guild_id":"41771983423143937","sound_id":"802","name":"gong"}]`},
		},
		"stranger joins and leaves": {
			[]dispatch{{"GUILD_MEMBER_ADD", `"user":{"id":"503"}`}, {"GUILD_MEMBER_ADD", `"user":{"id":"504"}`}, {"GUILD_MEMBER_REMOVE", `"user":{"id":"503"}`}},
			map[string]string{"member_count": `4`},
		},
		"member whom GUILD_CREATE named leaves": {
			[]dispatch{{"GUILD_MEMBER_REMOVE", `"user":{"id":"502"}`}},
			map[string]string{"member_count": `2`, "members": `[` + self + `]`, "presences": `[]`, "voice_states": `[]`},
		},
		"the bot is renamed; what the event lacks stays": {
			[]dispatch{{"GUILD_MEMBER_UPDATE", `"user":{"id":"155149108183695360"},"roles":["301"],"nick":"librarian"`}},
			map[string]string{"members": `[{"user":{"id":"155149108183695360"},"roles":["301"],"deaf":false,"mute":true,"nick":"librarian"},` + other + `]`},
		},
		"the bot itself joins again": {
			[]dispatch{{"GUILD_MEMBER_REMOVE", `"user":{"id":"155149108183695360"}`}, {"GUILD_MEMBER_ADD", `"user":{"id":"155149108183695360"},"roles":[]`}, {"GUILD_MEMBER_UPDATE", `"user":{"id":"155149108183695360"},"nick":"x"`}},
			map[string]string{"members": `[` + other + `,{"user":{"id":"155149108183695360"},"roles":[],"nick":"x"}]`},
		},
		"known member joins again; it is the same one": {
			[]dispatch{{"GUILD_MEMBER_ADD", `"user":{"id":"502"},"roles":["301"]`}, {"GUILD_MEMBER_UPDATE", `"user":{"id":"502"},"nick":"x"`}},
			map[string]string{"member_count": `4`, "members": `[` + self + `,{"user":{"id":"502"},"roles":["301"],"nick":"x"}]`},
		},
		"member who has left is a stranger": {
			[]dispatch{{"GUILD_MEMBER_REMOVE", `"user":{"id":"502"}`}, {"GUILD_MEMBER_ADD", `"user":{"id":"502"}`}},
			map[string]string{"members": `[` + self + `]`, "presences": `[]`, "voice_states": `[]`},
		},
		"stranger whose presence is known joins": {
			[]dispatch{{"PRESENCE_UPDATE", `"user":{"id":"503"},"status":"online"`}, {"GUILD_MEMBER_ADD", `"user":{"id":"503"}`}},
			map[string]string{"member_count": `4`, "presences": `[{"user":{"id":"502"},"status":"online"},{"user":{"id":"503"},"status":"online"}]`},
		},
		"stranger updated": {[]dispatch{{"GUILD_MEMBER_UPDATE", `"user":{"id":"503"},"roles":[]`}}, nil},
		"presence": {
			[]dispatch{{"PRESENCE_UPDATE", `"user":{"id":"502"},"status":"idle","activities":[]`}},
			map[string]string{"presences": `[{"user":{"id":"502"},"status":"idle","activities":[]}]`},
		},
		"offline": {
			[]dispatch{{"PRESENCE_UPDATE", `"user":{"id":"502"},"status":"offline"`}}, map[string]string{"presences": `[]`},
		},
		"known member moves to another voice channel": {
			[]dispatch{{"VOICE_STATE_UPDATE", `"user_id":"502","channel_id":"103","member":{"user":{"id":"502"},"roles":["301"]}`}},
			map[string]string{"voice_states": `[{"user_id":"502","channel_id":"103"}]`, "members": `[` + self + `,{"user":{"id":"502"},"roles":["301"]}]`},
		},
		"known member leaves voice": {
			[]dispatch{{"VOICE_STATE_UPDATE", `"user_id":"502","channel_id":null`}}, map[string]string{"voice_states": `[]`},
		},
		"known member moves and leaves voice; it stays a member": {
			[]dispatch{
				{"VOICE_STATE_UPDATE", `"user_id":"502","channel_id":"101","member":{"user":{"id":"502"},"roles":[]}`},
				{"VOICE_STATE_UPDATE", `"user_id":"502","channel_id":null,"member":{"user":{"id":"502"},"roles":[]}`},
			},
			map[string]string{"voice_states": `[]`},
		},
		"voice state with the member of another one": {
			[]dispatch{{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":"102","member":{"user":{"id":"502"},"roles":["301"]}`}},
			map[string]string{"voice_states": `[{"user_id":"502","channel_id":"102"},{"user_id":"503","channel_id":"102"}]`},
		},
		"stranger leaves voice unseen": {
			[]dispatch{{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":null,"member":{"user":{"id":"503"},"roles":[]}`}}, nil,
		},
		"stranger in voice is kept as a member": {
			[]dispatch{{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":"102","member":{"user":{"id":"503"},"roles":[]}`}},
			map[string]string{
				"voice_states": `[{"user_id":"502","channel_id":"102"},{"user_id":"503","channel_id":"102"}]`,
				"members":      `[` + self + `,` + other + `,{"user":{"id":"503"},"roles":[]}]`,
			},
		},
		"stranger is forgotten after voice": {
			[]dispatch{
				{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":"102","member":{"user":{"id":"503"},"roles":[]}`},
				{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":null,"member":{"user":{"id":"503"},"roles":[]}`},
			}, nil,
		},
		"stranger is in voice twice": {
			[]dispatch{
				{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":"102","member":{"user":{"id":"503"},"roles":[]}`},
				{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":null`},
				{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":"103","member":{"user":{"id":"503"},"nick":"x"}`},
				{"GUILD_MEMBER_UPDATE", `"user":{"id":"503"},"nick":"y"`},
			},
			map[string]string{
				"voice_states": `[{"user_id":"502","channel_id":"102"},{"user_id":"503","channel_id":"103"}]`,
				"members":      `[` + self + `,` + other + `,{"user":{"id":"503"},"nick":"y"}]`,
			},
		},
		"stranger leaves out of voice": {
			[]dispatch{
				{"VOICE_STATE_UPDATE", `"user_id":"503","channel_id":"102","member":{"user":{"id":"503"}}`},
				{"GUILD_MEMBER_REMOVE", `"user":{"id":"503"}`},
			},
			map[string]string{"member_count": `2`},
		},
		"stage begins and ends": {
			[]dispatch{{"STAGE_INSTANCE_CREATE", `"id":"602","topic":"x"`}, {"STAGE_INSTANCE_UPDATE", `"id":"602","topic":"y"`}, {"STAGE_INSTANCE_DELETE", `"id":"601"`}},
			map[string]string{"stage_instances": `[{"guild_id":"41771983423143937","id":"602","topic":"y"}]`},
		},
		"scheduled events": {
			[]dispatch{
				{"GUILD_SCHEDULED_EVENT_CREATE", `"id":"703","status":1`}, {"GUILD_SCHEDULED_EVENT_UPDATE", `"id":"703","status":2`},
				{"GUILD_SCHEDULED_EVENT_DELETE", `"id":"702"`},
			},
			map[string]string{"guild_scheduled_events": `[` + evening + `,{"guild_id":"41771983423143937","id":"703","status":2}]`},
		},
		"scheduled event is canceled": {
			[]dispatch{{"GUILD_SCHEDULED_EVENT_UPDATE", `"id":"702","status":4`}}, map[string]string{"guild_scheduled_events": `[` + evening + `]`},
		},
		"stages of a channel go with it": {
			[]dispatch{{"STAGE_INSTANCE_UPDATE", `"id":"601","channel_id":"102"`}, {"CHANNEL_DELETE", `"id":"102"`}},
			map[string]string{"channels": `[` + general + `]`, "threads": `[` + novels + `]`, "guild_scheduled_events": `[` + picnic + `]`, "stage_instances": `[]`},
		},
		"scheduled event is over": {
			[]dispatch{{"GUILD_SCHEDULED_EVENT_UPDATE", `"id":"701","status":3`}}, map[string]string{"guild_scheduled_events": `[` + picnic + `]`},
		},
		"guild renamed": {
			[]dispatch{{"GUILD_UPDATE", `"id":"41771983423143937","name":"archive","roles":[` + reader + `],"new":{"a":1}`}},
			map[string]string{"name": `"archive"`, "roles": `[` + reader + `]`, "new": `{"a":1}`},
		},
		"guild updated with what it has events for": {
			[]dispatch{{"GUILD_UPDATE", `"id":"41771983423143937","channels":[],"members":[],"unavailable":true,"member_count":1`}}, nil,
		},
		"events of direct messages":         {[]dispatch{{"CHANNEL_CREATE", ``}}, nil},
		"events that say nothing of guilds": {[]dispatch{{"MESSAGE_CREATE", `"id":"1"`}, {"TYPING_START", ``}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := withLibrary(t)
			for _, e := range test.events {
				d := inGuild(e.fields)
				if name == "events of direct messages" {
					d = `{"id":"9","type":1}`
				}
				apply(t, w, e.event, d)
			}
			got := snapshot(t, w, guildID)
			if again := snapshot(t, restarted(t, w), guildID); !bytes.Equal(again, got) {
				t.Errorf("after a restart it is\n%s\nwant\n%s", again, got)
			}
			for _, field := range fieldsOf(t, []byte(library), got) {
				want, changed := test.want[field]
				if !changed {
					want = raw(t, []byte(library), field)
				}
				if have := raw(t, got, field); have != want {
					t.Errorf("%s is\n%s\nwant\n%s", field, have, want)
				}
			}
		})
	}
}

// Given a guild that has no lists at all, when events bring what belongs into them, then
// the lists are there.
func TestListsThatWereMissingAreAdded(t *testing.T) {
	w := world.New(world.Options{})
	apply(t, w, "GUILD_CREATE", `{"id":"41771983423143937","threads":null}`)
	apply(t, w, "CHANNEL_CREATE", inGuild(`"id":"1"`))
	apply(t, w, "THREAD_CREATE", inGuild(`"id":"2"`))
	apply(t, w, "GUILD_MEMBER_ADD", inGuild(`"user":{"id":"3"}`))
	want := `{"id":"41771983423143937","threads":[{"guild_id":"41771983423143937","id":"2"}],"unavailable":false,"channels":[{"id":"1"}]}`
	if got := string(snapshot(t, w, guildID)); got != want {
		t.Errorf("the snapshot is\n%s\nwant\n%s", got, want)
	}
}

// Given a guild that Discord has only listed, and one that it has not, when something in them
// changes, then they are what they were: GUILD_CREATE will tell all.
func TestEventsOfGuildsThatAreNotDescribedAreIgnored(t *testing.T) {
	w := world.New(world.Options{})
	apply(t, w, "READY", ready(guildID))
	for _, e := range []dispatch{{"CHANNEL_CREATE", `"id":"1"`}, {"GUILD_MEMBER_ADD", `"user":{"id":"3"}`}, {"MESSAGE_CREATE", `"id":"1"`}} {
		apply(t, w, e.event, inGuild(e.fields))
		apply(t, w, e.event, `{"guild_id":"8",`+e.fields+`}`)
	}
	apply(t, w, "GUILD_UPDATE", `{"id":"41771983423143937","name":"x"}`)
	wantStatus(t, w, guildID, world.Outage)
	wantStatus(t, w, 8, world.Unknown)
	apply(t, w, "GUILD_CREATE", library)
	if got := string(snapshot(t, w, guildID)); got != library {
		t.Errorf("the snapshot is\n%s\nwant\n%s", got, library)
	}
}

// Given a guild that names a member twice, when one of the two is there, then everything goes
// on as with one, also after a restart.
func TestMemberWhoIsNamedTwiceIsOne(t *testing.T) {
	w := world.New(world.Options{})
	apply(t, w, "GUILD_CREATE", `{"id":"41771983423143937","members":[{"user":{"id":"502"}},{"user":{"id":"502"},"nick":"x"}]}`)
	w = restarted(t, w)
	apply(t, w, "GUILD_MEMBER_REMOVE", inGuild(`"user":{"id":"502"}`))
	apply(t, w, "GUILD_MEMBER_ADD", inGuild(`"user":{"id":"502"}`))
	if have := raw(t, snapshot(t, w, guildID), "members"); have != `[]` {
		t.Errorf("the members are %s", have)
	}
}

// Given all types of events, when the journal asks which of them change a world, then it
// hears exactly of those.
func TestChangesNamesTheEventsThatMatter(t *testing.T) {
	for _, event := range strings.Fields(`READY USER_UPDATE GUILD_CREATE GUILD_UPDATE GUILD_DELETE CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_DELETE
		CHANNEL_PINS_UPDATE VOICE_CHANNEL_STATUS_UPDATE THREAD_CREATE THREAD_UPDATE THREAD_DELETE THREAD_LIST_SYNC THREAD_MEMBER_UPDATE
		THREAD_MEMBERS_UPDATE GUILD_ROLE_CREATE GUILD_ROLE_UPDATE GUILD_ROLE_DELETE GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE
		GUILD_SOUNDBOARD_SOUNDS_UPDATE GUILD_SOUNDBOARD_SOUND_CREATE GUILD_SOUNDBOARD_SOUND_UPDATE GUILD_SOUNDBOARD_SOUND_DELETE
		GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE PRESENCE_UPDATE VOICE_STATE_UPDATE STAGE_INSTANCE_CREATE
		STAGE_INSTANCE_UPDATE STAGE_INSTANCE_DELETE GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE GUILD_SCHEDULED_EVENT_DELETE`) {
		if !world.Changes(event) {
			t.Errorf("%s changes nothing", event)
		}
	}
	for _, event := range []string{"MESSAGE_CREATE", "TYPING_START", "RESUMED", "INTERACTION_CREATE", "GUILD_MEMBERS_CHUNK", ""} {
		if world.Changes(event) {
			t.Errorf("%s changes something", event)
		}
	}
}
