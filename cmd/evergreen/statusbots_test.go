package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// Of a bot behind the proxy the status says how far it is, what waits for it and what was
// counted, in the place of commands, which it answers itself.
func TestStatusShowsBotsBehindTheProxy(t *testing.T) {
	at := time.Date(2026, 11, 24, 21, 44, 17, 0, time.UTC)
	show := func(proxy string) string {
		t.Helper()
		r := reading{At: at}
		r.Status = json.RawMessage(`{"status":"degraded","status_text":"Degraded","reason":"r","work":{"ok":true},"proxy":` + proxy + `}`)
		if err := json.Unmarshal(r.Status, &r.status); err != nil {
			t.Fatal(err)
		}
		return strings.Join(r.lines(func(_, text string) string { return text }, time.UTC), "\n")
	}
	got := show(`{"gateway":"ws://127.0.0.1:8001","backlog":{"limit_bytes":67108864},"consumers":[
		{"consumer":"0/2","library":"discord.py","version":"2.2.2","phase":"attached","since":"2026-11-24T21:41:17Z","attended":true,"standby":1,"starts_1h":1,
		 "last_start":"2026-11-24T21:41:16Z","unconfirmed":3,"lag_ms":250,"waiting":{"events":1,"bytes":900,"oldest":"2026-11-24T21:44:16Z"},"counts":{"delivered":70,"again":3}},
		{"consumer":"1/2","phase":"away","since":"2026-11-24T21:42:17Z","waiting":{"events":214,"bytes":86016,"oldest":"2026-11-24T21:42:20Z"},"counts":{"lost":5,"set_aside":1,"told":2}}]}`)
	for _, want := range []string{
		"Bots       0/2 discord.py 2.2.2: attached for 3 min 0 s, 1 on standby, 1 start within the hour, the last 3 min 1 s ago",
		"1 event waits: 900 bytes of 64 MiB, the oldest came 1 s ago", "written and not confirmed: 3, for 250 ms", "delivered 70, again 3",
		"1/2 a bot: away for 2 min 0 s", "214 events wait: 84 KiB of 64 MiB, the oldest came 1 min 57 s ago",
		"delivered 0, lost 5, set aside 1, slash commands answered for it 2",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "Work") || strings.Contains(got, "command,") {
		t.Errorf("commands are counted:\n%s", got)
	}
	if got := show(`{"gateway":"ws://127.0.0.1:8001","consumers":[]}`); !strings.Contains(got, "none has ever connected to ws://127.0.0.1:8001; start it with evergreen proxy -- COMMAND, or make its one setting: evergreen proxy setup") {
		t.Errorf("without a bot:\n%s", got)
	}
}
