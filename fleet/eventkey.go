package fleet

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"strconv"
)

// eventKey identifies an event by its type and content. Two sets of shards each get
// a copy of every event, with other sequence numbers; the copies have one key.
type eventKey uint64

// seed makes the keys of this process.
var seed = maphash.MakeSeed()

// keyFields are the fields that identify an event for certain. The key of an event
// that is not listed is made of all of its content.
var keyFields = map[string][]string{
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

// namedByID are the events whose guild is "id" instead of "guild_id".
var namedByID = map[string]bool{"GUILD_CREATE": true, "GUILD_UPDATE": true, "GUILD_DELETE": true}

// sessionEvents are the events of one session: answers to what was asked on it. The
// other set gets no copy.
var sessionEvents = map[string]bool{
	"GUILD_MEMBERS_CHUNK": true, "SOUNDBOARD_SOUNDS": true, "CHANNEL_INFO": true, "RATE_LIMITED": true,
}

// eventInfo is what a migration needs to know of an event.
type eventInfo struct {
	guild uint64 // 0: none
	key   eventKey
}

// readEvent reads an event. The key of what is no JSON is made of its bytes.
func readEvent(typ string, data []byte) eventInfo {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&fields) != nil {
		return eventInfo{key: combine(hashString(typ), eventKey(maphash.Bytes(seed, data)))}
	}
	info := eventInfo{key: hashString(typ)}
	guild := "guild_id"
	if namedByID[typ] {
		guild = "id"
	}
	info.guild = snowflake(fields[guild])
	names, listed := keyFields[typ]
	if !listed || snowflake(fields[names[0]]) == 0 {
		info.key = combine(info.key, hashValue(fields))
		return info
	}
	for _, name := range names {
		info.key = combine(info.key, hashValue(fields[name]))
	}
	return info
}

// snowflake reads an ID; 0 if there is none.
func snowflake(v any) uint64 {
	text, _ := v.(string)
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

func hashString(s string) eventKey { return eventKey(maphash.String(seed, s)) }

// combine makes one key of two, in their order.
func combine(a, b eventKey) eventKey {
	x := uint64(a)*0x9e3779b97f4a7c15 + uint64(b)
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return eventKey(x ^ x>>29)
}

// hashValue hashes a JSON value. The order of the fields of an object does not
// matter: two gateways need not agree on it.
func hashValue(v any) eventKey {
	switch v := v.(type) {
	case map[string]any:
		sum := hashString("{}")
		for key, value := range v {
			sum += combine(hashString(key), hashValue(value))
		}
		return sum
	case []any:
		sum := hashString("[]")
		for _, value := range v {
			sum = combine(sum, hashValue(value))
		}
		return sum
	case json.Number:
		return combine(hashString("number"), hashString(v.String()))
	case string:
		return combine(hashString("string"), hashString(v))
	case bool:
		return hashString(strconv.FormatBool(v))
	}
	return hashString("null")
}
