//go:build deterministic

package main

import "testing"

// Given a runtime that leaves nothing to chance (tools/deterministic), when the same days
// pass twice, then the same goes over the network at the same nanoseconds. The
// third went two ways once.
func TestExactly(t *testing.T) {
	for _, o := range []Options{
		{Seed: 1, Days: 3},
		{Seed: 2, Days: 2, Profile: Hostile},
		{Seed: 3307, Days: 2, Profile: Hostile},
		{Seed: 4, Days: 2, Profile: Hostile, Proxy: true},
	} {
		first, second := pass(t, o), pass(t, o)
		if first.Fingerprint != second.Fingerprint {
			t.Errorf("seed %d, %s: fingerprint %016x, and the second time %016x", first.Seed, first.Profile, first.Fingerprint, second.Fingerprint)
		}
	}
}
