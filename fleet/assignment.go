package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"evergreen/gateway"
	"evergreen/internal/bounds"
)

const (
	// MaxCount is the largest number of shards a bot may have in all its processes.
	// Discord names no limit; this one keeps a mistyped number from taking all memory.
	MaxCount = bounds.MaxShards
	// MaxHere is the most shards that one process runs.
	MaxHere = bounds.MaxShardsHere
)

// Assignment names the shards of a bot that one process runs: some or all of
// Count. The zero Assignment is undecided: Discord is to be asked.
type Assignment struct {
	// Count is the number of shards the bot has in all processes together.
	Count int
	// IDs are the shards of this process, ascending, each once.
	IDs []int
}

// All returns the assignment of every shard of a bot with count shards. With a count that
// is not valid it names none.
func All(count int) Assignment {
	a := Assignment{Count: count}
	if count > 0 && count <= MaxCount {
		a.IDs = make([]int, count)
	}
	for id := range a.IDs {
		a.IDs[id] = id
	}
	return a
}

// Auto reports whether the assignment is still undecided.
func (a Assignment) Auto() bool { return a.Count == 0 && len(a.IDs) == 0 }

// Whole reports whether no other process runs shards of the bot.
func (a Assignment) Whole() bool { return a.Count > 0 && len(a.IDs) == a.Count }

// Has reports whether the shard is part of the assignment.
func (a Assignment) Has(id int) bool {
	_, found := slices.BinarySearch(a.IDs, id)
	return found
}

// Shards returns the shards in order.
func (a Assignment) Shards() []gateway.ShardID {
	shards := make([]gateway.ShardID, len(a.IDs))
	for i, id := range a.IDs {
		shards[i] = gateway.ShardID{ID: id, Count: a.Count}
	}
	return shards
}

// Validate reports what is wrong with an assignment that is to be run.
func (a Assignment) Validate() error {
	switch {
	case a.Count < 1:
		return errors.New("a bot has at least one shard")
	case a.Count > MaxCount:
		return fmt.Errorf("%d shards are too many; the most is %d", a.Count, MaxCount)
	case len(a.IDs) == 0:
		return errors.New("no shard is named")
	case len(a.IDs) > MaxHere:
		return fmt.Errorf("%d shards are too many for one process; the most is %d. Let several processes run a part each, the first of them 0-%d/%d",
			len(a.IDs), MaxHere, MaxHere-1, a.Count)
	}
	for i, id := range a.IDs {
		switch {
		case id < 0 || id >= a.Count:
			return fmt.Errorf("there is no shard %d of %d; they are numbered from 0 to %d", id, a.Count, a.Count-1)
		case i > 0 && id <= a.IDs[i-1]:
			return fmt.Errorf("shard %d is named twice or out of order", id)
		}
	}
	return nil
}

// String prints what [ParseAssignment] reads: "auto", "16" or "0-15/64".
func (a Assignment) String() string {
	if a.Auto() {
		return "auto"
	}
	if a.Whole() {
		return strconv.Itoa(a.Count)
	}
	var b strings.Builder
	for i := 0; i < len(a.IDs); {
		last := i
		for last+1 < len(a.IDs) && a.IDs[last+1] == a.IDs[last]+1 {
			last++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(a.IDs[i]))
		if last > i {
			b.WriteString("-" + strconv.Itoa(a.IDs[last]))
		}
		i = last + 1
	}
	return b.String() + "/" + strconv.Itoa(a.Count)
}

// ParseAssignment reads "auto" (or nothing), a number for all of that many shards, or a
// list with their number. Examples of a list are "0-15/64" and "0,4,8-11/16". The error
// says what is wrong without repeating the text.
func ParseAssignment(text string) (Assignment, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.EqualFold(text, "auto") {
		return Assignment{}, nil
	}
	list, total, listed := strings.Cut(text, "/")
	if !listed {
		total = list
	}
	count, err := parseNumber(total, "number of shards")
	if err != nil {
		return Assignment{}, err
	}
	if count > MaxCount {
		return Assignment{}, fmt.Errorf("%d shards are too many; the most is %d", count, MaxCount)
	}
	a := All(count)
	if listed {
		if a.IDs, err = parseIDs(list, count); err != nil {
			return Assignment{}, err
		}
	}
	return a, a.Validate()
}

// parseIDs reads the part before the slash.
func parseIDs(list string, count int) ([]int, error) {
	var ids []int
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, err := parseNumber(from, "shard")
		if err != nil {
			return nil, err
		}
		last, err := parseNumber(to, "shard")
		if err != nil {
			return nil, err
		}
		switch {
		case last < first:
			return nil, fmt.Errorf("the range %d-%d runs backwards", first, last)
		case last >= count:
			return nil, fmt.Errorf("there is no shard %d of %d; they are numbered from 0 to %d", last, count, count-1)
		}
		for id := first; id <= last; id++ {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func parseNumber(text, what string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("a %s is too large", what)
	case err != nil:
		return 0, fmt.Errorf("a %s is missing or not a whole number", what)
	case n < 0:
		return 0, fmt.Errorf("a %s is negative", what)
	}
	return n, nil
}

// Assigner decides which shards this process runs: a setting, Discord's
// recommendation, or a service that spreads them over many machines.
type Assigner interface {
	// Assign returns the shards to run. An error that wraps
	// [gateway.ErrUnauthorized] is final; after any other it is asked again, after one
	// second first and after at most 30 s later.
	Assign(ctx context.Context) (Assignment, error)
}

// Assign makes a fixed assignment an [Assigner].
func (a Assignment) Assign(context.Context) (Assignment, error) { return a, nil }

// AssignerFunc makes a function an [Assigner].
type AssignerFunc func(context.Context) (Assignment, error)

// Assign calls f.
func (f AssignerFunc) Assign(ctx context.Context) (Assignment, error) { return f(ctx) }

// ShardOf returns which of count shards the events of a guild come over (G-120). Those
// of no guild (guild 0, direct messages) come over shard 0 (G-121).
func ShardOf(guild uint64, count int) int {
	return int((guild >> 22) % uint64(max(1, count)))
}
