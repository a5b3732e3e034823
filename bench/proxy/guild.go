package proxy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// madeUpGuild is a guild with its GUILD_CREATE.
type madeUpGuild struct {
	id     uint64
	create []byte
}

// guildID returns the id of the guild of a number. Those of one number of shards are spread
// over all of them.
func guildID(number int) uint64 { return uint64(1_000_000+number) << 22 }

// makeUpGuild makes a usual guild: 50 channels, 30 roles, 40 emojis, 53 KB.
func makeUpGuild(number int) madeUpGuild {
	type object = map[string]any
	const channelCount, roleCount, emojiCount = 50, 30, 40
	r := rand.New(rand.NewPCG(uint64(number), 1))
	vocabulary := strings.Fields("reading room general announcements voice lounge bot commands support help music art games off topic rules welcome staff log archive")
	word := func() string { return vocabulary[r.IntN(len(vocabulary))] + "-" + vocabulary[r.IntN(len(vocabulary))] }
	text := func(n uint64) string { return strconv.FormatUint(n, 10) }
	id := func() string { return text(r.Uint64N(1<<59) + 1<<58) }
	guild := guildID(number)
	roleIDs := []string{text(guild)}
	var roles, channels, emojis []object
	for i := range roleCount {
		if i > 0 {
			roleIDs = append(roleIDs, id())
		}
		roles = append(roles, object{
			"id": roleIDs[i], "name": word(), "description": nil, "permissions": text(r.Uint64N(1 << 50)), "position": i, "color": r.IntN(1 << 24),
			"colors": object{"primary_color": r.IntN(1 << 24), "secondary_color": nil, "tertiary_color": nil}, "hoist": r.IntN(2) == 0,
			"managed": false, "mentionable": false, "icon": nil, "unicode_emoji": nil, "flags": 0,
		})
	}
	for i := range channelCount {
		overwrites := []object{}
		for range r.IntN(5) {
			overwrites = append(overwrites, object{"id": roleIDs[r.IntN(roleCount)], "type": 0, "allow": text(r.Uint64N(1 << 40)), "deny": text(r.Uint64N(1 << 40))})
		}
		channels = append(channels, object{
			"id": id(), "type": 0, "name": word(), "position": i, "parent_id": id(), "topic": strings.Repeat(word()+" ", r.IntN(20)), "nsfw": false,
			"permission_overwrites": overwrites, "rate_limit_per_user": 0, "flags": 0, "last_message_id": id(), "version": r.Uint64N(1 << 41),
			"last_pin_timestamp": "2025-03-01T12:00:00+00:00", "icon_emoji": object{"id": nil, "name": "📚"}, "theme_color": nil,
		})
	}
	for range emojiCount {
		emojis = append(emojis, object{"id": id(), "name": word(), "roles": []any{}, "require_colons": true, "managed": false, "animated": r.IntN(3) == 0, "available": true, "version": 0})
	}
	self := object{
		"user":  object{"id": applicationID, "username": "measured", "discriminator": "0", "bot": true},
		"roles": []any{}, "joined_at": "2024-11-02T18:21:07.118000+00:00", "deaf": false, "mute": false, "flags": 0,
	}
	create, err := json.Marshal(object{
		"id": text(guild), "name": fmt.Sprint("guild ", number), "icon": nil, "description": nil, "owner_id": id(), "features": []any{"COMMUNITY", "NEWS"},
		"channels": channels, "threads": []any{}, "roles": roles, "emojis": emojis, "stickers": []any{}, "members": []object{self}, "presences": []any{},
		"voice_states": []any{}, "stage_instances": []any{}, "guild_scheduled_events": []any{}, "soundboard_sounds": []any{},
		"member_count": 1000, "large": true, "joined_at": "2024-11-02T18:21:07.118000+00:00", "unavailable": false, "preferred_locale": "en-US",
		"premium_tier": 0, "nsfw_level": 0, "verification_level": 1, "afk_timeout": 300, "afk_channel_id": nil, "system_channel_id": id(),
	})
	if err != nil {
		panic(err)
	}
	return madeUpGuild{guild, create}
}
