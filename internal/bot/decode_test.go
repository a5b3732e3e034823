package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"evergreen/gateway"
)

// TestMalformedEvents: an event that cannot be read costs that event: it is
// counted and named in the log, nothing is held, and the next one is served.
//
// Statements: G-110.
func TestMalformedEvents(t *testing.T) {
	for _, kind := range []string{"READY", "GUILD_CREATE", "GUILD_DELETE", "MESSAGE_CREATE", "INTERACTION_CREATE"} {
		t.Run(kind, func(t *testing.T) {
			run(t, func(h *harness) {
				h.make()
				bad := []string{
					"", "null", "true", "12", `"text"`, "[]", "{}", `{"id":null}`, `{"id":{}}`, `{"id":"x"}`, `{"id":"-1"}`, `{"id":1e3}`,
					`{"id":"99999999999999999999999"}`, `{"unavailable":tru`, `{"user":{"id":"1","username":nul`, "{", `{"id":`, "\xff\xfe", strings.Repeat("[", 20_000), strings.Repeat(`{"id":`, 20_000),
				}
				switch kind {
				case "MESSAGE_CREATE":
					bad = append(bad,
						`{"id":"1"}`, `{"id":"1","channel_id":"2"}`, `{"id":"1","channel_id":"2","author":null}`, `{"id":"1","channel_id":"2","author":[]}`,
						`{"channel_id":"2","author":{"id":"3"},"content":"!about"}`, `{"id":"1","author":{"id":"3"},"content":"!about"}`,
						`{"id":"1","channel_id":"2","author":{"id":"3"},"content":"!about","poll":[`, `{"id":"1","channel_id":"2","author":{"id":"3"},"content":"!about"`,
						`{"id":"1","channel_id":"2","author":{"id":[]},"content":"!about"}`,
						`{"id":"1","channel_id":"2","author":{"id":"3"},"content":"!about","type":"0"}`,
						`{"id":"1","channel_id":"2","author":{"id":"3"},"content":"!about","type":0.5}`,
						`{"id":"1","channel_id":"2","author":{"id":"3"},"content":"!about","flags":{}}`)
				case "INTERACTION_CREATE":
					bad = append(bad, `{"id":"1"}`, `{"id":"1","token":5}`, `{"token":"t","type":2}`, `{"id":"1","token":"t","type":"2"}`,
						`{"id":"1","token":"..","type":2}`, `{"id":"1","token":".","type":2}`, `{"id":"1","token":"`+strings.Repeat("t", 3000)+`","type":2}`)
				}
				for _, data := range bad {
					if event := h.deliver(kind, data); event.taken {
						t.Errorf("%.50q is held", data)
					}
				}
				if got := h.bot.Counts().Bad; got != int64(len(bad)) {
					t.Errorf("%d of %d events were found bad", got, len(bad))
				}
				h.logged(len(bad), "WARN Event skipped: it cannot be read type="+kind)
				h.say("!about")
				h.expect("ResearchBot")
			})
		})
	}
}

// TestOddEvents: what is odd but can be understood is: numbers for ids, nulls,
// other types in fields that do not matter, doubled names, invalid UTF-8,
// unknown and missing fields, and sheer size.
//
// Statements: G-049, G-109, G-111.
func TestOddEvents(t *testing.T) {
	for name, data := range map[string]string{
		"ids as numbers":      `{"id":1203000000000000001,"channel_id":2,"author":{"id":3},"content":"!about"}`,
		"nulls":               `{"id":"1","channel_id":"2","guild_id":null,"author":{"id":"3","bot":null,"username":null},"content":"!about","type":null,"flags":null,"mentions":null,"webhook_id":null,"member":null,"attachments":null}`,
		"other types":         `{"id":"1","channel_id":"2","guild_id":[],"author":{"id":"3","username":7},"content":"!about","mentions":{"a":1},"embeds":3,"member":"x"}`,
		"odd mentions":        `{"id":"1","channel_id":"2","author":{"id":"3"},"content":"!about","mentions":[null,5,{"id":[]},{"id":"9"}]}`,
		"doubled names":       `{"id":"7","id":"1","channel_id":"2","author":{"id":"3"},"content":"hello","content":"!about"}`,
		"invalid UTF-8":       "{\"id\":\"1\",\"channel_id\":\"2\",\"author\":{\"id\":\"3\",\"username\":\"\xff\"},\"content\":\"!about \xff\xed\xa0\x80\"}",
		"a lone surrogate":    `{"id":"1","channel_id":"2","author":{"id":"3","username":"\udead"},"content":"!about \ud800"}`,
		"escapes":             `{"id":"1","channel_id":"2","author":{"id":"3"},"content":"\u0021about"}`,
		"whitespace in lists": "{\"id\":\"1\",\"channel_id\":\"2\",\"author\":{\"id\":\"3\"},\"content\":\"!about\",\"attachments\":[ \n ],\"embeds\":{ },\"poll\":\"\"}",
		"unknown fields":      `{"id":"1","channel_id":"2","author":{"id":"3","new":{}},"content":"!about","new":[[[{}]]]}`,
		"huge":                `{"id":"1","channel_id":"2","author":{"id":"3"},"embeds":["` + strings.Repeat("x", 8<<20) + `"],"content":"!about ` + strings.Repeat("y", 8<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(h *harness) {
				h.start()
				h.deliver("MESSAGE_CREATE", data)
				h.expect("ResearchBot")
			})
		})
	}
	run(t, func(h *harness) {
		h.make()
		h.deliver("READY", fmt.Sprintf(`{"v":10,"user":{"id":%d,"username":null,"new":1},"application":"odd","guilds":[null,{"id":5},7,{"id":"6"}],"new":null}`, selfID))
		h.logged(1, "INFO Ready user= guilds=2")
		h.say(fmt.Sprintf("<@%d> about", selfID))
		h.expect("ResearchBot")
	})
	run(t, func(h *harness) {
		h.start()
		data, token := h.slash(askerID, "help", "command", "ping")
		h.deliver("INTERACTION_CREATE", strings.NewReplacer(`"guild_id"`, `"locale":null,"guild_id"`, `"options":[`, `"options":[null,5,{"name":7},{"name":"command"},`).Replace(data))
		if got := h.discord.interaction(token); !strings.Contains(got.content, "how fast") {
			t.Errorf("the interaction is %+v", got)
		}
	})
}

// TestInvalidTextIsRepaired: what the bot echoes of a message is valid UTF-8.
func TestInvalidTextIsRepaired(t *testing.T) {
	m, err := parseMessage([]byte("{\"id\":\"1\",\"channel_id\":\"2\",\"author\":{\"id\":\"3\",\"username\":5},\"content\":\"a\xff\\ud800b\"}"))
	if err != nil || m.Content.Value != "a\uFFFD\uFFFDb" || !m.Author.Value.Name.Wrong {
		t.Errorf("%q, %v", m.Content.Value, err)
	}
}

// TestLastOfDoubledNames: of two values the last counts, also if it is none.
func TestLastOfDoubledNames(t *testing.T) {
	m, err := read[message]([]byte(`{"id":"1","id":"x","channel_id":"2","channel_id":3,"poll":{"a":1},"poll":null,"content":"a","content":null}`))
	if err != nil || m.ID != 0 || m.ChannelID != 3 || m.Poll || m.Content.Value != "" {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestErrorsSayWhatIsWrong: an event that is no JSON is called that.
func TestErrorsSayWhatIsWrong(t *testing.T) {
	_, badGuild := parseGuild([]byte("{"))
	_, badReady := parseReady([]byte("{"))
	_, badMessage := parseMessage([]byte("{"))
	_, badInteraction := parseInteraction([]byte("{"))
	for _, err := range []error{badGuild, badReady, badMessage, badInteraction} {
		if err == nil || strings.Contains(err.Error(), "without") {
			t.Errorf("%v", err)
		}
	}
	if !isPathPart(strings.Repeat("t", maxToken)) || isPathPart(strings.Repeat("t", maxToken+1)) {
		t.Error("the limit of a token is not where it is said to be")
	}
}

// fuzzBot handles one event of a kind, however odd, inside a bubble.
func fuzzBot(t *testing.T, kind string, data []byte) (said []string) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 8, 6, 12, 0, 0, 0, time.UTC)))
		h := &harness{T: t, discord: newFakeDiscord(), log: &logRecorder{}, shard: &fakeShard{state: gateway.Live{}}}
		h.start()
		before := string(data)
		event := gateway.Event{Type: kind, Data: data, Received: time.Now()}
		held := 0
		h.bot.handle(context.Background(), event, func() func() { held++; return func() { held-- } })
		h.wait(20 * time.Minute)
		h.stop()
		if held != 0 {
			t.Errorf("%d holds are left", held)
		}
		if string(data) != before {
			t.Error("the bot wrote into the event's data")
		}
		for _, problem := range h.discord.problems {
			t.Error("Discord complains:", problem)
		}
		said = h.discord.said()
	})
	return said
}

// FuzzMessage: no message breaks the bot, keeps its event, or makes it say what
// Discord would refuse.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","channel_id":"2","author":{"id":"3","username":"mai"},"content":"!help"}`,
		`{"id":"1","channel_id":"2","author":{"id":"3"},"content":"!help abc","type":19,"flags":0,"mentions":[{"id":"4"}]}`,
		`{"id":1,"channel_id":2,"author":{"id":3,"bot":true},"content":"!help","webhook_id":"5"}`,
		`{"id":"1","channel_id":"2","author":{"id":"3"},"content":"<@1198622483471925248> status","guild_id":null}`,
		`{"id":"1","channel_id":"2","author":{"id":"80351110224678912"},"content":"!shutdown"}`,
		`{"id":"1","channel_id":"2","author":{"id":"3"},"content":"","attachments":[ ],"poll":{}}`,
		"{\"id\":\"1\",\"channel_id\":\"2\",\"author\":{\"id\":\"3\"},\"content\":\"!a\xffb`\"}", "null", "{", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, said := range fuzzBot(t, "MESSAGE_CREATE", data) {
			if !utf8.ValidString(said) {
				t.Errorf("the bot said %q", said)
			}
		}
		m, err := parseMessage(data)
		if err == nil && (m.ID == 0 || m.ChannelID == 0 || m.Author.Value.ID == 0 || !utf8.ValidString(string(m.Content.Value))) {
			t.Errorf("%+v was accepted", m)
		}
	})
}

// FuzzInteraction: no interaction breaks the bot or keeps its event.
func FuzzInteraction(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","application_id":"1198622483471925249","token":"t","type":2,"data":{"name":"help","type":1,"options":[{"name":"command","value":"ping"}]},"member":{"user":{"id":"3"}}}`,
		`{"id":1,"application_id":2,"token":"a/b?c#d","type":2,"data":{"name":"ping"},"user":{"id":3}}`,
		`{"id":"1","token":"t","type":2,"data":null,"member":[]}`, `{"id":"1","token":"t","type":2,"data":{"options":[null,{"value":[1,{}]}]}}`,
		`{"id":"1","token":"t","type":3}`, `{"id":"1","token":null,"type":2}`, "null", "[", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzBot(t, "INTERACTION_CREATE", data)
		i, err := parseInteraction(data)
		if err == nil && (i.ID == 0 || i.Token.Value == "") {
			t.Errorf("%+v was accepted", i)
		}
	})
}
