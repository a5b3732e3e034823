package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"
)

// forbids makes the channel refuse so many answers; below 0 all.
func (h *harness) forbids(times, code int) {
	message := map[int]string{50001: "Missing Access", 50013: "Missing Permissions"}[code]
	h.discord.fail(fault{on: fmt.Sprintf("POST /channels/%d/", channelID), times: times, status: 403, body: fmt.Sprintf(`{"code":%d,"message":%q}`, code, message)})
}

// tries counts the answers that were sent to the channel.
func (h *harness) tries() int {
	return len(h.discord.asked(fmt.Sprintf("POST /channels/%d/", channelID)))
}

// TestRefusedChannelIsTriedAtTheNextCommand: a channel that has refused an answer gets the
// next one, and is known for refusing until it takes one.
func TestRefusedChannelIsTriedAtTheNextCommand(t *testing.T) {
	for code, missing := range map[int]string{50013: "Send Messages", 50001: "View Channel"} {
		run(t, func(h *harness) {
			h.start(saying("at last"))
			h.forbids(2, code)
			for range 2 {
				if event := h.say("!say"); !event.released() {
					t.Error("the event stays held")
				}
				h.wait(time.Second)
			}
			list := h.bot.Refusals()
			if len(list) != 1 || list[0].Permission != missing || list[0].Why != "the permission "+missing+" is missing" || list[0].GuildName != "Lab" || list[0].Channel != channelID {
				t.Errorf("the channels that refuse are %+v", list)
			}
			h.logged(1, fmt.Sprintf("WARN Answer could not be sent command=say error=POST /channels/{channel.id}/messages: Discord answered 403 (code %d)", code))
			h.logged(1, "WARN Answer could not be sent")
			h.logged(2, "missing_permission="+missing)
			h.logged(2, "guild_name=Lab")
			if code == 50013 {
				h.logged(2, "channel_name=general")
			}
			h.logged(2, fmt.Sprintf(" guild=%d ", guildID))
			h.logged(2, "do=Give the bot's role "+missing+" in the channel's settings")
			// Why it refuses is asked once.
			if n := len(h.discord.asked("GET /guilds/")); n != map[int]int{50013: 2, 50001: 1}[code] {
				t.Errorf("code %d: %d questions about the guild", code, n)
			}
			h.say("!say")
			if h.tries() != 3 || len(h.bot.Refusals()) != 0 {
				t.Errorf("tried %d times, refusing: %+v", h.tries(), h.bot.Refusals())
			}
			h.logged(1, "INFO Channel takes answers again")
		})
	}
}

// TestRefusalsAreFew: however much is asked, a channel is tried five times and then once in
// five seconds, and all channels together thirty times a minute.
func TestRefusalsAreFew(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("no"), func(o *Options) { o.Cooldown = Never })
		h.discord.fail(fault{on: "POST /channels", times: -1, status: 403, body: `{"code":50013,"message":"Missing Permissions"}`})
		for range 50 {
			h.say("!say")
		}
		if h.tries() != channelRefusals {
			t.Errorf("tried %d times at once", h.tries())
		}
		if c := h.bot.Counts(); c.Failed != 50 || c.Answered != 0 {
			t.Errorf("counts %+v", c)
		}
		h.logged(50-channelRefusals, "DEBUG Answer could not be sent command=say error=the channel has refused so many answers")
		for range 30 {
			h.wait(time.Second)
			h.say("!say")
		}
		if h.tries() != channelRefusals+6 {
			t.Errorf("half a minute later tried %d times", h.tries())
		}
		h.wait(time.Minute)
		asked := len(h.discord.asked("POST /channels"))
		for channel := range 50 {
			for range 2 {
				h.deliver("MESSAGE_CREATE", h.message("!say", fields{"channel_id": fmt.Sprint(channel + 1), "guild_id": fmt.Sprint(channel + 1)}))
			}
		}
		// The first refusal of a channel is not known beforehand; nearly none is repeated.
		answers := 0
		for _, q := range h.discord.asked("POST /channels")[asked:] {
			if strings.Contains(q.body, "message_reference") {
				answers++
			}
		}
		if answers < 50 || answers > 50+allRefusals/2 {
			t.Errorf("100 commands in 50 channels led to %d tries", answers)
		}
		if len(h.bot.Refusals()) != 51 {
			t.Errorf("%d channels refuse", len(h.bot.Refusals()))
		}
		if notices := len(h.discord.asked("POST /channels")) - asked - answers; notices > toldRefusals {
			t.Errorf("%d notices", notices)
		}
		h.wait(time.Minute)
		asked = len(h.discord.asked("POST /channels"))
		for channel := range 50 {
			h.deliver("MESSAGE_CREATE", h.message("!say", fields{"channel_id": fmt.Sprint(channel + 1000)}))
		}
		if n := len(h.discord.asked("POST /channels")) - asked; n > 2*guildRefusals {
			t.Errorf("50 channels of one guild led to %d requests", n)
		}
	})
}

// TestChangedPermissionsAreTriedAtOnce: after an event that may have changed what the bot
// may do, the next command is answered even where too many were refused.
func TestChangedPermissionsAreTriedAtOnce(t *testing.T) {
	of := func(field string, more string) string { return fmt.Sprintf(`{%q:"%d"%s}`, field, guildID, more) }
	for _, test := range []struct {
		event, data string
		again       bool
	}{
		{"CHANNEL_UPDATE", of("guild_id", fmt.Sprintf(`,"id":"%d","permission_overwrites":[]`, channelID)), true},
		{"GUILD_ROLE_UPDATE", of("guild_id", `,"role":{"id":"5"}`), true},
		{"GUILD_ROLE_CREATE", of("guild_id", `,"role":{"id":"5"}`), true},
		{"GUILD_ROLE_DELETE", of("guild_id", `,"role_id":"5"`), true},
		{"GUILD_MEMBER_UPDATE", of("guild_id", fmt.Sprintf(`,"user":{"id":"%d"},"roles":[]`, selfID)), true},
		{"GUILD_UPDATE", of("id", ""), true},
		{"GUILD_CREATE", guildWithRole, true},
		{"THREAD_UPDATE", of("guild_id", ""), true},
		{"GUILD_MEMBER_UPDATE", of("guild_id", fmt.Sprintf(`,"user":{"id":"%d"},"roles":[]`, askerID)), false},
		{"CHANNEL_UPDATE", `{"guild_id":"9","id":"10"}`, false},
		{"CHANNEL_UPDATE", `{"id":"10"}`, false},
	} {
		run(t, func(h *harness) {
			h.start(saying("at last"), func(o *Options) { o.Cooldown = Never })
			h.forbids(channelRefusals, 50013)
			for range channelRefusals + 2 {
				h.say("!say")
			}
			h.deliver(test.event, test.data)
			h.say("!say")
			if answered := h.tries() == channelRefusals+1; answered != test.again {
				t.Errorf("after %s %s answered: %t", test.event, test.data, answered)
			}
			if test.again != (len(h.bot.Refusals()) == 0) {
				t.Errorf("after %s: %+v", test.event, h.bot.Refusals())
			}
			lines := 0
			if test.again {
				lines = 1
			}
			h.logged(lines, "Permissions may have changed")
			h.logged(lines, fmt.Sprintf("INFO Permissions may have changed; channels that refused answers are tried again at the next command guild=%d channels=1", guildID))
		})
	}
}

// TestPermissionsOfOthers: events about permissions are read only while a channel refuses;
// one that cannot be read costs itself.
func TestPermissionsOfOthers(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("no"))
		h.deliver("CHANNEL_UPDATE", `[]`)
		h.forbids(1, 50013)
		h.say("!say")
		h.deliver("CHANNEL_UPDATE", `[]`)
		if n := h.bot.Counts().Bad; n != 1 || len(h.bot.Refusals()) != 1 {
			t.Errorf("%d events could not be read; refusing: %+v", n, h.bot.Refusals())
		}
		h.deliver("GUILD_DELETE", fmt.Sprintf(`{"id":"%d"}`, guildID))
		if list := h.bot.Refusals(); len(list) != 0 {
			t.Errorf("the channels of a guild that was left refuse: %+v", list)
		}
	})
}

// TestReasonIsLookedForInTime: what cannot be found out within 15 s does not keep the event.
func TestReasonIsLookedForInTime(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("no"))
		h.forbids(-1, 50013)
		h.discord.fail(fault{on: "GET ", times: -1, hang: true})
		event := h.say("!say")
		h.wait(noticeTimeout - time.Millisecond)
		if !event.held() {
			t.Error("the reason was not looked for to the end")
		}
		h.wait(time.Millisecond)
		if list := h.bot.Refusals(); !event.released() || len(list) != 1 || list[0].Why != "the permission Send Messages is missing" {
			t.Errorf("released: %t, refusing: %+v", event.released(), list)
		}
	})
	for _, code := range []rest.JSONErrorCode{10003, 10062, 50083, 50007, 50278, 200000} {
		if refusalReasons[code] == "" {
			t.Errorf("no words for Discord's code %d", code)
		}
	}
}

// TestReasonOfARefusalChanges: what is in the way is found out again when Discord gives
// another code, and when the last reason is over.
func TestReasonOfARefusalChanges(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("no"))
		h.discord.member = `{"communication_disabled_until":"2026-08-06T12:10:00+00:00"}`
		why := func(want string) {
			t.Helper()
			h.say("!say")
			if list := h.bot.Refusals(); len(list) != 1 || list[0].Why != want {
				t.Errorf("refusing: %+v, want %s", list, want)
			}
		}
		h.forbids(3, 50013)
		why("the bot is timed out there until 2026-08-06 12:10 UTC")
		h.discord.member = `{}`
		h.wait(time.Minute)
		why("the bot is timed out there until 2026-08-06 12:10 UTC")
		h.wait(10 * time.Minute)
		if len(h.bot.Refusals()) != 0 {
			t.Error("the time is over and the channel still refuses")
		}
		why("the permission Send Messages is missing")
		h.forbids(1, 50001)
		why("the permission View Channel is missing")
	})
}

// TestUserIsToldWhyThereIsNoAnswer: in a direct message, else by a reaction, and not again
// and again; both exactly once, also when the message is replayed.
func TestUserIsToldWhyThereIsNoAnswer(t *testing.T) {
	for _, test := range []struct {
		code          int
		noDM          bool
		said, reacted int
		words         string
		untold        int // lines in the log
		fault         fault
		member        string
	}{
		{code: 50013, said: 1, words: fmt.Sprintf("You asked me something in <#%d>, and I cannot answer there: the permission Send Messages is missing. Someone who manages the server", channelID)},
		{code: 50001, said: 1, words: "the permission View Channel is missing"},
		{code: 50013, said: 1, words: "the bot is timed out there until 2026-08-06 13:30 UTC. Please ask me somewhere else.", member: `{"communication_disabled_until":"2026-08-06T13:30:00+00:00"}`},
		{code: 50013, noDM: true, reacted: 1},
		{code: 50001, noDM: true, untold: 2}, // in two runs
		{code: 50013, noDM: true, untold: 2, fault: fault{on: "PUT /channels", times: -1, status: 403, body: `{"code":90001}`}},
		{code: 50013, reacted: 1, fault: fault{on: "POST /users", times: -1, status: 403, body: `{"code":50007}`}},
		{code: 50013, reacted: 1, fault: fault{on: "POST /users", times: -1, status: 200, body: `[]`}},
	} {
		run(t, func(h *harness) {
			h.start(saying("no"), func(o *Options) { o.Cooldown = Never })
			h.forbids(-1, test.code)
			h.discord.fail(test.fault)
			if test.member != "" {
				h.discord.member = test.member
			}
			if test.noDM {
				h.discord.fail(fault{on: fmt.Sprintf("POST /channels/%d/", directID), times: -1, status: 403, body: `{"code":50007,"message":"Cannot send messages to this user"}`})
			}
			message := h.message("!say", nil)
			h.deliver("MESSAGE_CREATE", message)
			h.say("!say")
			h.crash(saying("no"))
			h.deliver("MESSAGE_CREATE", message)
			if got := h.discord.said(); len(got) != test.said || test.said > 0 && !strings.Contains(got[0], test.words) {
				t.Errorf("code %d: said %q", test.code, got)
			}
			standing := map[string]bool{}
			for _, reaction := range h.discord.reactions {
				standing[reaction] = true
			}
			if len(standing) != test.reacted {
				t.Errorf("code %d: reactions %q", test.code, h.discord.reactions)
			}
			h.logged(test.untold, "DEBUG User could not be told that there is no answer")
			if n := len(h.discord.asked("POST /channels/0/")); n != 0 {
				t.Errorf("%d messages to no channel", n)
			}
		})
	}
}

// TestNoticesAreTenMinutesApart: a user who goes on asking in a channel that refuses is
// told so every ten minutes; other users, and the same one in another channel, are told
// by themselves.
func TestNoticesAreTenMinutesApart(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("no"), func(o *Options) { o.Cooldown = Never })
		h.discord.fail(fault{on: fmt.Sprintf("POST /channels/%d", channelID), times: -1, status: 403, body: `{"code":50001,"message":"Missing Access"}`})
		told := func(want int) {
			t.Helper()
			if n := len(h.discord.said()); n != want {
				t.Errorf("after %v the users were told %d times, want %d", time.Since(h.bot.started), n, want)
			}
		}
		for minute := range 25 {
			h.say("!say")
			told(minute/10 + 1)
			h.wait(time.Minute)
		}
		h.sayAs(5, "!say")
		told(4)
		h.discord.heal()
		h.discord.fail(fault{on: "POST /channels/77/", times: -1, status: 403, body: `{"code":50001,"message":"Missing Access"}`})
		h.deliver("MESSAGE_CREATE", h.message("!say", fields{"channel_id": "77"}))
		told(5)
	})
}

// TestWhyAChannelRefuses: a thread, a timeout and a refusal without a known code are called
// by their names; what cannot be found out is left out.
func TestWhyAChannelRefuses(t *testing.T) {
	for _, test := range []struct {
		name, channel, member, body string
		lookups                     int // status of the answers to what the bot looks up
		permission, why             string
	}{
		{name: "thread", channel: `{"type":11,"name":"side"}`, permission: "Send Messages in Threads", why: "the permission Send Messages in Threads is missing"},
		{name: "timeout", member: `{"communication_disabled_until":"2026-08-06T13:30:00+00:00"}`, why: "the bot is timed out there until 2026-08-06 13:30 UTC"},
		{name: "old timeout", member: `{"communication_disabled_until":"2026-08-06T11:30:00+00:00"}`, permission: "Send Messages", why: "the permission Send Messages is missing"},
		{name: "another code", body: `{"code":50008,"message":"Cannot send messages in a non-text channel"}`, why: "Cannot send messages in a non-text channel"},
		{name: "nothing known", lookups: 500, permission: "Send Messages", why: "the permission Send Messages is missing"},
		{name: "no JSON", body: `<html>`, why: "Discord answered 403"},
	} {
		run(t, func(h *harness) {
			h.start(saying("no"))
			if test.channel != "" {
				h.discord.channel = test.channel
			}
			if test.member != "" {
				h.discord.member = test.member
			}
			if test.lookups != 0 {
				h.discord.fail(fault{on: "GET ", times: -1, status: test.lookups})
			}
			body := test.body
			if body == "" {
				body = `{"code":50013,"message":"Missing Permissions"}`
			}
			h.discord.fail(fault{on: fmt.Sprintf("POST /channels/%d/", channelID), times: -1, status: 403, body: body})
			h.say("!say")
			h.wait(noticeTimeout)
			if list := h.bot.Refusals(); len(list) != 1 || list[0].Permission != test.permission || list[0].Why != test.why {
				t.Errorf("%s: %+v", test.name, list)
			}
			h.wait(2 * time.Hour)
			if over := len(h.bot.Refusals()) == 0; over != (test.name == "timeout") {
				t.Errorf("%s: two hours later over: %t", test.name, over)
			}
		})
	}
}

// TestDirectMessagesThatAreRefused: a user who takes no direct messages is nothing that an
// operator could mend.
func TestDirectMessagesThatAreRefused(t *testing.T) {
	run(t, func(h *harness) {
		h.start(saying("no"))
		h.discord.fail(fault{on: "POST /channels", times: -1, status: 403, body: `{"code":50007,"message":"Cannot send messages to this user"}`})
		h.deliver("MESSAGE_CREATE", h.message("!say", fields{"guild_id": nil, "channel_id": fmt.Sprint(directID)}))
		if len(h.bot.Refusals()) != 0 || len(h.discord.asked("POST /users")) != 0 || len(h.discord.reactions) != 0 {
			t.Errorf("%+v", h.bot.Refusals())
		}
		h.logged(1, "WARN Answer could not be sent command=say error=POST /channels/{channel.id}/messages: Discord answered 403 (code 50007): Cannot send messages to this user channel=1203000000000000004 why=the user takes no direct messages of the bot")
		h.logged(0, "guild=")
		h.logged(0, " do=")
		// They are no guild together, of which only so many refusals are tried.
		for user := range uint64(guildRefusals + 5) {
			tried := len(h.discord.asked("POST /channels"))
			h.deliver("MESSAGE_CREATE", h.message("!say", fields{"guild_id": nil, "channel_id": fmt.Sprint(100 + user)}))
			if n := len(h.discord.asked("POST /channels")) - tried; n != 1 {
				t.Errorf("the direct messages of user %d were tried %d times", user+1, n)
			}
			h.wait(time.Second)
		}
	})
}

// TestWhatIsTriedDespiteRefusals: each limit counts the refusals of the last minute, and the
// last that it allows is tried.
func TestWhatIsTriedDespiteRefusals(t *testing.T) {
	start := time.Now()
	record := func(r *refusals, n int, of func(i int) Refusal) {
		for i := range n {
			r.record(of(i), start)
		}
	}
	sameChannel := func(int) Refusal { return Refusal{Guild: 1, Channel: 1} }
	sameGuild := func(i int) Refusal { return Refusal{Guild: 1, Channel: snowflake.ID(i + 1)} }
	manyGuilds := func(i int) Refusal { return Refusal{Guild: snowflake.ID(i + 1), Channel: snowflake.ID(i + 1)} }
	for _, test := range []struct {
		name           string
		refused        int
		of             func(int) Refusal
		guild, channel snowflake.ID // of the next answer
		after          time.Duration
		try            bool
	}{
		{"four in the channel", channelRefusals - 1, sameChannel, 1, 1, 0, true},
		{"five in the channel", channelRefusals, sameChannel, 1, 1, 0, false},
		{"a moment later", channelRefusals, sameChannel, 1, 1, refusalPause - 1, false},
		{"after the pause", channelRefusals, sameChannel, 1, 1, refusalPause, true},
		{"another channel", channelRefusals, sameChannel, 1, 2, 0, true},
		{"19 in the guild", guildRefusals - 1, sameGuild, 1, 5000, 0, true},
		{"20 in the guild", guildRefusals, sameGuild, 1, 5000, 0, false},
		{"20 in another guild", guildRefusals, sameGuild, 2, 5000, 0, true},
		{"nearly a minute later", guildRefusals, sameGuild, 1, 5000, refusalWindow - 1, false},
		{"a minute later", guildRefusals, sameGuild, 1, 5000, refusalWindow, true},
		{"29 in all", allRefusals - 1, manyGuilds, 1, 1, 0, true},
		{"30 in all", allRefusals, manyGuilds, 1, 1, 0, false},
		{"30 in all, a channel that has not refused", allRefusals, manyGuilds, 1, 5000, 0, true},
		{"30 in all, nearly a minute later", allRefusals, manyGuilds, 1, 1, refusalWindow - 1, false},
		{"30 in all, a minute later", allRefusals, manyGuilds, 1, 1, refusalWindow, true},
	} {
		r := newRefusals()
		record(&r, test.refused, test.of)
		if got := r.mayTry(test.guild, test.channel, start.Add(test.after)); got != test.try {
			t.Errorf("%s: tried: %t", test.name, got)
		}
	}
	for refused, tell := range map[int]bool{toldRefusals: true, toldRefusals + 1: false} {
		r := newRefusals()
		record(&r, refused, manyGuilds)
		if r.mayTell(start) != tell || !r.mayTell(start.Add(refusalWindow)) {
			t.Errorf("after %d refusals users are told: %t; a minute later: %t", refused, r.mayTell(start), r.mayTell(start.Add(refusalWindow)))
		}
	}
	r := newRefusals()
	for minute := range 25 {
		if warn := r.record(Refusal{Guild: 1, Channel: 1}, start.Add(time.Duration(minute)*time.Minute)); warn != (minute%10 == 0) {
			t.Errorf("minute %d: a warning is due: %t", minute, warn)
		}
	}
}

// TestRefusalsAreBounded: channels that are not tried any more are forgotten, and never
// more than so many are known.
func TestRefusalsAreBounded(t *testing.T) {
	r := newRefusals()
	now := time.Now()
	for i := range 2 * maxRefusals {
		r.record(Refusal{Channel: snowflake.ID(i + 1), Guild: 1, code: rest.JSONErrorCodeMissingAccess}, now.Add(time.Duration(i)*time.Millisecond))
	}
	list := r.list(now)
	if len(list) != maxRefusals || list[0].Channel != 2*maxRefusals || list[maxRefusals-1].Channel != maxRefusals+1 {
		t.Errorf("%d channels are known, the newest is %d and the oldest %d", len(list), list[0].Channel, list[len(list)-1].Channel)
	}
	if n := len(r.list(now.Add(refusalLife - time.Hour))); n != maxRefusals {
		t.Errorf("nearly a day later %d channels are known", n)
	}
	day := now.Add(refusalLife + time.Hour)
	if n := len(r.list(day)); n != 0 {
		t.Errorf("a day later %d channels are known", n)
	}
	r.record(Refusal{Channel: 7, Guild: 1}, day)
	if n := len(r.channels); n != 1 {
		t.Errorf("a day later %d channels are kept", n)
	}
	for i := range snowflake.ID(maxRefusals) {
		r.recordNoHistory(1, i+1, now)
	}
	if len(r.noHistory) != maxRefusals || r.takesReplies(1, now) || r.takesReplies(maxRefusals, now) {
		t.Errorf("of %d channels without a history %d are known", maxRefusals, len(r.noHistory))
	}
	if !r.takesReplies(1, now.Add(noHistoryLife)) || r.takesReplies(1, now.Add(noHistoryLife-1)) {
		t.Error("a channel without a history is not tried again in time")
	}
	r.recordNoHistory(1, 5000, now)
	if len(r.noHistory) > maxRefusals || r.takesReplies(5000, now) {
		t.Errorf("%d channels without a history are known", len(r.noHistory))
	}
	if !r.mayTry(2, 5000, now) {
		t.Error("a channel that never refused is not tried")
	}
}
