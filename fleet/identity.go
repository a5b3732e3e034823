package fleet

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"strconv"
)

// identity names what an event is about, whichever session it came over: its
// kind and its content. Two sets of shards each get a copy of every event, with
// other sequence numbers.
type identity uint64

// seed makes identities of this process.
var seed = maphash.MakeSeed()

// ids are the fields that name an event for certain. What is not listed is named
// by all of its content: the fields of an object in any order.
var ids = map[string][]string{
	"MESSAGE_CREATE":     {"id"},
	"MESSAGE_DELETE":     {"id"},
	"INTERACTION_CREATE": {"id"},
	"GUILD_CREATE":       {"id"},
	"GUILD_DELETE":       {"id", "unavailable"},
	"CHANNEL_CREATE":     {"id"},
	"CHANNEL_DELETE":     {"id"},
	"THREAD_DELETE":      {"id"},
	"GUILD_ROLE_DELETE":  {"guild_id", "role_id"},
	"GUILD_MEMBER_ADD":   {"guild_id", "joined_at", "user"},
}

// guildEvents name their guild by "id" instead of "guild_id".
var guildEvents = map[string]bool{"GUILD_CREATE": true, "GUILD_UPDATE": true, "GUILD_DELETE": true}

// personal are the events of one session: answers to what was asked on it.
var personal = map[string]bool{
	"GUILD_MEMBERS_CHUNK": true, "SOUNDBOARD_SOUNDS": true, "CHANNEL_INFO": true, "RATE_LIMITED": true,
}

// subject is what a re-shard needs to know of an event.
type subject struct {
	guild    uint64 // 0: none
	identity identity
}

// examine reads an event. What is no JSON is named by its bytes.
func examine(typ string, data []byte) subject {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&fields) != nil {
		return subject{identity: mix(word(typ), identity(maphash.Bytes(seed, data)))}
	}
	s := subject{identity: word(typ)}
	from := "guild_id"
	if guildEvents[typ] {
		from = "id"
	}
	s.guild = snowflake(fields[from])
	named, listed := ids[typ]
	if !listed || snowflake(fields[named[0]]) == 0 {
		s.identity = mix(s.identity, content(fields))
		return s
	}
	for _, name := range named {
		s.identity = mix(s.identity, content(fields[name]))
	}
	return s
}

// snowflake reads an id, 0 if there is none.
func snowflake(v any) uint64 {
	text, _ := v.(string)
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

func word(s string) identity { return identity(maphash.String(seed, s)) }

// mix makes one identity of two, in their order.
func mix(a, b identity) identity {
	x := uint64(a)*0x9e3779b97f4a7c15 + uint64(b)
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return identity(x ^ x>>29)
}

// content hashes a JSON value. The order of the fields of an object does not
// matter: two gateways need not agree on it.
func content(v any) identity {
	switch v := v.(type) {
	case map[string]any:
		sum := word("{}")
		for key, value := range v {
			sum += mix(word(key), content(value))
		}
		return sum
	case []any:
		sum := word("[]")
		for _, value := range v {
			sum = mix(sum, content(value))
		}
		return sum
	case json.Number:
		return mix(word("number"), word(v.String()))
	case string:
		return mix(word("string"), word(v))
	case bool:
		return word(strconv.FormatBool(v))
	}
	return word("null")
}
