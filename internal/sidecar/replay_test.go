package sidecar

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"

	"pgregory.net/rapid"
)

// A bot that is killed, and comes back as another process, gets its guilds and everything
// that happened meanwhile, each once. Discord notices nothing.
func TestWhatHappenedMeanwhileIsDelivered(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		said := h.say(0, 3)
		h.Advance(2 * time.Second)
		first.kill()
		h.wantMessages(said, first)
		missed := h.say(3, 20)
		h.Sim.AddChannel(h.Guilds[0], "made-meanwhile", 0)
		h.Advance(10 * time.Minute)

		second := h.started()
		h.Until(time.Minute, "everything", func() bool { return len(second.messages()) >= 20 })
		h.wantMessages(missed, second)
		if n := len(second.events("CHANNEL_CREATE")); n != 1 {
			t.Errorf("the channel came %d times", n)
		}
		live := h.say(23, 1)
		h.Advance(time.Second)
		h.wantMessages(append(missed, live...), second)
		h.WantIdentifies(1)
		h.NoViolations()
		if !h.Sim.Online(h.App) {
			t.Error("the dot is grey")
		}
		second.kill()
	})
}

// A bot whose line is cut resumes and gets what it missed, in order, then RESUMED.
func TestCutLineIsResumed(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		said := h.say(0, 3)
		h.Advance(time.Second)
		first.kill()
		missed := h.say(3, 5)
		h.Advance(time.Second) // what is missed has come
		second := h.resumes(first)
		h.Until(time.Second, "RESUMED", func() bool { return len(second.events("RESUMED")) == 1 })
		h.wantMessages(append(said, missed...), first, second)
		if all := second.types(); all[len(all)-1] != "RESUMED" || h.phase() != PhaseAttached {
			t.Errorf("it gets %q, and is %s", all, h.phase())
		}
		live := h.say(8, 1)
		h.Advance(time.Second)
		h.wantMessages(append(missed, live...), second)
		if n := len(second.events("READY")) + len(second.events("GUILD_CREATE")); n != 0 {
			t.Errorf("a bot that resumed got %d payloads of a new session", n)
		}
		second.mu.Lock()
		for i, r := range second.got[1:] { // after HELLO
			if want := first.last() + int64(i) + 1; r.Op == 0 && r.Seq != want {
				t.Errorf("%s has the number %d, want %d", r.Type, r.Seq, want)
			}
		}
		second.mu.Unlock()
		second.kill()
	})
}

// A shard for which nothing has come for long, while others had much, resumes as well.
func TestIdleShardIsResumed(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		idle := 1 - int(h.Guilds[0].ID>>22%2)
		first := h.connect().identify(map[string]any{"shard": []int{idle, 2}})
		busy := h.connect().identify(map[string]any{"shard": []int{1 - idle, 2}})
		h.Advance(10 * time.Second)
		for i := range 20 {
			h.say(i, 1)
			h.Advance(time.Minute)
		}
		for _, crash := range []bool{false, true} {
			first.kill()
			if crash {
				h.crash()
			}
			h.say(20, 1)
			second := h.resumes(first)
			h.Advance(time.Second)
			if n := len(second.events("RESUMED")); n != 1 || second.ops(9) > 0 {
				t.Errorf("after a crash of Evergreen: %t; RESUMED came %d times, op 9 %d times", crash, n, second.ops(9))
			}
			first = second
		}
		first.kill()
		busy.kill()
	})
}

// A library that was held up for minutes may have read events that it then drops: it
// resumes after the last one that it has handled, and gets the others again.
func TestWhatWasReadLongAgoCanBeResumed(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		handled := first.last()
		said := h.say(0, 3)
		h.Advance(4 * time.Minute)
		h.wantMessages(said, first)
		first.kill()
		second := h.connect()
		second.send(6, map[string]any{"token": h.App.Token, "session_id": first.session, "seq": handled})
		h.Until(time.Second, "RESUMED", func() bool { return len(second.events("RESUMED")) == 1 })
		h.wantMessages(said, second)
		second.kill()
	})
}

// What cannot be resumed is answered with op 9, and the same line may identify.
func TestWhatCannotBeResumedStartsAnew(t *testing.T) {
	run(t, Options{BacklogAge: time.Minute}, func(h *harness) {
		first := h.started()
		first.kill()
		for name, d := range map[string]map[string]any{
			"an unknown session":  {"token": h.App.Token, "session_id": "nonsense", "seq": 1},
			"a number ahead":      {"token": h.App.Token, "session_id": first.session, "seq": first.last() + 5},
			"before the guilds":   {"token": h.App.Token, "session_id": first.session, "seq": 1},
			"a number below zero": {"token": h.App.Token, "session_id": first.session, "seq": -7},
		} {
			b := h.connect()
			b.send(opResume, d)
			h.Until(time.Second, "op 9 for "+name, func() bool { return b.ops(9) == 1 })
			b.kill()
		}
		h.say(0, 3)
		h.Advance(2 * time.Minute) // they fall out of the backlog
		late := h.resumes(first)
		h.Until(time.Second, "op 9 for a session that was overrun", func() bool { return late.ops(9) == 1 })
		late.identify(nil)
		h.Until(10*time.Second, "READY", func() bool { return len(late.events("GUILD_CREATE")) == 3 })
		h.Advance(time.Second)
		said := h.say(3, 1)
		h.Advance(time.Second)
		h.wantMessages(said, late)
		late.kill()
	})
}

// What only matters at the moment is not kept for a bot that is away.
func TestTypingIsNotReplayed(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		h.typing()
		h.Advance(time.Second)
		if n := len(first.events("TYPING_START")); n != 1 {
			t.Errorf("a live bot gets %d", n)
		}
		first.kill()
		h.typing()
		said := h.say(0, 1)
		second := h.started()
		h.wantMessages(said, second)
		if n := len(second.events("TYPING_START")); n != 0 {
			t.Errorf("a bot that was away gets %d", n)
		}
		h.typing()
		h.Advance(time.Second)
		if n := len(second.events("TYPING_START")); n != 1 {
			t.Errorf("a live bot gets %d", n)
		}
		second.kill()
	})
}

// A bot that does not read gets everything once it goes on. Its line stays, and Discord
// notices nothing.
func TestBotThatHangsGetsEverything(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		goOn := b.hang()
		var want []string
		for i := range 90 {
			want = append(want, h.say(i, 1)...)
			h.Advance(time.Second)
		}
		goOn()
		h.Until(5*time.Second, "everything", func() bool { return len(b.messages()) == len(want) })
		h.wantMessages(want, b)
		if b.code() != -1 {
			t.Errorf("its line was closed with %d", b.code())
		}
		h.WantIdentifies(1)
		h.NoViolations()
		b.kill()
	})
}

// Whenever bots are killed, cut off or hang, and whatever Discord does meanwhile: every
// message comes to them in order, and what comes twice was within a second of a crash and
// not answered. A RESUME repeats what its bot asks for.
func TestNothingIsLostInAnyOrderOfTroubles(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"say", "say", "wait", "answer", "kill", "cut", "upstream", "pause"}), 5, 40).Draw(rt, "steps")
		t := t
		run(t, Options{}, func(h *harness) {
			b := h.started()
			var heard, said []string
			spare := map[string]time.Duration{} // how long before its end a bot heard a message
			answered := map[string]bool{}       // messages whose answer an earlier process has seen
			posted := map[string]discordsim.Message{}
			take := func() { // what a bot has heard before its end
				for _, m := range b.heard() {
					before, again := spare[m.text]
					spare[m.text] = time.Since(m.at)
					switch {
					case !again:
						heard = append(heard, m.text)
					case answered[m.text]:
						rt.Errorf("after %q %q comes again, and was answered", steps, m.text)
					case before > time.Second:
						rt.Errorf("after %q %q comes again, and was heard %s before the end of a bot", steps, m.text, before)
					}
				}
			}
			for _, step := range steps {
				switch step {
				case "say":
					text := "message " + strconv.Itoa(len(said))
					said, posted[text] = append(said, text), h.Post(text)
				case "answer":
					h.Advance(10 * time.Millisecond)
					for _, text := range slices.Backward(b.messages()) {
						if m, ok := posted[text]; ok {
							delete(posted, text)
							said = append(said, "to "+text)
							h.reply(m, "to "+text)
							h.Advance(100 * time.Millisecond) // until Discord tells of it
							break
						}
					}
				case "wait":
					h.Advance(700 * time.Millisecond)
				case "pause":
					h.Advance(40 * time.Second)
				case "upstream":
					h.Inject(discordsim.Fault{Name: "cut"})
				case "kill", "cut":
					b.kill()
					take()
					if step == "kill" {
						for _, text := range heard {
							if to, ok := strings.CutPrefix(text, "to "); ok {
								answered[to] = true
							}
						}
						b = h.started()
					} else {
						b = h.resumes(b)
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
