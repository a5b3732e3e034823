package identify

import "testing"

// A shard is printed as people count it: a bot without shards is shard 0 of one.
func TestShardIDInWords(t *testing.T) {
	for shard, want := range map[ShardID]string{alone: "0/1", {ID: 0, Count: 1}: "0/1", {ID: 3, Count: 16}: "3/16"} {
		if got := shard.String(); got != want {
			t.Errorf("%#v is %q, want %q", shard, got, want)
		}
	}
}
