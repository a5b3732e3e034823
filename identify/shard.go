package identify

import "fmt"

// ShardID names one shard of a bot: shard ID of Count. The zero ShardID means the
// bot is not sharded and IDENTIFY carries no shard field.
type ShardID struct {
	// ID counts from 0 and is less than Count.
	ID int
	// Count is how many shards the bot has in all processes together; 0: it is not sharded.
	Count int
}

// String prints the shard as "0/1".
func (s ShardID) String() string {
	if s.Count == 0 {
		return "0/1"
	}
	return fmt.Sprintf("%d/%d", s.ID, s.Count)
}
