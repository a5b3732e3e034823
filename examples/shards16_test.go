package examples

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

// Given the example with 16 shards, when it is run, then all come online in two
// buckets, it hears every guild once, each on the shard of that guild, and ends.
func TestSixteenShards(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, built(t, "shards16")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if heard := strings.Count(string(out), "heard \"hello from guild"); heard != 40 || !strings.HasSuffix(strings.TrimSpace(string(out)), "16 of 16 shards online") {
		t.Errorf("it heard %d of 40 guilds:\n%s", heard, out)
	}
}
