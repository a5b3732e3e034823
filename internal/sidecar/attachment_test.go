package sidecar

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/discordsim"

	"github.com/coder/websocket"
)

// A connection that is refused is told to the operator with the reason, and nothing is left
// of it.
func TestConnectionThatIsRefusedIsTold(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		_, response, err := h.dial("encoding=etf", &websocket.DialOptions{})
		if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
			t.Errorf("%v, %v", response, err)
		}
		synctest.Wait()
		if !h.log.Has("A connection of a bot was refused") || !h.log.Has("etf") {
			t.Errorf("the log says:\n%s", h.log.String())
		}
		if n := h.sidecar.Status().Lines; n != 0 {
			t.Errorf("%d lines are left", n)
		}
	})
}

// lateReader is a connection whose client reads nothing before it is told to.
type lateReader struct {
	net.Conn
	reads <-chan struct{}
}

func (c lateReader) Read(p []byte) (int, error) {
	<-c.reads
	return c.Conn.Read(p)
}

// A bot that is just connecting when Evergreen stops is closed as all others are, so that its
// library resumes.
func TestBotThatConnectsAtTheEndIsClosedToo(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		reads := make(chan struct{})
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := h.pipe.Dial(ctx, "", "")
			return lateReader{conn, reads}, err
		}}}
		code := make(chan websocket.StatusCode, 1)
		go func() {
			conn, _, err := websocket.Dial(h.T.Context(), "ws://127.0.0.1/", &websocket.DialOptions{HTTPClient: client})
			for err == nil {
				_, _, err = conn.Read(h.T.Context())
			}
			code <- websocket.CloseStatus(err)
		}()
		synctest.Wait()
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			h.stop()
		}()
		synctest.Wait()
		close(reads)
		if got := <-code; got != websocket.StatusGoingAway {
			t.Errorf("a bot that was connecting is closed with %d", got)
		}
		<-stopped
	})
}

// The answer to a heartbeat takes as long as Discord's answers take, so that what the bot
// shows as its latency is true.
func TestHeartbeatsAreAnsweredAsFastAsDiscordDoes(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		h.Inject(discordsim.Fault{Name: "ack-delay", Delay: 400 * time.Millisecond})
		b := h.started()
		h.Advance(2 * time.Minute)
		b.send(1, nil)
		if took := h.Until(2*time.Second, "the ACK", func() bool { return b.ops(11) == 1 }); took < 390*time.Millisecond || took > 450*time.Millisecond {
			t.Errorf("the ACK takes %s", took)
		}
		b.kill()
	})
}

// A library that asks for payload compression gets large messages compressed, and only those.
func TestPayloadsAreCompressedForWhoAsks(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		b := h.connect().identify(map[string]any{"compress": true})
		h.Until(10*time.Second, "the guilds", func() bool { return len(b.events("GUILD_CREATE")) == 3 })
		for _, r := range b.events("GUILD_CREATE") {
			if !r.packed {
				t.Errorf("a guild of %d bytes is not compressed", len(r.Data))
			}
		}
		said := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(said, b)
		if b.events("MESSAGE_CREATE")[0].packed && len(b.events("MESSAGE_CREATE")[0].Data) < 1024 {
			t.Error("a small message is compressed")
		}
		b.kill()
		if plain := h.started(); plain.events("GUILD_CREATE")[0].packed {
			t.Error("a bot that has not asked gets compressed messages")
		} else {
			plain.kill()
		}
	})
}

// A session that a newer process of the bot has ended cannot be resumed, and who tries takes
// nothing from the newer one.
func TestSessionOfAnEarlierProcessCannotBeResumed(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		first.kill()
		second := h.started()
		if first.session == second.session {
			t.Error("two sessions have one id")
		}
		late := h.resumes(first)
		h.Until(time.Second, "op 9", func() bool { return late.ops(9) == 1 })
		said := h.say(0, 1)
		h.Advance(time.Second)
		h.wantMessages(said, second)
		h.wantMessages(nil, late)
		late.kill()
		second.kill()
	})
}

// What a RESUME says that the bot has is not delivered again, however soon the bot ends after
// it.
func TestResumeConfirms(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		first := h.started()
		said := h.say(0, 2)
		h.Advance(50 * time.Millisecond) // no ping has asked yet
		h.wantMessages(said, first)
		first.kill()
		second := h.resumes(first)
		h.Until(time.Second, "RESUMED", func() bool { return len(second.events("RESUMED")) == 1 })
		second.kill()
		third := h.started()
		h.wantMessages(nil, third)
		third.kill()
	})
}

// A bot that closes its connection has handled what it has read. One that is killed may not
// have: what it has confirmed within the last quarter of a second comes again, and nothing
// before that.
func TestWhatAKilledBotMayNotHaveHandledComesAgain(t *testing.T) {
	for name, c := range map[string]struct {
		wait  time.Duration // from the message to the end
		end   func(*bot)
		again int
	}{
		"closed at once after a pong": {300 * time.Millisecond, (*bot).leave, 0},
		"killed at once after a pong": {300 * time.Millisecond, (*bot).kill, 1},
		"killed later":                {700 * time.Millisecond, (*bot).kill, 0},
		"killed before a pong":        {100 * time.Millisecond, (*bot).kill, 1},
	} {
		run(t, Options{}, func(h *harness) {
			b := h.started()
			h.say(0, 1)
			h.Advance(2 * time.Second)
			h.say(1, 1)
			h.Advance(c.wait)
			c.end(b)
			next := h.started()
			if got := next.messages(); len(got) != c.again || c.again == 1 && got[0] != "message 1" {
				t.Errorf("%s: %q come again", name, got)
			}
			next.kill()
		})
	}
}

// Given a newer process that has the events, when the older one, which is on standby, ends,
// then the newer one notices nothing, and nothing comes twice.
func TestEndOfTheOlderProcessCostsTheNewerOneNothing(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		said := h.say(0, 2)
		h.Advance(time.Second)
		newer := h.started()
		toNewer := h.say(2, 2)
		h.Advance(2 * time.Second)
		if one := h.sidecar.Status().Consumers[0]; one.Standby != 1 || !one.Attended {
			t.Errorf("%+v", one)
		}
		older.kill()
		toNewer = append(toNewer, h.say(4, 1)...)
		h.Advance(2 * time.Second)
		h.wantMessages(said, older)
		h.wantMessages(toNewer, newer)
		if one := h.sidecar.Status().Consumers[0]; newer.ops(9) != 0 || one.Standby != 0 || one.Phase == PhaseAway {
			t.Errorf("%d op 9 for the newer one, %+v", newer.ops(9), one)
		}
		newer.kill()
		next := h.started()
		h.wantMessages(nil, next)
		next.kill()
	})
}

// When the newer process ends, the older one is asked to start anew. Until it has done so it
// gets nothing; then it gets its guilds, time to become ready, and what is missing.
func TestOlderProcessTakesOverInOrder(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		newer := h.started()
		h.Advance(time.Second)
		newer.kill()
		missed := h.say(0, 2)
		h.Advance(time.Second)
		h.wantMessages(nil, older)
		if one := h.sidecar.Status().Consumers[0]; one.Phase == PhaseAway || one.Standby != 0 {
			t.Errorf("before the older one has identified: %+v", one)
		}
		before := len(older.types())
		older.identify(map[string]any{"properties": map[string]string{"browser": "discord.py"}})
		h.Advance(2 * time.Second)
		h.wantMessages(nil, older)
		missed = append(missed, h.say(2, 1)...)
		h.Advance(2 * time.Second)
		h.wantMessages(missed, older)
		want := []string{"READY", "GUILD_CREATE", "GUILD_CREATE", "GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE"}
		if got := older.types()[before:]; !slices.Equal(got, want) {
			t.Errorf("it gets %q", got)
		}
		if one := h.sidecar.Status().Consumers[0]; one.Standby != 0 {
			t.Errorf("%+v", one)
		}
		older.kill()
		if one := h.sidecar.Status().Consumers[0]; one.Phase != PhaseAway || one.Attended {
			t.Errorf("after its end: %+v", one)
		}
	})
}

// An older process that ends without having started anew takes nothing back that the newer
// one has handled.
func TestOlderProcessThatEndsRepeatsNothing(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		h.say(0, 2)
		h.Advance(time.Second)
		newer := h.started()
		h.say(2, 2)
		h.Advance(time.Second)
		newer.leave()
		older.kill()
		missed := h.say(4, 1)
		next := h.started()
		h.wantMessages(missed, next)
		next.kill()
	})
}

// A newer process whose link is cut may resume before the older one has started anew. The
// older one goes on waiting.
func TestNewerProcessMayComeBackBeforeTheOlderOneTakesOver(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		newer := h.started()
		h.Advance(time.Second)
		newer.kill()
		missed := h.say(0, 1)
		again := h.resumes(newer)
		h.Until(time.Second, "RESUMED", func() bool { return len(again.events("RESUMED")) == 1 })
		h.Advance(2 * time.Second)
		h.wantMessages(missed, again)
		if code := older.code(); code != -1 || len(older.messages()) != 0 {
			t.Errorf("the older one is closed with %d, and has heard %q", code, older.messages())
		}
		again.kill()
		older.kill()
	})
}

// A line that was asked to start anew may resume the session of the newer process all the
// same. It goes on there, and nothing comes twice.
func TestOlderLineMayResumeTheNewerSession(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		older := h.started()
		newer := h.started()
		said := h.say(0, 1)
		h.Advance(time.Second)
		newer.kill()
		said = append(said, h.say(1, 1)...)
		older.send(opResume, map[string]any{"token": h.App.Token, "session_id": newer.session, "seq": newer.last()})
		h.Until(time.Second, "RESUMED", func() bool { return len(older.events("RESUMED")) == 1 })
		said = append(said, h.say(2, 2)...)
		h.Advance(2 * time.Second)
		h.wantMessages(said, newer, older)
		if code := older.code(); code != -1 {
			t.Errorf("it is closed with %d", code)
		}
		older.kill()
	})
}

// A bot that ends while much waits for it is no error of Evergreen's.
func TestEndOfABotIsNoErrorOfEvergreen(t *testing.T) {
	run(t, Options{}, func(h *harness) {
		for _, end := range []func(*bot){
			func(b *bot) { _ = b.conn.CloseNow() },
			func(b *bot) { _ = b.conn.Close(websocket.StatusNormalClosure, "") },
		} {
			b := h.started()
			goOn := b.hang()
			for range 20 {
				h.emit(10 << 10)
			}
			h.Advance(time.Second)
			end(b)
			goOn()
			<-b.done
			h.Advance(time.Second)
		}
		for _, never := range []string{"cannot be served", "level=ERROR"} {
			if h.log.Has(never) {
				t.Errorf("the log has %q:\n%s", never, h.log.String())
			}
		}
	})
}
