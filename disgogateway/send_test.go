package disgogateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/disgogateway"
	"evergreen/gateway"
	"evergreen/internal/simtest"

	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/events"
	disgoway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/snowflake/v2"
)

// Given a bot that joins a voice channel, then op 4 reaches Discord, and what
// Discord answers, voice state and voice server, reaches the listeners.
func TestVoicePassesThrough(t *testing.T) {
	var states list[string]
	var servers list[string]
	run(t, config{bot: []bot.ConfigOpt{
		bot.WithEventListenerFunc(func(e *events.GuildVoiceStateUpdate) { states.add(e.VoiceState.SessionID) }),
		bot.WithEventListenerFunc(func(e *events.VoiceServerUpdate) { servers.add(e.Token + "@" + *e.Endpoint) }),
	}}, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		guild, channel := snowflake.ID(s.Guilds[0].ID), snowflake.ID(s.Guilds[0].Channels[0].ID)
		if err := s.client.UpdateVoiceState(s.T.Context(), guild, &channel, false, true); err != nil {
			t.Fatal(err)
		}
		if err := s.client.UpdateVoiceState(s.T.Context(), guild, nil, false, false); err != nil {
			t.Fatal(err)
		}
		s.Until(time.Minute, "op 4 has come twice", func() bool { return s.frames(4) == 2 })
		s.Sim.Emit(s.App, s.Guilds[0], "VOICE_STATE_UPDATE", map[string]any{
			"guild_id": guild, "channel_id": channel, "user_id": s.App.Bot.ID, "session_id": "of the voice",
			"member": map[string]any{"user": s.App.Bot, "roles": []any{}},
		})
		s.Sim.Emit(s.App, s.Guilds[0], "VOICE_SERVER_UPDATE", map[string]any{"guild_id": guild, "token": "key", "endpoint": "voice.sim:443"})
		s.Until(time.Minute, "both events are heard", func() bool { return states.len() == 1 && servers.len() == 1 })
		if states.all()[0] != "of the voice" || servers.all()[0] != "key@voice.sim:443" {
			t.Errorf("heard %q and %q", states.all(), servers.all())
		}
		s.NoViolations()
	})
}

// Given a live bot that loses its connection, when it sends in that moment, then
// the payload waits for the next connection and arrives.
// Statements: G-105.
func TestASendSurvivesAReconnect(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.open()
		s.Advance(time.Minute)
		s.Inject(discordsim.Fault{Name: "offline", For: 20 * time.Second})
		s.Until(time.Minute, "the connection is gone", func() bool { return s.client.Gateway.Status() != disgoway.StatusReady })
		guild := snowflake.ID(s.Guilds[0].ID)
		if err := s.client.UpdateVoiceState(s.T.Context(), guild, nil, false, false); err != nil {
			t.Errorf("the send failed: %v", err)
		}
		s.Until(time.Minute, "op 4 has come", func() bool { return s.frames(4) == 1 })
		s.NoViolations()
	})
}

// Given a long outage, when a Send's patience ends, then it fails with disgo's
// error, and the payload is not sent later.
func TestASendGivesUp(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.open()
		s.Inject(discordsim.Fault{Name: "offline", For: 10 * time.Minute})
		s.Until(time.Minute, "the connection is gone", func() bool { return s.client.Gateway.Status() != disgoway.StatusReady })
		err := s.client.UpdateVoiceState(context.Background(), snowflake.ID(s.Guilds[0].ID), nil, false, false)
		if !errors.Is(err, discord.ErrShardNotReady) {
			t.Errorf("got %v", err)
		}
		s.Until(15*time.Minute, "the bot is back", func() bool { return s.client.Gateway.Status() == disgoway.StatusReady })
		s.Advance(time.Minute)
		if n := s.frames(4); n != 0 {
			t.Errorf("%d payloads were sent after all", n)
		}
		if err := s.client.Gateway.Send(s.T.Context(), disgoway.OpcodeIdentify, disgoway.MessageDataIdentify{}); err == nil {
			t.Error("an IDENTIFY may be sent by hand")
		}
	})
}

// Given a live bot that cannot send at once, then a Send ends with its context, and its
// error says whether that is for want of a connection; with a longer context it waits on,
// and a Close ends it.
func TestASendEndsForItsReason(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		guild, all := snowflake.ID(s.Guilds[0].ID), ""
		members := func(ctx context.Context) error {
			return s.client.Gateway.Send(ctx, disgoway.OpcodeRequestGuildMembers, disgoway.MessageDataRequestGuildMembers{GuildID: guild, Query: &all})
		}
		if err := members(s.T.Context()); err != nil {
			t.Fatal(err)
		}
		s.Sim.Emit(s.App, s.Guilds[0], "RATE_LIMITED", map[string]any{"opcode": 8, "retry_after": 600, "meta": map[string]any{"guild_id": guild, "nonce": "another"}})
		s.Advance(time.Second)
		ctx, cancel := context.WithTimeout(s.T.Context(), time.Second)
		defer cancel()
		if err := members(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, discord.ErrShardNotReady) {
			t.Errorf("limited by Discord: %v", err)
		}

		voice := func(ctx context.Context) error { return s.client.UpdateVoiceState(ctx, guild, nil, false, false) }
		s.Inject(discordsim.Fault{Name: "offline", For: 3 * time.Minute})
		s.Until(time.Minute, "the connection is gone", func() bool { return s.client.Gateway.Status() != disgoway.StatusReady })
		canceled, cancelNow := context.WithCancel(s.T.Context())
		cancelNow()
		if err := voice(canceled); !errors.Is(err, context.Canceled) || errors.Is(err, discord.ErrShardNotReady) {
			t.Errorf("canceled: %v", err)
		}
		longer, cancelLonger := context.WithTimeout(s.T.Context(), 5*time.Minute)
		defer cancelLonger()
		if err := voice(longer); err != nil {
			t.Errorf("with time enough: %v", err)
		}
		s.Until(time.Minute, "op 4 has come", func() bool { return s.frames(4) == 1 })

		s.Inject(discordsim.Fault{Name: "offline", For: 3 * time.Minute})
		s.Until(time.Minute, "the connection is gone", func() bool { return s.client.Gateway.Status() != disgoway.StatusReady })
		var ended list[error]
		go func() { ended.add(voice(longer)) }()
		s.Advance(time.Second)
		s.client.Gateway.Close(s.T.Context())
		s.Advance(time.Second)
		if got := ended.all(); len(got) != 1 || !errors.Is(got[0], discord.ErrShardNotConnected) {
			t.Errorf("closed: %v", got)
		}
	})
}

// Given a request for members that waits to be sent again, when the bot is closed, then
// the log says nothing of it; when too much waits to be sent, the log says that it cannot
// be repeated.
func TestARepetitionThatCannotBeSentIsLogged(t *testing.T) {
	for _, full := range []bool{false, true} {
		var log simtest.Log
		run(t, config{gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())}}, func(s *harness) {
			s.open()
			s.Advance(time.Second)
			guild, all := snowflake.ID(s.Guilds[0].ID), ""
			send := func(nonce string) {
				_ = s.client.Gateway.Send(s.T.Context(), disgoway.OpcodeRequestGuildMembers,
					disgoway.MessageDataRequestGuildMembers{GuildID: guild, Query: &all, Nonce: nonce}) // ends with the bot
			}
			limit := func() {
				s.Sim.Emit(s.App, s.Guilds[0], "RATE_LIMITED", map[string]any{"opcode": 8, "retry_after": 600, "meta": map[string]any{"guild_id": guild, "nonce": "a"}})
				s.Advance(time.Second)
			}
			for range 2 {
				send("a")
			}
			s.Advance(time.Second) // the second is limited, and its repetition waits
			if full {
				for range 1000 {
					go send("a")
				}
				s.Advance(time.Second)
			}
			limit()
			if got := log.Has("Request for members could not be repeated"); got != full {
				t.Errorf("with a full queue %t, the log says so %t", full, got)
			}
			s.close()
			s.Advance(time.Second)
			if got := strings.Count(log.String(), "Request for members could not be repeated"); got > 1 || !full && got > 0 {
				t.Errorf("of the close the log says %s", log.String())
			}
		})
	}
}

// Given a payload that does not belong to its opcode, then a presence is refused, and a
// request for members is not remembered.
func TestASendOfTheWrongPayload(t *testing.T) {
	run(t, config{}, func(s *harness) {
		s.open()
		g := s.client.Gateway
		if err := g.Send(s.T.Context(), disgoway.OpcodePresenceUpdate, disgoway.MessageDataVoiceStateUpdate{}); err == nil {
			t.Error("a voice state was sent as a presence")
		}
		if err := g.Send(s.T.Context(), disgoway.OpcodePresenceUpdate, &disgoway.MessageDataPresenceUpdate{Status: discord.OnlineStatusDND}); err != nil {
			t.Error(err)
		}
		if p := g.Presence(); p == nil || p.Status != discord.OnlineStatusDND {
			t.Errorf("the presence is %v", p)
		}
	})
}

// Given a bot that asks for all members twice at once, when Discord answers the
// second time with RATE_LIMITED, then the request is sent again when its time has
// come, and both requests get all members.
// Statements: G-108.
func TestMembersComeDespiteTheRateLimit(t *testing.T) {
	run(t, config{bot: []bot.ConfigOpt{bot.WithCacheConfigOpts(cache.WithCaches(cache.FlagGuilds | cache.FlagMembers))}}, func(s *harness) {
		for i := range 1500 {
			s.Sim.AddMembers(s.Guilds[0], s.Sim.AddUser(fmt.Sprint("reader ", i)))
		}
		s.open()
		s.Advance(time.Second)
		guild := snowflake.ID(s.Guilds[0].ID)
		for round := range 3 {
			ctx, cancel := context.WithTimeout(s.T.Context(), 2*time.Minute)
			members, err := s.client.MemberChunkingManager.RequestAllMembers(ctx, guild)
			cancel()
			if err != nil || len(members) != len(s.Guilds[0].Members) {
				t.Errorf("round %d: %d members of %d, %v", round, len(members), len(s.Guilds[0].Members), err)
			}
		}
		if n := s.gateway().Stats().Repeated; n != 2 {
			t.Errorf("%d requests were repeated", n)
		}
		if n := s.client.Caches.MembersLen(guild); n < 1500 {
			t.Errorf("%d members in the cache", n)
		}
		s.NoViolations()
	})
}

// Given requests for the members of a guild that Discord answers with RATE_LIMITED again
// and again, then each is sent again five times, each time when Discord allows it, and
// given up with a line in the log. Requests for another guild and later ones are counted
// anew, and one that was answered is not sent again.
// Statements: G-108.
func TestARequestForMembersThatStaysLimitedIsGivenUp(t *testing.T) {
	const (
		window  = 6 * time.Hour
		longest = time.Hour // that a RATE_LIMITED is believed
		givenUp = "Request for members given up"
	)
	var log simtest.Log
	run(t, config{
		sim:     discordsim.Config{Limits: discordsim.LimitConfig{MembersWindow: window}, LogFrames: 100000},
		own:     disgogateway.Options{Timing: gateway.Timing{SilenceProbe: gateway.Never}},
		guilds:  2,
		gateway: []disgoway.ConfigOpt{disgoway.WithLogger(log.Logger())},
	}, func(s *harness) {
		s.open()
		s.Advance(time.Second)
		sent, all := 0, ""
		request := func(guild *discordsim.Guild) {
			t.Helper()
			if err := s.client.Gateway.Send(s.T.Context(), disgoway.OpcodeRequestGuildMembers,
				disgoway.MessageDataRequestGuildMembers{GuildID: snowflake.ID(guild.ID), Query: &all, Nonce: "the same"}); err != nil {
				t.Fatal(err)
			}
			sent++
			s.Advance(time.Second)
		}
		want := func(when string, repeated, lines int) {
			t.Helper()
			if got := s.frames(8); got != sent+repeated {
				t.Errorf("%s: %d requests were sent, want %d and %d repetitions", when, got, sent, repeated)
			}
			if got := strings.Count(log.String(), givenUp); got != lines {
				t.Errorf("%s: the log says %d times that a request is given up, want %d", when, got, lines)
			}
		}
		one, other := s.Guilds[0], s.Guilds[1]
		request(one)
		want("answered", 0, 0)
		request(one)
		// A part of an answer is not the answer.
		s.Sim.Emit(s.App, one, "GUILD_MEMBERS_CHUNK", map[string]any{"guild_id": one.ID, "members": []any{}, "chunk_index": 0, "chunk_count": 2, "nonce": "the same"})
		for n := range 5 {
			want("limited", n, 0)
			s.Advance(longest)
		}
		want("repeated five times", 5, 1)
		request(other)
		want("another guild", 5, 1)
		request(other)
		s.Advance(5 * longest)
		want("another guild repeated five times", 10, 2)

		request(one) // its window is over
		want("answered again", 10, 2)
		limited := map[string]any{"opcode": 8, "retry_after": 1, "meta": map[string]any{"guild_id": one.ID, "nonce": "the same"}}
		s.Sim.Emit(s.App, one, "RATE_LIMITED", limited)
		s.Advance(time.Minute)
		want("what was answered", 10, 2)
		request(one)
		s.Advance(8 * longest)
		want("limited again", 15, 3)
		if got := s.gateway().Stats().Repeated; got != 15 {
			t.Errorf("%d repetitions are counted, want 15", got)
		}
		s.NoViolations()
	})
}

// Given a presence in disgo's options, then it goes into the IDENTIFY; a change
// is seen at once and again after a lost session.
// Statements: G-034, G-101.
func TestThePresenceStays(t *testing.T) {
	run(t, config{gateway: []disgoway.ConfigOpt{disgoway.WithPresenceOpts(disgoway.WithWatchingActivity("the door"))}}, func(s *harness) {
		seen := func() discordsim.StatusChange {
			history := s.Sim.StatusHistory(s.App)
			return history[len(history)-1]
		}
		s.open()
		if got := seen(); got.Activity != "the door" || got.Status != "online" {
			t.Errorf("after the IDENTIFY people see %+v", got)
		}
		s.Advance(time.Second)
		g := s.client.Gateway
		if p := g.Presence(); p == nil || p.Activities[0].Name != "the door" {
			t.Errorf("the presence is %v", p)
		}
		for i := range 9 {
			if err := s.client.SetPresence(s.T.Context(), disgoway.WithOnlineStatus(discord.OnlineStatusIdle), disgoway.WithCustomActivity(fmt.Sprint("change ", i))); err != nil {
				t.Fatal(err)
			}
		}
		s.Advance(time.Minute)
		sent := s.frames(3)
		if sent < 2 || sent > 9 {
			t.Errorf("%d presence updates were sent", sent)
		}
		s.Inject(discordsim.Fault{Name: "session-loss"})
		s.Until(5*time.Minute, "a new session stands", func() bool { return s.Sim.Verdict(s.App).Identifies == 2 && g.Status() == disgoway.StatusReady })
		s.Advance(time.Minute)
		if p := g.Presence(); *p.Activities[0].State != "change 8" || p.Status != discord.OnlineStatusIdle {
			t.Errorf("the presence is %v", p)
		}
		if err := s.client.SetPresence(s.T.Context(), disgoway.WithPlayingActivity(strings.Repeat("x", 200))); err == nil {
			t.Error("a presence that Discord would refuse was taken")
		}
		s.NoViolations()
		g.Close(s.T.Context()) // and a new session, which Discord would not like often
		s.open()
		if got := seen(); got.Activity != "change 8" || got.Status != "idle" {
			t.Errorf("opened again, people see %+v", got)
		}
	})
}
