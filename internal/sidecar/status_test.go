package sidecar

import (
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
		for range 5 {
			h.started().kill()
			h.Advance(10 * time.Second)
		}
		if c := h.condition(health.BotCrashLoop); c.Trouble != "5" {
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
