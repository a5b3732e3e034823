package world_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"evergreen/internal/sidecar/world"
)

// secret stands in every malformed payload, so that a test sees when an error repeats content.
const secret = "diary"

// malformed are events that must be refused.
var malformed = map[string]dispatch{
	"nothing":                              {"GUILD_CREATE", ``},
	"no JSON":                              {"GUILD_CREATE", `{"id":"1","diary"`},
	"torn":                                 {"CHANNEL_CREATE", library[:len(library)/2]},
	"no object":                            {"GUILD_CREATE", `["diary"]`},
	"null":                                 {"CHANNEL_CREATE", `null`},
	"no guild id":                          {"GUILD_CREATE", `{"name":"diary"}`},
	"guild id that is a number":            {"GUILD_CREATE", `{"id":41771983423143937}`},
	"guild id that is text":                {"GUILD_DELETE", `{"id":"diary"}`},
	"guild id 0":                           {"GUILD_DELETE", `{"id":"0"}`},
	"guild id with another spelling":       {"GUILD_DELETE", `{"id":"041771983423143937"}`},
	"guild id with a sign":                 {"GUILD_DELETE", `{"id":"-1"}`},
	"guild id over 64 bits":                {"GUILD_DELETE", `{"id":"18446744073709551616"}`},
	"guild id twice":                       {"GUILD_DELETE", `{"id":"7","id":"41771983423143937"}`},
	"guild id twice, once escaped":         {"GUILD_DELETE", `{"\u0069d":"7","id":"41771983423143937"}`},
	"unavailable is text":                  {"GUILD_DELETE", `{"id":"41771983423143937","unavailable":"diary"}`},
	"unavailable is a number":              {"GUILD_CREATE", `{"id":"41771983423143937","unavailable":1}`},
	"channels are an object":               {"GUILD_CREATE", `{"id":"41771983423143937","channels":{"diary":1}}`},
	"channels are no objects":              {"GUILD_CREATE", `{"id":"41771983423143937","channels":["diary"]}`},
	"channels are the end of a list":       {"GUILD_CREATE", `{"id":"41771983423143937","channels":"]"}`},
	"channel without id":                   {"GUILD_CREATE", `{"id":"41771983423143937","channels":[{"name":"diary"}]}`},
	"channel with two ids":                 {"GUILD_CREATE", `{"id":"41771983423143937","channels":[{"id":"1","id":"2"}]}`},
	"member without user":                  {"GUILD_CREATE", `{"id":"41771983423143937","members":[{"nick":"diary"}]}`},
	"member whose user is text":            {"GUILD_CREATE", `{"id":"41771983423143937","members":[{"user":"diary"}]}`},
	"event of a guild that is no id":       {"CHANNEL_CREATE", `{"guild_id":"diary","id":"1"}`},
	"event of a guild that is a list":      {"CHANNEL_CREATE", `{"guild_id":[],"id":"1"}`},
	"new channel without id":               {"CHANNEL_CREATE", inGuild(`"name":"diary"`)},
	"deleted channel without id":           {"CHANNEL_DELETE", inGuild(``)},
	"pins of no channel":                   {"CHANNEL_PINS_UPDATE", inGuild(`"channel_id":null`)},
	"status of no channel":                 {"VOICE_CHANNEL_STATUS_UPDATE", inGuild(`"status":"diary"`)},
	"thread without id":                    {"THREAD_CREATE", inGuild(`"name":"diary"`)},
	"archived thread without id":           {"THREAD_UPDATE", inGuild(`"thread_metadata":{"archived":true}`)},
	"thread whose metadata is text":        {"THREAD_UPDATE", inGuild(`"id":"1","thread_metadata":"diary"`)},
	"thread whose metadata ends an object": {"THREAD_UPDATE", inGuild(`"id":"1","thread_metadata":"}"`)},
	"thread that is archived twice":        {"THREAD_UPDATE", inGuild(`"id":"1","thread_metadata":{"archived":false,"archived":true}`)},
	"thread whose member is text":          {"THREAD_CREATE", inGuild(`"id":"1","member":"diary"`)},
	"deleted thread without id":            {"THREAD_DELETE", inGuild(``)},
	"synced channels are text":             {"THREAD_LIST_SYNC", inGuild(`"channel_ids":"diary","threads":[]`)},
	"too many synced channels":             {"THREAD_LIST_SYNC", inGuild(`"channel_ids":["1"` + strings.Repeat(`,"1"`, 1<<13) + `],"threads":[]`)},
	"no sounds":                            {"GUILD_SOUNDBOARD_SOUNDS_UPDATE", inGuild(``)},
	"synced channel is no id":              {"THREAD_LIST_SYNC", inGuild(`"channel_ids":["diary"],"threads":[]`)},
	"synced thread is text":                {"THREAD_LIST_SYNC", inGuild(`"threads":["diary"]`)},
	"synced thread without id":             {"THREAD_LIST_SYNC", inGuild(`"threads":[{}]`)},
	"synced member without id":             {"THREAD_LIST_SYNC", inGuild(`"threads":[],"members":[{"flags":1}]`)},
	"thread member without id":             {"THREAD_MEMBER_UPDATE", inGuild(`"flags":1`)},
	"thread members without id":            {"THREAD_MEMBERS_UPDATE", inGuild(`"member_count":1`)},
	"added member is no id":                {"THREAD_MEMBERS_UPDATE", inGuild(`"id":"1","added_members":[{"user_id":"diary"}]`)},
	"added members are the end of a list":  {"THREAD_MEMBERS_UPDATE", inGuild(`"id":"1","added_members":"]"`)},
	"added members are text":               {"THREAD_MEMBERS_UPDATE", inGuild(`"id":"1","added_members":"diary"`)},
	"removed members are text":             {"THREAD_MEMBERS_UPDATE", inGuild(`"id":"1","removed_member_ids":"diary"`)},
	"removed member is no id":              {"THREAD_MEMBERS_UPDATE", inGuild(`"id":"1","removed_member_ids":["diary"]`)},
	"no role":                              {"GUILD_ROLE_CREATE", inGuild(``)},
	"role without id":                      {"GUILD_ROLE_UPDATE", inGuild(`"role":{"name":"diary"}`)},
	"role with a field twice":              {"GUILD_ROLE_UPDATE", inGuild(`"role":{"id":"1","name":"diary","name":"x"}`)},
	"deleted role without id":              {"GUILD_ROLE_DELETE", inGuild(``)},
	"no emojis":                            {"GUILD_EMOJIS_UPDATE", inGuild(``)},
	"emojis are null":                      {"GUILD_EMOJIS_UPDATE", inGuild(`"emojis":null`)},
	"stickers are text":                    {"GUILD_STICKERS_UPDATE", inGuild(`"stickers":"diary"`)},
	"sounds without id":                    {"GUILD_SOUNDBOARD_SOUNDS_UPDATE", inGuild(`"soundboard_sounds":[{"name":"diary"}]`)},
	"sound without id":                     {"GUILD_SOUNDBOARD_SOUND_CREATE", inGuild(`"id":"1"`)},
	"deleted sound without id":             {"GUILD_SOUNDBOARD_SOUND_DELETE", inGuild(``)},
	"member who joins without user":        {"GUILD_MEMBER_ADD", inGuild(`"nick":"diary"`)},
	"member who changes without id":        {"GUILD_MEMBER_UPDATE", inGuild(`"user":{"name":"diary"}`)},
	"member who leaves is text":            {"GUILD_MEMBER_REMOVE", inGuild(`"user":"diary"`)},
	"member who leaves has two ids":        {"GUILD_MEMBER_REMOVE", inGuild(`"user":{"id":"502","id":"503"}`)},
	"presence of no user":                  {"PRESENCE_UPDATE", inGuild(`"status":"online"`)},
	"no user goes offline":                 {"PRESENCE_UPDATE", inGuild(`"status":"offline"`)},
	"voice state of no user":               {"VOICE_STATE_UPDATE", inGuild(`"channel_id":"102"`)},
	"no user leaves voice":                 {"VOICE_STATE_UPDATE", inGuild(`"channel_id":null`)},
	"voice state whose member is text":     {"VOICE_STATE_UPDATE", inGuild(`"user_id":"1","channel_id":"102","member":"diary"`)},
	"voice state whose member has no user": {"VOICE_STATE_UPDATE", inGuild(`"user_id":"1","channel_id":"102","member":{"nick":"diary"}`)},
	"stage without id":                     {"STAGE_INSTANCE_CREATE", inGuild(`"topic":"diary"`)},
	"deleted stage without id":             {"STAGE_INSTANCE_DELETE", inGuild(``)},
	"scheduled event without id":           {"GUILD_SCHEDULED_EVENT_CREATE", inGuild(`"name":"diary"`)},
	"past scheduled event without id":      {"GUILD_SCHEDULED_EVENT_UPDATE", inGuild(`"status":4`)},
	"guild update without id":              {"GUILD_UPDATE", inGuild(`"name":"diary"`)},
	"guild update whose roles are text":    {"GUILD_UPDATE", `{"id":"41771983423143937","roles":"diary"}`},
	"READY without user":                   {"READY", `{"guilds":[]}`},
	"READY whose user has no id":           {"READY", `{"user":{"username":"diary"},"guilds":[]}`},
	"READY whose user has two ids":         {"READY", `{"user":{"id":"1","id":"2"},"guilds":[]}`},
	"READY with a guild of two ids":        {"READY", `{"user":{"id":"1"},"guilds":[{"id":"2","id":"3"}]}`},
	"READY without guilds":                 {"READY", `{"user":{"id":"1"}}`},
	"READY with a guild that is no id":     {"READY", `{"user":{"id":"1"},"guilds":[{"id":"2"},{"id":"diary"}]}`},
	"READY with a guild that is text":      {"READY", `{"user":{"id":"1"},"guilds":["diary"]}`},
	"READY with half a shard":              {"READY", `{"user":{"id":"1"},"guilds":[],"shard":[0]}`},
	"READY of no shard":                    {"READY", `{"user":{"id":"1"},"guilds":[],"shard":[0,0]}`},
	"READY of a shard that is text":        {"READY", `{"user":{"id":"1"},"guilds":[],"shard":["diary",1]}`},
	"READY of three shards, one text":      {"READY", `{"user":{"id":"1"},"guilds":[],"shard":[0,"diary",1]}`},
	"READY of a shard, and text":           {"READY", `{"user":{"id":"1"},"guilds":[],"shard":[0,1,"diary"]}`},
	"READY of a shard that is an object":   {"READY", `{"user":{"id":"1"},"guilds":[],"shard":{"diary":1}}`},
	"READY of a negative shard":            {"READY", `{"user":{"id":"1"},"guilds":[],"shard":[-1,1]}`},
	"user without id":                      {"USER_UPDATE", `{"username":"diary"}`},
	"too deep":                             {"CHANNEL_CREATE", inGuild(`"id":"1","x":` + strings.Repeat("[", 1<<16) + strings.Repeat("]", 1<<16))},
	"too many fields":                      {"CHANNEL_CREATE", inGuild(`"id":"1"` + manyFields(1<<13))},
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%x":0`, i)
	}
	return b.String()
}

// Given a world with two guilds, when a malformed event comes, then it is refused with its
// type and without its content, and no guild has changed.
func TestMalformedEventsAreRefused(t *testing.T) {
	for name, e := range malformed {
		t.Run(name, func(t *testing.T) {
			w := withLibrary(t)
			apply(t, w, "GUILD_CREATE", `{"id":"7","unavailable":false}`)
			err := w.Apply(e.event, []byte(e.fields))
			switch {
			case err == nil:
				t.Fatal("it was taken")
			case !strings.HasPrefix(err.Error(), e.event+": "), strings.Contains(err.Error(), secret), len(err.Error()) > 120:
				t.Errorf("the error is %q", err)
			}
			wantIntact(t, w)
		})
	}
}

func wantIntact(t *testing.T, w *world.World) {
	t.Helper()
	if got := string(snapshot(t, w, guildID)); got != library {
		t.Errorf("the snapshot is\n%s\nwant\n%s", got, library)
	}
	if got := string(snapshot(t, w, 7)); got != `{"id":"7","unavailable":false}` {
		t.Errorf("the other guild is %s", got)
	}
	if got := string(w.Ready()); got != ready(guildID) {
		t.Errorf("READY is %s", got)
	}
}

// Given the same malformed events, when their guild is unknown, then they are refused all
// the same, and no guild appears.
func TestMalformedEventsOfUnknownGuildsAreRefused(t *testing.T) {
	for name, e := range malformed {
		w := world.New(world.Options{})
		if w.Apply(e.event, []byte(e.fields)) == nil || len(w.Guilds()) > 0 {
			t.Errorf("%s: it was taken, and the guilds are %v", name, w.Guilds())
		}
	}
}

// Given values that no patch can mean, when patches come for them, then only those patches
// do nothing.
func TestOddValuesAreLeftAlone(t *testing.T) {
	w := world.New(world.Options{})
	create := `{"id":"41771983423143937","unavailable":false,"member_count":"many","threads":[{"id":"1","parent_id":5}],"members":[{"user":{"id":"2"},"roles":"301"}]}`
	apply(t, w, "GUILD_CREATE", create)
	apply(t, w, "GUILD_MEMBER_ADD", inGuild(`"user":{"id":"9"}`))
	apply(t, w, "CHANNEL_DELETE", inGuild(`"id":"5"`))
	apply(t, w, "GUILD_ROLE_DELETE", inGuild(`"role_id":"301"`))
	got := snapshot(t, w, guildID)
	for _, field := range fieldsOf(t, []byte(create)) {
		if have, want := raw(t, got, field), raw(t, []byte(create), field); have != want {
			t.Errorf("%s is %s, want %s", field, have, want)
		}
	}
}

// Given a guild in which a field of an object stands twice, when events come for it, then that
// object stays as it is until it is replaced or removed, and all others change.
func TestObjectWithAFieldTwiceCostsOnlyItself(t *testing.T) {
	const (
		twice = `{"id":"1","parent_id":"5","permission_overwrites":[{"id":"9"}],"x":1,"x":2}`
		lost  = `{"id":"2","parent_id":"5","parent_id":"5"}`
		whole = `{"id":"3","parent_id":"5","permission_overwrites":[{"id":"9"}]}`
	)
	create := `{"id":"41771983423143937","unavailable":false,"channels":[` + twice + `,` + whole + `],"threads":[` + twice + `,` + lost + `,` + whole + `]}`
	w := world.New(world.Options{})
	apply(t, w, "GUILD_CREATE", create)
	for _, e := range []dispatch{
		{"VOICE_CHANNEL_STATUS_UPDATE", `"id":"1","status":"x"`}, {"VOICE_CHANNEL_STATUS_UPDATE", `"id":"3","status":"x"`},
		{"THREAD_MEMBERS_UPDATE", `"id":"1","member_count":2`}, {"GUILD_ROLE_DELETE", `"role_id":"9"`},
		{"CHANNEL_DELETE", `"id":"5"`},
	} {
		apply(t, w, e.event, inGuild(e.fields))
	}
	want := `{"id":"41771983423143937","unavailable":false,"channels":[` + twice + `,{"id":"3","parent_id":"5","permission_overwrites":[],"status":"x"}],"threads":[` + lost + `]`
	if got := string(snapshot(t, w, guildID)); !strings.HasPrefix(got, want) {
		t.Errorf("the snapshot is\n%s\nwant\n%s", got, want)
	}
	apply(t, w, "CHANNEL_UPDATE", inGuild(`"id":"1","name":"new"`))
	apply(t, w, "THREAD_DELETE", inGuild(`"id":"2"`))
	got := snapshot(t, w, guildID)
	if have := raw(t, got, "channels"); !strings.HasPrefix(have, `[{"id":"1","name":"new"},`) {
		t.Errorf("after it was replaced the channels are %s", have)
	}
	if have := raw(t, got, "threads"); have != `[]` {
		t.Errorf("after it was removed the threads are %s", have)
	}
}

// Given a payload that is longer than any of Discord's, when it comes, then it is refused for
// that, unread.
func TestPayloadsThatAreTooLongAreRefused(t *testing.T) {
	w := withLibrary(t)
	if err := w.Apply("GUILD_CREATE", make([]byte, 128<<20+1)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("the error is %v", err)
	}
}

// Given a guild with as many channels as a sync may name, when all of them are synced, then
// the sync is taken.
func TestAllChannelsMayBeSynced(t *testing.T) {
	w := withLibrary(t)
	apply(t, w, "THREAD_LIST_SYNC", inGuild(`"channel_ids":["101"`+strings.Repeat(`,"102"`, 1<<12-1)+`],"threads":[]`))
	if have := raw(t, snapshot(t, w, guildID), "threads"); have != `[]` {
		t.Errorf("the threads are %s", have)
	}
}

// Given a guild of 8 MiB, when it changes, then it is kept like any other.
func TestHugeGuildsAreKept(t *testing.T) {
	w := world.New(world.Options{})
	create := `{"id":"41771983423143937","unavailable":false,"description":"` + strings.Repeat("long ", 8<<20/5) + `","channels":[{"id":"1"}]}`
	apply(t, w, "GUILD_CREATE", create)
	apply(t, w, "CHANNEL_CREATE", inGuild(`"id":"2"`))
	want := strings.Replace(create, `[{"id":"1"}]`, `[{"id":"1"},{"id":"2"}]`, 1)
	if got := snapshot(t, w, guildID); string(got) != want {
		t.Errorf("the snapshot has %d bytes, want %d", len(got), len(want))
	}
}

// FuzzApply lets any event with any payload come between ordinary ones. Nothing panics, a
// refused event changes nothing, other guilds are untouched, and every snapshot is JSON.
func FuzzApply(f *testing.F) {
	for _, e := range malformed {
		if len(e.fields) < 1<<12 {
			f.Add(e.event, []byte(e.fields))
		}
	}
	f.Add("GUILD_CREATE", []byte(library))
	f.Add("READY", []byte(ready(guildID, 7)))
	f.Add("THREAD_LIST_SYNC", []byte(inGuild(`"channel_ids":["101"],"threads":[{"id":"1","parent_id":"101"}],"members":[{"id":"1"}]`)))
	f.Add("VOICE_STATE_UPDATE", []byte(inGuild(`"user_id":"503","channel_id":"102","member":{"user":{"id":"503"}}`)))
	f.Add("GUILD_UPDATE", []byte(`{"id":"41771983423143937","\u006eame":"x","name\\":1}`))
	f.Fuzz(func(t *testing.T, event string, d []byte) {
		w := withLibrary(t)
		const other = 7
		apply(t, w, "GUILD_CREATE", `{"id":"7","unavailable":false}`)
		before := w.Clone()
		err := w.Apply(event, d)
		if err != nil {
			wantSame(t, w, before, guildID)
			wantSame(t, w, before, other)
		}
		if _, status, _ := w.Guild(other); status == world.Available && !bytes.Contains(d, []byte(`7`)) {
			wantSame(t, w, before, other)
		}
		for _, e := range []dispatch{
			{"CHANNEL_UPDATE", `"id":"101","name":"hall"`}, {"CHANNEL_DELETE", `"id":"102"`}, {"GUILD_ROLE_DELETE", `"role_id":"301"`},
			{"THREAD_UPDATE", `"id":"201","parent_id":"101"`}, {"GUILD_MEMBER_REMOVE", `"user":{"id":"502"}`}, {"PRESENCE_UPDATE", `"user":{"id":"3"}`},
			{"STAGE_INSTANCE_DELETE", `"id":"601"`}, {"GUILD_SOUNDBOARD_SOUND_DELETE", `"sound_id":"801"`},
		} {
			apply(t, w, e.event, inGuild(e.fields))
		}
		for _, id := range w.Guilds() {
			got, status, err := w.Guild(id)
			if err != nil || (status == world.Available && !json.Valid(got)) {
				t.Fatalf("guild %d is %v, error %v: %s", id, status, err, got)
			}
		}
		var b bytes.Buffer
		if err := w.Encode(&b); err != nil {
			t.Fatal(err)
		}
		read, err := world.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range w.Guilds() {
			wantSame(t, read, w, id)
		}
	})
}

// wantSame fails the test unless a guild is the same in two worlds.
func wantSame(t *testing.T, got, want *world.World, id uint64) {
	t.Helper()
	a, status, errA := got.Guild(id)
	b, wantStatus, errB := want.Guild(id)
	if status != wantStatus || !bytes.Equal(a, b) || errA != nil || errB != nil {
		t.Fatalf("guild %d is %v (%v)\n%s\nwant %v (%v)\n%s", id, status, errA, a, wantStatus, errB, b)
	}
}
