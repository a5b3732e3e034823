package discordsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRefusals asks for what cannot be had and gets Discord's status, code and
// words.
//
// Statements: S-081.
func TestRefusals(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		elsewhere := w.AddGuild("elsewhere")
		foreign := elsewhere.Channels[0].ID
		other := w.AddApp(AppConfig{Name: "other"})
		mute := &Channel{ID: 7777777, Name: "mute", Guild: w.guild, Overwrites: []Overwrite{{ID: w.app.Bot.ID, Type: overwriteMember, Deny: permissionSend}}}
		w.mu.Lock()
		w.channels[mute.ID] = mute
		w.mu.Unlock()
		said := w.Say(w.channel, w.person.ID, "hello")
		channel := "/channels/" + w.channel.String()
		for _, c := range []struct {
			method, path string
			body         any
			status, code int
		}{
			{"PUT", "/users/@me", "{}", 405, 0},
			{"GET", "/channels/999999", nil, 404, 10003},
			{"GET", "/guilds/999999", nil, 404, 10004},
			{"GET", "/users/999999", nil, 404, 10013},
			{"GET", channel + "/messages/999999", nil, 404, 10008},
			{"GET", "/webhooks/999999/x", nil, 404, 10015},
			{"GET", "/applications/999999/commands", nil, 404, 10002},
			{"GET", "/applications/" + w.app.ID.String() + "/commands/999999", nil, 404, 10063},
			{"POST", "/interactions/999999/x/callback", `{"type":4}`, 404, 10062},
			{"PUT", channel + "/messages/" + said.ID.String() + "/reactions/smile/@me", nil, 400, 10014},
			{"GET", "/applications/" + other.ID.String() + "/commands", nil, 403, 20012},
			{"GET", "/channels/" + foreign.String(), nil, 403, 50001},
			{"GET", "/guilds/" + elsewhere.ID.String(), nil, 403, 50001},
			{"PATCH", channel + "/messages/" + said.ID.String(), `{"content":"mine"}`, 403, 50005},
			{"POST", "/channels/7777777/messages", `{"content":"x"}`, 403, 50013},
			{"POST", "/channels/7777777/typing", nil, 403, 50013},
			{"POST", "/users/@me/channels", map[string]any{"recipient_id": other.Bot.ID}, 403, 50007},
			{"POST", channel + "/messages", `{}`, 400, 50006},
			{"POST", channel + "/messages", `{"content":`, 400, 50109},
			{"GET", "/channels/fish", nil, 400, 50035},
		} {
			got := w.request(c.method, c.path, c.body)
			if got.status != c.status {
				t.Errorf("%s %s: status %d instead of %d", c.method, c.path, got.status, c.status)
				continue
			}
			if code := got.object()["code"]; code != float64(c.code) {
				t.Errorf("%s %s: code %v instead of %d", c.method, c.path, code, c.code)
			}
			if got.header.Get("Via") == "" {
				t.Errorf("%s %s: a real answer carries Via", c.method, c.path)
			}
		}
	})
}

// Given a path that Discord may have and this simulator does not, when it is asked for
// twice, then both answers say so in words without the token, and the bot has done
// nothing wrong.
func TestWhatIsNotSimulatedIsNoFault(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for range 2 {
			got := w.request("PUT", "/lobbies/123/aSecret.Of_Somebody/link", "{}").hasStatus(501, 0)
			if want := "not simulated: PUT /lobbies/{id}/{value}/link"; got.object()["message"] != want {
				t.Errorf("the answer says %v instead of %q", got.object()["message"], want)
			}
			time.Sleep(time.Second)
		}
		for _, label := range []string{"PUT /guilds/" + w.guild.ID.String() + "/members/5", "POST /applications/1/entitlements"} {
			method, path, _ := strings.Cut(label, " ")
			w.request(method, path, nil).hasStatus(501, 0)
		}
		if got := w.violations(); got != nil {
			t.Errorf("the bot is blamed: %v", got)
		}
		log := w.Requests(nil)
		if len(log) != 4 || log[0].Route != "PUT /lobbies/{id}/{value}/link" || log[0].Status != 501 {
			t.Errorf("the log says %+v", log)
		}
	})
}

// TestBadToken shows tokens that are none: every one gets 401 with the words
// clients look for, and a reset token is one of them.
//
// Statements: S-081.
func TestBadToken(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		old := w.app.Token
		w.request("GET", "/users/@me", nil).hasStatus(200, 0)
		w.ResetToken(w.app)
		for _, token := range []string{"", "Bot ", "Bot nonsense", w.app.Token, "Bearer " + w.app.Token, "Bot Bot " + w.app.Token, "Bot " + old} {
			got := w.send(apiRequest{method: "GET", path: "/api/v10/users/@me", token: token}).hasStatus(401, 0)
			if message := got.object()["message"]; message != "401: Unauthorized" {
				t.Errorf("the 401 says %v", message)
			}
		}
		w.request("GET", "/users/@me", nil).hasStatus(200, 0)
		w.send(apiRequest{method: "GET", path: "/api/v10/gateway"}).hasStatus(200, 0)
	})
}

// TestFormErrors sends one body with many mistakes and gets all of them back,
// each under the path of its field.
//
// Statements: S-081.
func TestFormErrors(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		got := w.request("POST", w.messagesPath(), map[string]any{
			"content": []int{1}, "nonce": true, "enforce_nonce": "perhaps", "flags": "many",
			"embeds":            []any{map[string]any{"title": "fine"}, map[string]any{"fields": []any{map[string]any{"name": "n"}}}, "no embed"},
			"message_reference": map[string]any{"message_id": "fish"},
		})
		got.hasFormError("content", "STRING_TYPE_CONVERT")
		got.hasFormError("nonce", "NONCE_TYPE_INVALID")
		got.hasFormError("enforce_nonce", "BOOLEAN_TYPE_CONVERT")
		got.hasFormError("flags", "NUMBER_TYPE_COERCE")
		got.hasFormError("embeds.1.fields.0.value", "BASE_TYPE_REQUIRED")
		got.hasFormError("embeds.2", "DICT_TYPE_CONVERT")
		got.hasFormError("message_reference.message_id", "NUMBER_TYPE_COERCE")
		if _, also := asObject(asObject(got.object()["errors"])["embeds"])["0"]; also {
			t.Error("there is a complaint about the good embed")
		}
		w.request("POST", w.messagesPath(), "[]").hasFormError("", "DICT_TYPE_CONVERT")
	})
}

// TestRESTErrors holds the numbers of the refusals against the protocol.
//
// Statements: S-081.
func TestRESTErrors(t *testing.T) {
	for p, want := range map[restError]string{
		errUnauthorized: "401 0", errNoRoute: "404 0", errMethod: "405 0", errVersion: "400 50041", errUserAgent: "403 40333",
		errNotJSON: "400 50109", errTooLarge: "413 40005", errUnknownApp: "404 10002", errUnknownChannel: "404 10003",
		errUnknownGuild: "404 10004", errUnknownMessage: "404 10008", errUnknownUser: "404 10013", errUnknownEmoji: "400 10014",
		errUnknownWebhook: "404 10015", errUnknownInteract: "404 10062", errUnknownCommand: "404 10063", errNotThisApp: "403 20012",
		errDailyCreates: "400 30034", errAcknowledged: "400 40060", errMissingAccess: "403 50001", errNotYourDM: "403 50003",
		errNotYourMessage: "403 50005", errEmptyMessage: "400 50006", errCannotMessageUser: "403 50007", errMissingPermission: "403 50013",
		errWebhookToken: "401 50027", errInvalidForm: "400 50035",
		errUnknownInvite: "404 10006", errUnknownMember: "404 10007", errUnknownOverwrite: "404 10009", errUnknownRole: "404 10011", errNoSuchEmoji: "404 10014",
		errUnknownBan: "404 10026", errUnknownSticker: "404 10060", errUnknownStage: "404 10067", errUnknownEvent: "404 10070", errUnknownTag: "404 10087",
		errUnknownSound: "404 10097", errTooManyPins: "400 30003", errTooManyRoles: "400 30005", errTooManyWebhooks: "400 30007", errTooManyEmojis: "400 30008",
		errTooManyReactions: "400 30010", errTooManyChannels: "400 30013", errTooManyAnimated: "400 30018", errTooManyEvents: "400 30038",
		errTooManyStickers: "400 30039", errTooManySounds: "400 30045", errNotInVoice: "400 40032", errCrossposted: "400 40033", errTagRequired: "400 40067",
		errNoTextChannel: "400 50008", errSystemMessage: "403 50021", errWrongChannelType: "400 50024", errInvalidRole: "400 50028", errTooOldForBulk: "400 50034",
		errThreadArchived: "400 50083", errStageOpen: "400 150006", errNoHistory: "403 160002", errThreadExists: "400 160004", errEventOver: "400 180000",
		errThreadNeeded: "400 220001", errThreadNamedTwice: "400 220002", errNoThreadHere: "400 220003", errBanFailed: "400 500000",
		errPollExpired: "400 520001", errPollEdited: "400 520003", errNoPoll: "400 520006",
	} {
		if got := fmt.Sprintf("%d %d", p.status, p.code); got != want {
			t.Errorf("%q is %s instead of %s", p.message, got, want)
		}
	}
}

// TestVersions asks for the versions there are and those there are not.
func TestVersions(t *testing.T) {
	withREST(t, Config{}, func(t *testing.T, w *restHarness) {
		for version, status := range map[string]int{"/v10": 200, "/v9": 200, "": 200, "/v8": 400, "/v3": 400, "/v99": 400} {
			got := w.send(apiRequest{method: "GET", path: "/api" + version + "/users/@me", token: "Bot " + w.app.Token})
			if got.status != status {
				t.Errorf("version %q answered %d instead of %d", version, got.status, status)
			}
		}
		if got := w.violations(); !slices.Equal(got, []string{"G-126"}) {
			t.Errorf("the path without a version should be the one violation, not %v", got)
		}
	})
}

// TestForeignUserAgent comes as Go's default client does. With the switch on it
// is blocked; off, it is served and recorded. What libraries have always sent is only noted.
//
// Statements: S-082.
func TestForeignUserAgent(t *testing.T) {
	for _, strict := range []bool{true, false} {
		withREST(t, Config{REST: RESTConfig{RefuseUserAgent: strict}}, func(t *testing.T, w *restHarness) {
			w.request("GET", "/users/@me", nil).hasStatus(200, 0)
			if got := w.violations(); got != nil {
				t.Errorf("a good client has violations: %v", got)
			}
			for _, agent := range []string{"", "Go-http-client/1.1", "DiscordBot"} {
				got := w.send(apiRequest{method: "GET", path: "/api/v10/users/@me", token: "Bot " + w.app.Token, header: map[string]string{"User-Agent": agent}})
				if strict {
					got.hasStatus(403, 40333)
				} else {
					got.hasStatus(200, 0)
				}
			}
			if got := w.violations(); !slices.Contains(got, "G-125") {
				t.Errorf("the User-Agent is no violation: %v", got)
			}
			broken := len(w.Verdict(w.app).Broken())
			for _, agent := range []string{"DiscordBot (https://github.com/Rapptz/discord.py 2.2.2) Python/3.11 aiohttp/3.8.4", "DiscordBot (https://github.com/diamondburned/arikawa/v3)"} {
				w.send(apiRequest{method: "GET", path: "/api/v10/users/@me", token: "Bot " + w.app.Token, header: map[string]string{"User-Agent": agent}}).hasStatus(200, 0)
			}
			w.send(apiRequest{method: "POST", path: "/api/v10/webhooks/" + w.app.ID.String() + "/x", header: map[string]string{"User-Agent": "Python/3.11 aiohttp/3.8.4"}, body: map[string]any{"content": "x"}})
			if v := w.Verdict(w.app); len(v.Broken()) != broken || !v.Violations[len(v.Violations)-1].Note() {
				t.Errorf("what libraries send is not only noted: %v", v.Violations)
			}
			more := map[string]string{"User-Agent": goodAgent + " Go/1.26 evergreen"}
			w.send(apiRequest{method: "GET", path: "/api/v10/gateway", header: more}).hasStatus(200, 0)
		})
	}
}

// TestOrderOfAnswerAndEvent sends many messages: some events come before the
// answer that caused them and some after, within the lag, and with the lag off
// all come first.
//
// Statements: S-070.
func TestOrderOfAnswerAndEvent(t *testing.T) {
	first := func(t *testing.T, cfg Config) (before, after int) {
		withREST(t, cfg, func(t *testing.T, w *restHarness) {
			events := w.listen(w.app, intentGuilds|1<<9)
			for n := range 40 {
				w.say(strconv.Itoa(n)).hasStatus(200, 0)
				synctest.Wait()
				if len(events.named("MESSAGE_CREATE")) == n+1 {
					before++
				} else {
					after++
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if got := len(events.named("MESSAGE_CREATE")); got != n+1 {
					t.Fatalf("after %d messages %d events came", n+1, got)
				}
			}
		})
		return before, after
	}
	if before, after := first(t, Config{Seed: 3}); before < 5 || after < 5 {
		t.Errorf("%d events came before their answer and %d after", before, after)
	}
	if _, after := first(t, Config{REST: RESTConfig{EventLag: -1}}); after != 0 {
		t.Errorf("%d events came late although the lag is off", after)
	}
}

// TestLateEventsKeepTheirOrder changes a message faster than its events lag:
// create, edit and delete are still told in that order.
func TestLateEventsKeepTheirOrder(t *testing.T) {
	withREST(t, Config{Seed: 5, REST: RESTConfig{EventLag: time.Second}}, func(t *testing.T, w *restHarness) {
		events := w.listen(w.app, intentGuilds|1<<9)
		for range 10 {
			id := w.say("one").id()
			w.request("PATCH", w.messagesPath()+"/"+id, `{"content":"two"}`).hasStatus(200, 0)
			w.request("DELETE", w.messagesPath()+"/"+id, nil).hasStatus(204, 0)
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		want := slices.Repeat([]string{"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"}, 10)
		if got := events.names("MESSAGE_"); !slices.Equal(got, want) {
			t.Errorf("events came as %v", got)
		}
	})
}
