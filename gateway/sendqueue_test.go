package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/bounds"
)

// Statements: G-101.
func TestPresenceIsCoalescedAndLimited(t *testing.T) {
	o := newSendQueue(10)
	now := time.Now()
	sent := 0
	for i := range 1000 {
		o.setPresence(Presence{Status: StatusOnline, Activities: []Activity{{Name: strings.Repeat("x", 1+i%100)}}})
		if _, p, _ := o.next(now.Add(time.Duration(i) * time.Millisecond)); p != nil {
			sent++
		}
	}
	if sent != presenceLimit {
		t.Fatalf("%d updates in a second, want %d", sent, presenceLimit)
	}
	_, p, wait := o.next(now.Add(time.Second))
	if p != nil || wait <= 0 || wait > presenceWindow {
		t.Fatalf("the sixth: %v, wait %v", p, wait)
	}
	if _, p, _ = o.next(now.Add(presenceWindow)); p == nil || len(p.Activities[0].Name) != 100 {
		t.Fatal("the newest presence was lost")
	}
}

// Statements: G-108.
func TestRateLimitedClosesTheOpcodeForThatGuildOnly(t *testing.T) {
	o := newSendQueue(10)
	now := time.Now()
	o.onRateLimited([]byte(`{"opcode":8,"retry_after":12.5,"meta":{"guild_id":"1"}}`), now)
	for _, guild := range []string{"1", "2"} {
		raw, _ := encode(OpRequestGuildMembers, map[string]any{"guild_id": guild})
		o.items = append(o.items, &queuedSend{op: OpRequestGuildMembers, key: rateLimitKey(OpRequestGuildMembers, guildOf(raw)), raw: raw, done: make(chan error, 1)})
	}
	p, _, _ := o.next(now)
	if p == nil || !strings.Contains(string(p.raw), `"2"`) {
		t.Fatalf("the other guild had to wait: %v", p)
	}
	if p, _, wait := o.next(now); p != nil || wait != 12500*time.Millisecond {
		t.Fatalf("got %v, wait %v", p, wait)
	}
	if p, _, _ := o.next(now.Add(12500 * time.Millisecond)); p == nil {
		t.Fatal("the guild stayed closed")
	}
	if len(o.rateLimitedUntil) != 0 {
		t.Errorf("what is over is remembered: %v", o.rateLimitedUntil)
	}
}

// RATE_LIMITED holds back the opcode that it names, whichever that is.
// Statements: G-108.
func TestRateLimitedClosesTheOpcodeItNames(t *testing.T) {
	for _, limited := range []Opcode{OpVoiceStateUpdate, OpRequestGuildMembers, OpRequestSoundboardSounds, OpRequestChannelInfo} {
		o := newSendQueue(10)
		now := time.Now()
		o.onRateLimited(fmt.Appendf(nil, `{"opcode":%d,"retry_after":5,"meta":{"guild_id":"1"}}`, limited), now)
		for _, op := range []Opcode{OpVoiceStateUpdate, OpRequestGuildMembers, OpRequestSoundboardSounds, OpRequestChannelInfo} {
			o.items = []*queuedSend{queued(op, "1")}
			if p, _, _ := o.next(now); (p == nil) != (op == limited) {
				t.Errorf("RATE_LIMITED for %s: %s is held back: %t", limited, op, p == nil)
			}
		}
	}
}

// Statements: G-103.
func TestOversizedPayloadIsRefused(t *testing.T) {
	o := newSendQueue(10)
	err := o.send(context.Background(), OpRequestGuildMembers, map[string]string{"query": strings.Repeat("x", 5000)})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestGivenUpSendIsNotSentLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newSendQueue(1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := o.send(ctx, OpVoiceStateUpdate, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if p, _, _ := o.next(time.Now()); p != nil {
			t.Error("a payload was sent although its sender had given up")
		}
		done := make(chan error, 1)
		go func() { done <- o.send(context.Background(), OpVoiceStateUpdate, nil) }()
		synctest.Wait()
		if err := o.send(ctx, OpVoiceStateUpdate, nil); !errors.Is(err, ErrQueueFull) {
			t.Errorf("a full queue answered %v", err)
		}
		o.close()
		if err := <-done; !errors.Is(err, ErrStopped) {
			t.Errorf("after close: %v", err)
		}
		if p, _, _ := o.next(time.Now()); p != nil {
			t.Error("a payload was sent although its sender was told that the shard has stopped")
		}
	})
}

// Given a sender that gives up in the moment in which the shard stops, then it is not told
// that its payload was sent.
func TestGivingUpAtTheEndIsNoSuccess(t *testing.T) {
	for range 200 {
		q := newSendQueue(1)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() { result <- q.send(ctx, OpVoiceStateUpdate, nil) }()
		<-q.wake
		cancel()
		q.close()
		if err := <-result; !errors.Is(err, context.Canceled) && !errors.Is(err, ErrStopped) {
			t.Fatalf("the sender was told %v", err)
		}
	}
}

// Given a first send that a busy machine held up on its way, when the window of a
// minute is over here, then it is not yet over at Discord: the next one waits on.
//
// Statements: G-099.
func TestSendWindowAllowsForTheWay(t *testing.T) {
	began := time.Now()
	th := newSendLimiter(41250 * time.Millisecond)
	for th.delay(began) == 0 {
		th.record(began)
	}
	if left := th.delay(began.Add(10 * time.Second)); left != sendWindow-10*time.Second {
		t.Errorf("after 10 s the next send waits %s more, want %s", left, sendWindow-10*time.Second)
	}
	if left := th.delay(began.Add(time.Minute)); left < time.Second {
		t.Errorf("a minute later the next send waits %s more", left)
	}
	if left := th.delay(began.Add(sendWindow)); left != 0 {
		t.Errorf("after the window it waits %s", left)
	}
}

// What may be sent leaves room for every heartbeat of the window, those that Discord asks
// for among them, and it is something however often those are.
// Statements: G-099, G-100.
func TestSendWindowLeavesRoomForHeartbeats(t *testing.T) {
	for interval, want := range map[time.Duration]int{
		41250 * time.Millisecond: 94, // 1 regular heartbeat, 2 for its jitter, 20 requested ones, 3 to spare
		10 * time.Minute:         95,
		time.Second:              35,
		500 * time.Millisecond:   2,
	} {
		l, now, sent := newSendLimiter(interval), time.Now(), 0
		for ; l.delay(now) == 0; sent++ {
			l.record(now)
		}
		if sent != want {
			t.Errorf("with heartbeats every %s %d payloads leave at once, want %d", interval, sent, want)
		}
	}
}

// A presence follows RESUMED no sooner than 5 s after the last one of the session, and READY
// at once. Of an inherited session it is not known what was sent: one presence may follow at
// once if none is held back, and the next ones wait for the window.
// Statements: G-101.
func TestPresenceFollowsRESUMEDLater(t *testing.T) {
	now := time.Now()
	sends := func(q *sendQueue, at time.Time) bool {
		q.setPresence(Presence{Status: StatusOnline})
		_, p, _ := q.next(at)
		return p != nil
	}
	q := newSendQueue(10)
	if !sends(q, now) {
		t.Fatal("the first presence is held back")
	}
	q.onResumed(now.Add(time.Second), false)
	q.setPresence(Presence{Status: StatusIdle})
	if _, p, wait := q.next(now.Add(time.Second)); p != nil || wait != 4*time.Second {
		t.Errorf("a second after the last one: %v, wait %s", p, wait)
	}
	if !sends(q, now.Add(5*time.Second)) {
		t.Error("it is held back for more than 5 s")
	}
	q.onResumed(now.Add(6*time.Second), false)
	q.onReady()
	if !sends(q, now.Add(6*time.Second)) {
		t.Error("after READY it is held back")
	}

	q = newSendQueue(10)
	q.onResumed(now, false)
	if !sends(q, now) {
		t.Error("the first presence of a session of this process is held back")
	}

	q = newSendQueue(10)
	q.onResumed(now, true)
	if sends(q, now.Add(4*time.Second)) || !sends(q, now.Add(5*time.Second)) {
		t.Error("the presence of an inherited session does not follow after 5 s")
	}
	if sends(q, now.Add(presenceWindow-1)) || !sends(q, now.Add(presenceWindow)) {
		t.Error("a second one does not follow when the window is over")
	}
}

// The wait is that of the first that may leave, be it a presence or a payload.
func TestSoonestOfAllIsWaitedFor(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ presence, payload, want time.Duration }{
		{3 * time.Second, 7 * time.Second, 3 * time.Second},
		{7 * time.Second, 3 * time.Second, 3 * time.Second},
		{3 * time.Second, 3 * time.Second, 3 * time.Second},
	} {
		q := newSendQueue(10)
		q.setPresence(Presence{Status: StatusOnline})
		q.presenceHeld = now.Add(c.presence)
		q.items = append(q.items, queued(OpRequestGuildMembers, "1"))
		q.rateLimitedUntil[q.items[0].key] = now.Add(c.payload)
		if item, p, wait := q.next(now); item != nil || p != nil || wait != c.want {
			t.Errorf("a presence after %s, a payload after %s: wait %s", c.presence, c.payload, wait)
		}
	}
}

// brokenSocket takes no message.
type brokenSocket struct{ noopSocket }

func (brokenSocket) Write(context.Context, []byte) error { return errors.New("broken pipe") }

// Given a connection that takes nothing or has ended, then what was to be sent on it goes
// first on the next one, the presence at once, and the connection ends for it.
// Statements: G-105, G-107.
func TestWhatAConnectionDoesNotTakeIsSentOnTheNext(t *testing.T) {
	for name, ended := range map[string]bool{"a failed write": false, "the end of the connection": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, presence := range []bool{false, true} {
					c := newTestConn(t)
					c.sock, c.interval = brokenSocket{}, 41250*time.Millisecond
					sends := c.shard.sends
					first := queued(OpVoiceStateUpdate, "1")
					sends.items = []*queuedSend{first, queued(OpVoiceStateUpdate, "2")}
					if presence {
						sends.setPresence(Presence{Status: StatusIdle})
					}
					if ended {
						item, p, _ := sends.next(time.Now())
						c.end(Reason{Kind: ReasonReset})
						if c.shard.writeQueued(c, item, p) {
							t.Error("it counts as written")
						}
					} else {
						done := make(chan struct{})
						go func() { defer close(done); c.shard.sendLoop(c) }()
						synctest.Wait()
						if len(sends.items) != 2 || (sends.presence != nil) != presence {
							t.Error("while the connection ends, what it did not take is not waiting")
						}
						<-done
					}
					<-c.ended
					if kind := c.reason.Kind; !ended && kind != ReasonWrite {
						t.Errorf("the connection ended by %s", kind)
					}
					item, p, _ := sends.next(time.Now())
					if presence {
						if p == nil || p.Status != StatusIdle {
							t.Fatalf("the presence was lost or waits: %v", p)
						}
						item, _, _ = sends.next(time.Now())
					}
					if item != first || len(first.done) != 0 {
						t.Errorf("the payload was lost, or its sender was told something")
					}
				}
			})
		})
	}
}

// Given payloads whose senders have given up, then they take no room, those behind them
// leave in order, and one that could not be written is not sent on the next connection.
func TestGivenUpSendsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSendQueue(6)
		givenUp := func(i int) bool { return i == 0 || i == 2 || i == 3 || i == 5 }
		var cancels []context.CancelFunc
		results := make(chan error, 6)
		for i := range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			cancels = append(cancels, cancel)
			go func() {
				results <- q.send(ctx, OpVoiceStateUpdate, map[string]any{"guild_id": fmt.Sprint(i)})
			}()
			synctest.Wait()
		}
		for i, cancel := range cancels {
			if givenUp(i) {
				cancel()
				if err := <-results; !errors.Is(err, context.Canceled) {
					t.Errorf("the sender of payload %d was told %v", i, err)
				}
			}
		}
		for i := range 4 {
			go func() { _ = q.send(t.Context(), OpVoiceStateUpdate, map[string]any{"guild_id": fmt.Sprint("new ", i)}) }()
			synctest.Wait()
		}
		if len(q.items) != 6 {
			t.Errorf("%d payloads wait, want 6: those of senders that gave up take room", len(q.items))
		}
		for i, want := range []string{`"1"`, `"4"`, `"new 0"`, `"new 1"`} {
			item, _, _ := q.next(time.Now())
			if item == nil || string(guildOf(item.raw)) != want {
				t.Fatalf("payload %d is not that for %s", i, want)
			}
			if want == `"4"` {
				cancels[4]() // while it is written
				if err := <-results; !errors.Is(err, context.Canceled) {
					t.Errorf("its sender was told %v", err)
				}
				q.requeue(item, nil)
			}
		}
		cancels[1]()
		q.close()
	})
}

// queued returns a payload that waits in a queue.
func queued(op Opcode, guild string) *queuedSend {
	raw, _ := encode(op, map[string]any{"guild_id": guild})
	return &queuedSend{op: op, key: rateLimitKey(op, guildOf(raw)), raw: raw, done: make(chan error, 1)}
}

// What could not be written goes first on the next connection, a presence unless a newer one
// waits. After the end of the shard its sender is told.
func TestWhatWasNotWrittenGoesFirst(t *testing.T) {
	o := newSendQueue(10)
	now := time.Now()
	first, second := queued(OpVoiceStateUpdate, "1"), queued(OpVoiceStateUpdate, "2")
	o.items = append(o.items, first, second)
	p, _, _ := o.next(now)
	o.requeue(p, nil)
	for i, want := range []*queuedSend{first, second} {
		if p, _, _ := o.next(now); p != want {
			t.Errorf("payload %d is not the one that was sent as such", i)
		}
	}
	older := &Presence{Status: StatusIdle}
	o.requeue(nil, older)
	if _, p, _ := o.next(now); p != older {
		t.Errorf("the presence that was not written was replaced by %v", p)
	}
	o.setPresence(Presence{Status: StatusOnline})
	o.requeue(nil, older)
	if _, p, _ := o.next(now); p == nil || p.Status != StatusOnline {
		t.Errorf("a newer presence gave way to %v", p)
	}
	o.close()
	o.requeue(first, nil)
	select {
	case err := <-first.done:
		if !errors.Is(err, ErrStopped) || len(o.items) != 0 {
			t.Errorf("after the end: %v, %d payloads wait", err, len(o.items))
		}
	default:
		t.Error("after the end the sender is not told")
	}
}

// A RATE_LIMITED that names no time holds nothing back, one that names ages holds for a
// bounded time, and what has no guild is never held. The wait is that of the first.
func TestOddRateLimitedHoldsNothingForLong(t *testing.T) {
	now := time.Now()
	for in, want := range map[string]time.Duration{
		`{"opcode":8,"meta":{"guild_id":"1"}}`:                   0,
		`{"opcode":8,"retry_after":0,"meta":{"guild_id":"1"}}`:   0,
		`{"opcode":8,"retry_after":-5,"meta":{"guild_id":"1"}}`:  0,
		`{"opcode":8,"retry_after":"5","meta":{"guild_id":"1"}}`: 0,
		`[]`: 0,
		`{"opcode":8,"retry_after":5,"meta":{"guild_id":"2"}}`:     0,
		`{"opcode":8,"retry_after":5,"meta":{"guild_id":"1"}}`:     5 * time.Second,
		`{"opcode":8,"retry_after":5,"meta":{"guild_id":1}}`:       5 * time.Second,
		`{"opcode":8,"retry_after":1e300,"meta":{"guild_id":"1"}}`: time.Duration(bounds.RateLimited) * time.Second,
		`{"opcode":4,"retry_after":5,"meta":{"guild_id":""}}`:      0,
	} {
		o := newSendQueue(10)
		o.onRateLimited([]byte(in), now)
		o.items = append(o.items, queued(OpRequestGuildMembers, "1"))
		p, _, wait := o.next(now)
		if (p == nil) != (want > 0) || wait != want {
			t.Errorf("%s: sent at once %t, or after %s; want %s", in, p != nil, wait, want)
		}
		o.items = append(o.items, queued(OpVoiceStateUpdate, "1"))
		if p, _, _ := o.next(now); p == nil || p.op != OpVoiceStateUpdate {
			t.Errorf("%s holds another opcode back", in)
		}
	}
	o := newSendQueue(10)
	for guild, after := range map[string]string{"1": "30", "2": "10", "3": "20"} {
		o.onRateLimited([]byte(`{"opcode":8,"retry_after":`+after+`,"meta":{"guild_id":"`+guild+`"}}`), now)
		o.items = append(o.items, queued(OpRequestGuildMembers, guild))
	}
	if _, _, wait := o.next(now); wait != 10*time.Second {
		t.Errorf("the first of three may leave after %s", wait)
	}
}

// Statements: G-103.
func TestPayloadsUpToTheLimitAreBuilt(t *testing.T) {
	empty, err := encode(OpVoiceStateUpdate, "")
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := encode(OpVoiceStateUpdate, strings.Repeat("x", maxPayload-len(empty))); err != nil || len(raw) != maxPayload {
		t.Errorf("the largest payload: %d bytes, %v", len(raw), err)
	}
	if _, err := encode(OpVoiceStateUpdate, strings.Repeat("x", maxPayload-len(empty)+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a byte more: %v", err)
	}
	o := newSendQueue(10)
	if err := o.send(context.Background(), OpVoiceStateUpdate, make(chan int)); err == nil {
		t.Error("what is no JSON was queued")
	}
}
