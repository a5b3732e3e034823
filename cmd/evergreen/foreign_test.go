package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"evergreen/discordsim"
	"evergreen/internal/demo"
	"evergreen/internal/doctor"
	"evergreen/internal/text"
	"evergreen/internal/web/api"
)

// hostile is a text of others with everything that a terminal should not get: escape
// sequences of both widths, line breaks of all kinds, a title, a bell, direction and
// zero-width characters, marks without end.
var hostile = "E\x1b[2J\x1b]0;owned\x07V\u009b31mI\r\n● Online: fine\u2028L\u202e\u2066\u200b" + strings.Repeat("\u0336", 50) + "\x00\x7fX"

// wantPlain fails if a printed text has a character that is not shown, or more marks
// on one than there can be.
func wantPlain(t *testing.T, what, printed string) {
	t.Helper()
	for _, r := range printed {
		if r != '\n' && (!unicode.IsPrint(r) || text.IsInvisible(r)) {
			t.Errorf("%s prints %U:\n%q", what, r, printed)
			return
		}
	}
	if strings.Contains(printed, strings.Repeat("\u0336", 5)) {
		t.Errorf("%s prints marks without end: %q", what, printed)
	}
	if !strings.Contains(printed, "owned") {
		t.Errorf("%s prints nothing of it: %q", what, printed)
	}
}

// Given a bot, a server or a file that says hostile things, then what evergreen status
// prints has as many lines as ever, and nothing in them moves the cursor or hides.
func TestStatusPrintsNamesSafely(t *testing.T) {
	t.Parallel()
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	var s api.Status
	if err := json.Unmarshal(fmt.Appendf(nil, `{"status":"online","bot":{"username":%[1]s},"work":{"ok":false,"reason":%[1]s},"discord":{"indicator":"minor","description":%[1]s},"version":%[1]s}`, quoted), &s); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	r := reading{
		At: at, State: "online", Says: "Online: " + hostile, Do: hostile, Status: json.RawMessage("{}"), status: s, LastRun: hostile,
		Process: &holderInfo{PID: 1, Host: hostile, Version: hostile, Since: at}, Incidents: []incidentLine{{at, hostile}}, API: "http://127.0.0.1:8000",
	}
	r.Fleet = &api.Fleet{Shards: hostile, Each: []api.FleetShard{{State: hostile, Standing: "running"}, {State: hostile, Standing: hostile}}}
	r.Fleet.Progress.Says = hostile
	lines := r.lines(func(_, text string) string { return text }, time.UTC)
	if len(lines) != 11 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	for _, line := range append(append(lines, r.line(time.UTC)), append(fleetLines(*r.Fleet), shardLines(*r.Fleet)[1:]...)...) {
		if strings.Contains(line, "owned") {
			wantPlain(t, "status", line)
		}
		if strings.Contains(line, "\n") {
			t.Errorf("two lines: %q", line)
		}
	}
}

// Given a server that refuses with hostile words, then an error prints them safely, and
// so do the doctor and the log of the simulator.
func TestErrorsAndReportsPrintSafely(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := &process{stderr: &out}
	if code := p.reportError(fmt.Errorf("it answered: %s\n  and more", hostile)); code != 1 || !strings.HasSuffix(out.String(), "\n  and more\n") {
		t.Errorf("%d: %q", code, out.String())
	}
	wantPlain(t, "an error", out.String())

	out.Reset()
	report := doctorReport{w: &out, redact: func(s string) string { return s }, width: 96}
	report.result(doctor.Result{Title: "Token by REST", Group: "Discord", Finding: doctor.Finding{Level: doctor.Fail, Says: hostile, Evidence: []string{hostile}, Next: []string{hostile}}})
	wantPlain(t, "the doctor", out.String())

	out.Reset()
	world := demo.NewWorld(demo.WorldOptions{Sim: discordsim.Config{Seed: 1}, Guilds: 1, People: 1})
	defer world.Sim.Close()
	newSimLog(world, &out).say(time.Now(), "connection %d closed by the client with %s", 1, hostile)
	wantPlain(t, "the simulator", out.String())
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("the simulator prints %d lines: %q", n, out.String())
	}
}

// A line that is redrawn takes one row with wide letters and marks too.
func TestStatusLinesFitWideLetters(t *testing.T) {
	for _, name := range []string{strings.Repeat("研究室", 20), strings.Repeat("ห้องวิจัย", 20), strings.Repeat("🤖", 40), strings.Repeat("e\u0301", 60)} {
		line := truncateLines([]string{"  Bot        " + name}, 40)[0]
		if n := text.Columns(line); n > 39 || n < 36 || !strings.HasSuffix(line, "…") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}
