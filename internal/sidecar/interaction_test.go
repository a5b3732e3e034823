package sidecar

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"evergreen/discordsim"
)

// Who uses a slash command while no bot is there is told so within 2.5 s. A bot that comes
// back later does not get it.
func TestInteractionNobodyTakesIsAnswered(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		asked := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		took := h.Until(5*time.Second, "an answer", func() bool { return len(h.Sim.Answers(asked)) == 1 })
		if took > 2500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		if got := h.Sim.Answers(asked)[0].Content; got != DefaultReply {
			t.Errorf("the answer is %q", got)
		}
		b := h.started()
		h.Advance(5 * time.Second)
		if n := len(b.events("INTERACTION_CREATE")); n != 0 {
			t.Errorf("the bot gets it all the same, %d times", n)
		}
		if n := h.sidecar.Status().Counts.Told; n != 1 {
			t.Errorf("%d are counted", n)
		}
		h.NoViolations()
		b.kill()
	})
}

// A bot that hangs has been given the interaction and does not read it: who has used the
// slash command is told within 2.5 s, and what the bot answers later is too late.
func TestInteractionOfABotThatHangsIsAnswered(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		goOn := b.hang()
		h.Post("to wake it") // it reads this one, and then nothing
		h.Until(time.Second, "the bot hangs", func() bool { return len(b.messages()) == 1 })
		asked := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		if took := h.Until(5*time.Second, "an answer", func() bool { return len(h.Sim.Answers(asked)) == 1 }); took > 2500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		goOn()
		h.Advance(time.Second)
		if n := h.sidecar.Status().Counts.Told; n != 1 {
			t.Errorf("%d are counted", n)
		}
		b.kill()
	})
}

// A bot that is killed within the moment in which it may have read the interaction and not
// answered it leaves the answer to Evergreen, whenever it was given.
func TestInteractionOfABotThatIsKilledIsAnswered(t *testing.T) {
	for _, since := range []time.Duration{5 * time.Millisecond, 300 * time.Millisecond} {
		run(t, Options{}, func(h *harness) {
			b := h.started()
			asked := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
			h.Advance(since)
			b.kill()
			h.Advance(2500*time.Millisecond - since)
			if n := len(h.Sim.Answers(asked)); n != 1 {
				t.Errorf("killed after %s: %d answers", since, n)
			}
		})
	}
}

// A bot that takes long to answer what it has read answers itself.
func TestInteractionThatWasReadIsLeftToTheBot(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		asked := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		h.Advance(5 * time.Second)
		if n := len(h.Sim.Answers(asked)); n != 0 || h.sidecar.Status().Counts.Told != 0 {
			t.Errorf("%d answers were given for it", n)
		}
		b.kill()
	})
}

// A bot that is back within the time gets the interaction, and nobody answers for it.
func TestInteractionWaitsForABotThatResumes(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		b.kill()
		asked := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		h.Advance(1700 * time.Millisecond)
		again := h.resumes(b)
		h.Advance(5 * time.Second)
		if n := len(again.events("INTERACTION_CREATE")); n != 1 || len(h.Sim.Answers(asked)) != 0 {
			t.Errorf("the bot gets it %d times, and %d answers were given for it", n, len(h.Sim.Answers(asked)))
		}
		again.kill()
	})
}

// An interaction that was answered for the bot does not come to it after a crash of Evergreen:
// nobody can answer it any more, and libraries end with an error.
func TestInteractionOfAnEarlierProcessIsNotDeliveredLate(t *testing.T) {
	run(t, Options{Dir: t.TempDir()}, func(h *harness) {
		h.started().kill()
		told := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		h.Until(3*time.Second, "an answer", func() bool { return len(h.Sim.Answers(told)) == 1 })
		open := h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		h.Advance(200 * time.Millisecond)
		h.crash()
		h.Until(3*time.Second, "an answer of the next process", func() bool { return len(h.Sim.Answers(open)) == 1 })
		h.Advance(3 * time.Second)
		h.crash()
		h.Advance(2 * time.Second)
		b := h.started()
		h.Advance(5 * time.Second)
		if n := len(b.events("INTERACTION_CREATE")); n != 0 {
			t.Errorf("the bot gets %d of them", n)
		}
		b.kill()
	})
}

// With keep a bot gets it however late.
func TestInteractionIsKeptIfWanted(t *testing.T) {
	run(t, Options{Interactions: Keep}, func(h *harness) {
		h.started().kill()
		h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping")
		h.Advance(time.Minute)
		b := h.started()
		h.Until(time.Second, "the interaction", func() bool { return len(b.events("INTERACTION_CREATE")) == 1 })
		b.kill()
	})
}

// The answer speaks the language of who asked, unless the operator has set another.
func TestAwayReplySpeaksTheLanguageOfWhoAsks(t *testing.T) {
	s := &Sidecar{opts: Options{AwayReply: DefaultReply}}
	if got := s.awayReply("th"); got == DefaultReply || !strings.Contains(got, "บอต") {
		t.Errorf("in Thai it says %q", got)
	}
	for _, locale := range discordLocales {
		if awayReplies[locale] == "" {
			t.Errorf("there is none for the locale %s", locale)
		}
	}
	if got := s.awayReply("xx"); got != DefaultReply {
		t.Errorf("in a language that is not spoken here it says %q", got)
	}
	s.opts.AwayReply = "Back soon."
	if got := s.awayReply("th"); got != "Back soon." {
		t.Errorf("it says %q", got)
	}
}

// handInteraction hands over an interaction of a type.
func (h *harness) handInteraction(id, token string, kind int) {
	h.T.Helper()
	h.hand("INTERACTION_CREATE", map[string]any{"id": id, "token": token, "type": kind, "guild_id": "7", "locale": "en-US"})
}

// Who waits for suggestions gets none, and no message; who uses a command is told. What has
// no id or no token cannot be answered.
func TestAnswersFitWhatWasAsked(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, fmt.Sprint(r.URL.Path, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("User-Agent"), " ", string(body)))
		return &http.Response{StatusCode: 204, Body: http.NoBody, Request: r}, err
	})}
	runAlone(t, Options{HTTPClient: client, AwayReply: "Away."}, 1, func(h *harness) {
		h.handed()
		h.handReady()
		h.handInteraction("5", "command", 2)
		h.handInteraction("6", "suggestions", 4)
		h.handInteraction("0", "no-id", 2)
		h.handInteraction("8", "", 2)
		h.handInteraction("x", "a-bad-id", 2)
		h.Advance(2500 * time.Millisecond)
		slices.Sort(asked)
		const agent = " application/json DiscordBot (https://example.com, 1) "
		want := []string{
			"/api/v10/interactions/5/command/callback" + agent + `{"data":{"content":"Away.","flags":64},"type":4}`,
			"/api/v10/interactions/6/suggestions/callback" + agent + `{"data":{"choices":[]},"type":8}`,
		}
		if !slices.Equal(asked, want) {
			t.Errorf("Discord gets\n%q, want\n%q", asked, want)
		}
		if n := h.sidecar.Status().Counts.Told; n != 2 {
			t.Errorf("%d are counted", n)
		}
	})
}

// However many wait at once, all are answered in time.
func TestManyInteractionsAreAnswered(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.started().kill()
		h.Inject(discordsim.Fault{Name: "rest-slow", Delay: 100 * time.Millisecond})
		var asked []discordsim.ID
		for range 3 * tellAtOnce {
			asked = append(asked, h.Sim.Interact(h.App, h.Guilds[0].Channels[0].ID, h.User.ID, "ping"))
		}
		h.Advance(2500 * time.Millisecond)
		for _, id := range asked {
			if len(h.Sim.Answers(id)) != 1 {
				t.Fatalf("the interaction %v has %d answers", id, len(h.Sim.Answers(id)))
			}
		}
	})
}

// An answer that fails is told with its reason and without the token of the interaction, and
// is not counted.
func TestAnswerThatFailsIsTold(t *testing.T) {
	for fault, says := range map[string]string{"rest-reset": "reset", "rest-5xx": "500", "rest-403": "403"} {
		run(t, Options{}, func(h *harness) {
			h.Inject(discordsim.Fault{Name: fault})
			h.handInteraction("5", "secret", 2)
			h.Advance(2500 * time.Millisecond)
			if !h.log.Has("could not be answered for the bot") || !h.log.Has(says) || h.log.Has("was answered") || h.log.Has("secret") {
				t.Errorf("%s: the log says:\n%s", fault, h.log.String())
			}
			if n := h.sidecar.Status().Counts.Told; n != 0 {
				t.Errorf("%s: %d are counted", fault, n)
			}
		})
	}
}

// An interaction of another shard does not hurry a library that becomes ready.
func TestInteractionOfAnotherShardHurriesNobody(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		h.handed()
		h.handReady()
		h.handGuild(7)
		h.handGuild(1 << 22)
		b := h.connect().identify(map[string]any{"shard": []int{1, 2}, "properties": map[string]string{"browser": "discord.py"}})
		h.Advance(time.Second)
		b.kill()
		h.handInteraction("5", "on-shard-0", 2)
		h.hand("MESSAGE_CREATE", map[string]any{"guild_id": strconv.Itoa(1 << 22), "content": "waits"})
		b = h.connect().identify(map[string]any{"shard": []int{1, 2}, "properties": map[string]string{"browser": "discord.py"}})
		h.Advance(1700 * time.Millisecond)
		h.wantMessages(nil, b)
		b.kill()
	})
}

// discordLocales are those of Discord's documentation, Locales in Reference.
var discordLocales = strings.Fields("id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja zh-TW ko")
