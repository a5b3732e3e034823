package store

import (
	"testing"
	"testing/synctest"
	"time"

	"evergreen/gateway"
	"evergreen/identify"
)

// Given a bot that crashes right after each IDENTIFY, and a supervisor that
// starts it again two seconds later, for six hours, then the account on the disk
// keeps it to twenty IDENTIFYs an hour, five seconds apart.
//
// Statements: G-040, G-153.
func TestCrashLoopStaysWithinTheBudget(t *testing.T) {
	dir := quick(t)
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		for began := time.Now(); time.Since(began) < 6*time.Hour; time.Sleep(2 * time.Second) {
			s := open(t, dir, nil)
			s.BeginRun()
			l := identify.New(identify.Options{Storage: s.Identifies()})
			if err := l.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			g, err := l.Acquire(t.Context(), gateway.ShardID{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			g.Sent()
			sent = append(sent, time.Now())
			shut(t, s) // the grant is never released
		}
		if len(sent) < 6 {
			t.Errorf("only %d IDENTIFYs in six hours", len(sent))
		}
		for i, at := range sent {
			if i > 0 && at.Sub(sent[i-1]) < 5*time.Second {
				t.Errorf("two IDENTIFYs %v apart", at.Sub(sent[i-1]))
			}
			if i >= 20 && at.Sub(sent[i-20]) < time.Hour {
				t.Errorf("more than 20 IDENTIFYs in an hour, until %v", at)
			}
		}
	})
}
