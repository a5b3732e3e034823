package simtest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"testing"
	"time"

	"evergreen/gateway"
)

// AllIntents are those that are documented.
const AllIntents gateway.Intents = 1<<17 - 1 | 1<<20 | 1<<21 | 1<<24 | 1<<25

// Dispatch is an event as real bots receive it.
type Dispatch struct {
	// Why says what is special about it.
	Why  string          `json:"why"`
	Type string          `json:"t"`
	Data json.RawMessage `json:"d"`
}

// dispatches are events as Discord's documentation and the tests of libraries describe them,
// odd ones included: fields that are null, absent, unknown or of tomorrow.
//
//go:embed testdata/dispatches.jsonl
var dispatches []byte

// Dispatches lists events of every documented type but READY and RESUMED, and some of no
// documented type.
func Dispatches(t testing.TB) (all []Dispatch) {
	t.Helper()
	for line := range bytes.Lines(dispatches) {
		var d Dispatch
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatalf("dispatch %d: %v", len(all)+1, err)
		}
		all = append(all, d)
	}
	return all
}

// Deliver sends each of the events to the bot through the gateway, a second apart, and calls
// check after each. Guilds that are made up belong to the first shard with the bot's own.
func (w *World) Deliver(check func(Dispatch)) {
	w.T.Helper()
	for _, d := range Dispatches(w.T) {
		w.Sim.Emit(w.App, w.Guilds[0], d.Type, d.Data)
		w.Advance(time.Second)
		check(d)
	}
}
