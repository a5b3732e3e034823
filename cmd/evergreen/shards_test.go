package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/fleet"
	"evergreen/internal/web/api"
)

// Given a start of many shards that is watched in a pipe, then a line says every
// ten seconds how far it is, and one that it is over.
func TestStartIsToldInAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &process{stdout: &out}
		began := time.Now()
		p.showProgress(context.Background(), func() fleet.Snapshot {
			online := min(64, int(time.Since(began)/(500*time.Millisecond)))
			return fleet.Snapshot{Progress: fleet.Progress{Total: 64, Online: online, Queued: 64 - online, Remaining: time.Duration(64-online) * 500 * time.Millisecond}}
		})
		said := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(said) != 4 || !strings.HasPrefix(said[0], "Shards: 20 of 64 shards online, 44 queued, about ") || said[3] != "All 64 shards are online after 32s." {
			t.Errorf("it said %q", said)
		}
	})
}

// Given a start that hangs, then the same is not said again and again; when all
// that is left waits for a person, then that is said and the view ends.
func TestStartThatHangsIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &process{stdout: &out}
		began := time.Now()
		p.showProgress(context.Background(), func() fleet.Snapshot {
			if time.Since(began) < time.Hour {
				return fleet.Snapshot{Progress: fleet.Progress{Total: 8, Online: 7, Failing: 1}}
			}
			return fleet.Snapshot{Progress: fleet.Progress{Total: 8, Online: 7, Parked: 1}}
		})
		if want := "Shards: 7 of 8 shards online, 1 failing\nShards: 7 of 8 shards online, 1 parked\n"; out.String() != want {
			t.Errorf("it said %q", out.String())
		}
	})
}

// Given a bot with several shards, then each is told of, and what was done with
// it; a single one needs no list.
func TestShardsAreListed(t *testing.T) {
	var f api.Fleet
	err := json.Unmarshal([]byte(`{"shards":"4","progress":{"says":"1 of 3 shards online, 2 queued, 1 paused, about 5s to go"},"each":[
		{"id":0,"standing":"running","state":"live","latency_ms":41.5},{"id":1,"standing":"paused","state":"stopped","latency_ms":40},
		{"id":2,"standing":"running","state":"waiting for its turn","queued":true},{"id":3,"standing":"moved-out","state":"stopped"}]}`), &f)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(append(fleetLines(f), shardLines(f)...), "\n")
	want := "Shards 4: 1 of 3 shards online, 2 queued, 1 paused, about 5s to go\n\n     0  live, 42 ms\n     1  paused\n     2  queued\n     3  moved out"
	if got != want {
		t.Errorf("told was\n%s\nwant\n%s", got, want)
	}
	if away := awayLine(f); away != "shard 1 is paused, shard 2 is queued, shard 3 is moved out" {
		t.Errorf("the status says %q", away)
	}
	f.Failed = &api.FailedReshard{To: 8, At: time.Date(2027, 1, 15, 8, 0, 0, 0, time.Local), Error: "the bot keeps its 4"}
	if lines := fleetLines(f); len(lines) != 2 || lines[1] != "Changing to 8 shards has failed at 2027-01-15 08:00:00: the bot keeps its 4" {
		t.Errorf("of a change that has failed it says %q", lines)
	}
	f.Each = f.Each[:1]
	if lines := shardLines(f); len(lines) > 0 {
		t.Errorf("a single shard is listed: %q", lines)
	}
}

// Given what all shards had at one moment and what one had, then the former is
// told once, with how many they were, and the newest three are told.
func TestWhatManyShardsHadIsToldOnce(t *testing.T) {
	at := func(minute int) *time.Time {
		moment := time.Date(2026, 5, 1, 12, minute, 0, 0, time.UTC)
		return &moment
	}
	var list []api.Incident
	for range 16 {
		list = append(list, api.Incident{Start: at(30), Title: "stopped", Outcome: "resumed", Summary: "The program was stopped as asked."})
	}
	list = append(list, api.Incident{Start: at(20), Title: "cut", Outcome: "resumed", Summary: "It was cut."}, api.Incident{Title: "without a start"})
	for minute := range 5 {
		list = append(list, api.Incident{Start: at(minute), Title: "cut", Outcome: "resumed", Summary: "It was cut."})
	}
	told := newestIncidents(list)
	if len(told) != 3 || told[0].Says != "The program was stopped as asked. (16 shards)" || told[1].Says != "It was cut." || !told[1].At.Equal(*at(20)) {
		t.Errorf("told was %+v", told)
	}
}

// One shard needs no bar, and a bar is as long as the shards are far.
func TestStartBar(t *testing.T) {
	var out bytes.Buffer
	var asked atomic.Int64
	p := &process{stdout: &out}
	p.showProgress(t.Context(), func() fleet.Snapshot {
		asked.Add(1)
		return fleet.Snapshot{Progress: fleet.Progress{Total: 1, Queued: 1}}
	})
	if out.Len() > 0 || asked.Load() != 1 {
		t.Errorf("one shard was told of: %q", out.String())
	}
	bar := progressBar(fleet.Progress{Total: 4, Online: 2, Queued: 2, Remaining: 10 * time.Second})
	if want := "[###############...............] 2 of 4 shards online, 2 queued, about 10s to go"; bar != want {
		t.Errorf("the bar is %q, want %q", bar, want)
	}
}
