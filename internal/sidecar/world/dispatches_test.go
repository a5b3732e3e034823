package world_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"evergreen/internal/sidecar/world"
	"evergreen/internal/simtest"
)

// Given events as real bots receive them, odd ones included, then each is folded without an
// error, and every guild that is not in an outage can be told to a new process, also after a
// checkpoint.
func TestRealDispatchesAreFolded(t *testing.T) {
	w := world.New(world.Options{})
	for _, d := range simtest.Dispatches(t) {
		if err := w.Apply(d.Type, d.Data); err != nil {
			t.Errorf("%s, %s: %v", d.Type, d.Why, err)
		}
	}
	var checkpoint bytes.Buffer
	if err := w.Encode(&checkpoint); err != nil {
		t.Fatal(err)
	}
	restored, err := world.Decode(&checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	available := 0
	for _, id := range w.Guilds() {
		told, status, err := w.Guild(id)
		again, _, err2 := restored.Guild(id)
		if err != nil || err2 != nil || !bytes.Equal(told, again) {
			t.Errorf("guild %d is told as %d bytes and, restored, as %d: %v, %v", id, len(told), len(again), err, err2)
		}
		if status != world.Available {
			continue
		}
		available++
		if !json.Valid(told) {
			t.Errorf("guild %d is told as %s", id, told)
		}
	}
	library, _, _ := w.Guild(901234567890123456)
	for _, want := range []string{`"renamed"`, `"a_0123456789abcdef"`, `"9007199254740993"`, `"a_field_of_tomorrow"`} {
		if !bytes.Contains(library, []byte(want)) {
			t.Errorf("the guild is told without %s", want)
		}
	}
	if available != 2 {
		t.Errorf("%d guilds can be told", available)
	}
}
