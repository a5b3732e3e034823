package examples

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Given the example with 16 shards, when it is run, then all come online in two
// buckets, it hears every guild once, each on the shard of that guild, and ends.
func TestSixteenShards(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	program := filepath.Join(t.TempDir(), "shards16")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./shards16").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if heard := strings.Count(string(out), "heard \"hello from guild"); heard != 40 || !strings.HasSuffix(strings.TrimSpace(string(out)), "16 of 16 shards online") {
		t.Errorf("it heard %d of 40 guilds:\n%s", heard, out)
	}
}
