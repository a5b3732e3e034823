package judge

import (
	"math/rand/v2"
	"testing"
)

// Given the moments of first heartbeats, then a cluster is told from chance, also where a
// few lie elsewhere, and bots with jitter are not accused.
func TestClusterOfFirstHeartbeats(t *testing.T) {
	for _, c := range []struct {
		what   string
		shares []float64
		n      int
	}{
		{"too few", []float64{1, 1, 1, 1}, 0},
		{"all after one interval", []float64{1, 1.01, 0.99, 1, 1}, 5},
		{"at once, but for one", []float64{0, 0, 0.01, 0.6, 0, 0, 0, 0.02, 0, 0}, 9},
		{"one of five elsewhere", []float64{0, 0, 0, 0, 0.5}, 0},
		{"spread", []float64{0.1, 0.2, 0.4, 0.5, 0.7, 0.9, 0.3, 0.8}, 0},
	} {
		if _, _, n := densest(c.shares); n != c.n {
			t.Errorf("%s: a cluster of %d, want %d", c.what, n, c.n)
		}
	}
	rng, accused := rand.New(rand.NewPCG(1, 2)), 0
	for range 20_000 {
		shares := make([]float64, 5+rng.IntN(40))
		for i := range shares {
			shares[i] = rng.Float64()
		}
		if _, _, n := densest(shares); n > 0 {
			accused++
		}
	}
	if accused > 20 {
		t.Errorf("%d of 20,000 bots with jitter are accused", accused)
	}
}
