package discordsim

import (
	"net/http"
	"strings"
)

var soundFields = []setting{
	{name: "name", read: readText(2, 32)},
	{name: "volume", initial: 1.0, read: readVolume},
	{name: "emoji_id", read: readID},
	{name: "emoji_name", read: readText(0, 64)},
}

// soundboard are the soundboard sounds of guilds.
var soundboard = &resourceKind{
	fields: soundFields, required: []string{"name"},
	audit: auditSoundCreate, event: "GUILD_SOUNDBOARD_SOUND", most: 8, tooMany: errTooManySounds, unknown: errUnknownSound, status: http.StatusCreated,
	check: func(_ *restAPI, f *form, _ *resource, before settings) *restError {
		if before == nil && f.require("sound") && !strings.HasPrefix(f.text("sound", 0), "data:audio/") {
			f.refuse("sound", "SOUND_INVALID", "Invalid sound data")
		}
		return nil
	},
	render: func(r *restAPI, x *resource) map[string]any {
		out := map[string]any{"sound_id": x.id, "guild_id": x.guild.ID, "available": true, "user": r.renderUser(r.sim.user(x.creator))}
		x.fields.show(out, soundFields, 0)
		return out
	},
	gone: func(x *resource) map[string]any { return map[string]any{"sound_id": x.id, "guild_id": x.guild.ID} },
}

// readVolume reads a number between 0 and 1.
func readVolume(f *form, name string) any {
	v := f.number(name)
	if v < 0 || v > 1 {
		f.refuse(name, "NUMBER_TYPE_MAX", "float value should be between 0 and 1.")
	}
	return v
}

// defaultSounds are Discord's own sounds, by name and emoji. Their ids count from 1.
var defaultSounds = [][2]string{{"quack", "🦆"}, {"airhorn", "🔊"}, {"cricket", "🦗"}, {"golf clap", "👏"}, {"sad horn", "🎺"}, {"ba dum tss", "🥁"}}

// listDefaultSounds is GET /soundboard-default-sounds.
func (r *restAPI) listDefaultSounds(*restRequest) restResponse {
	out := []any{}
	for i, sound := range defaultSounds {
		out = append(out, map[string]any{"sound_id": ID(i + 1), "name": sound[0], "volume": 1.0, "emoji_id": nil, "emoji_name": sound[1], "available": true})
	}
	return ok200(out)
}

// plainList gives a list as it is; itemList in an object.
func plainList(list []any) any { return list }

func itemList(list []any) any { return map[string]any{"items": list} }
