package world_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"evergreen/internal/sidecar/world"
)

// fieldsOf lists the fields of raw objects.
func fieldsOf(t testing.TB, all ...[]byte) []string {
	t.Helper()
	fields := map[string]json.RawMessage{}
	for _, d := range all {
		if err := json.Unmarshal(d, &fields); err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(fields))
}

func wantStatus(t *testing.T, w *world.World, id uint64, want world.Status) {
	t.Helper()
	d, got, err := w.Guild(id)
	if got != want || err != nil || (d != nil) != (want == world.Available) {
		t.Errorf("guild %d is %v with %d bytes, error %v, want %v", id, got, len(d), err, want)
	}
}

// Given a READY and guilds that come and go, when a process asks for a guild, then it hears
// whether the bot is in it and whether Discord has described it.
func TestStatusOfAGuild(t *testing.T) {
	w := world.New(world.Options{})
	wantStatus(t, w, guildID, world.Unknown)
	if w.Ready() != nil {
		t.Error("there is a READY before the first one")
	}
	apply(t, w, "READY", ready(guildID, 7))
	wantStatus(t, w, guildID, world.Outage)
	apply(t, w, "GUILD_CREATE", library)
	wantStatus(t, w, guildID, world.Available)
	apply(t, w, "GUILD_DELETE", `{"id":"41771983423143937","unavailable":true}`)
	wantStatus(t, w, guildID, world.Outage)
	apply(t, w, "GUILD_CREATE", library)
	wantStatus(t, w, guildID, world.Available)
	apply(t, w, "GUILD_CREATE", `{"id":"41771983423143937","unavailable":true}`)
	wantStatus(t, w, guildID, world.Outage)
	apply(t, w, "GUILD_CREATE", `{"id":"9","unavailable":true}`)
	wantStatus(t, w, 9, world.Outage)
	if got := w.Guilds(); !slices.Equal(got, []uint64{7, 9, guildID}) {
		t.Errorf("the guilds are %v", got)
	}
	apply(t, w, "GUILD_DELETE", `{"id":"41771983423143937"}`)
	wantStatus(t, w, guildID, world.Unknown)
	for _, s := range []world.Status{world.Unknown, world.Available, world.Outage, 9} {
		if s.String() == "" {
			t.Errorf("status %d has no word", int(s))
		}
	}
}

// Given two upstream shards, when one of them gets a new session, then guilds that its READY
// lists keep their blocks, its others are gone, and the other shard's stay.
func TestNewSessionKeepsTheGuildsItLists(t *testing.T) {
	w := world.New(world.Options{})
	create := func(id uint64) {
		apply(t, w, "GUILD_CREATE", fmt.Sprintf(`{"id":"%d","unavailable":false,"name":"x"}`, id))
	}
	const even, odd, gone, fresh = 2 << 22, 3 << 22, 4 << 22, 6 << 22
	create(even)
	create(odd)
	create(gone)
	apply(t, w, "READY", fmt.Sprintf(`{"user":{"id":"5"},"shard":[0,2],"guilds":[{"id":"%d"},{"id":"%d"}]}`, even, fresh))
	wantStatus(t, w, even, world.Available)
	wantStatus(t, w, odd, world.Available)
	wantStatus(t, w, gone, world.Unknown)
	wantStatus(t, w, fresh, world.Outage)
}

// Given a READY whose user names something twice, when the bot is renamed, then the change is
// refused and READY stays.
func TestUserThatCannotBeChangedStays(t *testing.T) {
	w := world.New(world.Options{})
	const odd = `{"user":{"id":"155149108183695360","x":1,"x":2},"guilds":[]}`
	apply(t, w, "READY", odd)
	if err := w.Apply("USER_UPDATE", []byte(`{"id":"155149108183695360","username":"librarian"}`)); err == nil {
		t.Error("it was taken")
	}
	if got := string(w.Ready()); got != odd {
		t.Errorf("READY is %s", got)
	}
}

// Given a READY, when the bot is renamed, then the user of READY has the new name, and all
// else of it stays.
func TestReadyHasTheUserAsItIsNow(t *testing.T) {
	w := world.New(world.Options{})
	rename := `{"id":"155149108183695360","username":"librarian","flags":1}`
	apply(t, w, "USER_UPDATE", rename)
	apply(t, w, "READY", ready(7))
	if got := string(w.Ready()); got != ready(7) {
		t.Errorf("READY is %s", got)
	}
	apply(t, w, "USER_UPDATE", `{"id":"8","username":"stranger"}`)
	if got := string(w.Ready()); got != ready(7) {
		t.Errorf("after a stranger's change READY is %s", got)
	}
	apply(t, w, "USER_UPDATE", rename)
	want := strings.Replace(ready(7), `"username":"bot","verified":true`, `"username":"librarian","verified":true,"flags":1`, 1)
	if got := string(w.Ready()); got != want {
		t.Errorf("READY is\n%s\nwant\n%s", got, want)
	}
}

// Given a guild as Discord sent it, when nothing has changed, then its snapshot is the same
// bytes; and where Discord left the word out, it says that the guild is not unavailable.
func TestSnapshotIsWhatDiscordSent(t *testing.T) {
	w := withLibrary(t)
	if got := string(snapshot(t, w, guildID)); got != library {
		t.Errorf("the snapshot is\n%s\nwant\n%s", got, library)
	}
	const spaced = `{ "id" : "41771983423143937" , "unavailable" : false }`
	apply(t, w, "GUILD_CREATE", spaced)
	if got := string(snapshot(t, w, guildID)); got != spaced {
		t.Errorf("the snapshot is %s, want %s", got, spaced)
	}
	apply(t, w, "GUILD_CREATE", `{ "id" : "41771983423143937", "x" : [ 1, 2 ] }`)
	if got, want := string(snapshot(t, w, guildID)), `{"id":"41771983423143937","x":[ 1, 2 ],"unavailable":false}`; got != want {
		t.Errorf("the snapshot is %s, want %s", got, want)
	}
}

// Given a usual guild, when one channel changes again and again, then the guild does not
// grow, and what nothing has changed is still there byte for byte.
func TestPatchesAreFoldedIntoTheBlock(t *testing.T) {
	create := madeUp(t, sizes[1], 1)
	w := world.New(world.Options{})
	apply(t, w, "GUILD_CREATE", string(create))
	most := w.Size() + int64(len(create))/2
	for i := range 1000 {
		apply(t, w, "CHANNEL_UPDATE", inGuild(fmt.Sprintf(`"id":"5","name":"hall %d"`, i)))
		if w.Size() > most {
			t.Fatalf("after %d changes the world holds %d bytes", i+1, w.Size())
		}
	}
	got := snapshot(t, w, guildID)
	for _, field := range fieldsOf(t, create) {
		if field != "channels" && raw(t, got, field) != raw(t, create, field) {
			t.Errorf("%s has changed", field)
		}
	}
	before, after := raw(t, create, "channels"), raw(t, got, "channels")
	if want := before[:len(before)-1] + `,{"id":"5","name":"hall 999"}]`; after != want {
		t.Errorf("the channels are\n%s\nwant\n%s", after, want)
	}
}

// Given a world and its clone, when both go on with different events, also far enough to
// rebuild their blocks, then neither sees the other's.
func TestClonesAreIndependent(t *testing.T) {
	original := withLibrary(t)
	for range 9 { // so that there is room behind the patches, which both could write to
		apply(t, original, "CHANNEL_UPDATE", inGuild(`"id":"110","name":"before"`))
	}
	before := snapshot(t, original, guildID)
	clone := original.Clone()
	still := clone.Clone()
	rename := func(w *world.World, name string) {
		for i := range 200 {
			apply(t, w, "CHANNEL_UPDATE", inGuild(fmt.Sprintf(`"id":"110","name":"%s %d"`, name, i)))
		}
		apply(t, w, "GUILD_MEMBER_REMOVE", inGuild(`"user":{"id":"502"}`))
		apply(t, w, "USER_UPDATE", fmt.Sprintf(`{"id":"%d","username":%q}`, selfID, name))
		apply(t, w, "GUILD_DELETE", `{"id":"7","unavailable":true}`)
	}
	for i := range 3 { // by turns, so that both append to what they share
		apply(t, original, "CHANNEL_UPDATE", inGuild(fmt.Sprintf(`"id":"110","name":"original %d"`, i)))
		apply(t, clone, "CHANNEL_UPDATE", inGuild(fmt.Sprintf(`"id":"110","name":"clone %d"`, i)))
	}
	for w, want := range map[*world.World]string{original: `"original 2"`, clone: `"clone 2"`} {
		if got := snapshot(t, w, guildID); !bytes.Contains(got, []byte(want)) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	rename(original, "original")
	rename(clone, "clone")
	if got := snapshot(t, still, guildID); !bytes.Equal(got, before) {
		t.Errorf("the untouched clone is\n%s\nwant\n%s", got, before)
	}
	if got := string(still.Ready()); got != ready(guildID) {
		t.Errorf("the untouched clone has the READY %s", got)
	}
	wantStatus(t, still, 7, world.Unknown)
	apply(t, still, "GUILD_MEMBER_UPDATE", inGuild(`"user":{"id":"502"},"nick":"kept"`))
	if got := snapshot(t, still, guildID); !bytes.Contains(got, []byte(`"nick":"kept"`)) {
		t.Errorf("the untouched clone has lost a member: %s", got)
	}
}

// Given a guild written with white space, when it and its events are read, then it makes no
// difference.
func TestWhiteSpaceMakesNoDifference(t *testing.T) {
	indent := func(d string) string {
		var b bytes.Buffer
		if err := json.Indent(&b, []byte(d), "\r", "\t"); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	plain, spaced := withLibrary(t), world.New(world.Options{})
	apply(t, spaced, "READY", indent(ready(guildID)))
	apply(t, spaced, "GUILD_CREATE", indent(library))
	for _, e := range []dispatch{
		{"CHANNEL_UPDATE", `"id":"102","name":"hall"`}, {"THREAD_MEMBER_UPDATE", `"id":"201","flags":9`}, {"GUILD_ROLE_DELETE", `"role_id":"301"`},
		{"GUILD_MEMBER_ADD", `"user":{"id":"9"}`}, {"THREAD_LIST_SYNC", `"channel_ids":["102"],"threads":[{"id":"204","parent_id":"102"}],"members":[{"id":"204","flags":1}]`},
		{"PRESENCE_UPDATE", `"user":{"id":"502"},"status":"offline"`},
	} {
		apply(t, plain, e.event, inGuild(e.fields))
		apply(t, spaced, e.event, indent(inGuild(e.fields)))
	}
	got, want := decodeGuild(t, snapshot(t, spaced, guildID)), decodeGuild(t, snapshot(t, plain, guildID))
	if all := differences("guild", got, want); len(all) > 0 {
		t.Error(strings.Join(all, "\n"))
	}
}

// Given events about members who are not kept, when they come, then they cost nothing, or
// no more than the number of members.
func TestStrangersCostNoMemory(t *testing.T) {
	w := withLibrary(t)
	before := w.Size()
	apply(t, w, "GUILD_MEMBER_UPDATE", inGuild(`"user":{"id":"503"},"nick":"`+strings.Repeat("long ", 100)+`"`))
	if after := w.Size(); after != before {
		t.Errorf("a stranger's new name costs %d bytes", after-before)
	}
	apply(t, w, "GUILD_MEMBER_ADD", inGuild(`"user":{"id":"503"},"nick":"`+strings.Repeat("long ", 100)+`"`))
	if after := w.Size(); after > before+64 {
		t.Errorf("a stranger who joins costs %d bytes", after-before)
	}
}

// Given a world, when more is to be kept, then its size grows by about as much.
func TestSizeGrowsWithWhatIsKept(t *testing.T) {
	w := world.New(world.Options{})
	want := func(what string, least, most int64, event, d string) {
		t.Helper()
		before := w.Size()
		apply(t, w, event, d)
		if n := w.Size() - before; n < least || n > most {
			t.Errorf("%s costs %d bytes, want %d to %d", what, n, least, most)
		}
	}
	if w.Size() != 0 {
		t.Errorf("an empty world has %d bytes", w.Size())
	}
	name := rand.New(rand.NewPCG(1, 2)).Perm(1000) // does not compress well
	want("a READY of 10000 bytes", 10_000, 10_100, "READY", `{"user":{"id":"1"},"guilds":[],"x":"`+strings.Repeat("x", 10_000)+`"}`)
	want("a small guild", 100, 400, "GUILD_CREATE", `{"id":"41771983423143937"}`)
	want("a patch of 1000 bytes", 1000, 2500, "CHANNEL_CREATE", inGuild(`"id":"1","name":"`+strings.Repeat("x", 1000)+`"`))
	want("a guild with a list of numbers", 1000, 4200, "GUILD_CREATE", `{"id":"7","x":"`+fmt.Sprint(name)+`"}`)
	members := make([]string, 1000)
	for i := range members {
		members[i] = fmt.Sprintf(`{"user":{"id":"%d"}}`, i+1)
	}
	want("a guild with 1000 members", 8100, 16_000, "GUILD_CREATE", `{"id":"8","members":[`+strings.Join(members, ",")+`]}`)
	before := w.Size()
	for i := range 100 { // each as a member and as a guest; the events are folded into the block
		apply(t, w, "VOICE_STATE_UPDATE", fmt.Sprintf(`{"guild_id":"7","user_id":"%d","channel_id":"1","member":{"user":{"id":"%[1]d"}}}`, i+1))
	}
	if n := w.Size() - before; n < 1600 || n > 4000 {
		t.Errorf("100 strangers in voice cost %d bytes", n)
	}
}

// Given a payload that the caller uses again, when it is overwritten, then the world keeps
// what it was.
func TestPayloadsMayBeReused(t *testing.T) {
	w := withLibrary(t)
	for event, payload := range map[string]string{
		"READY": ready(guildID), "GUILD_CREATE": library, "CHANNEL_CREATE": inGuild(`"id":"111","name":"x"`),
	} {
		d := []byte(payload)
		if err := w.Apply(event, d); err != nil {
			t.Fatal(err)
		}
		clear(d)
	}
	if !json.Valid(w.Ready()) || !json.Valid(snapshot(t, w, guildID)) {
		t.Error("the world has lost what it was told")
	}
}
