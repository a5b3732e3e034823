package discordsim

import (
	"fmt"
	"testing"
	"time"
)

// inOrder plays a short text against a bot over REST: a lower-case letter is a command that is
// asked, the same in upper case is the bot's reply to it, a digit is a plain message with that
// digit in it, "?" is a person who says something else, "-" the deletion of what the bot has
// said last, "_" is eleven seconds, "." one, "|" the end of the session by the server before the
// bot has confirmed anything, "/" an interaction, and "!" a plain message in the direct
// messages.
func (sc *clientHarness) inOrder(script string) {
	sc.t.Helper()
	asked := map[rune]Message{}
	plain := func(channel ID, text string) {
		sc.postREST("/channels/"+channel.String()+"/messages", map[string]any{"content": text})
	}
	for _, step := range script {
		switch {
		case step >= 'a' && step <= 'z':
			asked[step] = sc.say("!"+string(step), Expect())
		case step >= 'A' && step <= 'Z':
			sc.answer(asked[step+'a'-'A'])
		case step >= '0' && step <= '9':
			plain(sc.channel, string(step))
		case step == '?':
			sc.say("something else")
		case step == '-':
			all := sc.Messages(sc.channel)
			sc.Delete(all[len(all)-1].ID)
		case step == '_':
			wait(11 * time.Second)
		case step == '.':
			wait(time.Second)
		case step == '|':
			sc.inject(Fault{Name: "session-loss"})
		case step == '/':
			sc.Interact(sc.app, sc.channel, sc.ada.ID, "ping")
		case step == '!':
			plain(sc.DM(sc.app, sc.ada.ID, "hello").Channel.ID, "hi")
		}
	}
}

// Given a bot that answers by plain messages, by replies or by both, when its commands are
// counted, then a plain message counts once, for the oldest open command of its channel, and
// not at all once the bot has referred to a message.
//
// Statements: S-100.
func TestAnswersInOrder(t *testing.T) {
	type counts struct{ reply, order, twice, lost, waiting, unheard int }
	for _, one := range []struct {
		what, script string
		want         counts
	}{
		{"one command, one plain message", "a1", counts{order: 1}},
		{"two commands, answered in their order", "ab12", counts{order: 2}},
		{"a message before the command answers nothing", "1a_", counts{lost: 1}},
		{"as many are lost as answers are missing", "a.b.c12_", counts{order: 2, lost: 1}},
		{"a command whose time is over is not answered by what comes for the next", "a_b1", counts{order: 1, lost: 1}},
		{"nor by a second message for the next", "a_b12", counts{order: 1, lost: 1}},
		{"two messages for one command", "a12b34", counts{order: 2}},
		{"the same words again are a second answer", "a11", counts{twice: 1}},
		{"two copies of a bot", "a11b22", counts{twice: 2}},
		{"two copies of a bot, the second one late", "ab1111", counts{twice: 2}},
		{"the same words much later answer nothing", "a1_1", counts{order: 1}},
		{"the same words for what somebody else says", "a1?1", counts{order: 1}},
		{"an answer that is deleted is none", "a1-_", counts{lost: 1}},
		{"and the next message is one", "a1-2", counts{order: 1}},
		{"a reply", "aA", counts{reply: 1}},
		{"a reply and a plain message", "aA1", counts{reply: 1}},
		{"a plain message and then a reply", "a1A", counts{reply: 1}},
		{"a plain message hides no command that a bot with replies has lost", "aAb1_", counts{reply: 1, lost: 1}},
		{"not even when it came before the first reply", "b1aA_", counts{reply: 1, lost: 1}},
		{"two replies", "aAA", counts{twice: 1}},
		{"two replies and a plain message", "aA1A", counts{twice: 1}},
		{"a plain message answers no interaction", "/1_", counts{lost: 1}},
		{"nor does one elsewhere answer a command", "a!_", counts{lost: 1}},
		{"one that is not heard is not answered", "|a1_", counts{unheard: 1}},
		{"what was thrown away unread is not answered by what comes for the next", "a|1", counts{unheard: 1}},
	} {
		t.Run(one.what, func(t *testing.T) {
			withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
				sc.identified(nil)
				sc.inOrder(one.script)
				v := sc.Verdict(sc.app)
				got := counts{v.AnsweredByReply, v.AnsweredInOrder, v.Twice, v.Lost, v.Waiting, v.Unheard}
				if got != one.want || v.Answered != v.AnsweredByReply+v.AnsweredInOrder || v.Asked != v.Answered+v.Twice+v.Lost+v.Waiting {
					t.Errorf("%s: %+v, want %+v", one.script, got, one.want)
				}
			})
		})
	}
}

// Given plain answers, then they are listed as answers, the verdict keeps them when their
// commands are forgotten, and the slowest is the slowest.
//
// Statements: S-100.
func TestAnswersInOrderAreKept(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		sc.identified(nil)
		m := sc.say("!help", Expect())
		wait(3 * time.Second)
		sc.inOrder("1")
		if all := sc.Answers(m.ID); len(all) != 1 || all[0].Content != "1" {
			t.Errorf("the answers are %v", all)
		}
		wait(time.Hour)
		v := sc.Verdict(sc.app)
		if v.AnsweredInOrder != 1 || v.Slowest.Round(time.Second) != 3*time.Second {
			t.Errorf("the verdict is %+v", v)
		}
	})
}

// Given very many commands of a bot that answers by plain messages, then their counts are right
// and none is blamed on it.
//
// Statements: S-100.
func TestAnswersInOrderOfADay(t *testing.T) {
	withClient(t, patient, AppConfig{}, func(sc *clientHarness) {
		c := sc.identified(nil)
		const n = 3000
		for i := range n {
			sc.say(fmt.Sprint("!help ", i), Expect())
			sc.mu.Lock()
			sc.storeMessage(&Message{ID: sc.newID(), Channel: sc.channels[sc.channel], Author: sc.app.Bot, Content: "help", Timestamp: time.Now()})
			sc.mu.Unlock()
			wait(time.Second)
			if i%100 == 0 {
				c.all()
			}
		}
		if v := sc.Verdict(sc.app); v.AnsweredInOrder != n || v.Twice+v.Lost+v.Waiting != 0 {
			t.Errorf("the verdict is %+v", v)
		}
	})
}
