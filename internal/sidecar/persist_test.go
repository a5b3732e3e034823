package sidecar

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"
	"evergreen/gateway"
	"evergreen/internal/sidecar/journal"
	"evergreen/internal/sidecar/world"
	"evergreen/internal/simtest"

	"pgregory.net/rapid"
)

// When Evergreen is restarted, a bot resumes and misses nothing, and so does Discord's
// session.
func TestRestartCostsABotAResume(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		said := h.say(0, 3)
		h.Advance(time.Second)
		h.restart()
		if code := b.code(); code != 1001 {
			t.Errorf("the line is closed with %d", code)
		}
		missed := h.say(3, 3)
		h.Advance(2 * time.Second)
		again := h.resumes(b)
		h.Until(2*time.Second, "RESUMED", func() bool { return len(again.events("RESUMED")) == 1 })
		h.wantMessages(append(said, missed...), b, again)
		h.WantIdentifies(1)
		if r := h.Sim.Verdict(h.App).Resumes; r != 1 {
			t.Errorf("%d RESUMEs at Discord", r)
		}
		h.NoViolations()
		again.kill()
	})
}

// When the last that came before a crash was of no use later, and so not kept, the next
// event is delivered all the same.
func TestCrashAfterTypingLosesNothing(t *testing.T) {
	// Before the bot has confirmed it, before that is kept, and after that.
	for _, after := range []time.Duration{150 * time.Millisecond, 300 * time.Millisecond, time.Second} {
		run(t, Options{Dir: t.TempDir()}, func(h *harness) {
			b := h.started()
			h.typing()
			h.Advance(after)
			h.crash()
			b = h.resumes(b)
			h.Advance(2 * time.Second)
			said := h.say(0, 2)
			h.Advance(time.Second)
			h.wantMessages(said, b)
			b.kill()
		})
	}
}

// When bot and Evergreen are killed together, a new process of the bot gets its guilds as
// they were at its cursor, and then what happened since.
func TestCrashOfBotAndEvergreenLosesNothing(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		said := h.say(0, 3)
		h.Advance(2 * time.Second)
		b.kill()
		missed := h.say(3, 2)
		made := h.Sim.AddChannel(h.Guilds[0], "made-meanwhile", 0)
		h.Advance(time.Minute)
		h.crash()
		missed = append(missed, h.say(5, 2)...)
		h.Advance(2 * time.Second)
		b = h.started()
		h.Until(5*time.Second, "everything", func() bool { return len(b.messages()) >= len(missed) })
		h.wantMessages(missed, b)
		if n := len(b.events("CHANNEL_CREATE")); n != 1 {
			t.Errorf("the channel came %d times", n)
		}
		for _, r := range b.events("GUILD_CREATE") {
			if containsID(r.Data, made.ID) {
				t.Error("a channel is in its guild before it is made")
			}
		}
		_ = said
		h.WantIdentifies(1)
		b.kill()
	})
}

// However busy it is: what bots have confirmed is on the disk soon, so that after a crash no
// more comes twice than what was said in the last second.
func TestCrashInBusyTimesRepeatsLittle(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		for i := range 200 {
			h.say(i, 1)
			h.Advance(50 * time.Millisecond)
		}
		b.kill()
		h.crash()
		again := h.started()
		h.Advance(5 * time.Second)
		if n := len(again.messages()); n > 20 {
			t.Errorf("%d of 200 messages come again", n)
		}
		again.kill()
	})
}

// Whatever is killed when, in whatever order: every message comes to the bots in order, and
// none that the bot was seen to answer comes to a later process of it.
func TestNothingIsLostWhateverCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"say", "say", "wait", "answer", "bot", "evergreen", "both", "restart", "upstream"}), 3, 12).Draw(rt, "steps")
		run(t, Options{Dir: t.TempDir()}, func(h *harness) {
			b := h.started()
			var heard, said []string
			answered := map[string]bool{} // messages whose answer an earlier process has seen
			take := func() {
				for _, m := range b.messages() {
					if answered[m] {
						rt.Errorf("after %q %q comes again, and was answered", steps, m)
					}
					if !slices.Contains(heard, m) {
						heard = append(heard, m)
					}
				}
			}
			restart := func() {
				for _, m := range heard {
					if to, ok := strings.CutPrefix(m, "to "); ok {
						answered[to] = true
					}
				}
				b = h.started()
			}
			for _, step := range steps {
				switch step {
				case "say":
					said = append(said, h.say(len(said), 1)...)
				case "wait":
					h.Advance(700 * time.Millisecond)
				case "upstream":
					h.Inject(discordsim.Fault{Name: "cut"})
				case "answer":
					asked := h.Post("message " + strconv.Itoa(len(said)))
					h.Advance(50 * time.Millisecond)
					said = append(said, asked.Content)
					if slices.Contains(b.messages(), asked.Content) {
						said = append(said, "to "+asked.Content)
						h.reply(asked, "to "+asked.Content)
						h.Advance(100 * time.Millisecond) // until Discord tells of it
					}
				case "bot":
					b.kill()
					take()
					restart()
				case "both":
					b.kill()
					take()
					h.crash()
					restart()
				case "evergreen", "restart":
					if step == "restart" {
						h.restart()
					} else {
						h.crash()
					}
					h.Advance(time.Second)
					take()
					b = h.resumes(b)
					h.Advance(time.Second)
					if b.ops(9) > 0 {
						rt.Errorf("after %q a bot cannot resume", steps)
					}
				}
			}
			h.Advance(20 * time.Second)
			b.kill()
			take()
			if !slices.Equal(heard, said) {
				rt.Errorf("after %q the bots have heard %q of %q", steps, heard, said)
			}
			h.WantIdentifies(1)
		})
	})
}

// A checkpoint holds everything: what came before it is not needed.
func TestCheckpointHoldsEverything(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		h.say(0, 2)
		h.Advance(checkpointEvery)
		b.kill()
		missed := h.say(2, 3)
		h.sidecar.mu.Lock()
		h.sidecar.checkpoint(time.Now())
		h.sidecar.mu.Unlock()
		h.Advance(time.Second)
		files, _ := filepath.Glob(filepath.Join(h.opts.Dir, "*"))
		if len(files) > 2 {
			t.Errorf("the folder has %q", files)
		}
		h.crash()
		h.Advance(2 * time.Second)
		b = h.started()
		h.wantMessages(missed, b)
		h.WantIdentifies(1)
		b.kill()
	})
}

// Files that are not what was kept cost a new session at Discord and nothing else.
func TestDamagedFilesCostOneSession(t *testing.T) {
	dir := t.TempDir()
	run(t, Options{Dir: dir}, func(h *harness) {
		b := h.started()
		b.kill()
		h.stop()
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, path := range files {
			if err := os.WriteFile(path, []byte("not what was kept, and longer than a checksum"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		h.Advance(10 * time.Second)
		h.start()
		if h.sidecar.Restored() {
			t.Error("something was restored")
		}
		b = h.started()
		said := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		h.WantIdentifies(2)
		b.kill()
	})
}

// A disk that is in the way costs what would survive, and the bot is served.
func TestFolderThatCannotBeMadeIsTold(t *testing.T) {
	var log simtest.Log
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, Options{Dir: filepath.Join(file, "below"), Log: log.Logger()}, func(h *harness) {
		b := h.started()
		if !log.Has("cannot be read; they begin anew") {
			t.Errorf("the log says:\n%s", log.String())
		}
		b.kill()
	})
}

// Positions are packed as steps, and what cannot be unpacked ends the list.
func TestPackedCursors(t *testing.T) {
	for _, cursors := range [][]int64{nil, {0}, {7}, {1, 2, 3, 3, 900, 1 << 60}} {
		if got := unpackCursors(packCursors(cursors)); !slices.Equal(got, cursors) {
			t.Errorf("%v are %v", cursors, got)
		}
	}
	torn := append(packCursors([]int64{1, 2}), 0xff)
	if got := unpackCursors(torn); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("a torn list is %v", got)
	}
	beyond := append(packCursors([]int64{1 << 62}), packCursors([]int64{math.MaxInt64})...)
	if got := unpackCursors(beyond); !slices.Equal(got, []int64{1 << 62}) {
		t.Errorf("a list that grows beyond all bounds is %v", got)
	}
}

// kept is a folder as an earlier process has left it: a checkpoint, and records after it.
func kept(t *testing.T, checkpoint string, records ...journal.Record) (dir string) {
	t.Helper()
	dir = t.TempDir()
	j, err := journal.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j.Checkpoint(func(w io.Writer) error {
		_, err := io.WriteString(w, checkpoint)
		return err
	})
	for _, r := range records {
		j.Append(r)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := j.Run(ended); err != nil {
		t.Fatal(err)
	}
	return dir
}

// block is a part of a checkpoint after its length.
func block(content string) string {
	var out bytes.Buffer
	_ = writeBlock(&out, []byte(content)) // memory takes it
	return out.String()
}

// knownWorld is a world in which Discord has said READY, as a checkpoint has it.
func knownWorld(t *testing.T) string {
	t.Helper()
	w := world.New(world.Options{})
	if err := w.Apply("READY", []byte(`{"user":{"id":"1"},"guilds":[{"id":"7","unavailable":true}]}`)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := w.Encode(&out); err != nil {
		t.Fatal(err)
	}
	return block(out.String())
}

const (
	keptTable = `{"identity":{"known":true,"intents":513},"voice":{"7":8},"count":1,"count_start":3,"consumers":[{"shard":[0,1],"intents":513,"library":"l","cursor":3,"session":{"id":"s","last":2,"snapshot":1,"steps":"AwE="}}],"removed":[3]}`
	keptEvent = `{"p":3,"t":"MESSAGE_CREATE","g":7,"at":"2000-01-01T00:00:00Z","shard":{"ID":0,"Count":1},"session":"u","seq":9}` + "\n" + `{"id":"3"}`
)

// What an earlier process has kept is there. Whatever of it makes no sense, the Sidecar begins
// as a new one, and says so.
func TestFilesOfNoSenseAreNotBelieved(t *testing.T) {
	head := `{"version":1,"tail":3,"table":` + keptTable + `,"seen":[],"events":1}` + "\n"
	whole := head + knownWorld(t) + block(keptEvent)
	table := func(text string) journal.Record { return journal.Record{Kind: kindTable, Data: []byte(text)} }
	event := func(position int64) journal.Record {
		return journal.Record{Kind: kindEvent, Data: []byte(strings.Replace(keptEvent, `"p":3`, fmt.Sprintf(`"p":%d`, position), 1))}
	}
	shard := func(id, count int) string {
		return fmt.Sprintf(`{"consumers":[{"shard":[%d,%d],"cursor":3}]}`, id, count)
	}
	for name, c := range map[string]struct {
		checkpoint string
		records    []journal.Record
		events     int // that wait, if all of it is believed; -1: it is not
	}{
		"everything":                       {whole, nil, 0}, // the event was removed
		"an event more":                    {whole, []journal.Record{event(4)}, 1},
		"an event after a gap":             {whole, []journal.Record{event(5)}, 1},
		"a table more":                     {whole, []journal.Record{event(4), table(keptTable)}, 1},
		"a table without voice":            {whole, []journal.Record{table(strings.Replace(keptTable, `"voice":{"7":8},`, "", 1))}, 0},
		"nothing":                          {"", nil, -1},
		"no line":                          {"checkpoint", nil, -1},
		"no JSON":                          {"checkpoint\n", nil, -1},
		"another version":                  {strings.Replace(whole, `"version":1`, `"version":2`, 1), nil, -1},
		"no tail":                          {strings.Replace(whole, `"tail":3`, `"tail":0`, 1), nil, -1},
		"no world":                         {head, nil, -1},
		"half a world":                     {head + knownWorld(t)[:20], nil, -1},
		"a world of no sense":              {head + block("world") + block(keptEvent), nil, -1},
		"an event too few":                 {head + knownWorld(t), nil, -1},
		"half a length":                    {head + knownWorld(t) + "ab", nil, -1},
		"half an event":                    {(head + knownWorld(t) + block(keptEvent))[:len(whole)-3], nil, -1},
		"an event of no sense":             {head + knownWorld(t) + block("event\n{}"), nil, -1},
		"an event without data":            {head + knownWorld(t) + block(`{"p":3}`), nil, -1},
		"a table of no sense":              {strings.Replace(whole, `"table":`+keptTable, `"table":"x"`, 1), nil, -1},
		"a record of an unknown kind":      {whole, []journal.Record{{Kind: 'x'}}, -1},
		"an event that is there already":   {whole, []journal.Record{event(3)}, -1},
		"an event before all":              {whole, []journal.Record{event(-1)}, -1},
		"an event that is far ahead":       {whole, []journal.Record{event(6 + 1<<20)}, -1},
		"an event out of bounds":           {whole, []journal.Record{event(math.MaxInt64)}, -1},
		"a table record of no sense":       {whole, []journal.Record{table("[]")}, -1},
		"a shard without a number":         {whole, []journal.Record{table(shard(0, 0))}, -1},
		"a shard below zero":               {whole, []journal.Record{table(shard(-1, 1))}, -1},
		"a shard beyond its number":        {whole, []journal.Record{table(shard(1, 1))}, -1},
		"a session with too many numbers":  {whole, []journal.Record{table(strings.Replace(keptTable, `"last":2`, `"last":1`, 1))}, -1},
		"a cursor that is far ahead":       {whole, []journal.Record{table(strings.Replace(keptTable, `"cursor":3`, `"cursor":9223372036854775807`, 1))}, -1},
		"a world before READY, no session": {strings.Replace(head, `,"session":{"id":"s","last":2,"snapshot":1,"steps":"AwE="}`, "", 1) + emptyWorld(t) + block(keptEvent), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log simtest.Log
				dir := kept(t, c.checkpoint, c.records...)
				s, err := New(Options{Dir: dir, Log: log.Logger(), HTTPClient: &http.Client{}, APIURL: "https://discord.example/api/v10"})
				if err != nil {
					t.Fatal(err)
				}
				st := s.Status()
				if believed := !log.Has("cannot be read; they begin anew"); believed != (c.events >= 0) || believed != st.Known || believed != (len(st.Consumers) == 1) {
					t.Errorf("believed is %t: %+v, the log says:\n%s", believed, st, log.String())
				}
				if c.events < 0 {
					if s.Restored() || s.Known().Intents != 0 || st.Backlog != 0 || len(s.voice) != 0 || len(s.sessions) != 0 {
						t.Errorf("it begins with %+v, voice %v, %d sessions", st, s.voice, len(s.sessions))
					}
					return
				}
				if one := st.Consumers[0]; one.Waiting != c.events || one.Phase != PhaseAway || one.Library != "l" || s.Known().Intents != 513 {
					t.Errorf("it begins with %+v", one)
				}
				if s.Restored() != !strings.HasPrefix(name, "a world before") {
					t.Errorf("the guilds are known: %t", s.Restored())
				}
			})
		})
	}
}

func emptyWorld(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	if err := world.New(world.Options{}).Encode(&out); err != nil {
		t.Fatal(err)
	}
	return block(out.String())
}

// The journal begins anew after ten minutes in which something was written, so that a start
// reads little; while nothing happens the disk is left alone.
func TestJournalBeginsAnew(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		h.Advance(time.Second)
		checkpoint := func() string {
			files, _ := filepath.Glob(filepath.Join(h.opts.Dir, "*.checkpoint"))
			return strings.Join(files, " ")
		}
		first := checkpoint()
		h.say(0, 1)
		h.Advance(time.Second)
		if checkpoint() != first {
			t.Error("it begins anew with each message")
		}
		h.Advance(checkpointEvery)
		second := checkpoint()
		if second == first {
			t.Errorf("after ten minutes there still is %s", first)
		}
		h.say(1, 1)
		h.Advance(checkpointEvery / 2)
		if checkpoint() != second {
			t.Error("it begins anew after five minutes")
		}
		h.Advance(checkpointEvery)
		third := checkpoint()
		h.Advance(3 * checkpointEvery)
		if checkpoint() != third {
			t.Error("it begins anew while nothing happens")
		}
		b.kill()
	})
}

// What is known beside events is on the disk at the end in order, however short the time was.
func TestEndInOrderKeepsTheTable(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		b := h.started()
		said := h.say(0, 1)
		h.Advance(300 * time.Millisecond) // confirmed, and not kept yet
		b.send(opPresence, map[string]any{"status": "dnd", "afk": false, "activities": []any{}})
		synctest.Wait()
		h.restart()
		if p := h.sidecar.Known().Presence; p == nil || p.Status != "dnd" {
			t.Errorf("the presence is %v", p)
		}
		again := h.resumes(b)
		h.Until(2*time.Second, "RESUMED", func() bool { return len(again.events("RESUMED")) == 1 })
		h.wantMessages(said, b, again)
		again.kill()
	})
}

// Discord gets no word that an event was handled before it is on the disk, or a bot has
// confirmed it; one that is of no use later is not waited for.
func TestDiscordIsToldOnceAnEventIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		bot   bool // one is there, and confirms
	}{
		"a message and nobody":      {"MESSAGE_CREATE", false},
		"a message and a bot":       {"MESSAGE_CREATE", true},
		"a role and a bot":          {"GUILD_ROLE_UPDATE", true},
		"somebody types, and a bot": {"TYPING_START", true},
	} {
		run(t, Options{Dir: t.TempDir()}, func(h *harness) {
			b := h.started()
			if !c.bot {
				b.kill()
			}
			seq := func() int64 { return h.sessions.Session(gateway.ShardID{ID: 0, Count: 1}).Seq }
			h.Advance(time.Second)
			before := seq()
			h.Sim.Emit(h.App, h.Guilds[0], c.event, map[string]any{"guild_id": h.Guilds[0].ID, "role": map[string]any{"id": "5"}})
			h.Advance(time.Minute)
			if got := seq(); got != before+1 {
				t.Errorf("%s: Discord's session is at %d after %d", name, got, before)
			}
			b.kill()
		})
	}
}
