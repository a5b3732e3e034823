package demo

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Given a world where something breaks every few seconds, when the demo has run
// for five minutes, then every command was answered exactly once, no rule of
// Discord's was broken, and the summary says so. The seed decides what breaks.
func TestFiveMinutesLoseNothing(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told strings.Builder
				s, err := Run(t.Context(), t.Context(), Options{For: 5 * time.Minute, Seed: seed, Screen: NewPlainScreen(&told)})
				if err != nil {
					t.Fatal(err)
				}
				t.Log(told.String())
				if !s.Passed() {
					t.Errorf("seed %d: %s", seed, strings.Join(s.Failures, "\n"))
				}
			})
		})
	}
}
