package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestStatusNamesWhatElseIsWrong: what is wrong beside the connection is told with what to
// do, unless the reason of the status says it already.
func TestStatusNamesWhatElseIsWrong(t *testing.T) {
	var r reading
	r.Status = json.RawMessage(`{"status":"online","status_text":"Online","reason":"connected, and Discord answers","work":{"ok":true},"conditions":[
		{"cause":"channel-permission","trouble":"#general (Lab): the permission Send Messages is missing","says":"not allowed to answer in #general (Lab): the permission Send Messages is missing","remedy":"Give it."}]}`)
	if err := json.Unmarshal(r.Status, &r.status); err != nil {
		t.Fatal(err)
	}
	plain := func(_, text string) string { return text }
	lines := strings.Join(r.lines(plain, time.UTC), "\n")
	if want := "Also       Not allowed to answer in #general (Lab): the permission Send Messages is missing\n             Give it."; !strings.Contains(lines, want) {
		t.Errorf("no\n%s\nin\n%s", want, lines)
	}
	if line := r.line(time.UTC); !strings.HasSuffix(line, "Also: not allowed to answer in #general (Lab): the permission Send Messages is missing") {
		t.Errorf("on one line: %s", line)
	}
	if without := (reading{}); r.key() == without.key() {
		t.Error("it is no change worth a line")
	}
	r.status.Conditions[0].InReason = true
	if lines := strings.Join(r.lines(plain, time.UTC), "\n"); strings.Contains(lines, "Also") {
		t.Errorf("told twice:\n%s", lines)
	}
}
