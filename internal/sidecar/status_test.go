package sidecar

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/health"
)

// condition returns the condition with a cause; without trouble if it does not hold.
func (h *harness) condition(cause health.CauseID) health.Condition {
	for _, c := range h.sidecar.Conditions() {
		if c.Cause == cause {
			return c
		}
	}
	return health.Condition{}
}

func TestABotThatIsAwayIsTold(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		h.Advance(time.Minute)
		if list := h.sidecar.Conditions(); len(list) != 0 {
			t.Errorf("with a bot: %v", list)
		}
		b.kill()
		gone := time.Now()
		h.say(0, 7)
		h.Advance(9 * time.Second)
		if c := h.condition(health.BotAway); c.Trouble != "" {
			t.Errorf("a restart is told: %+v", c)
		}
		h.Advance(2 * time.Second)
		if c := h.condition(health.BotAway); c.Trouble != "7" || !c.Since.Equal(gone) {
			t.Errorf("the bot is away: %+v", c)
		}
		b = h.started()
		h.Advance(5 * time.Second)
		if list := h.sidecar.Conditions(); len(list) != 0 {
			t.Errorf("with a bot again: %v", list)
		}
		if one := h.sidecar.Status().Consumers[0]; !one.Attended || one.Library != "test" || one.Waiting != 0 || one.Shard != [2]int{0, 1} {
			t.Errorf("%+v", one)
		}
		b.kill()
	})
}

func TestABotThatHangsIsTold(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		goOn := b.hang()
		h.say(0, 3)
		h.Advance(5 * time.Second)
		if c := h.condition(health.BotHangs); c.Trouble != "" {
			t.Errorf("after 5 s: %+v", c)
		}
		h.Advance(20 * time.Second)
		if c := h.condition(health.BotHangs); c.Trouble != "3" {
			t.Errorf("the bot hangs: %+v", c)
		}
		goOn()
		h.Advance(5 * time.Second)
		if c := h.condition(health.BotHangs); c.Trouble != "" {
			t.Errorf("it goes on: %+v", c)
		}
		b.kill()
	})
}

func TestACrashLoopIsTold(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := time.Now()
		for range 5 {
			h.started().kill()
			h.Advance(10 * time.Second)
		}
		if c := h.condition(health.BotCrashLoop); c.Trouble != "5" || !c.Since.Equal(first) {
			t.Errorf("after five starts: %+v", c)
		}
		b := h.started()
		h.Advance(5 * time.Minute)
		if c := h.condition(health.BotCrashLoop); c.Trouble != "" {
			t.Errorf("it stays up: %+v", c)
		}
		h.WantIdentifies(1)
		b.kill()
	})
}

// Events that nobody takes in time are counted and told, never silently gone, and the
// guilds that a bot gets are as they are after them.
func TestLostEventsAreTold(t *testing.T) {
	run(t, Options{BacklogAge: time.Minute}, func(h *harness) {
		h.started().kill()
		h.say(0, 4)
		made := h.Sim.AddChannel(h.Guilds[0], "made-meanwhile", 0)
		h.Advance(2 * time.Minute)
		if c := h.condition(health.EventsLost); c.Trouble != "5" {
			t.Errorf("%+v", c)
		}
		if n := h.sidecar.Status().Counts.Lost; n != 5 {
			t.Errorf("%d are counted", n)
		}
		b := h.started()
		h.wantMessages(nil, b)
		found := false
		for _, r := range b.events("GUILD_CREATE") {
			found = found || containsID(r.Data, made.ID)
		}
		if !found {
			t.Error("a channel that was made meanwhile is not in the guild")
		}
		h.Advance(lossShown)
		if c := h.condition(health.EventsLost); c.Trouble != "" {
			t.Errorf("later: %+v", c)
		}
		b.kill()
	})
}

func containsID(data []byte, id discordsim.ID) bool {
	return strings.Contains(string(data), `"`+id.String()+`"`)
}

// phase returns how far the only bot is.
func (h *harness) phase() Phase {
	list := h.sidecar.Status().Consumers
	if len(list) != 1 {
		return ""
	}
	return list[0].Phase
}

// Each phase of a bot's life is shown, and since when.
func TestPhasesAreShown(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		if st := h.sidecar.Status(); st.Known || len(st.Consumers) != 0 || !strings.HasPrefix(st.Gateway, "ws://") || st.BacklogLimit != 64<<20 || st.BacklogAge != time.Hour {
			t.Errorf("before the first bot: %+v", st)
		}
		b := h.connect().identify(map[string]any{"properties": map[string]string{"browser": "discord.py"}})
		h.Until(20*time.Second, "the library gets ready", func() bool { return h.phase() == PhaseSettling })
		settling := time.Now()
		h.Until(10*time.Second, "it is ready", func() bool { return h.phase() == PhaseAttached })
		if one := h.sidecar.Status().Consumers[0]; time.Since(settling) < 2*time.Second || time.Since(one.Since) > time.Second || one.Library != "discord.py" || one.From == "" {
			t.Errorf("after %s: %+v", time.Since(settling), one)
		}
		goOn := b.hang()
		h.say(0, 3)
		h.Advance(5 * time.Second)
		if one := h.sidecar.Status().Consumers[0]; one.Phase != PhaseStalled || one.Attended || one.Unconfirmed != 3 || one.Lag < 4*time.Second || one.Lag > 6*time.Second {
			t.Errorf("it hangs: %+v", one)
		}
		goOn()
		h.Advance(5 * time.Second)
		if one := h.sidecar.Status().Consumers[0]; one.Phase != PhaseAttached || !one.Attended || one.Unconfirmed != 0 || one.Lag != 0 || one.Waiting != 0 || !one.Oldest.IsZero() {
			t.Errorf("it goes on: %+v", one)
		}
		newer := h.started()
		if one := h.sidecar.Status().Consumers[0]; one.Standby != 1 || one.Phase != PhaseAttached {
			t.Errorf("two processes: %+v", one)
		}
		newer.kill()
		if got := h.phase(); got != PhaseStandby {
			t.Errorf("the newer one has ended: %s", got)
		}
		b.kill()
		gone := time.Now()
		h.say(3, 2)
		h.Advance(time.Minute)
		one := h.sidecar.Status().Consumers[0]
		if one.Phase != PhaseAway || !one.Since.Equal(gone) || one.Waiting != 2 || one.WaitingBytes < 400 || one.Oldest.Sub(gone) > time.Second || len(one.Starts) != 2 || one.From != "" {
			t.Errorf("away: %+v", one)
		}
		h.Advance(time.Hour)
		if one := h.sidecar.Status().Consumers[0]; len(one.Starts) != 0 {
			t.Errorf("starts of the last hour: %v", one.Starts)
		}
	})
}

// What a bot got once more, what it lost and what was answered for it is counted for its
// shard pair, and only there.
func TestCountsOfAShardPair(t *testing.T) {
	run(t, Options{BacklogAge: 10 * time.Minute}, func(h *harness) {
		pair := func(i int) *bot { return h.connect().identify(map[string]any{"shard": [2]int{i, 2}}) }
		first, second := pair(0), pair(1)
		h.Until(20*time.Second, "both are live", func() bool {
			list := h.sidecar.Status().Consumers
			return len(list) == 2 && list[0].Phase == PhaseAttached && list[1].Phase == PhaseAttached
		})
		got := func() (counts [2]ConsumerCounts) {
			for i, c := range h.sidecar.Status().Consumers {
				counts[i] = c.Counts
			}
			return counts
		}
		mine := int(uint64(h.Guilds[0].ID) >> 22 % 2)
		bots := [2]*bot{first, second}
		h.Advance(time.Second)
		before := got()
		h.say(0, 3)
		h.Advance(50 * time.Millisecond) // the bot has them, and has not confirmed them
		bots[mine].kill()
		bots[mine] = pair(mine)
		h.Advance(5 * time.Second)
		after := got()
		if n := after[mine].Again; n != 3 {
			t.Errorf("%d were delivered again, want 3", n)
		}
		if n := after[1-mine].Delivered - before[1-mine].Delivered; n != 0 || after[1-mine].Again != 0 {
			t.Errorf("%d were delivered to the other shard", n)
		}
		bots[mine].kill()
		h.say(3, 4)
		h.Advance(20 * time.Minute)
		after = got()
		if after[mine].Lost != 4 || after[1-mine].Lost != 0 || h.sidecar.Status().Counts.Lost != 4 {
			t.Errorf("lost: %+v", after)
		}
		bots[1-mine].kill()
	})
}

// What was lost is told once, with how much and of which types, and shown for ten minutes; a
// loss after that is another one.
func TestEachLossIsToldOnce(t *testing.T) {
	run(t, Options{BacklogAge: time.Minute}, func(h *harness) {
		h.started().kill()
		losses := func() int { return strings.Count(h.log.String(), "Events were lost") }
		h.say(0, 3)
		h.Advance(59 * time.Second)
		if losses() != 0 {
			t.Errorf("before anything was lost the log says:\n%s", h.log.String())
		}
		h.Advance(3 * time.Second)
		if losses() != 1 || !h.log.Has("events=3") || !h.log.Has("map[MESSAGE_CREATE:3]") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
		h.say(3, 2)
		h.Advance(2 * time.Minute)
		if losses() != 2 || !h.log.Has("events=2") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
		if c := h.condition(health.EventsLost); c.Trouble != "5" {
			t.Errorf("shown are %q", c.Trouble)
		}
		h.Advance(2 * lossShown)
		h.say(5, 1)
		h.Advance(2 * time.Minute)
		if c := h.condition(health.EventsLost); c.Trouble != "1" {
			t.Errorf("later shown are %q", c.Trouble)
		}
		if n := h.sidecar.Status().Counts.Lost; n != 6 {
			t.Errorf("%d are counted", n)
		}
	})
}

// What makes more room necessary than there is, is lost and told too.
func TestLossForWantOfRoomIsTold(t *testing.T) {
	run(t, Options{BacklogBytes: 1 << 20}, func(h *harness) {
		h.started().kill()
		for range 30 {
			h.emit(100 << 10)
		}
		h.Advance(2 * time.Second)
		if n := h.sidecar.Status().Counts.Lost; n < 19 || n > 21 || !h.log.Has("Events were lost") {
			t.Errorf("%d are counted; the log says:\n%s", n, h.log.String())
		}
		if st := h.sidecar.Status(); st.Backlog > 1<<20 || st.BacklogLimit != 1<<20 {
			t.Errorf("%+v", st)
		}
	})
}

// The shards of a bot are told by their pairs, each with what waits for it.
func TestEachShardIsTold(t *testing.T) {
	runAlone(t, Options{}, 1, func(h *harness) {
		h.handed()
		h.handReady()
		shards := h.startedShards(3)
		for _, b := range shards {
			b.kill()
		}
		for id := range 3 {
			for range id {
				h.hand("MESSAGE_CREATE", map[string]any{"guild_id": strconv.Itoa(id << 22), "content": "waits"})
				h.hand("TYPING_START", map[string]any{"guild_id": strconv.Itoa(id << 22)})
			}
		}
		h.Advance(time.Minute)
		var told []string
		for _, c := range h.sidecar.Conditions() {
			if c.Cause == health.BotAway {
				told = append(told, c.Trouble)
			}
		}
		if want := []string{"0 (0/3)", "1 (1/3)", "2 (2/3)"}; !slices.Equal(told, want) {
			t.Errorf("told is %q", told)
		}
		if one := h.sidecar.Status().Consumers[2]; one.Waiting != 2 || one.WaitingBytes < 2*int64(len(`{"content":"waits","guild_id":"8388608"}`)) {
			t.Errorf("%+v", one)
		}
		h.handInteraction("5", "token", 2)
		if n := h.sidecar.Status().Consumers[0].Waiting; n != 1 {
			t.Errorf("with an interaction %d wait", n)
		}
		h.Advance(5 * time.Second)
		if n := h.sidecar.Status().Consumers[0].Waiting; n != 0 {
			t.Errorf("after it was answered %d wait", n)
		}
	})
}

// Given a bot that was away for longer than its events are kept, while people go on talking,
// then it gets what is left once its library is ready, and does not begin anew because the
// oldest events fall out meanwhile.
func TestABotThatWasAwayForTooLongCatchesUp(t *testing.T) {
	for name, o := range map[string]Options{"by age": {BacklogAge: time.Minute}, "by bytes": {BacklogBytes: 100_000}} {
		t.Run(name, func(t *testing.T) {
			run(t, o, func(h *harness) {
				library := map[string]any{"properties": map[string]string{"browser": "discord.py"}}
				b := h.connect().identify(library)
				h.Until(20*time.Second, "it is ready", func() bool { return h.phase() == PhaseAttached })
				b.kill()
				said := 0
				talk := func(d time.Duration) {
					for range int(d / (250 * time.Millisecond)) {
						h.say(said, 1)
						said++
						h.Advance(250 * time.Millisecond)
					}
				}
				talk(3 * time.Minute)
				b = h.connect().identify(library)
				talk(20 * time.Second)
				h.Advance(time.Second)
				heard := b.messages()
				if n := b.ops(9); n != 0 || h.phase() != PhaseAttached || len(heard) < 80+80 {
					t.Fatalf("op 9 %d times, %s, %d of %d messages", n, h.phase(), len(heard), said)
				}
				for i, text := range heard {
					if want := "message " + strconv.Itoa(said-len(heard)+i); text != want {
						t.Fatalf("message %d is %q, want %q", i, text, want)
					}
				}
				b.kill()
			})
		})
	}
}

// While events are lost for minutes, the log tells of it once a minute, and the condition
// since when.
func TestLossThatGoesOnIsToldOnceAMinute(t *testing.T) {
	run(t, Options{BacklogAge: time.Minute}, func(h *harness) {
		h.started().kill()
		began := time.Now()
		for i := range 300 {
			h.say(i, 1)
			h.Advance(time.Second)
		}
		c := h.condition(health.EventsLost)
		if since := c.Since.Sub(began); since < time.Minute || since > 65*time.Second {
			t.Errorf("since %s after the bot has ended: %+v", since, c)
		}
		if n := strings.Count(h.log.String(), "Events were lost"); n < 4 || n > 5 {
			t.Errorf("the log tells of it %d times", n)
		}
	})
}

// What is wrong with a bot is in the log once, with what to do, and so is that it is over.
func TestTheLogTellsWhatIsWrongWithABot(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.started()
		said := func(line string) int { return strings.Count(h.log.String(), line) }
		goOn := b.hang()
		h.say(0, 3)
		h.Advance(time.Minute)
		if said("The bot hangs") != 1 || said("reads again") != 0 {
			t.Errorf("it hangs:\n%s", h.log.String())
		}
		goOn()
		h.Advance(5 * time.Second)
		b.kill()
		h.Advance(5 * time.Second)
		if said("reads again") != 1 || said("No bot is attached") != 0 {
			t.Errorf("it goes on, and is restarted:\n%s", h.log.String())
		}
		h.Advance(time.Minute)
		if said("No bot is attached; the dot stays green") != 1 {
			t.Errorf("it is away:\n%s", h.log.String())
		}
		for range 4 {
			h.started().kill()
			h.Advance(2 * time.Second)
		}
		h.started()
		h.Advance(10 * time.Minute)
		if said("A bot is attached again") != 1 || said("The bot starts again and again") != 1 || said("The bot has not started anew for a while") != 1 {
			t.Errorf("it starts again and again:\n%s", h.log.String())
		}
	})
}

// Whatever is confirmed, taken out or falls out, what waits is as many events as a count from
// the beginning finds.
func TestWaitingEventsAreCountedRight(t *testing.T) {
	run(t, Options{BacklogAge: 20 * time.Second}, func(h *harness) {
		b := h.started()
		check := func(when string) {
			t.Helper()
			got := h.sidecar.Status().Consumers[0]
			h.sidecar.mu.Lock()
			for _, c := range h.sidecar.consumers {
				c.waiting = waiting{}
			}
			h.sidecar.mu.Unlock()
			want := h.sidecar.Status().Consumers[0]
			if got.Waiting != want.Waiting || got.WaitingBytes != want.WaitingBytes || !got.Oldest.Equal(want.Oldest) {
				t.Errorf("%s: %d events of %d bytes since %s, want %d of %d since %s", when, got.Waiting, got.WaitingBytes, got.Oldest, want.Waiting, want.WaitingBytes, want.Oldest)
			}
		}
		h.say(0, 3)
		check("just written")
		h.Advance(time.Second)
		check("confirmed")
		b.kill()
		for i := range 90 {
			h.say(i, 1)
			h.sidecar.Status()
			h.Advance(700 * time.Millisecond)
			h.sidecar.Status()
			if i%15 == 14 {
				check("while they fall out")
			}
		}
		b = h.started()
		check("when the bot is back")
		h.Advance(5 * time.Second)
		check("when it has them")
		b.kill()
	})
}
