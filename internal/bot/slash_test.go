package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	run(t, func(h *harness) {
		h.start(doing(func(context.Context, *Request) (Answer, error) {
			time.Sleep(1900 * time.Millisecond)
			return Answer{Text: "quick", Private: true}, nil
		}))
		event, token := h.use(askerID, "do")
		h.wait(1900 * time.Millisecond)
		if got := h.discord.interaction(token); got.content != "quick" || got.edits != 0 || got.flags != 1<<6 || !event.released() {
			t.Errorf("the interaction is %+v", got)
		}
		if n := len(h.discord.asked("POST /interactions")); n != 1 {
			t.Errorf("%d first answers were sent", n)
		}
	})
}

// TestOddTokenStaysInItsPlace: whatever an interaction's token is made of, it is one
// part of the path, for the first answer and for the later ones.
func TestOddTokenStaysInItsPlace(t *testing.T) {
	for _, odd := range []string{"a/../../../users/@me", "a?b=c", "a#b", "a/b", "%2e%2e%2f", "a b\tc", "{interaction.token}", "{}", "ü", "...", `\..\`} {
		t.Run(odd, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(taking(5*time.Second, "slow"))
				data, token := h.slash(askerID, "do")
				quoted, err := json.Marshal(odd)
				if err != nil {
					t.Fatal(err)
				}
				h.discord.mu.Lock()
				h.discord.interactions[odd] = h.discord.interactions[token]
				h.discord.mu.Unlock()
				h.deliver("INTERACTION_CREATE", strings.Replace(data, `"`+token+`"`, string(quoted), 1))
				h.wait(6 * time.Second)
				if got := h.discord.interaction(odd); got.content != "slow" || got.edits != 1 {
					t.Errorf("the interaction is %+v", got)
				}
				first, later := h.discord.asked("POST /interactions/"), h.discord.asked("PATCH /webhooks/")
				if len(first) != 1 || len(later) != 1 || strings.Count(first[0].line, "/") != 4 || strings.Count(later[0].line, "/") != 5 {
					t.Errorf("asked for %v and %v", first, later)
				}
			})
		})
	}
}

// TestSlowSlashCommandIsDeferred: a command that needs longer is deferred after
// two seconds, counted from the receipt and not from its turn, and the answer
// comes as an edit; the event is held until then.
//
// Statements: G-141.
func TestSlowSlashCommandIsDeferred(t *testing.T) {
	for _, late := range []time.Duration{0, 1500 * time.Millisecond} {
		t.Run(late.String(), func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(taking(20*time.Second, "slow"))
				data, token := h.slash(askerID, "do")
				received := time.Now()
				h.wait(late) // the queue was long
				h.bot.HandleEvent(context.Background(), gateway.Event{Type: "INTERACTION_CREATE", Data: []byte(data), Received: received})
				h.wait(2*time.Second - late - time.Millisecond)
				if h.discord.interaction(token).acked {
					t.Error("it was deferred early")
				}
				h.wait(time.Millisecond)
				if got := h.discord.interaction(token); !got.loading {
					t.Errorf("after 2 s the interaction is %+v", got)
				}
				h.wait(20 * time.Second)
				if got := h.discord.interaction(token); got.content != "slow" || got.loading || got.edits != 1 {
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
		run(t, func(h *harness) {
			h.start(taking(took, "here"))
			h.discord.latency = 300 * time.Millisecond
			_, token := h.use(askerID, "do")
			h.wait(10 * time.Second)
			got := h.discord.interaction(token)
			if got.content != "here" || got.loading {
				t.Errorf("after %v of work the interaction is %+v", took, got)
			}
			if at := h.discord.asked("POST /interactions")[0].at; at.Sub(got.created) > 2*time.Second {
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
		run(t, func(h *harness) {
			text := strings.Repeat("first ", 330) + "\n" + strings.Repeat("second ", 280) + "\n" + strings.Repeat("third ", 100)
			h.start(doing(func(context.Context, *Request) (Answer, error) { return Answer{Text: text, Private: private}, nil }))
			h.discord.fail(fault{on: "POST /interactions", times: 1, cut: true, commit: true})
			_, token := h.use(askerID, "do")
			h.wait(time.Second)
			if edits := h.discord.asked("PATCH"); len(edits) != 1 || strings.Contains(edits[0].body, `"flags"`) {
				t.Errorf("the edits: %.200v", edits)
			}
			got := h.discord.interaction(token)
			if !strings.HasPrefix(got.content, "first") || len(got.followUps) != 2 || !strings.HasPrefix(got.followUps[0], "second") || !strings.HasPrefix(got.followUps[1], "third") {
				t.Errorf("the interaction is %+v", got)
			}
			for _, r := range h.discord.asked("POST /webhooks") {
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
				run(t, func(h *harness) {
					h.start(taking(took, strings.Repeat("word ", 700)))
					f.on = "POST /interactions"
					h.discord.fail(f)
					event, token := h.use(askerID, "do")
					h.wait(30 * time.Second)
					got := h.discord.interaction(token)
					if !strings.HasPrefix(got.content, "word") || got.loading || len(got.followUps) != 1 || !event.released() {
						t.Errorf("the interaction is %+v", got)
					}
				})
			})
		}
	}
}

// TestFirstAnswerUnclearToTheEnd: the first answer, or the deferral, stood but no attempt
// ever heard so. The edit finds out.
func TestFirstAnswerUnclearToTheEnd(t *testing.T) {
	for how, took := range map[string]time.Duration{"at once": 0, "deferred": 4 * time.Second} {
		t.Run(how, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(taking(took, "stands"))
				h.discord.fail(fault{on: "POST /interactions", times: 1, commit: true, cut: true})
				h.discord.fail(fault{on: "POST /interactions", times: -1, cut: true})
				event, token := h.use(askerID, "do")
				h.wait(10 * time.Second)
				if got := h.discord.interaction(token); got.content != "stands" || got.edits != 1 || !event.released() || h.bot.Counts().Answered != 1 {
					t.Errorf("the interaction is %+v", got)
				}
				h.logged(1, "WARN Initial response to an interaction may not have reached Discord")
			})
		})
	}
}

// TestAttemptsOfTheFirstAnswer: of the three seconds, each attempt gets half of what is
// left and 400 ms at least, so that neither a slow Discord nor one silent request costs the
// answer. What fails at once is tried again after 0.1 to 0.2 s, until the time is over.
//
// Statements: G-141.
func TestAttemptsOfTheFirstAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		queued  time.Duration // how late the event is handled
		latency time.Duration
		fault   fault
		want    []time.Duration // the attempts, counted from the receipt
	}{
		{"a slow answer", 0, 1400 * time.Millisecond, fault{}, []time.Duration{0}},
		{"silence, then a slow answer", 0, 600 * time.Millisecond, fault{hang: true, times: 1}, []time.Duration{0, 1600 * time.Millisecond}},
		{"silence twice", 0, 100 * time.Millisecond, fault{hang: true, times: 2}, []time.Duration{0, 1600 * time.Millisecond, 2400 * time.Millisecond}},
		{"little time left", 2200 * time.Millisecond, 390 * time.Millisecond, fault{}, []time.Duration{2200 * time.Millisecond}},
		{"cut off", 2500 * time.Millisecond, 0, fault{cut: true, times: 2}, []time.Duration{2500 * time.Millisecond, 2650 * time.Millisecond, 2800 * time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(taking(0, "in time"))
				h.discord.latency = test.latency
				test.fault.on = "POST /interactions"
				h.discord.fail(test.fault)
				data, token := h.slash(askerID, "do")
				received := time.Now()
				h.wait(test.queued)
				h.bot.HandleEvent(context.Background(), gateway.Event{Type: "INTERACTION_CREATE", Data: []byte(data), Received: received})
				h.wait(5 * time.Second)
				if got := h.discord.interaction(token); got.content != "in time" || got.loading {
					t.Errorf("the interaction is %+v", got)
				}
				var attempts []time.Duration
				for _, r := range h.discord.asked("POST /interactions") {
					attempts = append(attempts, r.at.Sub(received).Round(time.Millisecond))
				}
				if !slices.Equal(attempts, test.want) {
					t.Errorf("attempts after %v, want %v", attempts, test.want)
				}
			})
		})
	}
}

// TestFirstAnswerCutOffByStop: an interaction whose first answer is under way when the time
// to stop is over belongs to the next run, without a word.
func TestFirstAnswerCutOffByStop(t *testing.T) {
	for how, took := range map[string]time.Duration{"at once": 0, "deferred": time.Minute} {
		t.Run(how, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(taking(took, "never"))
				h.discord.fail(fault{on: "POST /interactions", times: -1, hang: true})
				event, _ := h.use(askerID, "do")
				h.wait(min(took, 2*time.Second))
				limited, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
				defer cancel()
				if h.bot.Stop(limited) == nil || !event.held() || h.bot.Counts().Failed != 0 {
					t.Errorf("held: %t, counts %+v", event.held(), h.bot.Counts())
				}
				h.logged(0, "WARN")
			})
		})
	}
}

// TestFirstAnswerNeverArrives: when REST is down for all of the three seconds,
// no answer can be given. That is said once, and nothing is tried for long.
func TestFirstAnswerNeverArrives(t *testing.T) {
	run(t, func(h *harness) {
		h.start(taking(0, "lost"))
		h.discord.fail(fault{on: "POST /interactions", times: -1, cut: true})
		event, token := h.use(askerID, "do")
		h.wait(3 * time.Second)
		if got := h.discord.interaction(token); got.acked || !event.released() || h.bot.Counts().Failed != 1 {
			t.Errorf("the interaction is %+v", got)
		}
		if n := len(h.discord.asked("PATCH /webhooks")); n != 1 {
			t.Errorf("it was asked %d times what became of the first answer", n)
		}
		h.logged(1, "WARN Answer could not be sent command=do error=PATCH /webhooks/{application.id}/{interaction.token}/messages/@original: Discord answered 404")
	})
}

// TestExpiredInteraction: an interaction that is too old, or a token that
// Discord does not know, is refused once and given up; a deferred one whose
// token has died too.
func TestExpiredInteraction(t *testing.T) {
	for how, took := range map[string]time.Duration{"at once": 0, "deferred": 4 * time.Second} {
		t.Run(how, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start(taking(took, "too late"))
				data, token := h.slash(askerID, "do")
				h.wait(time.Minute)
				event := h.deliver("INTERACTION_CREATE", data)
				h.wait(10 * time.Second)
				if got := h.discord.interaction(token); got.acked || !event.released() || h.bot.Counts().Failed != 1 {
					t.Errorf("the interaction is %+v", got)
				}
				if n := len(h.discord.requests); n != 1 {
					t.Errorf("%d requests were made for it", n)
				}
				h.logged(1, "Discord answered 404 (code 10062): Unknown interaction")
			})
		})
	}
	t.Run("the token dies", func(t *testing.T) {
		run(t, func(h *harness) {
			h.start(taking(16*time.Minute, "far too late"), func(o *Options) { o.HandlerTimeout = time.Hour })
			event, token := h.use(askerID, "do")
			h.wait(17 * time.Minute)
			if got := h.discord.interaction(token); !got.loading || !event.released() || h.bot.Counts().Failed != 1 {
				t.Errorf("the interaction is %+v", got)
			}
		})
	})
}

// TestEditSurvivesOutage: the edit of a deferred answer may be repeated, so an
// outage costs nothing but time; it ends when the token does.
func TestEditSurvivesOutage(t *testing.T) {
	run(t, func(h *harness) {
		h.start(taking(3*time.Second, "after the outage"))
		h.discord.fail(fault{on: "PATCH", times: -1, status: 503})
		event, token := h.use(askerID, "do")
		h.wait(10 * time.Minute)
		if !event.held() {
			t.Error("the event was let go before the answer stood")
		}
		h.discord.heal()
		h.wait(30 * time.Second)
		if got := h.discord.interaction(token); got.content != "after the outage" || !event.released() {
			t.Errorf("the interaction is %+v", got)
		}
		h.discord.fail(fault{on: "PATCH", times: -1, status: 503})
		event, _ = h.use(askerID, "do")
		h.wait(15 * time.Minute)
		if !event.released() || h.bot.Counts().Failed != 1 {
			t.Error("the answer is still tried after its token has died")
		}
	})
}

// TestFollowUpsAreNotRepeated: a follow-up that was cut off may stand, and
// Discord cannot tell it from its repetition: it is not sent again. One that was
// refused as one too many certainly does not stand: it is.
func TestFollowUpsAreNotRepeated(t *testing.T) {
	run(t, func(h *harness) {
		h.start(taking(0, strings.Repeat("word ", 1000)))
		h.discord.fail(fault{on: "POST /webhooks", times: 2, status: 429, body: `{"retry_after":1}`})
		h.discord.fail(fault{on: "POST /webhooks", skip: 1, times: 1, cut: true, commit: true})
		event, token := h.use(askerID, "do")
		h.wait(time.Minute)
		if got := h.discord.interaction(token); len(got.followUps) != 2 || !event.released() {
			t.Errorf("%d follow-ups stand, want 2", len(got.followUps))
		}
		h.logged(1, "error=part 3 of 3: POST /webhooks/{application.id}/{interaction.token}: no answer")
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
			run(t, func(h *harness) {
				h.start(taking(c.first, text))
				h.discord.fail(fault{on: c.hang, times: -1, hang: true})
				data, token := h.slash(askerID, "do")
				h.push("INTERACTION_CREATE", data)
				h.wait(c.first)
				h.crash(taking(c.then, text))
				h.discord.heal()
				second := h.deliver("INTERACTION_CREATE", data)
				h.wait(30 * time.Second)
				got := h.discord.interaction(token)
				if got.content == "" || got.loading || len(got.followUps) != 1 || !second.released() {
					t.Errorf("the interaction is %+v", got)
				}
			})
		})
	}
}

// TestPrecedingAnswerDeleted: an answer of an earlier run that was deleted since
// is not written again, and one that Discord refuses to show is a failure.
func TestPrecedingAnswerDeleted(t *testing.T) {
	for status, want := range map[int]Counts{404: {Commands: 1, Answered: 1}, 401: {Commands: 1, Failed: 1}} {
		run(t, func(h *harness) {
			h.start()
			data, token := h.slash(askerID, "about")
			h.discord.interactions[token].acked = true
			h.discord.fail(fault{on: "GET /webhooks", times: -1, status: status, body: `{"code":10008}`})
			event := h.deliver("INTERACTION_CREATE", data)
			if got := h.bot.Counts(); got != want || !event.released() || h.discord.interaction(token).edits != 0 {
				t.Errorf("%d: counts %+v", status, got)
			}
		})
	}
}

// TestOtherInteractions: components, forms and pings are not for commands;
// an unknown command, a command of another kind and an odd option are answered.
func TestOtherInteractions(t *testing.T) {
	run(t, func(h *harness) {
		h.start()
		for _, kind := range []int{0, 1, 3, 4, 5, 99} {
			data, token := h.slash(askerID, "about")
			event := h.deliver("INTERACTION_CREATE", strings.Replace(data, `"type":2`, fmt.Sprintf(`"type":%d`, kind), 1))
			if h.discord.interaction(token).acked || event.taken {
				t.Errorf("an interaction of type %d was answered", kind)
			}
		}
		_, token := h.use(askerID, "abuot")
		if got := h.discord.interaction(token); got.content != "I do not know `/abuot`. Did you mean `/about`?" || got.flags != 1<<6 {
			t.Errorf("the interaction is %+v", got)
		}
		data, token := h.slash(askerID, "help", "command", "ping")
		h.deliver("INTERACTION_CREATE", strings.NewReplacer(`"value":"ping"`, `"value":12.5`).Replace(data))
		if got := h.discord.interaction(token); !strings.Contains(got.content, "12.5") {
			t.Errorf("the interaction is %+v", got)
		}
		// In a direct message the asker stands in another place.
		data, token = h.slash(ownerID, "shutdown")
		h.deliver("INTERACTION_CREATE", strings.Replace(strings.Replace(data, `"member":{"user":`, `"user":`, 1), `}},"token"`, `},"token"`, 1))
		if got := h.discord.interaction(token); got.content != "Goodbye." {
			t.Errorf("the interaction is %+v", got)
		}
	})
}
