package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

// taking is a command that takes its time.
func taking(d time.Duration, text string) func(*Options) {
	return doing(func(ctx context.Context, _ *Request) (Answer, error) {
		time.Sleep(d)
		return Answer{Text: text}, nil
	})
}

// TestQuickSlashCommand: a command that ends within two seconds is its own first
// answer; one that asks for it is shown to the asker alone.
func TestQuickSlashCommand(t *testing.T) {
	story(t, func(w *world) {
		w.start(doing(func(context.Context, *Request) (Answer, error) {
			time.Sleep(1900 * time.Millisecond)
			return Answer{Text: "quick", Private: true}, nil
		}))
		event, token := w.use(askerID, "do")
		w.wait(1900 * time.Millisecond)
		if got := w.discord.interaction(token); got.content != "quick" || got.edits != 0 || got.flags != 1<<6 || !event.released() {
			t.Errorf("the interaction is %+v", got)
		}
		if n := len(w.discord.asked("POST /interactions")); n != 1 {
			t.Errorf("%d first answers were sent", n)
		}
	})
}

// TestSlowSlashCommandIsDeferred: a command that needs longer is deferred after
// two seconds, counted from the receipt and not from its turn, and the answer
// comes as an edit; the event is held until then.
//
// Statements: G-141.
func TestSlowSlashCommandIsDeferred(t *testing.T) {
	for _, late := range []time.Duration{0, 1500 * time.Millisecond} {
		t.Run(late.String(), func(t *testing.T) {
			story(t, func(w *world) {
				w.start(taking(20*time.Second, "slow"))
				data, token := w.slash(askerID, "do")
				received := time.Now()
				w.wait(late) // the queue was long
				w.bot.HandleEvent(context.Background(), gateway.Event{Type: "INTERACTION_CREATE", Data: []byte(data), Received: received})
				w.wait(2*time.Second - late - time.Millisecond)
				if w.discord.interaction(token).acked {
					t.Error("it was deferred early")
				}
				w.wait(time.Millisecond)
				if got := w.discord.interaction(token); !got.loading {
					t.Errorf("after 2 s the interaction is %+v", got)
				}
				w.wait(20 * time.Second)
				if got := w.discord.interaction(token); got.content != "slow" || got.loading || got.edits != 1 {
					t.Errorf("the interaction is %+v", got)
				}
			})
		})
	}
}

// TestEveryMeansOfBeingLate: whatever the command does, each interaction has its
// first answer within three seconds.
//
// Statements: G-141.
func TestEveryMeansOfBeingLate(t *testing.T) {
	for took := time.Duration(0); took < 5*time.Second; took += 100 * time.Millisecond {
		story(t, func(w *world) {
			w.start(taking(took, "here"))
			w.discord.latency = 300 * time.Millisecond
			_, token := w.use(askerID, "do")
			w.wait(10 * time.Second)
			got := w.discord.interaction(token)
			if got.content != "here" || got.loading {
				t.Errorf("after %v of work the interaction is %+v", took, got)
			}
			if at := w.discord.asked("POST /interactions")[0].at; at.Sub(got.created) > 2*time.Second {
				t.Errorf("after %v of work the first answer left %v after receipt", took, at.Sub(got.created))
			}
		})
	}
}

// TestLongSlashAnswer: what does not fit into one message follows, in order and
// without pings, for the asker alone if the first part was.
//
// Statements: G-139.
func TestLongSlashAnswer(t *testing.T) {
	for _, private := range []bool{false, true} {
		story(t, func(w *world) {
			text := strings.Repeat("first ", 330) + "\n" + strings.Repeat("second ", 280) + "\n" + strings.Repeat("third ", 100)
			w.start(doing(func(context.Context, *Request) (Answer, error) { return Answer{Text: text, Private: private}, nil }))
			w.discord.fail(fault{on: "POST /interactions", times: 1, cut: true, commit: true})
			_, token := w.use(askerID, "do")
			w.wait(time.Second)
			if edits := w.discord.asked("PATCH"); len(edits) != 1 || strings.Contains(edits[0].body, `"flags"`) {
				t.Errorf("the edits: %.200v", edits)
			}
			got := w.discord.interaction(token)
			if !strings.HasPrefix(got.content, "first") || len(got.followUps) != 2 || !strings.HasPrefix(got.followUps[0], "second") || !strings.HasPrefix(got.followUps[1], "third") {
				t.Errorf("the interaction is %+v", got)
			}
			for _, r := range w.discord.asked("POST /webhooks") {
				if strings.Contains(r.body, `"flags":64`) != private {
					t.Errorf("a follow-up: %.200s", r.body)
				}
			}
		})
	}
}

// TestFirstAnswerSurvivesFaults: a first answer whose fate is unclear is tried
// again within its three seconds and stands once, with all that follows it.
func TestFirstAnswerSurvivesFaults(t *testing.T) {
	for name, f := range map[string]fault{
		"cut before": {cut: true, times: 2},
		"cut after":  {cut: true, commit: true, times: 1},
		"503":        {status: 503, body: "<html>", times: 2},
		"503 after":  {status: 503, commit: true, times: 1},
		"429":        {status: 429, body: `{"retry_after":0.2}`, times: 1},
		"no answer":  {hang: true, times: 1},
	} {
		for how, took := range map[string]time.Duration{"at once": 0, "deferred": 4 * time.Second} {
			t.Run(name+", "+how, func(t *testing.T) {
				story(t, func(w *world) {
					w.start(taking(took, strings.Repeat("word ", 700)))
					f.on = "POST /interactions"
					w.discord.fail(f)
					event, token := w.use(askerID, "do")
					w.wait(30 * time.Second)
					got := w.discord.interaction(token)
					if !strings.HasPrefix(got.content, "word") || got.loading || len(got.followUps) != 1 || !event.released() {
						t.Errorf("the interaction is %+v", got)
					}
				})
			})
		}
	}
}

// TestFirstAnswerUnclearToTheEnd: the first answer stood but no attempt ever
// heard so. The edit finds out.
func TestFirstAnswerUnclearToTheEnd(t *testing.T) {
	story(t, func(w *world) {
		w.start(taking(0, "stands"))
		w.discord.fail(fault{on: "POST /interactions", times: -1, commit: true, cut: true})
		event, token := w.use(askerID, "do")
		w.discord.heal()
		w.discord.fail(fault{on: "POST /interactions", times: -1, cut: true})
		w.wait(10 * time.Second)
		if got := w.discord.interaction(token); got.content != "stands" || !event.released() || w.bot.Counts().Answered != 1 {
			t.Errorf("the interaction is %+v", got)
		}
		w.logged(1, "WARN it is not clear whether the first answer to an interaction has reached Discord")
	})
}

// TestFirstAnswerNeverArrives: when REST is down for all of the three seconds,
// no answer can be given. That is said once, and nothing is tried for long.
func TestFirstAnswerNeverArrives(t *testing.T) {
	story(t, func(w *world) {
		w.start(taking(0, "lost"))
		w.discord.fail(fault{on: "POST /interactions", times: -1, cut: true})
		event, token := w.use(askerID, "do")
		w.wait(3 * time.Second)
		if got := w.discord.interaction(token); got.acked || !event.released() || w.bot.Counts().Failed != 1 {
			t.Errorf("the interaction is %+v", got)
		}
		if n := len(w.discord.asked("PATCH /webhooks")); n != 1 {
			t.Errorf("it was asked %d times what became of the first answer", n)
		}
		w.logged(1, "WARN an answer could not be given command=do error=PATCH /webhooks/{application.id}/{interaction.token}/messages/@original: Discord answered 404")
	})
}

// TestExpiredInteraction: an interaction that is too old, or a token that
// Discord does not know, is refused once and given up; a deferred one whose
// token has died too.
func TestExpiredInteraction(t *testing.T) {
	for how, took := range map[string]time.Duration{"at once": 0, "deferred": 4 * time.Second} {
		t.Run(how, func(t *testing.T) {
			story(t, func(w *world) {
				w.start(taking(took, "too late"))
				data, token := w.slash(askerID, "do")
				w.wait(time.Minute)
				event := w.deliver("INTERACTION_CREATE", data)
				w.wait(10 * time.Second)
				if got := w.discord.interaction(token); got.acked || !event.released() || w.bot.Counts().Failed != 1 {
					t.Errorf("the interaction is %+v", got)
				}
				if n := len(w.discord.requests); n != 1 {
					t.Errorf("%d requests were made for it", n)
				}
				w.logged(1, "Discord answered 404 (code 10062): Unknown interaction")
			})
		})
	}
	t.Run("the token dies", func(t *testing.T) {
		story(t, func(w *world) {
			w.start(taking(16*time.Minute, "far too late"), func(o *Options) { o.HandlerTimeout = time.Hour })
			event, token := w.use(askerID, "do")
			w.wait(17 * time.Minute)
			if got := w.discord.interaction(token); !got.loading || !event.released() || w.bot.Counts().Failed != 1 {
				t.Errorf("the interaction is %+v", got)
			}
		})
	})
}

// TestEditSurvivesOutage: the edit of a deferred answer may be repeated, so an
// outage costs nothing but time; it ends when the token does.
func TestEditSurvivesOutage(t *testing.T) {
	story(t, func(w *world) {
		w.start(taking(3*time.Second, "after the outage"))
		w.discord.fail(fault{on: "PATCH", times: -1, status: 503})
		event, token := w.use(askerID, "do")
		w.wait(10 * time.Minute)
		if !event.held() {
			t.Error("the event was let go before the answer stood")
		}
		w.discord.heal()
		w.wait(30 * time.Second)
		if got := w.discord.interaction(token); got.content != "after the outage" || !event.released() {
			t.Errorf("the interaction is %+v", got)
		}
		w.discord.fail(fault{on: "PATCH", times: -1, status: 503})
		event, _ = w.use(askerID, "do")
		w.wait(15 * time.Minute)
		if !event.released() || w.bot.Counts().Failed != 1 {
			t.Error("the answer is still tried after its token has died")
		}
	})
}

// TestFollowUpsAreNotRepeated: a follow-up that was cut off may stand, and
// Discord cannot tell it from its repetition: it is not sent again. One that was
// refused as one too many certainly does not stand: it is.
func TestFollowUpsAreNotRepeated(t *testing.T) {
	story(t, func(w *world) {
		w.start(taking(0, strings.Repeat("word ", 1000)))
		w.discord.fail(fault{on: "POST /webhooks", times: 2, status: 429, body: `{"retry_after":1}`})
		w.discord.fail(fault{on: "POST /webhooks", skip: 1, times: 1, cut: true, commit: true})
		event, token := w.use(askerID, "do")
		w.wait(time.Minute)
		if got := w.discord.interaction(token); len(got.followUps) != 2 || !event.released() {
			t.Errorf("%d follow-ups stand, want 2", len(got.followUps))
		}
		w.logged(1, "error=part 3 of 3: POST /webhooks/{application.id}/{interaction.token}: no answer")
	})
}

// TestSlashReplayAfterCrash: a run crashes at each step of an answer; the next
// run gets the interaction again. However far the first came, one answer stands
// in the end, and nothing stands twice.
func TestSlashReplayAfterCrash(t *testing.T) {
	text := strings.Repeat("word ", 700)
	for name, c := range map[string]struct {
		hang  string
		first time.Duration // how long the command takes in the first run
		then  time.Duration // and in the second
	}{
		"before anything":            {"POST /interactions", 0, 0},
		"deferred, then quick":       {"PATCH", 3 * time.Second, 0},
		"deferred, then slow":        {"PATCH", 3 * time.Second, 3 * time.Second},
		"answered whole, then quick": {"nothing", 0, 0},
		"answered whole, then slow":  {"nothing", 0, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *world) {
				w.start(taking(c.first, text))
				w.discord.fail(fault{on: c.hang, times: -1, hang: true})
				data, token := w.slash(askerID, "do")
				w.push("INTERACTION_CREATE", data)
				w.wait(c.first)
				w.crash(taking(c.then, text))
				w.discord.heal()
				second := w.deliver("INTERACTION_CREATE", data)
				w.wait(30 * time.Second)
				got := w.discord.interaction(token)
				if got.content == "" || got.loading || len(got.followUps) != 1 || !second.released() {
					t.Errorf("the interaction is %+v", got)
				}
			})
		})
	}
}

// TestPrecedingAnswerDeleted: an answer of an earlier run that was deleted since
// is not written again, and one nobody can be asked about is a failure.
func TestPrecedingAnswerDeleted(t *testing.T) {
	for status, want := range map[int]Counts{404: {Commands: 1, Answered: 1}, 401: {Commands: 1, Failed: 1}} {
		story(t, func(w *world) {
			w.start()
			data, token := w.slash(askerID, "about")
			w.discord.interactions[token].acked = true
			w.discord.fail(fault{on: "GET /webhooks", times: -1, status: status, body: `{"code":10008}`})
			event := w.deliver("INTERACTION_CREATE", data)
			if got := w.bot.Counts(); got != want || !event.released() || w.discord.interaction(token).edits != 0 {
				t.Errorf("%d: counts %+v", status, got)
			}
		})
	}
}

// TestOtherInteractions: components, forms and pings belong to somebody else;
// an unknown command, a command of another kind and an odd option are answered.
func TestOtherInteractions(t *testing.T) {
	story(t, func(w *world) {
		w.start()
		for _, kind := range []int{0, 1, 3, 4, 5, 99} {
			data, token := w.slash(askerID, "about")
			event := w.deliver("INTERACTION_CREATE", strings.Replace(data, `"type":2`, fmt.Sprintf(`"type":%d`, kind), 1))
			if w.discord.interaction(token).acked || event.taken {
				t.Errorf("an interaction of type %d was answered", kind)
			}
		}
		_, token := w.use(askerID, "abuot")
		if got := w.discord.interaction(token); got.content != "I do not know `/abuot`. Did you mean `/about`?" || got.flags != 1<<6 {
			t.Errorf("the interaction is %+v", got)
		}
		data, token := w.slash(askerID, "help", "command", "ping")
		w.deliver("INTERACTION_CREATE", strings.NewReplacer(`"value":"ping"`, `"value":12.5`).Replace(data))
		if got := w.discord.interaction(token); !strings.Contains(got.content, "12.5") {
			t.Errorf("the interaction is %+v", got)
		}
		// In a direct message the asker stands in another place.
		data, token = w.slash(ownerID, "shutdown")
		w.deliver("INTERACTION_CREATE", strings.Replace(strings.Replace(data, `"member":{"user":`, `"user":`, 1), `}},"token"`, `},"token"`, 1))
		if got := w.discord.interaction(token); got.content != "Goodbye." {
			t.Errorf("the interaction is %+v", got)
		}
	})
}
