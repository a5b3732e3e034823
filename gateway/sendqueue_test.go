package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
		o.items = append(o.items, &queuedSend{op: OpRequestGuildMembers, key: rateLimitKey(OpRequestGuildMembers, raw), raw: raw, done: make(chan error, 1)})
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
	})
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
	if left := th.delay(began.Add(time.Minute)); left < time.Second {
		t.Errorf("a minute later the next send waits %s more", left)
	}
	if left := th.delay(began.Add(sendWindow)); left != 0 {
		t.Errorf("after the window it waits %s", left)
	}
}
